/* lmeval_prompt.c -- the context of a document: description, examples, question (evaluation.md
 * 2.2), as turns of a conversation that are either joined by delimiters or handed to a chat
 * template. */
#include <string.h>

#include "base/mem.h"
#include "tasks/lmeval.h"
#include "tasks/prompt.h"
#include "tasks/pyliteral.h"
#include "tasks/pytext.h"

struct turn {
    const char *role;
    char *text;
    const char *delimiter; /* behind it, without a chat template */
};

struct turns {
    struct turn *v;
    size_t n, cap;
};

static void turns_release(struct turns *m)
{
    for (size_t i = 0; i < m->n; i++)
        mem_free(m->v[i].text);
    mem_free(m->v);
}

/* Takes the text of b over. */
static int add(struct turns *m, const char *role, struct strbuf *b, const char *delimiter,
               struct err *e)
{
    char *text = strbuf_take(b);

    if (!text || mem_grow(&m->v, &m->cap, m->n + 1, sizeof *m->v) < 0) {
        mem_free(text);
        return err_nomem(e);
    }
    m->v[m->n++] = (struct turn){role, text, delimiter};
    return 0;
}

static int space_between(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    return py_rstrip(a, n).n != n || py_lstrip(b, m).n != m;
}

/* One question, with its answer unless that is NULL; a prefix begins the answer. */
static int add_pair(struct turns *m, const char *question, const char *answer, const char *prefix,
                    const char *target_delimiter, const char *shot_delimiter, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int delimited = *prefix ? *question && !space_between(question, prefix) : answer != NULL;

    strbuf_adds(&b, question);
    if (add(m, "user", &b, delimited ? target_delimiter : "", e) < 0)
        return -1;
    if (!answer && !*prefix)
        return 0;
    strbuf_adds(&b, prefix);
    if (*prefix && answer && *answer && !space_between(prefix, answer))
        strbuf_adds(&b, " ");
    strbuf_adds(&b, answer ? answer : "");
    return add(m, "assistant", &b, answer ? shot_delimiter : "", e);
}

static int no_text(const struct field *f, const char *what, struct err *e)
{
    return ynode_fail(f->node, e, ERR_FORMAT, "%s: an example's %s is not a text", f->what, what);
}

/* The answer as it is shown: of a number the choice, of a list the first; NULL: there is none. */
static int shown_answer(const struct field *f, const cJSON *choices, const cJSON *target,
                        const char **out, struct err *e)
{
    *out = NULL;
    if (cJSON_IsNull(target) || (cJSON_IsString(target) && !*target->valuestring))
        return 0;
    if (choices && (cJSON_IsNumber(target) || cJSON_IsBool(target))) {
        int n = cJSON_GetArraySize(choices);
        double i = cJSON_IsNumber(target) ? target->valuedouble : cJSON_IsTrue(target);
        if (i < 0)
            i += n;
        if (i < 0 || i >= n)
            return ynode_fail(f->node, e, ERR_FORMAT, "%s: choice %g of %d", f->what,
                              cJSON_IsNumber(target) ? target->valuedouble : 1, n);
        target = cJSON_GetArrayItem(choices, (int)i);
    } else if (cJSON_IsArray(target)) {
        target = cJSON_GetArrayItem(target, 0);
    }
    if (!cJSON_IsString(target))
        return no_text(f, "answer", e);
    *out = target->valuestring;
    return 0;
}

static const struct field *own_or(const struct field *own, const struct field *task)
{
    return own->kind != FIELD_NONE ? own : task;
}

static int add_shot(const struct lmeval *t, const cJSON *shot, const cJSON *doc, struct turns *m,
                    struct err *e)
{
    const struct field *text = own_or(&t->shot_text, &t->text);
    const struct field *target = own_or(&t->shot_target, &t->target);
    const struct field *choice = own_or(&t->shot_choice, &t->choice);
    struct strbuf prefix = STRBUF_INIT;
    const char *answer;
    cJSON *q = doc_to_text(t, text, shot, e), *c = NULL, *a = NULL;
    const cJSON *question = q;
    int rc = -1;

    if (!q || (choice->kind != FIELD_NONE && !(c = doc_to_choice(t, choice, shot, e))) ||
        !(a = doc_to_target(t, target, shot, e)) ||
        doc_to_plain(own_or(&t->shot_prefix, &t->prefix), doc, &prefix, e) < 0)
        goto out;
    if (t->multiple_input && cJSON_IsNumber(q))
        question = cJSON_GetArrayItem(c, (int)q->valuedouble);
    if (!cJSON_IsString(question)) {
        no_text(text, "question", e);
        goto out;
    }
    if (shown_answer(target, t->multiple_input ? NULL : c, a, &answer, e) == 0)
        rc = add_pair(m, question->valuestring, answer, strbuf_str(&prefix),
                      t->shots_target_delimiter, t->shots_delimiter, e);
out:
    json_free(q);
    json_free(c);
    json_free(a);
    strbuf_release(&prefix);
    return rc;
}

