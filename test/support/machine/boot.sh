#!/bin/sh
# Boots systemd as a machine of its own: its own processes, mounts, network and host name, over a copy-on-write view of
# this machine's files. Called in fresh namespaces: boot.sh DIRECTORY REPOSITORY. DIRECTORY vanishes with it.
set -e
directory=$1 repository=$2
root=$directory/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$directory"
mkdir -p "$root" "$directory/upper" "$directory/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/sys/fs/cgroup" "$root/$repository"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind "$repository" "$root/$repository"
# What is linked into the repository may lie elsewhere, and be replaced while we run.
modules=$(readlink -f "$repository/node_modules")
mkdir -p "$root/$modules"
mount --rbind "$modules" "$root/$modules"
cd "$root"
: > etc/fstab
rm -rf etc/systemd/system/*.wants var/lib/systemd/linger root/.hob root/.config/systemd
for service in udevd udev-trigger sysctl modules-load timesyncd networkd resolved sysusers hwdb-update journal-flush \
  remount-fs machine-id-commit binfmt; do
  ln -sf /dev/null "etc/systemd/system/systemd-$service.service"
done
printf '%s\n' '[Unit]' 'Requires=dbus.service systemd-logind.service' 'After=dbus.service systemd-logind.service' \
  > etc/systemd/system/machine.target
echo 0123456789abcdef0123456789abcdef > etc/machine-id
mkdir before
pivot_root . before
umount -l before
hostname machine
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  "$(command -v /lib/systemd/systemd || echo /usr/lib/systemd/systemd)" --system --unit=machine.target --log-target=null
