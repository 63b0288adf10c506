#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Packs the guest's first file system: Debian's busybox as it comes, a link for each of its applets, our
# /init, and the files under root/.
#
#   mkinitrd.sh SYSROOT OUT.cpio PROGRAM[=/path/in/guest]...
#
# The same input gives the same bytes: the order is sorted, times are zero, all is root's, and inode
# numbers are cpio's own. The state digest of a run begins with these bytes.
set -eu
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
sysroot=$1 out=$2
shift 2

die() {
    echo "mkinitrd: $*" >&2
    exit 1
}

# Debian 12 packs /bin/busybox, Debian 13 /usr/bin/busybox.
busybox=
for path in bin/busybox usr/bin/busybox; do
    [ ! -f "$sysroot/$path" ] || busybox=$sysroot/$path
done
[ -n "$busybox" ] || die "no busybox in $sysroot; run scripts/setup (or make setup)"

# The applets, as "usr/bin/awk". busybox tells them itself where i386 programs can run; where they cannot
# (a kernel without 32-bit support, another architecture), its table of names is read out of the file:
# it is sorted, separated by NUL, begins with "[" and "[[", and all but linuxrc then goes to /bin.
applets() {
    "$busybox" --list-full 2>/dev/null ||
        tr '\0' '\n' <"$busybox" | awk '
            on && $0 == "" { exit }
            on { print ($0 == "linuxrc" ? "" : "bin/") $0 }
            !on && last == "[" && $0 == "[[" { print "bin/[\nbin/[["; on = 1 }
            { last = $0 }'
}

tree=$(mktemp -d "${TMPDIR:-/tmp}/initrd.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM

for dir in bin sbin usr usr/bin usr/sbin etc proc dev run root tmp; do
    install -d -m 755 "$tree/$dir"
done
chmod 755 "$tree"
chmod 1777 "$tree/tmp"
chmod 700 "$tree/root"

install -m 755 "$busybox" "$tree/bin/busybox"
count=0
for path in $(applets); do
    [ "$path" != bin/busybox ] || continue
    link=$tree/$path
    [ -d "${link%/*}" ] || mkdir -p "${link%/*}"
    ln -sf /bin/busybox "$link"
    count=$((count + 1))
done
[ -L "$tree/bin/sh" ] || die "$busybox has no shell among its $count applets"

(cd "$here/root" && find . -type f) | while read -r file; do
    install -D -m 644 "$here/root/$file" "$tree/$file"
done
for program; do
    case $program in
    *=/*) install -D -m 755 "${program%=*}" "$tree${program##*=}" ;;
    *) install -m 755 "$program" "$tree/bin/${program##*/}" ;;
    esac
done

find "$tree" -exec touch -h -d @0 {} +
(cd "$tree" && find . | sed 's|^\./||' | sort | cpio -o -H newc --reproducible --owner=0:0 --quiet) >"$out.tmp"
mv "$out.tmp" "$out"
