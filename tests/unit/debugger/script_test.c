// SPDX-License-Identifier: GPL-2.0-only
// Lua in the debugger: the walls of the sandbox, conditions over what is decoded, handlers and rules; on
// the real kernel, under both models.
#include "debug_rig.h"

#include <inttypes.h>

#include "debugger/command/shell.h"
#include "hv-models/lguest/lguest.h"
#include "hv-models/native/native.h"

#define COMMANDS "ls / >/tmp/a; ls /bin | wc -l"

struct desk {
    struct rig rig;
    struct shell *sh;
    char said[20000], errors[4000];
};

static void put(char *to, size_t size, const char *text, size_t n)
{
    size_t used = strlen(to);

    if (used + n + 1 > size)
        n = size - used - 1;
    memcpy(to + used, text, n);
    to[used + n] = '\0';
}

static void write_out(void *ctx, const char *text, size_t n)
{
    struct desk *k = ctx;

    put(k->said, sizeof k->said, text, n);
}

static void write_error(void *ctx, const char *text)
{
    struct desk *k = ctx;

    put(k->errors, sizeof k->errors, text, strlen(text));
}

static void begin(struct desk *k, const struct hv_model *model)
{
    struct err err = {0};

    k->rig = rig_begin(model, COMMANDS);
    rig_debug(&k->rig);
    k->sh = shell_new(
        &(struct shell_setup){.debug = k->rig.d, .front = {write_out, write_error, .ctx = k}},
        &err);
    if (!k->sh)
        fail_msg("%s", err.text);
}

static void end(struct desk *k)
{
    shell_free(k->sh);
    rig_end(&k->rig);
}

static bool run(struct desk *k, const char *line)
{
    k->said[0] = k->errors[0] = '\0';
    return shell_run(k->sh, line);
}

/* A line that works, and what it must have said. */
static void does(struct desk *k, const char *line, const char *text)
{
    if (!run(k, line))
        fail_msg("%s: %s", line, k->errors);
    if (!strstr(k->said, text))
        fail_msg("%s: has not said '%s', but: %s", line, text, k->said);
}

static void refuses(struct desk *k, const char *line, const char *text)
{
    if (run(k, line))
        fail_msg("%s: has worked: %s", line, k->said);
    if (!strstr(k->errors, text))
        fail_msg("%s: has not said '%s', but: %s", line, text, k->errors);
}

static const struct hv_model *const models[] = {&native_model, &lguest_model};
#define EACH_MODEL(i) for (unsigned i = 0; i < sizeof models / sizeof models[0]; i++)

static void nothing_gets_out_of_the_sandbox(void **state)
{
    static struct desk k;

    (void)state;
    memset(&k, 0, sizeof k);
    begin(&k, &native_model);
    /* What does not come to an end. */
    refuses(&k, "lua while true do end", "does not come to an end");
    refuses(&k, "lua while true do pcall(function() while true do end end) end",
            "does not come to an end");
    refuses(&k, "lua local function f() return f() end f()", "does not come to an end");
    refuses(&k, "lua string.rep('', 1 << 60)", "repeated more than");
    refuses(&k, "lua (('a'):rep(5000)):find(('.-'):rep(12) .. 'b')", "could take for ever");
    refuses(&k, "lua table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 2)",
            "metatable");
    refuses(&k, "lua table.move({}, 1, 1 << 60, 2)", "more than");
    refuses(&k, "lua setmetatable({}, {__gc = function() while true do end end})", "no __gc");
    /* What eats memory, in one piece and in many. */
    refuses(&k, "lua ('x'):rep(9000000):rep(100)", "more memory than the 64 MiB");
    refuses(&k, "lua local t = {} for i = 1, 1e9 do t[i] = {} end", "more memory than the 64 MiB");
    refuses(&k, "lua local function f(n) return 1 + f(n + 1) end f(1)", "overflow");
    /* What must not be there. */
    does(&k,
         "lua load, loadfile, dofile, require, collectgarbage, xpcall, io, os, debug, package, "
         "coroutine",
         "nil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil\tnil");
    does(&k, "lua string.dump, math.randomseed", "nil\tnil");
    refuses(&k, "lua \033Lua", "binary chunk");
    refuses(&k, "lua string.format('%d %-5p', 1, {})", "no %p");
    does(&k, "lua string.format('%s %s %d%%', {}, print, 3)", "table function 3%\n");
    refuses(&k, "lua reg.eax = 3", "set $eax");
    refuses(&k, "lua error({})", "an error that is a table");
    /* The session goes on, and has its memory back. */
    does(&k, "lua 6 * 7, #('x'):rep(9000000)", "42\t9000000");
    end(&k);
}

