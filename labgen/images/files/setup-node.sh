#!/bin/sh
# What only a node that is a container needs, after setup.sh. $1: the guest's root.
set -eu
root=$1

inside() {
    chroot "$root" "$@"
}

# The engine outside gives addresses and a name server; the hardware, the file systems and the settings
# of the kernel are the host's and none of a container's business; there is no terminal to log in at.
inside systemctl --quiet mask \
    systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
    systemd-resolved.service systemd-logind.service systemd-udevd.service systemd-udev-trigger.service \
    systemd-modules-load.service systemd-sysctl.service systemd-remount-fs.service \
    systemd-journal-flush.service console-getty.service getty.target

# Left by Debian's image for Docker: no service may start there, packages are fetched by another list.
rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/apt/apt.conf.d/docker-* "$root/etc/apt/sources.list.d/debian.sources"
# Left by mmdebstrap, which has them from the computer that builds. While Docker builds, they are mounts.
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" 2>/dev/null || true
