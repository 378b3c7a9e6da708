#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

enum { DEPTH = 32, FILES = 1000000 };

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Takes path over. */
static int add(struct walk *w, char *path, struct err *e)
{
    if (w->n >= FILES) {
        err_set(e, ERR_FORMAT, "%s: more than %d files", path, FILES);
        mem_free(path);
        return -1;
    }
    if (mem_grow(&w->v, &w->cap, w->n + 1, sizeof *w->v) < 0) {
        mem_free(path);
        return err_nomem(e);
    }
    w->v[w->n++] = path;
    return 0;
}

static int ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);

    return n > k && strcmp(name + n - k, suffix) == 0;
}

static int folder(struct walk *w, const char *dir, const char *suffix, int depth, struct err *e);

/* Takes path over; what vanished since the folder was read is passed over. */
static int entry(struct walk *w, char *path, const char *name, const char *suffix, int depth,
                 struct err *e)
{
    struct stat st;
    int rc = 0;

    if (!path)
        return err_nomem(e);
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        rc = depth < DEPTH ? folder(w, path, suffix, depth + 1, e)
                           : err_set(e, ERR_FORMAT, "%s: more than %d folders deep", path, DEPTH);
    else if (ends_in(name, suffix) && stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return add(w, path, e);
    mem_free(path);
    return rc;
}

static int folder(struct walk *w, const char *dir, const char *suffix, int depth, struct err *e)
{
    DIR *d = opendir(dir);
    struct dirent *found;
    int rc = 0;

    if (!d)
        return err_errno(e, "%s", dir);
    while (rc == 0 && (found = readdir(d)) != NULL)
        if (found->d_name[0] != '.' && strcmp(found->d_name, "__pycache__") != 0)
            rc = entry(w, path_join(dir, found->d_name), found->d_name, suffix, depth, e);
    closedir(d);
    return rc;
}

int walk_files(struct walk *w, const char *path, const char *suffix, struct err *e)
{
    struct stat st;
    char *copy;
    int rc;

    if (stat(path, &st) < 0)
        return err_errno(e, "%s", path);
    if (!S_ISDIR(st.st_mode)) {
        copy = mem_strdup(path);
        return copy ? add(w, copy, e) : err_nomem(e);
    }
    rc = folder(w, path, suffix, 0, e);
    if (rc == 0 && w->n)
        qsort(w->v, w->n, sizeof *w->v, by_path);
    return rc;
}

void walk_release(struct walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        mem_free(w->v[i]);
    mem_free(w->v);
    *w = (struct walk){0};
}
