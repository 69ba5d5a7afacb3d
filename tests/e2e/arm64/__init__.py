"""A lab on arm64 nodes: emulated machines, and a computer that tells every program that its processor is arm64."""
