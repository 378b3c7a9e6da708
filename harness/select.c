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

    for (int i = 0; (t = task_info_at(i)) != NULL; i++) {
        suggest_offer(&s, t->name);
        if (t->group)
            suggest_offer(&s, t->group);
    }
    for (int i = 0; task_tag_at(i); i++)
        suggest_offer(&s, task_tag_at(i)->name);
    err_set(e, ERR_USAGE, "%s: no such task", word);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter tasks' lists them");
    return -1;
}

/* A row of its own for a file, freed with the selection. */
static int add_file(void *user, const char *path, struct err *e)
{
    struct selection *s = user;
    struct task_info *t;

    for (size_t i = 0; i < s->n_files; i++)
        if (strcmp(s->files[i]->name, path) == 0)
            return 0;
    if (mem_grow(&s->files, &s->cap_files, s->n_files + 1, sizeof *s->files) < 0 ||
        !(t = mem_calloc(1, sizeof *t)))
        return err_nomem(e);
    *t = (struct task_info){.name = mem_strdup(path), .kind = "file", .data = ""};
    s->files[s->n_files++] = t;
    return t->name ? add(s, t, e) : err_nomem(e);
}

static int select_tag(struct selection *s, const char *word, struct err *e)
{
    const struct task_tag *tag = NULL;

    for (int i = 0; (tag = task_tag_at(i)) != NULL && strcmp(tag->name, word) != 0; i++)
        ;
    if (!tag)
        return unknown(word, e);
    for (int i = 0; tag->words[i]; i++)
        if (select_word(s, tag->words[i], e) < 0)
            return -1;
    return 0;
}

int select_word(struct selection *s, const char *word, struct err *e)
{
    const struct task_info *t = task_info_find(word);
    int found = 0;

    if (task_is_file(word))
        return task_file_members(word, add_file, s, e);
    if (t)
        return add(s, t, e);
    for (int i = 0; (t = task_info_at(i)) != NULL; i++)
        if (t->group && strcmp(t->group, word) == 0) {
            found = 1;
            if (add(s, t, e) < 0)
                return -1;
        }
    return found ? 0 : select_tag(s, word, e);
}

void selection_release(struct selection *s)
{
    for (size_t i = 0; i < s->n_files; i++) {
        mem_free((char *)s->files[i]->name);
        mem_free(s->files[i]);
    }
    mem_free(s->files);
    mem_free(s->v);
    *s = (struct selection){0};
}
