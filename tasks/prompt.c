#include "tasks/prompt.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/pytext.h"

void prompt_join(struct strbuf *out, const char *instruction, const char *description,
                 const char *delimiter)
{
    size_t n = strlen(instruction), m = strlen(description);

    strbuf_add(out, instruction, n);
    if (n && m && py_rstrip(instruction, n).n == n && py_lstrip(description, m).n == m)
        strbuf_adds(out, delimiter);
    strbuf_add(out, description, m);
}

static void plain(const struct prompt_style *p, const struct shot *shots, int n_shots,
                  const char *question, struct strbuf *out)
{
    strbuf_adds(out, p->system);
    for (int i = 0; i < n_shots; i++) {
        strbuf_adds(out, shots[i].question);
        if (!*shots[i].answer)
            continue;
        strbuf_adds(out, p->target_delimiter);
        strbuf_adds(out, shots[i].answer);
        strbuf_adds(out, p->shot_delimiter);
    }
    strbuf_adds(out, question);
}

static int as_chat(const struct prompt_style *p, const struct shot *shots, int n_shots,
                   const char *question, struct strbuf *out, struct err *e)
{
    struct chat_message *m = mem_calloc((size_t)n_shots * 2 + 2, sizeof *m);
    size_t start = out->len;
    int n = 0, rc;

    if (!m)
        return err_nomem(e);
    if (*p->system)
        m[n++] = (struct chat_message){"system", p->system};
    for (int i = 0; i < n_shots; i++) {
        m[n++] = (struct chat_message){"user", shots[i].question};
        if (*shots[i].answer)
            m[n++] = (struct chat_message){"assistant", shots[i].answer};
    }
    m[n++] = (struct chat_message){"user", question};
    rc = p->chat->render(p->chat->self, m, n, 1, out, e);
    if (rc < 0 && e && e->code == ERR_FORMAT && *p->system) {
        *e = ERR_NONE;
        strbuf_truncate(out, start);
        rc = p->chat->render(p->chat->self, m + 1, n - 1, 1, out, e);
    }
    mem_free(m);
    return rc;
}

int prompt_build(const struct prompt_style *p, const struct shot *shots, int n_shots,
                 const char *question, struct strbuf *out, struct err *e)
{
    struct err own = ERR_NONE; /* the code decides, so there has to be one */

    if (p->chat)
        return as_chat(p, shots, n_shots, question, out, e ? e : &own);
    plain(p, shots, n_shots, question, out);
    return strbuf_ok(out, e);
}
