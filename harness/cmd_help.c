/* cmd_help.c -- help, man page and completions, all from the command table. */
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/usage.h"

const struct option help_options[] = {
    {"man", 0, OPTION_FLAG, NULL, NULL, 0, 0, "print the man page as roff"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static int unknown(const struct context *c, const char *name, struct err *e)
{
    struct suggest s = SUGGEST(name);

    for (const struct command *k = c->table; k->section; k++)
        suggest_offer(&s, k->name);
    err_set(e, ERR_USAGE, "unknown command '%s'", name);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    return -1;
}

static int print_json(const struct context *c, const char *name, const struct strbuf *text,
                      struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, name);
    int rc;

    json_begin_array(&o, "commands");
    for (const struct command *k = c->table; k->section; k++)
        json_put_str(&o, NULL, k->name);
    json_end_array(&o);
    json_put_strn(&o, "text", strbuf_str(text), text->len);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

int cmd_help(struct context *c, struct err *e)
{
    const char *name = args_at(c->args, 0);
    const struct command *about = name ? command_find(c->table, name) : NULL;
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (name && !about)
        return unknown(c, name, e);
    if (args_flag(c->args, "man"))
        usage_man(&b, c->table);
    else if (about)
        usage_command(&b, about);
    else
        usage_overview(&b, c->table);
    rc = c->json ? print_json(c, "help", &b, e) : context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}

int cmd_completions(struct context *c, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    usage_completions(&b, c->table, args_at(c->args, 0));
    rc = c->json ? print_json(c, "completions", &b, e) : context_print(c, &b, e);
    strbuf_release(&b);
    return rc;
}