/* Nothing that depends on the host's memory or clock may be seen. */
static void every_session_is_the_same(void **state)
{
    static struct desk k;
    static char first[sizeof k.said];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        memset(&k, 0, sizeof k);
        begin(&k, &native_model);
        does(&k,
             "lua local t = {zeta = 1, alpha = 2, [3] = 3, [true] = 4} for n, v in pairs(t) do "
             "print(n, v) end "
             "print(math.random(1 << 40), {}, print)",
             "3\t3\nalpha\t2\nzeta\t1\ntrue\t4\n");
        assert_null(strstr(k.said, "0x"));
        if (!i)
            strcpy(first, k.said);
        assert_string_equal(first, k.said);
        end(&k);
    }
}

static void conditions_see_decoded_arguments(void **state)
{
    static struct desk k;

    (void)state;
    EACH_MODEL(i)
    {
        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        /* What the hook's row says is the entry must be what is written. */
        does(&k, "break hook set_pte_at if args.pte & 2 ~= 0 and args.addr < 0xC0000000", "Stop 1");
        does(&k, "continue", "set_pte_at");
        does(&k, "lua seen = args.ptep  print(args.pte & 2, args.addr < 0xC0000000, pid > 0)",
             "2\ttrue\ttrue");
        does(&k, "finish", "");
        does(&k, "delete", "");
        /* A system call's, and its text. */
        does(&k, "break syscall execve if args.path:find('wc') or args.path:find('ls')", "Stop 2");
        does(&k, "continue", "execve");
        does(&k, "delete", "");
        /* Registers, memory, symbols, C. */
        does(&k,
             "break hook iret if reg.eip == eip and ring == reg.cs & 3 and mem.u32(reg.esp) ~= 0",
             "Stop 3");
        does(&k, "continue", "iret");
        does(&k, "lua print(sym('schedule') == eval('&schedule'), eval('current->pid') == pid)",
             "true\ttrue");
        does(&k, "delete", "");
        /* What is false never stops. */
        does(&k, "break hook * if args.pte == 1 and false", "Stop 4");
        refuses(&k, "break hook set_pte if", "if what?");
        refuses(&k, "break hook set_pte if args.pte != 0", "Lua's 'not equal' is ~=");
        refuses(&k, "break hook set_pte if args.pte & ", "condition: ");
        assert_int_equal(debug_stop_number(k.rig.d, 4)->hits, 0);
        end(&k);
    }
}

static void hypercalls_have_all_their_words(void **state)
{
    static struct desk k;

    (void)state;
    memset(&k, 0, sizeof k);
    begin(&k, &lguest_model);
    /* Its entry is the third argument and has two words: one of them is not in the event. */
    does(&k, "break hypercall set_pte if args.pte & 1 == 1 and args.va < 0xC0000000", "Stop 1");
    does(&k, "continue", "SET_PTE");
    uint32_t word[5];
    debug_more_words(k.rig.d, word, 5);
    char pte[40];
    snprintf(pte, sizeof pte, "SET_PTE\t%" PRId64 "\n",
             (int64_t)(debug_halt(k.rig.d)->event.a[3] | (uint64_t)word[0] << 32));
    does(&k, "lua print(e.name, args.pte)", pte);
    does(&k, "condition 1 args.nonsense", "");
    does(&k, "continue", "SET_PTE has no argument 'nonsense': it has root, va, pte");
    end(&k);
}

