# SPDX-License-Identifier: GPL-2.0-only
# Makes build/<preset>/ringside-cc, the compiler for programs that run in the guest: clang and lld
# with Debian's musl for i386. Included by the whole build and by guest/ when that is built alone.
find_program(CLANG NAMES clang REQUIRED)
find_program(LLD NAMES ld.lld REQUIRED)

# 64-bit division and its kin on i386: clang calls them, its run-time library has them.
function(ringside_find_builtins out)
    execute_process(COMMAND ${CLANG} -print-resource-dir OUTPUT_VARIABLE resource OUTPUT_STRIP_TRAILING_WHITESPACE)
    find_file(RINGSIDE_BUILTINS libclang_rt.builtins-i386.a NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH
        PATHS ${resource}/lib/linux ${resource}/lib/i386-pc-linux-gnu ${resource}/lib/i386-unknown-linux-gnu)
    if(NOT RINGSIDE_BUILTINS)
        message(FATAL_ERROR "clang's run-time library for i386 (libclang_rt.builtins-i386.a) is missing.\n"
            "To get it, run scripts/setup (or: make setup), then configure again.")
    endif()
    set(${out} ${RINGSIDE_BUILTINS} PARENT_SCOPE)
endfunction()

ringside_find_builtins(RINGSIDE_BUILTINS_FILE)

# ringside_make_cc(FILE MUSL BUILTINS CC LD): write the wrapper for a given place of its parts.
function(ringside_make_cc file musl_include musl_lib builtins)
    configure_file(${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../scripts/ringside-cc.in ${file} @ONLY
        FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

set(RINGSIDE_CC ${CMAKE_BINARY_DIR}/ringside-cc)
ringside_make_cc(${RINGSIDE_CC} ${RINGSIDE_SYSROOT}/usr/include/i386-linux-musl
    ${RINGSIDE_SYSROOT}/usr/lib/i386-linux-musl ${RINGSIDE_BUILTINS_FILE})
