#!/bin/sh
# Proves that the two README commands work on a bare system that has only make and git:
#
#   sh tests/cleanroom.sh bookworm http://deb.debian.org/debian ROOT
#   sh tests/cleanroom.sh trixie   http://deb.debian.org/debian ROOT
#   sh tests/cleanroom.sh noble    http://archive.ubuntu.com/ubuntu ROOT
#
# Needs root and debootstrap.  ROOT is made when it is not there and kept afterwards.  What is
# committed is cloned into it; the pip settings of the caller (PIP_*) and $EXTRA_CA, a file of
# certificates, go along.
set -eu
suite=$1 mirror=$2 root=$3
here=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -d "$root/usr" ]; then
    case $suite in noble) components=main,universe ;; *) components=main ;; esac
    debootstrap --variant=minbase --components=$components --include=make,git,ca-certificates \
        "$suite" "$root" "$mirror"
fi
unmount() { umount "$root/dev/pts" "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true; }
trap unmount EXIT
mount -t proc proc "$root/proc"
mount --bind /sys "$root/sys"
mount --bind /dev "$root/dev"
mount -t devpts devpts "$root/dev/pts" 2>/dev/null || mount --bind /dev/pts "$root/dev/pts"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -n "${EXTRA_CA:-}" ]; then
    cp "$EXTRA_CA" "$root/usr/local/share/ca-certificates/extra.crt"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
rm -rf "$root/srv/densimeter" "$root/srv/densimeter.bundle"
git -C "$here" bundle create "$root/srv/densimeter.bundle" HEAD >/dev/null 2>&1
chroot "$root" /bin/sh -eu <<'INSIDE'
export HOME=/srv
cd /srv
git clone -q densimeter.bundle densimeter
cd densimeter
. /etc/os-release
echo "== $PRETTY_NAME: make demo"
make demo
echo "== $PRETTY_NAME: make test"
make test
INSIDE