static void errors_stop_once_and_are_told(void **state)
{
    static struct desk k;

    (void)state;
    EACH_MODEL(i)
    {
        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        does(&k, "break hook set_pte if mem.u32(3) == 0", "Stop 1");
        does(&k, "continue", "Error in the condition of stop 1: mem.u32: nothing is mapped");
        does(&k, "continue", "Stop 1");
        assert_null(strstr(k.said, "Error"));
        does(&k, "delete", "");
        does(&k, "break hook set_pte if (function() while true do end end)()", "Stop 2");
        does(&k, "continue", "does not come to an end");
        does(&k, "delete", "");
        does(&k, "break hook set_pte if command('stepi')", "Stop 3");
        does(&k, "continue", "the machine is running");
        does(&k, "delete", "");
        /* In a handler: the run stops there, and goes on. */
        does(&k, "lua on('hook:set_pte', function(e) return e.nonsense end)", "");
        does(&k, "continue", "a hook event has no 'nonsense'");
        does(&k, "rule off", "no rules");
        refuses(&k, "lua on('hook:set_ptee', print)", "did you mean 'set_pte'?");
        refuses(&k, "lua on('nonsense:x', print)", "the kinds are");
        refuses(&k, "lua rule('x', {nevver = 'irq'})", "what is 'nevver'?");
        refuses(&k, "rule /no/such/file.lua", "cannot be read");
        does(&k, "continue", "turned the power off");
        end(&k);
    }
}

/* The same count whichever way one goes there: each event is told once. */
static void handlers_hear_each_event_once(void **state)
{
    static struct desk k;

    (void)state;
    EACH_MODEL(i)
    {
        char straight[100];
        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        does(&k,
             "lua n = 0 on({'hook:set_pte_at', 'hook_end:set_pte_at', 'irq', 'syscall'}, "
             "function() n = n + 1 end)",
             "");
        does(&k, "continue", "turned the power off");
        does(&k, "lua n", "");
        assert_true(strtol(k.said, NULL, 10) > 500);
        snprintf(straight, sizeof straight, "%.90s", k.said);
        end(&k);

        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        does(&k,
             "lua n = 0 on({'hook:set_pte_at', 'hook_end:set_pte_at', 'irq', 'syscall'}, "
             "function() n = n + 1 end)",
             "");
        does(&k, "tbreak syscall execve", "");
        does(&k, "continue", "execve");
        does(&k, "reverse-stepi", "");
        does(&k, "reverse hook set_pte_at", "");
        does(&k, "stepi", "");
        does(&k, "step hook", "");
        does(&k, "goto -100000", "");
        does(&k, "goto +300000", "");
        does(&k, "goto start", "");
        does(&k, "tbreak hook set_pte_at", "");
        does(&k, "continue", "");
        does(&k, "continue", "turned the power off");
        does(&k, "lua n", straight);
        end(&k);
    }
}

