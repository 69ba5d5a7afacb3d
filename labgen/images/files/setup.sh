#!/bin/sh
# Run once every package is installed. $1: the guest's root, $2: the directory of this script.
set -eu
root=$1
files=$2

inside() {
    chroot "$root" "$@"
}

# Vagrant's conventions: user and password "vagrant" (on the console only, sshd takes keys), its
# well-known key, which Vagrant replaces at the first `vagrant up`, and sudo that asks nothing.
inside useradd --create-home --shell /bin/bash --groups sudo,docker vagrant
echo vagrant:vagrant | inside chpasswd
inside passwd --quiet --lock root
inside install -d -o vagrant -g vagrant -m 0700 /home/vagrant/.ssh
cp "$files/vagrant.pub" "$root/home/vagrant/.ssh/authorized_keys"
inside chown vagrant:vagrant /home/vagrant/.ssh/authorized_keys
chmod 0600 "$root/home/vagrant/.ssh/authorized_keys"

inside systemctl --quiet set-default multi-user.target
inside systemctl --quiet enable ssh containerd docker docker-registry labgen-host-keys

# Work that would start by itself in the middle of an exercise.
inside systemctl --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer man-db.timer
# What a node of the lab has no use for, and an emulated one pays seconds for at every boot.
inside systemctl --quiet mask \
    systemd-binfmt.service systemd-pstore.service systemd-repart.service \
    systemd-network-generator.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@efi_pstore.service \
    modprobe@fuse.service modprobe@loop.service \
    dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount sys-fs-fuse-connections.mount \
    sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount

# Whatever must be this node's own is made at its first boot.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
: > "$root/etc/machine-id"

rm -rf "$root"/var/log/*.log "$root"/var/log/apt "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
# /etc and /var are as new as /usr: nothing to bring up to date at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"
