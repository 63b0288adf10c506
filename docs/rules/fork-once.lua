-- A rule that does not hold: with two commands in -e the shell forks twice, and the run ends there with
-- status 76.
--
--     ringside run --rules docs/rules/fork-once.lua -e 'ls; ls'

local forked = {}

on({"syscall:fork", "syscall:vfork", "syscall:clone"}, function(e)
    if forked[pid] then
        fail("a process forks but once", forked[pid], keep(e))
    end
    forked[pid] = keep(e)
end)
