# SPDX-License-Identifier: GPL-2.0-only
# How our C is compiled on the host. Assertions stay on in every build type, release included: a wrong
# answer from an emulator is worse than a stop, and their price is not measurable here.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # _GNU_SOURCE and statement expressions
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
if(RINGSIDE_SANITIZE)
    set(CMAKE_C_FLAGS_DEBUG "-O1 -g") # the sanitizers' own advice: speed, and stacks that can be read
endif()
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

add_compile_options(-Wall -Wextra -fno-strict-aliasing -fno-common)
# No path of the build machine goes into the program: two people building one commit get one file.
add_compile_options(-ffile-prefix-map=${PROJECT_BINARY_DIR}=build
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(RINGSIDE_WERROR)
    add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)

if(RINGSIDE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()
