#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Laws of the source tree that a compiler cannot see: which folder may include which, and where a
# library's header may appear.

setup() {
    cd "$RINGSIDE_SOURCE"
}

# Lines that #include something matching $1, outside the files matching $2.
stray() {
    grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$1" --include='*.[ch]' \
        abi emu hv-models debugger cli tests scripts | grep -vE "^($2)" || true
}

none() {
    [ -z "$1" ] || {
        printf '%s\n' "$1"
        return 1
    }
}

@test "each library has one home" {
    none "$(stray 'unicorn/' 'emu/cpu/|scripts/bench')"
    none "$(stray 'Zydis/' 'emu/x86/insn\.c')"
    none "$(stray 'jansson' 'cli/report\.c|debugger/(command|gdb)/|emu/(fields\.h|savefile\.c)')"
    none "$(stray 'zstd' 'emu/[a-z_]+\.c|debugger/trace_file\.c')"
    none "$(stray 'elfutils/' 'debugger/(lines\.c|program/)')"
    none "$(stray '(lua|lauxlib|lualib)\.h' 'debugger/script/')"
    none "$(stray '(readline|editline)/' 'cli/prompt\.c')"
    none "$(stray 'sqlite3' 'debugger/trace_sqlite\.c')"
    none "$(stray 'xxhash' 'emu/[a-z_]+\.[ch]')"
}

@test "includes run downwards: cli, debugger, hv-models, emu, abi" {
    none "$(stray '(emu|hv-models|debugger|cli|guest)/' 'emu|hv-models|debugger|cli|tests|scripts')" # from abi
    none "$(stray '(hv-models|debugger|cli|guest)/' 'hv-models|debugger|cli|tests|scripts')"         # from emu
    none "$(stray '(debugger|cli|guest)/' 'debugger|cli|tests|scripts')"                             # from models
    none "$(stray '(cli|guest)/' 'cli|tests|scripts')"                                               # from debugger
    none "$(stray 'guest/' 'tests')"
}

@test "no include leaves its folder by way of .." {
    local file line target bad=
    while IFS=: read -r file line; do
        target=$(realpath -m --relative-to=. "$(dirname "$file")/$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$line")")
        [ "${target%%/*}" = "${file%%/*}" ] || bad+="$file: $line"$'\n'
    done < <(grep -rE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"\.\./' --include='*.[ch]' abi emu hv-models debugger cli)
    none "$bad"
}

@test "no model knows another" {
    local model bad=
    for model in hv-models/*/; do
        model=$(basename "$model")
        [ "$model" = shared ] && continue
        bad+=$(grep -rnE "#[[:space:]]*include[[:space:]]*\"[^\"]*\b$model/" --include='*.[ch]' hv-models |
            grep -vE "^hv-models/($model/|hv\.c)" || true)
    done
    none "$bad"
}

@test "every source says under which licence it is" {
    none "$(grep -rL 'SPDX-License-Identifier: GPL-2.0-only' --include='*.[chS]' --include=CMakeLists.txt \
        --include='*.cmake' --include='*.def' abi emu hv-models debugger cli guest tests cmake scripts)"
}
