#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# scripts/setup: what it says and does where nothing is missing, and how it finds Debian among the
# machine's apt sources in both of their forms. Nothing here touches the network or the machine.

setup() {
    source "$RINGSIDE_SOURCE/scripts/setup"
    set +euo pipefail
    sources=$BATS_TEST_TMPDIR/sources
}

# One line of apt's own list of index targets: origin, codename, component, file and entry, URI.
target() { printf '%s\t%s\t%s\t%s:1\t%s\n' "$1" "$2" "$3" "$4" "$5"; }

@test "with everything there it is silent, quick and offline" {
    run env http_proxy=http://127.0.0.1:1 "$RINGSIDE_SOURCE/scripts/setup"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    run "$RINGSIDE_SOURCE/scripts/setup" --check
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    start=$(date +%s%N)
    "$RINGSIDE_SOURCE/scripts/setup"
    [ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ]
}

@test "a missing sysroot is named by --check, which changes nothing" {
    run env RINGSIDE_SYSROOT="$BATS_TEST_TMPDIR/none" "$RINGSIDE_SOURCE/scripts/setup" --check
    [ "$status" -eq 1 ]
    [[ "$output" == *"i386 userland"* ]]
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
}

@test "missing packages are named with the reason, and the command for root where there is no sudo" {
    # dpkg knows of nothing here, and the path has no sudo.
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in bash env dirname head sed printf cat; do
        ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    printf '#!/bin/bash\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/dpkg-query"
    printf '#!/bin/bash\n[ "$1" = -u ] && echo 1000\n' >"$BATS_TEST_TMPDIR/bin/id"
    chmod +x "$BATS_TEST_TMPDIR/bin/dpkg-query" "$BATS_TEST_TMPDIR/bin/id"
    run env PATH="$BATS_TEST_TMPDIR/bin" "$RINGSIDE_SOURCE/scripts/setup"
    [ "$status" -eq 1 ]
    grep -qxE "  cpio +packs the guest.s initrd" <<<"$output"
    [[ "$output" == *"as root, run:"*"scripts/setup --packages"* ]]
}

@test "an unknown argument is refused" {
    run "$RINGSIDE_SOURCE/scripts/setup" --frobnicate
    [ "$status" -eq 1 ]
    [[ "$output" == *"unknown argument '--frobnicate'"* ]]
}

@test "a one-line source: signer and trust are kept, architecture is not" {
    cat >"$sources.list" <<'X'
# deb http://first.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/k/debian.gpg check-valid-until=no] http://mirror.example/debian/ bookworm main contrib
X
    run debian_source "$(target Debian bookworm main "$sources.list" http://mirror.example/debian/)" bookworm trixie
    [ "$status" -eq 0 ]
    [ "$output" = "Types: deb
URIs: http://mirror.example/debian
Suites: trixie
Components: main
Signed-By: /k/debian.gpg
Check-Valid-Until: no" ]
}

@test "a deb822 source: the right stanza, with a key written into it" {
    cat >"$sources.sources" <<'X'
Types: deb
URIs: http://other.example/debian
Suites: bookworm
Components: main
Signed-By: /k/other.gpg

# the second one
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
 contrib
Architectures: amd64
Enabled: yes
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 AAAA
 -----END PGP PUBLIC KEY BLOCK-----
X
    run debian_source "$(target Debian bookworm main "$sources.sources" http://mirror.example/debian/)" bookworm trixie
    [ "$status" -eq 0 ]
    [ "$output" = "Types: deb
URIs: http://mirror.example/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 AAAA
 -----END PGP PUBLIC KEY BLOCK-----" ]
}

@test "somebody else's bookworm is not taken for Debian's" {
    echo 'deb http://third.example/apt bookworm main' >"$sources.list"
    run debian_source "$(target Elsewhere bookworm main "$sources.list" http://third.example/apt/)" bookworm trixie
    [ "$status" -ne 0 ]
    [ -z "$output" ]
}
