"""VirtualBox: virtual machines on Linux, macOS and Windows."""
