#include "internal.h"
bool shell_condition(struct shell *sh, struct stop *s, const char *text, struct err *err)
{
    (void)sh;
    (void)s;
    (void)text;
    return err_set(err, ERR_USAGE, "conditions are not there yet");
}
bool shell_lua_file(struct shell *sh, const char *path, struct err *err)
{
    (void)sh;
    (void)path;
    return err_set(err, ERR_USAGE, "Lua is not there yet");
}
