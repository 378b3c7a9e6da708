#include "harness/conventions.h"

#include <string.h>

#include "base/utf8.h"
#include "harness/preset.h"

struct convention {
    const char *name, *metric; /* metric NULL: all that the task has */
    int shots, pool_named;
    size_t characters; /* of the context */
    char prompt_hash[65];
    struct err why; /* code not 0: it cannot be asked here */
};

static void ask(struct convention *c, const char *task, int doc, const struct task_opts *base)
{
    struct task_opts o = *base;
    struct task *t = NULL;
    struct item it;

    o.shots = c->shots;
    o.pool_named = c->pool_named;
    o.by_doc = 0;
    if (task_open(&t, task, &o, &c->why) == 0 && task_item(t, doc, &it, &c->why) == 0) {
        const char *context = it.n_queries ? it.queries[0].context : "";
        c->shots = task_shots(t);
        c->characters = utf8_count(context, strlen(context));
        memcpy(c->prompt_hash, it.prompt_hash, sizeof c->prompt_hash);
        item_release(&it);
    }
    task_close(t);
}

/* The task's own first, then those of the presets: 0 when there are no more. */
static int convention_at(int i, const char *task, struct convention *c)
{
    const struct preset *p;

    *c = (struct convention){.name = "lm-eval", .shots = -1};
    if (i == 0)
        return 1;
    for (int k = 0; (p = preset_at(k)) != NULL; k++) {
        const struct preset_part *part = preset_part_of(p, task);
        if (!part || --i > 0)
            continue;
        *c = (struct convention){.name = p->name, .metric = part->metric, .shots = part->shots,
                                 .pool_named = part->pool_named};
        return 1;
    }
    return 0;
}

/* first: the prompt to compare with; NULL: none. */
static void put_line(struct strbuf *b, const struct convention *c, const char *first)
{
    strbuf_addf(b, "%-12s  ", c->name);
    if (c->why.code) {
        strbuf_addf(b, "%2d shots  %s", c->shots, c->metric ? c->metric : "-");
        strbuf_adds(b, "  not here: ");
        strbuf_add_printable(b, c->why.text, 0);
    } else {
        strbuf_addf(b, "%2d shots  %-24s  %zu characters", c->shots,
                    c->metric ? c->metric : "all its metrics", c->characters);
        if (first)
            strbuf_addf(b, ", %s prompt",
                        strcmp(c->prompt_hash, first) == 0 ? "the same" : "another");
    }
    if (c->pool_named && c->shots > 0)
        strbuf_adds(b, "; examples drawn from the training split by name");
    strbuf_addc(b, '\n');
}

int conventions_text(struct strbuf *b, const char *task, int doc, const struct task_opts *o,
                     struct err *e)
{
    struct convention own, c;

    if (!convention_at(1, task, &c))
        return 0;
    convention_at(0, task, &own);
    ask(&own, task, doc, o);
    strbuf_adds(b, "--- conventions\n");
    put_line(b, &own, NULL);
    for (int i = 1; convention_at(i, task, &c); i++) {
        ask(&c, task, doc, o);
        put_line(b, &c, own.prompt_hash);
    }
    return strbuf_ok(b, e);
}

int conventions_json(struct json_out *out, const char *task, int doc, const struct task_opts *o,
                     struct err *e)
{
    struct convention c;

    json_begin_array(out, "conventions");
    for (int i = 0; convention_at(i, task, &c); i++) {
        ask(&c, task, doc, o);
        json_begin_object(out, NULL);
        json_put_str(out, "name", c.name);
        json_put_int(out, "shots", c.shots);
        json_put_str(out, "metric", c.metric);
        json_put_bool(out, "pool_named", c.pool_named);
        json_put_count(out, "characters", c.why.code ? -1 : (int64_t)c.characters);
        json_put_str(out, "prompt_hash", c.why.code ? NULL : c.prompt_hash);
        json_put_str(out, "error", c.why.code ? c.why.text : NULL);
        json_end_object(out);
    }
    json_end_array(out);
    return strbuf_ok(out->b, e);
}
