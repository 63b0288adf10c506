# SPDX-License-Identifier: GPL-2.0-only
# The toolchain of everything freestanding that runs in the guest: clang, and lld called by its own
# name. One toolchain, named in full, gives the same kernel bytes on every build host.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR i686)

find_program(RINGSIDE_CLANG NAMES clang REQUIRED)
find_program(RINGSIDE_LLD NAMES ld.lld REQUIRED)
set(CMAKE_C_COMPILER ${RINGSIDE_CLANG})
set(CMAKE_ASM_COMPILER ${RINGSIDE_CLANG})
set(CMAKE_C_COMPILER_TARGET i386-unknown-none-elf)
set(CMAKE_ASM_COMPILER_TARGET i386-unknown-none-elf)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# clang would call the host's gcc to link for a bare target; lld needs no go-between. LINK_FLAGS are
# therefore lld's own (-T script, -Map, --defsym), without -Wl.
set(CMAKE_C_LINK_EXECUTABLE
    "${RINGSIDE_LLD} -m elf_i386 -static -nostdlib -z noexecstack --build-id=none <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
set(CMAKE_ASM_LINK_EXECUTABLE ${CMAKE_C_LINK_EXECUTABLE})

# i686, and integer registers only: the FPU and SSE registers belong to the processes.
set(CMAKE_C_FLAGS_INIT "-march=i686 -mno-mmx -mno-sse -msoft-float -ffreestanding -fno-pic -fno-stack-protector -fno-common -fno-strict-aliasing")
set(CMAKE_ASM_FLAGS_INIT "-march=i686 -fno-pic")
set(CMAKE_C_FLAGS_RELEASE_INIT "")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