static void rules_stop_at_what_breaks_them(void **state)
{
    static struct desk k;

    (void)state;
    EACH_MODEL(i)
    {
        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        does(&k,
             "lua rule('two execs', {after = 'syscall:execve', expect = 'syscall:reboot',"
             " before = 'syscall:execve'})",
             "");
        does(&k, "info rules", "two execs");
        /* The one that begins it, and the one that breaks it. */
        does(&k, "continue", "Rule broken: two execs");
        const char *one = strstr(k.said, "syscall execve(");
        assert_non_null(one);
        assert_int_equal(debug_halt(k.rig.d)->why, HALT_ASKED);
        assert_true(debug_halt(k.rig.d)->has_event);
        does(&k, "rule off", "");
        does(&k, "lua rule('in the end', {after = 'syscall:exit_group', expect = 'syscall:fork'})",
             "");
        does(&k, "continue", "Rule broken: in the end");
        does(&k, "rule off", "");
        /* What has happened already breaks a rule at once. */
        FILE *f = fopen("late.lua", "w");
        assert_non_null(f);
        fputs("local n = 0 on('syscall:execve', function(e) n = n + 1 "
              "if n == 1 then fail('no program', keep(e)) end end)\n",
              f);
        fclose(f);
        does(&k, "rule late.lua", "Rule broken: no program");
        assert_non_null(strstr(k.said, "syscall execve("));
        const char *to = strstr(k.said, "`goto ");
        assert_non_null(to);
        char line[64];
        snprintf(line, sizeof line, "goto %.*s", (int)strcspn(to + 6, "`"), to + 6);
        does(&k, line, "");
        remove("late.lua");
        /* Another future: rules that wait wait no more, and hear the new one. */
        does(&k, "rule off", "");
        does(&k,
             "lua rule('none', {after = 'syscall:execve', expect = 'syscall:reboot', "
             "before = 'syscall:execve'})",
             "");
        does(&k, "tbreak syscall exit_group", "");
        does(&k, "continue", "exit_group");
        does(&k, "stepi", "");
        does(&k, "set $edx = $edx", "");
        does(&k, "tbreak syscall exit_group", "");
        does(&k, "continue", "exit_group");
        does(&k, "rule off", "");
        does(&k,
             "lua rule('late', {after = 'syscall:execve', expect = 'syscall:exit_group', within = "
             "10})",
             "");
        does(&k, "goto start", "");
        does(&k, "continue", "Rule broken: late");
        end(&k);
    }
}

static void scripts_have_the_powers_of_the_prompt(void **state)
{
    static struct desk k;

    (void)state;
    memset(&k, 0, sizeof k);
    begin(&k, &native_model);
    does(&k, "lua command('break syscall fork') print(#stops(), stops()[1].what)",
         "1\tsyscall fork");
    does(&k, "lua local h = continue() print(h.why, h.stop, h.event, h.past)",
         "stop\t1\tsoftint\tfalse");
    does(&k, "lua local c = cycle step('hook') print(cycle > c, go(c).cycle == c)", "true\ttrue");
    does(&k, "lua print(pcall(command, 'nonsense'))", "false\tthere is no command 'nonsense'");
    does(&k, "lua local h = go('start') print(h.cycle, h.past)", "0\ttrue");
    refuses(&k, "lua local function f() command('lua f()') end _G.f = f f()", "too deeply");
    end(&k);
}

static void traces_from_inside(void **state)
{
    static struct desk k;

    (void)state;
    EACH_MODEL(i)
    {
        memset(&k, 0, sizeof k);
        begin(&k, models[i]);
        refuses(&k, "trace save /tmp/x", "nothing is recorded");
        refuses(&k, "trace off", "nothing is being recorded");
        refuses(&k, "trace on nonsense:x", "is no filter");
        refuses(&k, "trace show perfetto", "is for files");
        does(&k, "tbreak syscall execve", "");
        does(&k, "continue", "execve");
        /* Without having recorded: the past is heard once more. */
        does(&k, "trace show 3", "execve");
        does(&k, "trace on syscall", "Recording syscall");
        does(&k, "tbreak syscall exit_group", "");
        does(&k, "continue", "exit_group");
        does(&k, "trace show 1000", "");
        static char straight[sizeof k.said];
        strcpy(straight, k.said);
        assert_non_null(strstr(straight, "int 0x80 exit_group"));
        /* And nothing twice, when it is run twice. */
        does(&k, "reverse syscall execve", "execve");
        does(&k, "tbreak syscall exit_group", "");
        does(&k, "continue", "exit_group");
        does(&k, "trace show 1000", "");
        assert_string_equal(k.said, straight);
        does(&k, "stats", "pv_mmu_ops.set_pte_at");
        end(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_gets_out_of_the_sandbox),
        cmocka_unit_test(every_session_is_the_same),
        cmocka_unit_test(conditions_see_decoded_arguments),
        cmocka_unit_test(hypercalls_have_all_their_words),
        cmocka_unit_test(errors_stop_once_and_are_told),
        cmocka_unit_test(handlers_hear_each_event_once),
        cmocka_unit_test(rules_stop_at_what_breaks_them),
        cmocka_unit_test(scripts_have_the_powers_of_the_prompt),
        cmocka_unit_test(traces_from_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
