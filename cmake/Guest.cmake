# SPDX-License-Identifier: GPL-2.0-only
# The guest is a project of its own, with its own toolchain: guest/ can be built without the rest.
# Here it is built along, and leaves ringside-kernel and initrd.cpio beside the program.
include(ExternalProject)
set(guest_arguments
    -DCMAKE_TOOLCHAIN_FILE=${PROJECT_SOURCE_DIR}/guest/toolchain-i386.cmake
    -DRINGSIDE_SYSROOT=${RINGSIDE_SYSROOT}
    -DRINGSIDE_OUT=${PROJECT_BINARY_DIR}
    -DRINGSIDE_WERROR=${RINGSIDE_WERROR})

ExternalProject_Add(guest
    SOURCE_DIR ${PROJECT_SOURCE_DIR}/guest
    BINARY_DIR ${PROJECT_BINARY_DIR}/guest
    PREFIX ${PROJECT_BINARY_DIR}/guest-project
    CMAKE_ARGS ${guest_arguments}
    BUILD_ALWAYS ON # its own build knows whether there is anything to do
    INSTALL_COMMAND "")

install(PROGRAMS ${PROJECT_BINARY_DIR}/ringside-kernel DESTINATION ${RINGSIDE_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/initrd.cpio DESTINATION ${RINGSIDE_LIBDIR})

# The installed ringside-cc brings its own musl and finds it from where it lies itself: it depends
# neither on this build tree nor on the prefix.
set(musl ${RINGSIDE_LIBDIR}/musl)
ringside_make_cc(${PROJECT_BINARY_DIR}/installed/ringside-cc
    "$here/../${musl}/include" "$here/../${musl}/lib" "$here/../${musl}/lib/libclang_rt.builtins-i386.a")
install(PROGRAMS ${PROJECT_BINARY_DIR}/installed/ringside-cc DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${RINGSIDE_SYSROOT}/usr/include/i386-linux-musl/ DESTINATION ${musl}/include)
install(DIRECTORY ${RINGSIDE_SYSROOT}/usr/lib/i386-linux-musl/ DESTINATION ${musl}/lib)
install(FILES ${RINGSIDE_BUILTINS_FILE} DESTINATION ${musl}/lib)
