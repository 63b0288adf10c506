# SPDX-License-Identifier: GPL-2.0-only
# What must be on the machine. Everything missing is named in one message, with the one thing to do.
set(missing "")

find_package(PkgConfig)
# ringside_need(PREFIX MODULE VERSION TEXT): the imported target PkgConfig::PREFIX, or a line for the message.
macro(ringside_need prefix module version text)
    if(PKG_CONFIG_FOUND)
        pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module}>=${version})
    endif()
    if(NOT ${prefix}_FOUND)
        string(APPEND missing "  ${module} ${version} or newer: ${text}\n")
    endif()
endmacro()

ringside_need(UNICORN unicorn 2.1.1 "the CPU engine; older ones cannot page")
ringside_need(JANSSON jansson 2.13 "JSON")
ringside_need(ZSTD libzstd 1.4 "saved machines")
ringside_need(XXHASH libxxhash 0.8 "digests")
if(BUILD_TESTING OR NOT DEFINED BUILD_TESTING)
    ringside_need(CMOCKA cmocka 1.1 "unit tests")
endif()

# Without it everything works, but addresses have no source lines.
if(PKG_CONFIG_FOUND)
    pkg_check_modules(LIBDW QUIET IMPORTED_TARGET libdw>=0.180)
endif()
if(NOT LIBDW_FOUND)
    message(STATUS "libdw is missing: `ringside sites` will name functions but no source lines")
endif()

# Without it `ringside trace --format sqlite` says so; the other formats are there.
if(PKG_CONFIG_FOUND)
    pkg_check_modules(SQLITE QUIET IMPORTED_TARGET sqlite3>=3.24)
endif()
if(NOT SQLITE_FOUND)
    message(STATUS "libsqlite3 is missing: `ringside trace` will make no databases")
endif()

# Lua is the language of conditions, scripts and rules; the debugger is not whole without it.
if(PKG_CONFIG_FOUND)
    pkg_check_modules(LUA QUIET IMPORTED_TARGET lua5.4)
endif()
if(NOT LUA_FOUND)
    string(APPEND missing "  lua5.4: conditions, scripts and rules of the debugger\n")
endif()

# The prompt. readline is GPL-3.0-or-later; for programs that are given away, libedit does the same.
option(RINGSIDE_EDITLINE "Use libedit in place of readline" OFF)
if(PKG_CONFIG_FOUND)
    if(RINGSIDE_EDITLINE)
        pkg_check_modules(LINE QUIET IMPORTED_TARGET libedit)
    else()
        pkg_check_modules(LINE QUIET IMPORTED_TARGET readline)
    endif()
endif()
if(NOT LINE_FOUND)
    string(APPEND missing "  readline (or libedit, with -DRINGSIDE_EDITLINE=ON): the debugger's prompt\n")
endif()

# Debian ships no .pc file for Zydis.
find_path(ZYDIS_INCLUDE_DIR Zydis/Zydis.h)
find_library(ZYDIS_LIBRARY Zydis)
if(ZYDIS_INCLUDE_DIR AND ZYDIS_LIBRARY)
    add_library(ringside_zydis INTERFACE)
    target_include_directories(ringside_zydis SYSTEM INTERFACE ${ZYDIS_INCLUDE_DIR})
    target_link_libraries(ringside_zydis INTERFACE ${ZYDIS_LIBRARY})
else()
    string(APPEND missing "  Zydis: the instruction decoder\n")
endif()

find_program(CLANG NAMES clang)
find_program(LLD NAMES ld.lld)
find_program(CPIO NAMES cpio)
foreach(tool CLANG LLD CPIO)
    if(NOT ${tool})
        string(TOLOWER ${tool} name)
        string(APPEND missing "  ${name}: builds the guest\n")
    endif()
endforeach()
if(NOT EXISTS ${RINGSIDE_SYSROOT}/stamp)
    string(APPEND missing "  ${RINGSIDE_SYSROOT}: the guest's userland for i386\n")
endif()

if(missing)
    message(FATAL_ERROR "Ringside cannot be built yet. Missing:\n${missing}"
        "To get them, run scripts/setup (or: make setup), then configure again.")
endif()
message(STATUS "Unicorn ${UNICORN_VERSION}, jansson ${JANSSON_VERSION}, zstd ${ZSTD_VERSION}, xxhash ${XXHASH_VERSION}")
