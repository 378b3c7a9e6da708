#!/bin/sh
# Proves that the two README commands work on a bare system that has only make and git:
#
#   sh tests/cleanroom.sh bookworm http://deb.debian.org/debian ROOT
#   sh tests/cleanroom.sh trixie   http://deb.debian.org/debian ROOT
#   sh tests/cleanroom.sh noble    http://archive.ubuntu.com/ubuntu ROOT
#   sh tests/cleanroom.sh noble    http://archive.ubuntu.com/ubuntu ROOT someone
#
# The last is a user of that name who may sudo; without it, root.  Needs root and debootstrap.  ROOT
# is made when it is not there and kept afterwards.  What is committed is cloned into it; the pip
# settings of the caller (PIP_*) and $EXTRA_CA, a file of certificates, go along.
set -eu
suite=$1 mirror=$2 root=$3 user=${4:-root}
here=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -d "$root/usr" ]; then
    case $suite in noble) components=main,universe ;; *) components=main ;; esac
    # A debootstrap older than the suite does not know its name: every Ubuntu's script is this one.
    script=
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=gutsy
    debootstrap --variant=minbase --components=$components --include=make,git,ca-certificates \
        "$suite" "$root" "$mirror" $script
fi
unmount() { umount "$root/dev/pts" "$root/proc" "$root/sys" "$root/dev" 2>/dev/null || true; }
trap unmount EXIT
trap 'exit 130' INT TERM
mount -t proc proc "$root/proc"
mount --bind /sys "$root/sys"
mount --bind /dev "$root/dev"
mount -t devpts devpts "$root/dev/pts" 2>/dev/null || mount --bind /dev/pts "$root/dev/pts"
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -n "${EXTRA_CA:-}" ]; then
    cp "$EXTRA_CA" "$root/usr/local/share/ca-certificates/extra.crt"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
fi
if [ "$user" = root ]; then
    home=/srv as=
else
    home=/home/$user as="runuser -u $user --"
    chroot "$root" apt-get update -qq
    chroot "$root" apt-get install -y -qq --no-install-recommends sudo >/dev/null
    chroot "$root" id "$user" >/dev/null 2>&1 || chroot "$root" useradd -m -s /bin/sh "$user"
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
fi
rm -rf "$root$home/densimeter" "$root$home/densimeter.bundle"
git -C "$here" bundle create "$root$home/densimeter.bundle" HEAD >/dev/null 2>&1
# shellcheck disable=SC2086 # $as is a command and its arguments
HOME=$home chroot "$root" $as /bin/sh -eu <<'INSIDE'
cd "$HOME"
git clone -q densimeter.bundle densimeter
cd densimeter
. /etc/os-release
echo "== $PRETTY_NAME, $(id -un): make demo"
make demo
echo "== $PRETTY_NAME, $(id -un): make test"
make test
INSIDE
