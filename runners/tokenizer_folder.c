/* tokenizer_folder.c -- which of Hugging Face's files describes the tokenizer. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/tokenizer_scheme.h"

/* In order of precedence: the pipeline itself, then what SentencePiece was trained to. */
static const struct {
    const char *name, *ending;
    int (*open)(struct tokenizer *t, const char *dir, struct err *e);
} files[] = {
    {"tokenizer.json", ".json", hf_open_json},
    {"tokenizer.model", ".model", sp_open_model},
    {"spiece.model", ".model", sp_open_model},
    {"sentencepiece.bpe.model", ".model", sp_open_model},
};

static int ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), k = strlen(ending);

    return n >= k && strcmp(s + n - k, ending) == 0;
}

/* Sets t->path; the row, or -1. */
static int find_file(struct tokenizer *t, const char *path, struct err *e)
{
    for (int i = 0; i < (int)(sizeof files / sizeof files[0]); i++) {
        char *inside;
        if (ends_with(path, files[i].ending)) {
            t->path = mem_strdup(path);
            return t->path ? i : err_nomem(e);
        }
        inside = path_join(path, files[i].name);
        if (!inside)
            return err_nomem(e);
        if (file_exists(inside)) {
            t->path = inside;
            return i;
        }
        mem_free(inside);
    }
    return err_set(e, ERR_NOTFOUND, "%s: no tokenizer (tokenizer.json, tokenizer.model)", path);
}

static char *folder_of(const char *path)
{
    size_t n = (size_t)(path_base(path) - path);

    return n ? mem_strndup(path, n) : mem_strdup("./");
}

int tokenizer_open_hf(struct tokenizer **out, const char *path, struct err *e)
{
    struct tokenizer *t = mem_calloc(1, sizeof *t);
    char *dir = NULL;
    int row, rc = -1;

    *out = NULL;
    if (!t)
        return err_nomem(e);
    row = find_file(t, path, e);
    if (row < 0)
        goto out;
    dir = folder_of(t->path);
    if (!dir) {
        err_nomem(e);
        goto out;
    }
    if (files[row].open(t, dir, e) < 0)
        goto out;
    *out = t;
    t = NULL;
    rc = 0;
out:
    mem_free(dir);
    tokenizer_close(t);
    return rc;
}
