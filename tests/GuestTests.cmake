# SPDX-License-Identifier: GPL-2.0-only
# The tiny guest kernels of tests/guest, built by the guest's toolchain to build/<preset>/tests/guest/NAME.
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/guest/CMakeLists.txt)
    ExternalProject_Add(guest-tests
        SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR}/guest
        BINARY_DIR ${PROJECT_BINARY_DIR}/guest-tests
        PREFIX ${PROJECT_BINARY_DIR}/guest-tests-project
        CMAKE_ARGS ${guest_arguments} -DRINGSIDE_OUT=${PROJECT_BINARY_DIR}/tests/guest
        BUILD_ALWAYS ON
        INSTALL_COMMAND "")
endif()
