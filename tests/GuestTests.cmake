# SPDX-License-Identifier: GPL-2.0-only
# The tiny guest kernels of tests/guest, built by the guest's toolchain to build/<preset>/tests/guest/NAME.
ExternalProject_Add(guest-tests
    SOURCE_DIR ${CMAKE_CURRENT_LIST_DIR}/guest
    BINARY_DIR ${PROJECT_BINARY_DIR}/guest-tests
    PREFIX ${PROJECT_BINARY_DIR}/guest-tests-project
    CMAKE_ARGS ${guest_arguments} -DRINGSIDE_OUT=${PROJECT_BINARY_DIR}/tests/guest
    BUILD_ALWAYS ON
    INSTALL_COMMAND "")

# Each under each model, and under QEMU, which is what says whether the test itself is right.
include(${CMAKE_CURRENT_LIST_DIR}/guest/tests.cmake)
foreach(name ${RINGSIDE_GUEST_TESTS})
    foreach(model native lguest lguest:3.2 qemu)
        add_test(NAME guest.${name}.${model}
            COMMAND ${CMAKE_CURRENT_LIST_DIR}/guest/run-guest-test ${PROJECT_BINARY_DIR}/tests/guest/${name} ${model})
        set_tests_properties(guest.${name}.${model} PROPERTIES TIMEOUT 90 SKIP_RETURN_CODE 3 LABELS guest
            ENVIRONMENT "RINGSIDE=$<TARGET_FILE:ringside>")
    endforeach()
endforeach()
