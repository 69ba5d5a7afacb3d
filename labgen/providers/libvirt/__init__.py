"""libvirt: virtual machines of QEMU, with or without KVM."""
