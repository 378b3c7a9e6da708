/* bundle_tar.c -- files in memory, to and from a tar file. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/bundle.h"

enum { NAME_MAX_BYTES = 96 };

void bundle_release(struct bundle *b)
{
    for (size_t i = 0; i < b->n; i++) {
        mem_free(b->files[i].name);
        strbuf_release(&b->files[i].bytes);
    }
    mem_free(b->files);
    *b = (struct bundle){0};
}

const struct bundle_file *bundle_find(const struct bundle *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->files[i].name, name) == 0)
            return &b->files[i];
    return NULL;
}

void bundle_drop(struct bundle *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->files[i].name, name) == 0) {
            b->total -= b->files[i].bytes.len;
            mem_free(b->files[i].name);
            strbuf_release(&b->files[i].bytes);
            b->files[i] = b->files[--b->n];
            return;
        }
}

int bundle_put(struct bundle *b, const char *name, struct strbuf *bytes, struct err *e)
{
    char *copy;

    bundle_drop(b, name);
    if (strbuf_ok(bytes, e) < 0)
        return -1;
    if (b->n >= BUNDLE_FILES_MAX || bytes->len > BUNDLE_BYTES_MAX - b->total)
        return err_set(e, ERR_UNSUPPORTED, "%s: a bundle holds at most %d files and %zu bytes",
                       name, BUNDLE_FILES_MAX, (size_t)BUNDLE_BYTES_MAX);
    copy = mem_strdup(name);
    if (!copy || mem_grow(&b->files, &b->cap, b->n + 1, sizeof *b->files) < 0) {
        mem_free(copy);
        return err_nomem(e);
    }
    b->files[b->n++] = (struct bundle_file){copy, *bytes};
    b->total += bytes->len;
    *bytes = STRBUF_INIT;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bundle_file *)a)->name, ((const struct bundle_file *)b)->name);
}

/* --- writing --------------------------------------------------------------------------------- */

static la_ssize_t append(struct archive *a, void *user, const void *bytes, size_t n)
{
    struct strbuf *out = user;

    (void)a;
    strbuf_add(out, bytes, n);
    return out->failed ? -1 : (la_ssize_t)n;
}

static int tar_fail(struct archive *a, const char *path, struct err *e)
{
    const char *why = archive_error_string(a);

    return err_set(e, ERR_FORMAT, "%s: %s", path, why ? why : "the tar file cannot be used");
}

static int write_file(struct archive *a, const struct bundle_file *f)
{
    struct archive_entry *x = archive_entry_new();
    int rc = -1;

    if (!x)
        return -1;
    archive_entry_set_pathname(x, f->name);
    archive_entry_set_size(x, (la_int64_t)f->bytes.len);
    archive_entry_set_filetype(x, AE_IFREG);
    archive_entry_set_perm(x, 0644);
    archive_entry_set_mtime(x, 0, 0);
    if (archive_write_header(a, x) == ARCHIVE_OK &&
        (f->bytes.len == 0 ||
         archive_write_data(a, f->bytes.s, f->bytes.len) == (la_ssize_t)f->bytes.len))
        rc = 0;
    archive_entry_free(x);
    return rc;
}

int bundle_write(struct bundle *b, const char *path, struct err *e)
{
    struct archive *a = archive_write_new();
    struct strbuf out = STRBUF_INIT;
    int rc = -1;

    if (!a)
        return err_nomem(e);
    qsort(b->files, b->n, sizeof *b->files, by_name);
    if (archive_write_set_format_ustar(a) != ARCHIVE_OK ||
        archive_write_open(a, &out, NULL, append, NULL) != ARCHIVE_OK)
        goto out;
    for (size_t i = 0; i < b->n; i++)
        if (write_file(a, &b->files[i]) < 0)
            goto out;
    rc = archive_write_close(a) == ARCHIVE_OK ? 0 : -1;
out:
    if (rc < 0)
        tar_fail(a, path, e);
    if (strbuf_ok(&out, e) < 0) /* this is why, whatever the archive says of it */
        rc = -1;
    if (rc == 0)
        rc = file_write(path, out.s, out.len, e);
    archive_write_free(a);
    strbuf_release(&out);
    return rc;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Letters, digits and "._-" between single slashes; no part begins with a dot. */
static int name_ok(const char *s)
{
    size_t n = strlen(s);

    if (n == 0 || n > NAME_MAX_BYTES)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        int begins = i == 0 || s[i - 1] == '/';
        int plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
        if (!plain && (begins || i + 1 == n || (c != '.' && c != '/')))
            return 0;
    }
    return 1;
}

