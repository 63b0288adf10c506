-- Whoever takes an entry out of the tables in use, or changes it, must flush what the processor may
-- remember of it before user code runs: an address has a new meaning only then.
--
--     ringside run --rules docs/rules/flush.lua -e 'ls -l /'

local loaded = sym("loaded_mm") -- the address space that the kernel has loaded

local function in_use(e)
    return e.args.mm ~= 0 and e.args.mm == mem.u32(loaded)
end

-- Entries have 64 bits; those that are not present are not remembered.
local function was_present(e)
    return in_use(e) and mem.u64(e.args.ptep) & 1 == 1
end

local function page(e)
    if e.name == "flush_tlb_user" or e.name == "flush_tlb_kernel" or e.name == "write_cr3" then
        return nil -- these flush every page
    end
    return e.args.addr & ~0xFFF
end

-- The word above EIP on the stack of an IRET is CS: its last two bits are the ring.
local function to_user(e)
    return mem.u32(reg.esp + 4) & 3 == 3
end

rule("a changed entry is flushed before user code runs", {
    after = {"hook:pte_clear", "hook:set_pte_at"},
    where = was_present,
    expect = {"hook:flush_tlb_single", "hook:flush_tlb_user", "hook:flush_tlb_kernel", "hook:write_cr3"},
    key = page,
    before = "hook:iret",
    before_where = to_user,
})