static int add_system(const struct lmeval *t, const cJSON *doc, struct turns *m, struct err *e)
{
    struct strbuf about = STRBUF_INIT, b = STRBUF_INIT;
    int rc = doc_to_plain(&t->description, doc, &about, e);

    if (rc == 0)
        prompt_join(&b, t->system ? t->system : "", strbuf_str(&about), t->shot_delimiter);
    if (rc == 0 && b.len)
        rc = add(m, "system", &b, "", e);
    strbuf_release(&about);
    strbuf_release(&b);
    return rc;
}

static int add_question(const struct lmeval *t, const cJSON *doc, const char *ending,
                        struct turns *m, struct err *e)
{
    struct strbuf prefix = STRBUF_INIT;
    cJSON *q = ending ? NULL : doc_to_text(t, &t->text, doc, e);
    int rc = -1;

    if ((ending || q) && doc_to_plain(&t->prefix, doc, &prefix, e) == 0) {
        if (!ending && !cJSON_IsString(q))
            rc = ynode_fail(t->text.node, e, ERR_FORMAT, "doc_to_text: a text is needed");
        else
            rc = add_pair(m, ending ? ending : q->valuestring, NULL, strbuf_str(&prefix),
                          ending ? "" : t->target_delimiter, "", e);
    }
    json_free(q);
    strbuf_release(&prefix);
    return rc;
}

/* --- as text ------------------------------------------------------------------------------ */

/* An answer that has been begun is to be gone on with: what the template puts behind it goes. */
static void cut_behind(struct strbuf *out, size_t start, const char *last)
{
    struct span text = py_strip(last, strlen(last));
    size_t found = SIZE_MAX;

    for (size_t i = start; text.n && i + text.n <= out->len; i++)
        if (memcmp(out->s + i, text.s, text.n) == 0)
            found = i;
    if (found == SIZE_MAX)
        return;
    text = py_lstrip(last, strlen(last));
    if (found + text.n > out->len || memcmp(out->s + found, text.s, text.n) != 0)
        text = py_strip(last, strlen(last));
    strbuf_truncate(out, found + text.n);
}

static int as_chat(const struct lmeval *t, const struct turns *m, struct strbuf *out,
                   struct err *e)
{
    struct chat_message *v = mem_calloc(m->n + 1, sizeof *v);
    int begun = m->n && strcmp(m->v[m->n - 1].role, "assistant") == 0, rc;
    size_t start = out->len, system;

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < m->n; i++)
        v[i] = (struct chat_message){m->v[i].role, m->v[i].text};
    rc = t->chat->render(t->chat->self, v, (int)m->n, !begun, out, e);
    system = m->n && strcmp(m->v[0].role, "system") == 0;
    if (rc < 0 && e->code == ERR_FORMAT && system) { /* a template that takes no system message */
        *e = ERR_NONE;
        strbuf_truncate(out, start);
        rc = t->chat->render(t->chat->self, v + 1, (int)m->n - 1, !begun, out, e);
    }
    if (rc == 0 && begun)
        cut_behind(out, start, m->v[m->n - 1].text);
    mem_free(v);
    return rc;
}

int lmeval_context(const struct lmeval *t, int i, const char *ending, struct strbuf *out,
                   struct err *e)
{
    const cJSON *doc = t->docs.v[i];
    int k = t->shots ? t->n_drawn[i] : 0, rc;
    struct err own = ERR_NONE;
    struct turns m = {0};

    e = e ? e : &own; /* its code decides, so there has to be one */
    rc = add_system(t, doc, &m, e);
    for (int s = 0; s < k && rc == 0; s++)
        rc = add_shot(t, t->pool.v[t->drawn[(size_t)i * (size_t)t->shots + (size_t)s]], doc, &m, e);
    if (rc == 0)
        rc = add_question(t, doc, ending, &m, e);
    if (rc == 0 && t->chat) {
        rc = as_chat(t, &m, out, e);
    } else if (rc == 0) {
        for (size_t k2 = 0; k2 < m.n; k2++) {
            strbuf_adds(out, m.v[k2].text);
            strbuf_adds(out, m.v[k2].delimiter);
        }
        rc = strbuf_ok(out, e);
    }
    turns_release(&m);
    return rc;
}
