#include "base/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

enum { RATIO = 1032, SPARE = 1 << 16 };

static const char zip_mark[] = ".zip#", gz_mark[] = ".gz";

int unpack_is_packed(const char *name, size_t *n, const char **inner, size_t *n_inner)
{
    const char *mark = strstr(name, zip_mark), *base = path_base(name);
    size_t len = strlen(name), gz = sizeof gz_mark - 1;
    int packed = 1;

    if (mark && mark[sizeof zip_mark - 1]) {
        const char *member = mark + sizeof zip_mark - 1;
        if (n)
            *n = (size_t)(member - 1 - name);
        if (inner)
            *inner = member;
        if (n_inner)
            *n_inner = strlen(member);
    } else if (strlen(base) > gz && strcmp(name + len - gz, gz_mark) == 0) {
        if (n)
            *n = len;
        if (inner)
            *inner = base;
        if (n_inner)
            *n_inner = strlen(base) - gz;
    } else {
        packed = 0;
    }
    return packed;
}

static int archive_fail(struct archive *a, const char *name, struct err *e)
{
    const char *why = archive_error_string(a);

    return err_set(e, ERR_FORMAT, "%s: %s", name, why ? why : "cannot be unpacked");
}

static int copy_data(struct archive *a, const char *name, FILE *f, uint64_t most, struct err *e)
{
    char part[1 << 16];
    uint64_t total = 0;
    la_ssize_t n;

    while ((n = archive_read_data(a, part, sizeof part)) > 0) {
        total += (uint64_t)n;
        if (total > most)
            return err_set(e, ERR_FORMAT, "%s: holds more than %llu bytes, %d times its own", name,
                           (unsigned long long)most, RATIO);
        if (fwrite(part, 1, (size_t)n, f) != (size_t)n)
            return err_errno(e, "what is in %s cannot be written", name);
    }
    return n < 0 ? archive_fail(a, name, e) : 0;
}

/* Goes to the member; NULL: the only one there is. */
static int find_member(struct archive *a, const char *name, const char *member, struct err *e)
{
    struct archive_entry *x;
    int got;

    while ((got = archive_read_next_header(a, &x)) == ARCHIVE_OK) {
        const char *path = archive_entry_pathname(x);
        if (member && (!path || strcmp(path, member) != 0))
            continue;
        if (member && archive_entry_filetype(x) != AE_IFREG)
            return err_set(e, ERR_FORMAT, "%s: is not a plain file in there", name);
        return 0;
    }
    if (got != ARCHIVE_EOF)
        return archive_fail(a, name, e);
    return err_set(e, ERR_NOTFOUND, "%s: no such file in there", name);
}

int unpack_file(const char *name, const char *out, struct err *e)
{
    struct archive *a = archive_read_new();
    const char *member = NULL;
    size_t n = 0, n_member = 0;
    char *path = unpack_is_packed(name, &n, &member, &n_member) ? mem_strndup(name, n) : NULL;
    int64_t size = path ? file_size(path) : -1;
    FILE *f = NULL;
    int zip = path && n < strlen(name), rc = -1;

    if (!a || !path) {
        err_nomem(e);
        goto done;
    }
    if (zip ? archive_read_support_format_zip(a) != ARCHIVE_OK
            : archive_read_support_format_raw(a) != ARCHIVE_OK ||
                  archive_read_support_filter_gzip(a) != ARCHIVE_OK) {
        archive_fail(a, name, e);
        goto done;
    }
    if (size < 0 || !(f = fopen(out, "w"))) {
        err_errno(e, "%s", size < 0 ? path : out);
        goto done;
    }
    if (archive_read_open_filename(a, path, 1 << 16) != ARCHIVE_OK) {
        archive_fail(a, name, e);
        goto done;
    }
    if (!zip && archive_filter_code(a, 0) != ARCHIVE_FILTER_GZIP) {
        err_set(e, ERR_FORMAT, "%s: is no gzip file", name);
        goto done;
    }
    if (find_member(a, name, zip ? member : NULL, e) == 0 &&
        copy_data(a, name, f, (uint64_t)size * RATIO + SPARE, e) == 0)
        rc = 0;
done:
    if (f && fclose(f) != 0 && rc == 0)
        rc = err_errno(e, "%s", out);
    archive_read_free(a);
    mem_free(path);
    return rc;
}
