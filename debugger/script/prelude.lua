-- SPDX-License-Identifier: GPL-2.0-only
-- What of the debugger's Lua is written in Lua: pairs() in a fixed order, the commands as functions, and
-- the vocabulary of rules. Run once, before anything of the user's.

local host = ...
local next, type, error, ipairs, concat, sort = next, type, error, ipairs, table.concat, table.sort

-- ---- pairs: in an order of its own, since that of the hash depends on the host's memory and clock ----

local rank = {number = 1, string = 2}

local function before(a, b)
    local x, y = rank[type(a)] or 3, rank[type(b)] or 3
    if x ~= y then return x < y end
    return x < 3 and a < b
end

function pairs(t)
    local m = getmetatable(t)
    if type(m) == "table" and m.__pairs then return m.__pairs(t) end
    if type(t) ~= "table" then error("pairs: a table is expected, not a " .. type(t), 2) end
    local keys, i = {}, 0
    for k in next, t do keys[#keys + 1] = k end
    sort(keys, before)
    return function()
        i = i + 1
        local k = keys[i]
        if k ~= nil then return k, t[k] end
    end
end

-- ---- commands as functions: they return where the machine has stopped, and what was printed ----

local function moving(name)
    return function(...)
        local words = {name}
        for i, word in ipairs({...}) do words[i + 1] = tostring(word) end
        local text = host.command(concat(words, " "))
        return host.stopped(), text
    end
end

ringside = {command = host.command, stopped = host.stopped, stops = host.stops}
command, stopped, stops = host.command, host.stopped, host.stops
continue, step, next_line, finish = moving("continue"), moving("step"), moving("next"), moving("finish")
stepi, nexti, until_place = moving("stepi"), moving("nexti"), moving("until")
reverse_continue, reverse_step = moving("reverse-continue"), moving("reverse-step")
reverse_next, reverse_stepi = moving("reverse-next"), moving("reverse-stepi")
reverse_finish, reverse, forward = moving("reverse-finish"), moving("reverse"), moving("forward")
go = moving("goto")

-- ---- handlers ----

keep = host.keep

local function each(patterns, fn)
    if type(patterns) == "string" then patterns = {patterns} end
    if type(patterns) ~= "table" then
        error("events are named by a text like \"hook:set_pte\", or a list of them", 3)
    end
    for _, pattern in ipairs(patterns) do host.on(pattern, fn) end
end

function on(patterns, fn)
    if type(fn) ~= "function" then error("on(pattern, function): there is no function", 2) end
    each(patterns, fn)
end

function fail(text, ...)
    host.fail(tostring(text or "a rule is broken"), ...)
end

-- ---- rules ----

local endings, cuts = {}, {} -- to be called when the guest has ended; when the past was changed

local words = {
    never = true, where = true, after = true, expect = true, before = true, within = true, key = true,
    unless = true, needs = true, on = true, since = true, at = true, always = true, opens = true,
    closes = true, after_where = true, expect_where = true, before_where = true,
}

local function one() return 1 end
local function yes() return true end

-- After each `after`, an `expect` must come: before the next `before`, within so many cycles, or at all.
local function following(name, r)
    local key, where = r.key or one, r.where or r.after_where or yes
    local pending, waiting = {}, 0
    cuts[#cuts + 1] = function() pending, waiting = {}, 0 end
    each(r.after, function(e)
        if not where(e) then return end
        local k = key(e)
        if k ~= nil and not pending[k] then
            pending[k] = keep(e)
            waiting = waiting + 1
        end
    end)
    local function settle(e, test)
        if waiting == 0 or not test(e) then return end
        local k = r.key and key(e)
        if k == nil or k == false then
            pending, waiting = {}, 0
        elseif pending[k] then
            pending[k], waiting = nil, waiting - 1
        end
    end
    local function late(e)
        if not r.within then return end
        for k, first in pairs(pending) do
            if e.cycle - first.cycle > r.within then
                pending[k], waiting = nil, waiting - 1
                fail(name, first, keep(e))
            end
        end
    end
    each(r.expect, function(e)
        if waiting > 0 then late(e) end
        settle(e, r.expect_where or yes)
    end)
    if r.unless then each(r.unless, function(e) settle(e, yes) end) end
    if r.before then
        local test = r.before_where or yes
        each(r.before, function(e)
            if waiting == 0 or not test(e) then return end
            late(e)
            for _, first in pairs(pending) do fail(name, first, keep(e)) break end
            pending, waiting = {}, 0
        end)
    else
        endings[#endings + 1] = function()
            for _, first in pairs(pending) do fail(name, first) break end
            pending, waiting = {}, 0
        end
    end
end

-- An `on` may come only if a `needs` has come since the last `since` (or at all).
local function preceded(name, r)
    local ready, last = false, nil
    cuts[#cuts + 1] = function() ready, last = true, nil end -- who knows: the benefit of the doubt
    each(r.needs, function(e) ready = true end)
    if r.since then
        each(r.since, function(e)
            ready = false
            last = keep(e)
        end)
    end
    each(r.on, function(e)
        if not ready and (not r.where or r.where(e)) then fail(name, last or keep(e), last and keep(e)) end
    end)
end

-- `opens` and `closes` alternate, for each key.
local function balanced(name, r)
    local key, open, known = r.key or one, {}, true
    cuts[#cuts + 1] = function() open, known = {}, false end
    each(r.opens, function(e)
        local k = key(e)
        if open[k] then fail(name .. " (opened twice)", open[k], keep(e)) end
        open[k] = keep(e)
    end)
    each(r.closes, function(e)
        local k = key(e)
        if not open[k] and known then fail(name .. " (closed, but not open)", keep(e)) end
        open[k] = nil
    end)
end

function rule(name, r)
    if type(name) ~= "string" or type(r) ~= "table" then
        error("rule(\"what must be so\", { ... })", 2)
    end
    for k in pairs(r) do
        if not words[k] then error("rule \"" .. name .. "\": what is '" .. tostring(k) .. "'?", 2) end
    end
    host.named(name)
    if r.never then
        each(r.never, function(e) if not r.where or r.where(e) then fail(name, keep(e)) end end)
    elseif r.after and r.expect then
        following(name, r)
    elseif r.on and r.needs then
        preceded(name, r)
    elseif r.at and r.always then
        each(r.at, function(e) if not r.always(e) then fail(name, keep(e)) end end)
    elseif r.opens and r.closes then
        balanced(name, r)
    else
        error("rule \"" .. name .. "\": one of never; after and expect; on and needs; at and always; "
              .. "opens and closes", 2)
    end
end

function host.ended()
    for _, fn in ipairs(endings) do fn() end
end

function host.cut()
    for _, fn in ipairs(cuts) do fn() end
end

function host.forget()
    endings, cuts = {}, {}
end
