/* tokenizer_folder.c -- which of Hugging Face's files describes the tokenizer. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/tokenizer_scheme.h"

/* In order of precedence: the pipeline itself, then what SentencePiece was trained to. */
static const struct {
    const char *name, *ending;
    int (*open)(struct tokenizer *t, const char *dir, struct strbuf *file, struct err *e);
} files[] = {
    {"tokenizer.json", ".json", hf_open_json},
    {"tokenizer.model", ".model", sp_open_model},
    {"spiece.model", ".model", sp_open_model},
    {"sentencepiece.bpe.model", ".model", sp_open_model},
};

enum { N_FILES = sizeof files / sizeof files[0], FILE_MAX = 1 << 28 };

static int ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), k = strlen(ending);

    return n >= k && strcmp(s + n - k, ending) == 0;
}

/* Sets t->path; the row, or -1. */
static int find_file(struct tokenizer *t, const char *path, struct err *e)
{
    for (int i = 0; i < N_FILES; i++) {
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
    struct strbuf file = STRBUF_INIT;
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
    if (file_read(&file, t->path, FILE_MAX, e) < 0 || files[row].open(t, dir, &file, e) < 0)
        goto out;
    *out = t;
    t = NULL;
    rc = 0;
out:
    strbuf_release(&file);
    mem_free(dir);
    tokenizer_close(t);
    return rc;
}

int tokenizer_open_hf_bytes(struct tokenizer **out, const void *bytes, size_t n, const char *name,
                            struct err *e)
{
    struct tokenizer *t = mem_calloc(1, sizeof *t);
    struct strbuf file = STRBUF_INIT;
    int row = 0, rc = -1;

    *out = NULL;
    while (row < N_FILES && !ends_with(name, files[row].ending))
        row++;
    strbuf_add(&file, bytes, n);
    if (t)
        t->path = mem_strdup(name);
    if (row == N_FILES)
        err_set(e, ERR_NOTFOUND, "%s: no tokenizer (tokenizer.json, tokenizer.model)", name);
    else if (!t || !t->path || strbuf_ok(&file, NULL) < 0)
        err_nomem(e);
    else
        rc = files[row].open(t, NULL, &file, e);
    if (rc == 0)
        *out = t;
    else
        tokenizer_close(t);
    strbuf_release(&file);
    return rc;
}