/* For messages: what is not plain becomes '?'. */
static const char *shown(char *text, size_t size, const char *name)
{
    size_t i = 0;

    for (; name && name[i] && i + 1 < size; i++)
        text[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
    text[i] = 0;
    return text;
}

static int read_bytes(struct archive *a, const struct bundle *b, const char *path,
                      const char *name, struct strbuf *out, struct err *e)
{
    char part[65536];
    la_ssize_t n;

    while ((n = archive_read_data(a, part, sizeof part)) > 0) {
        if ((size_t)n > BUNDLE_BYTES_MAX - b->total - out->len)
            return err_set(e, ERR_FORMAT, "%s: %s: more than %zu bytes in all", path, name,
                           (size_t)BUNDLE_BYTES_MAX);
        strbuf_add(out, part, (size_t)n);
    }
    return n < 0 ? tar_fail(a, path, e) : strbuf_ok(out, e);
}

static int read_entry(struct archive *a, struct archive_entry *x, struct bundle *b,
                      const char *path, struct err *e)
{
    const char *name = archive_entry_pathname(x);
    struct strbuf bytes = STRBUF_INIT;
    char text[64];
    int rc = -1;

    shown(text, sizeof text, name);
    if (!name || !name_ok(name))
        return err_set(e, ERR_FORMAT, "%s: '%s' is no name of a bundle's file", path, text);
    if (archive_entry_filetype(x) != AE_IFREG || archive_entry_hardlink(x) ||
        archive_entry_symlink(x))
        return err_set(e, ERR_FORMAT, "%s: %s is no plain file", path, text);
    if (bundle_find(b, name))
        return err_set(e, ERR_FORMAT, "%s: %s is there twice", path, text);
    if (read_bytes(a, b, path, name, &bytes, e) == 0)
        rc = bundle_put(b, name, &bytes, e);
    strbuf_release(&bytes);
    return rc;
}

int bundle_parse(struct bundle *out, const char *path, const void *bytes, size_t n, struct err *e)
{
    struct archive *a = archive_read_new();
    struct archive_entry *x;
    int got = ARCHIVE_OK, rc = -1;

    *out = (struct bundle){0};
    if (!a)
        return err_nomem(e);
    if (archive_read_support_format_tar(a) != ARCHIVE_OK ||
        archive_read_open_memory(a, bytes, n) != ARCHIVE_OK) {
        tar_fail(a, path, e);
        goto out;
    }
    while ((got = archive_read_next_header(a, &x)) == ARCHIVE_OK)
        if (read_entry(a, x, out, path, e) < 0)
            goto out;
    if (got != ARCHIVE_EOF) {
        tar_fail(a, path, e);
        goto out;
    }
    if (out->n)
        qsort(out->files, out->n, sizeof *out->files, by_name);
    rc = 0;
out:
    archive_read_free(a);
    if (rc < 0)
        bundle_release(out);
    return rc;
}

int bundle_read(struct bundle *out, const char *path, struct err *e)
{
    struct file_map m = FILE_MAP_NONE;
    int rc;

    *out = (struct bundle){0};
    if (file_map(&m, path, e) < 0)
        return -1;
    rc = bundle_parse(out, path, m.bytes, m.len, e);
    file_unmap(&m);
    return rc;
}
