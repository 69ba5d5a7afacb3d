"""A lab on nodes of a cloud image: one that is like the distributions', made here of Debian's packages."""
