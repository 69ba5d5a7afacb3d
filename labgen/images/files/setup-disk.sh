#!/bin/sh
# What only a machine with a disk of its own needs, after setup.sh. $1: the guest's root.
set -eu
root=$1

inside() {
    chroot "$root" "$@"
}

inside systemctl --quiet enable systemd-networkd systemd-resolved labgen-emulated
ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
# AppArmor stays on: this service only loads profiles for programs of the host, the engine loads its own.
inside systemctl --quiet mask apparmor.service
