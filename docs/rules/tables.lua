-- A model that keeps shadows, or that protects the guest's tables, must hear of each table before it is
-- linked and until it is freed. Free-form: handlers of our own, and fail().

local announced = {} -- frame number -> the event that announced it

on("hook:alloc_pte", function(e)
    announced[e.args.pfn] = keep(e)
end)

on("hook:release_pte", function(e)
    if not announced[e.args.pfn] then
        fail("a table is released that was never announced", keep(e))
    end
    announced[e.args.pfn] = nil
end)

on("hook:set_pmd", function(e)
    local entry = e.args.pmd
    if entry & 1 == 1 and entry & 0x80 == 0 and not announced[entry >> 12 & 0xFFFFFF] then
        fail("a table is linked that was never announced", keep(e))
    end
end)

rule("lazy mode is entered and left in turn", {
    opens = "hook:lazy_mode_enter",
    closes = "hook:lazy_mode_leave",
})
