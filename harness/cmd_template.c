/* cmd_template.c -- renders a chat template with given variables. */
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/template.h"
#include "harness/chat.h"
#include "harness/commands.h"
#include "harness/open.h"
#include "runners/hf.h"

const struct option template_options[] = {
    {"vars", 0, OPTION_TEXT, "FILE", NULL, 0, 0, "a JSON object with the variables ('-': stdin)"},
    {"now", 0, OPTION_TEXT, "2026-11-23T12:00:00", NULL, 0, 0, "what strftime_now shows"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { FILE_MAX = 64 << 20 };

static int is_gguf(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rbe");
    size_t n = f ? fread(magic, 1, 4, f) : 0;

    if (f)
        fclose(f);
    return n == 4 && memcmp(magic, "GGUF", 4) == 0;
}

static int template_of_model(const char *path, struct strbuf *text, struct err *e)
{
    struct gguf *g = NULL;
    struct gguf_str s;

    if (model_file_open(&g, path, e) < 0)
        return -1;
    s = chat_template_of(g);
    strbuf_add(text, s.s, s.n);
    gguf_close(g);
    if (text->len == 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: the model has no chat template", path);
    return strbuf_ok(text, e);
}

/* The template's text from a file of its own, or from a model. */
static int read_template(const char *name, struct strbuf *text, struct err *e)
{
    char *path;
    int rc;

    if (file_exists(name) && !hf_is_folder(name) && !is_gguf(name))
        return file_read(text, name, FILE_MAX, e);
    path = model_path(name, e);
    if (!path)
        return -1;
    rc = template_of_model(path, text, e);
    mem_free(path);
    return rc;
}

static int parse_now(const char *text, struct tm *now, struct err *e)
{
    const char *end;

    memset(now, 0, sizeof *now);
    end = strptime(text, "%Y-%m-%dT%H:%M:%S", now);
    if (!end || *end)
        return err_set(e, ERR_USAGE, "option --now: '%s' is not a time like 2026-11-23T12:00:00",
                       text);
    mktime(now); /* fills the day of the week; the fields stay, no zone is applied to them */
    return 0;
}

static int print(const struct context *c, const struct strbuf *text, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc;

    if (!c->json)
        return context_print(c, text, e);
    o = context_json_begin(&b, "template");
    json_put_strn(&o, "text", strbuf_str(text), text->len);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

int cmd_template(struct context *c, struct err *e)
{
    const char *name = args_at(c->args, 0), *now_text = args_str(c->args, "now");
    const char *vars_path = args_str(c->args, "vars");
    struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
    struct template *t = NULL;
    cJSON *vars = NULL;
    struct tm now;
    int rc = -1;

    if (!vars_path) {
        err_set(e, ERR_USAGE, "template: --vars is missing");
        err_hint(e, "a file like {\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}");
        return -1;
    }
    if (now_text && parse_now(now_text, &now, e) < 0)
        return -1;
    if (read_template(name, &text, e) < 0 || !(vars = json_read(vars_path, FILE_MAX, e)) ||
        template_parse(&t, strbuf_str(&text), text.len, path_base(name), e) < 0 ||
        template_render(t, vars, now_text ? &now : NULL, &out, e) < 0)
        goto out;
    rc = print(c, &out, e);
out:
    template_free(t);
    json_free(vars);
    strbuf_release(&text);
    strbuf_release(&out);
    return rc;
}
