#include "harness/chat.h"

#include <string.h>

#include "base/mem.h"

static char *token_text(const struct tokenizer *t, int32_t id)
{
    struct gguf_str s;

    if (id < 0)
        return NULL;
    s = tokenizer_text(t, id);
    return mem_strndup(s.s, s.n);
}

static void put_vars(struct json_out *o, const struct chat *c, const struct chat_message *m, int n,
                     int add_generation_prompt)
{
    json_begin_object(o, NULL);
    json_begin_array(o, "messages");
    for (int i = 0; i < n; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "role", m[i].role);
        json_put_str(o, "content", m[i].content);
        json_end_object(o);
    }
    json_end_array(o);
    json_put_bool(o, "add_generation_prompt", add_generation_prompt);
    /* Absent tokens are empty texts, as transformers has it, so that "{{ bos_token }}" renders. */
    json_put_str(o, "bos_token", c->bos ? c->bos : "");
    json_put_str(o, "eos_token", c->eos ? c->eos : "");
    json_end_object(o);
}

static int render_once(const struct chat *c, const struct chat_message *m, int n,
                       int add_generation_prompt, struct strbuf *out, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    size_t before = out->len;
    cJSON *vars = NULL;
    int rc = -1;

    put_vars(&o, c, m, n, add_generation_prompt);
    if (strbuf_ok(&b, e) == 0 && (vars = json_parse(b.s, b.len, "messages", e)) != NULL)
        rc = template_render(c->template, vars, NULL, out, e);
    if (rc < 0)
        strbuf_truncate(out, before);
    json_free(vars);
    strbuf_release(&b);
    return rc;
}

/* As lm-eval: a template that will have no system message is asked again without it. */
static int render(void *self, const struct chat_message *m, int n, int add_generation_prompt,
                  struct strbuf *out, struct err *e)
{
    struct chat *c = self;

    if (render_once(c, m, n, add_generation_prompt, out, e) == 0)
        return 0;
    if (!e || e->code != ERR_FORMAT || n < 2 || strcmp(m[0].role, "system") != 0)
        return -1;
    c->dropped_system++;
    *e = ERR_NONE;
    return render_once(c, m + 1, n - 1, add_generation_prompt, out, e);
}

int chat_open(struct chat *out, const char *name, const char *template, const struct tokenizer *t,
              struct err *e)
{
    *out = (struct chat){0};
    if (!template || !*template)
        return err_set(e, ERR_UNSUPPORTED, "%s: the model has no chat template", name);
    if (template_parse(&out->template, template, strlen(template), "chat template", e) < 0)
        return -1;
    out->bos = token_text(t, tokenizer_bos(t));
    out->eos = token_text(t, tokenizer_eos(t));
    out->renderer = (struct chat_renderer){render, out};
    return 0;
}

void chat_close(struct chat *c)
{
    template_free(c->template);
    mem_free(c->bos);
    mem_free(c->eos);
    *c = (struct chat){0};
}

struct gguf_str chat_template_of(const struct gguf *g)
{
    struct gguf_str s = {"", 0};

    if (gguf_get_str(g, "tokenizer.chat_template", &s, NULL) != 1)
        s = (struct gguf_str){"", 0};
    return s;
}
