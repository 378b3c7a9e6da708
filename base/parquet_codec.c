/* parquet_codec.c -- what pages are packed with.  gzip and Zstandard are libarchive's, which we
 * have anyway; Snappy is short (format: github.com/google/snappy, format_description.txt). */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/parquet_impl.h"

/* The length in front, which has to be n_out; where the elements begin, or NULL. */
static const uint8_t *snappy_begin(const uint8_t *in, const uint8_t *end, size_t n_out)
{
    uint64_t n = 0;

    for (int shift = 0; shift < 35 && in < end; shift += 7) {
        n |= (uint64_t)(*in & 0x7f) << shift;
        if (!(*in++ & 0x80))
            return n == n_out ? in : NULL;
    }
    return NULL;
}

/* `n` bytes, little endian, at *in. */
static int take(const uint8_t **in, const uint8_t *end, int n, size_t *out)
{
    if (end - *in < n)
        return -1;
    *out = 0;
    for (int i = 0; i < n; i++)
        *out |= (size_t)(*in)[i] << (8 * i);
    *in += n;
    return 0;
}

int snappy_unpack(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out)
{
    const uint8_t *end = in + n_in;
    size_t done = 0;

    in = snappy_begin(in, end, n_out);
    if (!in)
        return -1;
    while (in < end) {
        uint8_t tag = *in++;
        size_t n = (size_t)(tag >> 2) + 1, offset;
        if ((tag & 3) == 0) { /* bytes as they are */
            if (n > 60) {
                if (take(&in, end, (int)n - 60, &n) < 0)
                    return -1;
                n++;
            }
            if (n > (size_t)(end - in) || n > n_out - done)
                return -1;
            memcpy(out + done, in, n);
            in += n;
            done += n;
            continue;
        }
        if ((tag & 3) == 1) {
            if (take(&in, end, 1, &offset) < 0)
                return -1;
            offset |= (size_t)(tag >> 5) << 8;
            n = ((tag >> 2) & 7) + 4;
        } else if (take(&in, end, (tag & 3) == 2 ? 2 : 4, &offset) < 0) {
            return -1;
        }
        if (offset == 0 || offset > done || n > n_out - done)
            return -1;
        for (size_t i = 0; i < n; i++, done++) /* may overlap: byte by byte */
            out[done] = out[done - offset];
    }
    return done == n_out ? 0 : -1;
}

static int archive_unpack(int (*filter)(struct archive *), const char *what, const uint8_t *in,
                          size_t n_in, uint8_t *out, size_t n_out, struct err *e)
{
    struct archive *a = archive_read_new();
    struct archive_entry *entry;
    size_t done = 0;
    la_ssize_t got = 1;
    char more;
    int rc = -1;

    if (!a)
        return err_nomem(e);
    /* ARCHIVE_WARN: by starting a program, which a reader of files does not do */
    if (filter(a) != ARCHIVE_OK || archive_read_support_format_raw(a) != ARCHIVE_OK) {
        err_set(e, ERR_UNSUPPORTED, "this libarchive cannot unpack %s", what);
        goto out;
    }
    if (archive_read_open_memory(a, in, n_in) == ARCHIVE_OK &&
        archive_read_next_header(a, &entry) == ARCHIVE_OK)
        while (done < n_out && (got = archive_read_data(a, out + done, n_out - done)) > 0)
            done += (size_t)got;
    if (done == n_out && got > 0 && archive_read_data(a, &more, 1) == 0)
        rc = 0;
    else
        err_set(e, ERR_FORMAT, "a page of %s is damaged", what);
out:
    archive_read_free(a);
    return rc;
}

int parquet_unpack(int codec, const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out,
                   struct err *e)
{
    static const char *const others[] = {NULL, NULL, NULL, "LZO", "Brotli", "LZ4", NULL, "LZ4"};

    if (n_out == 0)
        return 0;
    switch (codec) {
    case CODEC_NONE:
        if (n_in != n_out)
            return err_set(e, ERR_FORMAT, "a page has %zu bytes where it says %zu", n_in, n_out);
        memcpy(out, in, n_out);
        return 0;
    case CODEC_SNAPPY:
        if (snappy_unpack(in, n_in, out, n_out) < 0)
            return err_set(e, ERR_FORMAT, "a page of Snappy is damaged");
        return 0;
    case CODEC_GZIP:
        return archive_unpack(archive_read_support_filter_gzip, "gzip", in, n_in, out, n_out, e);
    case CODEC_ZSTD:
        return archive_unpack(archive_read_support_filter_zstd, "Zstandard", in, n_in, out, n_out,
                              e);
    }
    return err_set(e, ERR_UNSUPPORTED, "packed by %s; Snappy, gzip and Zstandard are read",
                   codec >= 0 && codec < 8 && others[codec] ? others[codec] : "an unknown codec");
}
