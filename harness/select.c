#include "harness/select.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

static int add(struct selection *s, const struct task_info *t, struct err *e)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i] == t)
            return 0;
    if (mem_grow(&s->v, &s->cap, s->n + 1, sizeof *s->v) < 0)
        return err_nomem(e);
    s->v[s->n++] = t;
    return 0;
}

static int unknown(const char *word, struct err *e)
{
    struct suggest s = SUGGEST(word);
    const struct task_info *t;
    size_t n = strlen(word);

    if (strchr(word, '/') || (n > 5 && (strcmp(word + n - 5, ".json") == 0 ||
                                        strcmp(word + n - 5, ".yaml") == 0)))
        return err_set(e, ERR_UNSUPPORTED, "%s: task files cannot be read yet", word);
    for (int i = 0; (t = task_info_at(i)) != NULL; i++) {
        suggest_offer(&s, t->name);
        if (t->group)
            suggest_offer(&s, t->group);
    }
    err_set(e, ERR_USAGE, "%s: no such task", word);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter tasks' lists them");
    return -1;
}

int select_word(struct selection *s, const char *word, struct err *e)
{
    const struct task_info *t = task_info_find(word);
    int found = 0;

    if (t)
        return add(s, t, e);
    for (int i = 0; (t = task_info_at(i)) != NULL; i++)
        if (t->group && strcmp(t->group, word) == 0) {
            found = 1;
            if (add(s, t, e) < 0)
                return -1;
        }
    return found ? 0 : unknown(word, e);
}

void selection_release(struct selection *s)
{
    mem_free(s->v);
    *s = (struct selection){0};
}
