-- CR2 tells which address a page fault was about, until the next fault overwrites it. So it is read
-- before anything can come between. Faults that the hypervisor settles alone are not the kernel's.

rule("CR2 is read before interrupts are on", {
    after = "vector:14",
    expect = "hook:read_cr2",
    unless = "event:back",
    before = {"hook:irq_enable", "hook:restore_fl", "hook:iret", "irq"},
})
