/* plugin.c -- plug-in devices found by name and loaded.  See plugin.h. */
#include "runners/plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"

static const char *const precisions[] = {"float32", "tf32", "float16", "bfloat16", "int8"};

const char *plugin_precision(int precision)
{
    return precision >= 0 && (size_t)precision < sizeof precisions / sizeof precisions[0]
               ? precisions[precision] : NULL;
}

static int ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n > m && strcmp(s + n - m, end) == 0;
}

/* ---- finding ---- */

struct listing { /* of files, in order */
    char **v;
    size_t n, cap;
};

static void listing_release(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        mem_free(l->v[i]);
    mem_free(l->v);
}

/* Takes path over; NULL: out of memory. */
static int add_file(struct listing *l, char *path)
{
    if (!path || mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0) {
        mem_free(path);
        return -1;
    }
    l->v[l->n++] = path;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_folder(struct listing *l, const char *folder)
{
    size_t first = l->n;
    struct dirent *f;
    DIR *d = opendir(folder);
    int rc = 0;

    if (!d) /* a folder that is not there holds no devices */
        return 0;
    while (rc == 0 && (f = readdir(d)) != NULL)
        if (ends_in(f->d_name, ".so"))
            rc = add_file(l, path_join(folder, f->d_name));
    closedir(d);
    if (l->n > first)
        qsort(l->v + first, l->n - first, sizeof *l->v, by_name);
    return rc;
}

static int list_files(struct listing *l, struct err *e)
{
    const char *at = getenv("DENSIMETER_DEVICES");
    int rc = 0;

    while (rc == 0 && at && *at) {
        size_t n = strcspn(at, ":");
        char *part = mem_strndup(at, n);
        struct stat s;
        if (!part)
            rc = -1;
        else if (n && stat(part, &s) == 0 && S_ISDIR(s.st_mode))
            rc = add_folder(l, part);
        else if (n && stat(part, &s) == 0)
            rc = add_file(l, mem_strdup(part));
        mem_free(part);
        at += n + (at[n] == ':');
    }
    return rc < 0 ? err_nomem(e) : 0;
}

/* What the file is called: without folder, "lib" and ".so". */
static int is_called(const char *path, const char *name)
{
    const char *base = path_base(path);
    size_t n = strlen(name);

    if (strncmp(base, name, n) == 0 && strcmp(base + n, ".so") == 0)
        return 1;
    return strncmp(base, "lib", 3) == 0 && strncmp(base + 3, name, n) == 0 &&
           strcmp(base + 3 + n, ".so") == 0;
}

int plugin_find(char **path, const char *name, struct err *e)
{
    struct listing l = {0};
    int rc = 0;

    *path = NULL;
    if (strchr(name, '/') || ends_in(name, ".so")) {
        *path = mem_strdup(name);
        return *path ? 1 : err_nomem(e);
    }
    if (list_files(&l, e) < 0)
        rc = -1;
    for (size_t i = 0; i < l.n && rc == 0; i++)
        if (is_called(l.v[i], name)) {
            *path = l.v[i];
            l.v[i] = NULL;
            rc = 1;
        }
    listing_release(&l);
    return rc;
}

int plugin_at(char **path, int i, struct err *e)
{
    struct listing l = {0};
    int rc = list_files(&l, e);

    *path = NULL;
    if (rc == 0 && (size_t)i < l.n) {
        *path = l.v[i];
        l.v[i] = NULL;
        rc = 1;
    }
    listing_release(&l);
    return rc;
}

/* ---- loading ---- */

static int is_name(const char *s)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

    return s && *s && strlen(s) < 64 && s[strspn(s, letters)] == 0;
}

static int is_line(const char *s)
{
    return s && strlen(s) < 200 && !strchr(s, '\n');
}

static int check(const struct dsm_device *d, const char *path, struct err *e)
{
    size_t bytes = d && d->abi < 2 ? offsetof(struct dsm_device, read) : sizeof *d;

    if (!d)
        return err_set(e, ERR_FORMAT, "%s: densimeter_device() gave nothing", path);
    if (d->abi < 1 || d->abi > DSM_ABI)
        return err_set(e, ERR_UNSUPPORTED, "%s: made for version %d of the device interface, this "
                       "program has 1 to %d", path, d->abi, DSM_ABI);
    if (d->struct_bytes < bytes)
        return err_set(e, ERR_FORMAT, "%s: its struct dsm_device has %u bytes, %zu are needed",
                       path, d->struct_bytes, bytes);
    if (!is_name(d->name))
        return err_set(e, ERR_FORMAT, "%s: the device's name is not letters, digits, - and _",
                       path);
    if (!is_line(d->version) || !is_line(d->help) || !is_line(d->numerics) || !*d->numerics)
        return err_set(e, ERR_FORMAT, "%s: version, help and numerics must be short lines", path);
    if (!plugin_precision(d->precision))
        return err_set(e, ERR_FORMAT, "%s: precision %d is unknown", path, d->precision);
    if (!d->open || !d->close || !d->supports || !d->prepare || !d->run)
        return err_set(e, ERR_FORMAT, "%s: open, close, supports, prepare and run must be there",
                       path);
    return 0;
}

int plugin_load(const struct dsm_device **api, const char *path, struct err *e)
{
    const struct dsm_device *(*entry)(void);
    struct strbuf here = STRBUF_INIT;
    void *library;
    int rc = -1;

    *api = NULL;
    strbuf_addf(&here, "%s%s", strchr(path, '/') ? "" : "./", path); /* never the system's */
    if (strbuf_ok(&here, e) < 0)
        goto out;
    if (!file_exists(path)) {
        err_set(e, ERR_NOTFOUND, "%s: no such device", path);
        goto out;
    }
    library = dlopen(strbuf_str(&here), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        err_set(e, ERR_FORMAT, "%s", dlerror()); /* the path is in it */
        goto out;
    }
    *(void **)&entry = dlsym(library, "densimeter_device");
    if (!entry) {
        err_set(e, ERR_FORMAT, "%s: it has no densimeter_device()", path);
        goto out;
    }
    if (check(entry(), path, e) == 0) {
        *api = entry();
        rc = 0;
    }
out:
    strbuf_release(&here);
    return rc;
}
