# SPDX-License-Identifier: GPL-2.0-only
# The tiny kernels. This list is read by the guest's build, which compiles them, and by the host's, which
# runs them.

# Those that say themselves how it went: each is run under every model.
set(RINGSIDE_GUEST_TESTS
    entry faults gates double-fault segments io-permission interrupts timers uart paging-pae paging-flat
    self-modifying fpu cpuid v86)

# Those that do what a test of tests/run, or a measurement, asks them to.
set(RINGSIDE_GUEST_KERNELS hello dying work)
