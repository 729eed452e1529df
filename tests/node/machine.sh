#!/bin/sh
# Becomes one machine: PID 1 of fresh namespaces, with an overlay over the base image as its root.
#   machine.sh NAME DIR IMAGE PROGRAM
set -eu
name=$1 dir=$2 image=$3 program=$4
mkdir -p "$dir/up" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=$image,upperdir=$dir/up,workdir=$dir/work" "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount -t tmpfs tmpfs dev
for device in null zero random urandom full fuse; do
    [ -e "/dev/$device" ] || continue
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mkdir -p dev/pts dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mkdir -p usr/lib/hopyard
cp "$program" usr/lib/hopyard/hopyard-node
hostname "$name"
echo "$name" >etc/hostname
pivot_root . mnt
umount -l /mnt
exec env -i /usr/lib/hopyard/hopyard-node </dev/null >/dev/null 2>&1
