/* parquet_page.c -- a column chunk's pages as entries: repetition level, definition level, value.
 *
 * Nothing is unfolded: runs are walked, so a page that says "a billion equal numbers" costs nothing
 * until somebody asks for them. */
#include <string.h>

#include "base/mem.h"
#include "base/parquet.h"
#include "base/parquet_impl.h"

enum { ENCODING_PLAIN = 0, ENCODING_PLAIN_DICTIONARY = 2, ENCODING_RLE = 3,
       ENCODING_RLE_DICTIONARY = 8 };
enum { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

static int damaged(const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s", what);
}

static uint64_t little(const uint8_t *p, int n)
{
    uint64_t v = 0;

    for (int i = 0; i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* --- runs --------------------------------------------------------------------------------- */

static struct rle rle_over(const uint8_t *at, const uint8_t *end, int width)
{
    return (struct rle){.at = at, .end = end, .width = width};
}

static int rle_run(struct rle *r)
{
    uint64_t head = 0;
    int bytes = (r->width + 7) / 8;

    for (int shift = 0;; shift += 7) {
        if (r->at == r->end || shift > 35)
            return -1;
        head |= (uint64_t)(*r->at & 0x7f) << shift;
        if (!(*r->at++ & 0x80))
            break;
    }
    if (head >> 1 == 0)
        return -1;
    if (head & 1) {
        r->packed = (head >> 1) * 8;
        r->bit = 0;
        /* the last run of a page may be cut off behind its last number */
        return (uint64_t)(r->end - r->at) >= 1 || r->width == 0 ? 0 : -1;
    }
    if (r->end - r->at < bytes)
        return -1;
    r->equal = head >> 1;
    r->value = (uint32_t)little(r->at, bytes);
    r->at += bytes;
    return 0;
}

static int rle_next(struct rle *r, uint32_t *out)
{
    uint64_t v = 0;

    *out = 0;
    if (r->equal == 0 && r->packed == 0 && rle_run(r) < 0)
        return -1;
    if (r->equal) {
        r->equal--;
        *out = r->value;
        return 0;
    }
    if ((uint64_t)(r->end - r->at) * 8 < r->bit + (uint64_t)r->width)
        return -1;
    for (int i = 0; i < (int)(r->bit + (unsigned)r->width + 7) / 8; i++)
        v |= (uint64_t)r->at[i] << (8 * i);
    *out = (uint32_t)((v >> r->bit) & ((UINT64_C(1) << r->width) - 1));
    r->bit += (unsigned)r->width;
    r->at += r->bit / 8;
    r->bit %= 8;
    r->packed--;
    return 0;
}

static int bits_for(int most)
{
    int n = 0;

    while (most >> n)
        n++;
    return n;
}

/* --- values ------------------------------------------------------------------------------- */

static int plain_boolean(struct column *c, struct parquet_value *out, struct err *e)
{
    if (c->plain == c->plain_end)
        return damaged("a page ends before its values do", e);
    *out = (struct parquet_value){.kind = PARQUET_TRUTH, .number = *c->plain >> c->bit & 1};
    c->bit = (c->bit + 1) % 8;
    c->plain += c->bit == 0;
    return 0;
}

static double number_at(const struct column *c, const uint8_t *p)
{
    uint64_t bits = little(p, c->type == PHYSICAL_INT32 || c->type == PHYSICAL_FLOAT ? 4 : 8);
    uint32_t half = (uint32_t)bits;
    double d;
    float f;

    switch (c->type) {
    case PHYSICAL_INT32:
        return c->is_unsigned ? (double)half : (double)(int32_t)half;
    case PHYSICAL_INT64:
        return c->is_unsigned ? (double)bits : (double)(int64_t)bits;
    case PHYSICAL_FLOAT:
        memcpy(&f, &half, sizeof f);
        return f;
    default:
        memcpy(&d, &bits, sizeof d);
        return d;
    }
}

static int plain_value(struct column *c, struct parquet_value *out, struct err *e)
{
    size_t have = (size_t)(c->plain_end - c->plain), n;

    if (c->type == PHYSICAL_BOOLEAN)
        return plain_boolean(c, out, e);
    if (c->type == PHYSICAL_BYTES) {
        if (have < 4 || (n = (size_t)little(c->plain, 4)) > have - 4)
            return damaged("a text goes on behind the end of its page", e);
        *out = (struct parquet_value){.kind = PARQUET_TEXT, .bytes = c->plain + 4, .n = n};
        c->plain += 4 + n;
        return 0;
    }
    n = c->type == PHYSICAL_FIXED                                    ? c->width
        : c->type == PHYSICAL_INT32 || c->type == PHYSICAL_FLOAT ? 4
                                                                     : 8;
    if (have < n)
        return damaged("a page ends before its values do", e);
    if (c->type == PHYSICAL_FIXED)
        *out = (struct parquet_value){.kind = PARQUET_TEXT, .bytes = c->plain, .n = n};
    else
        *out = (struct parquet_value){.kind = PARQUET_NUMBER, .number = number_at(c, c->plain)};
    c->plain += n;
    return 0;
}

static int next_value(struct column *c, struct err *e)
{
    uint32_t i;

    if (!c->by_dictionary && !c->by_rle)
        return plain_value(c, &c->v, e);
    if (rle_next(&c->index, &i) < 0)
        return damaged("a page ends before its values do", e);
    if (c->by_rle) {
        c->v = (struct parquet_value){.kind = PARQUET_TRUTH, .number = i};
        return 0;
    }
    if (i >= c->n_dictionary)
        return damaged("a value is not in its dictionary", e);
    c->v = c->dictionary[i];
    return 0;
}

/* --- pages -------------------------------------------------------------------------------- */

struct page_head {
    int64_t type, packed, unpacked; /* bytes, behind the levels of version 2 included */
    int64_t values, encoding, rep_bytes, def_bytes, level_encoding;
    int is_packed;
};

/* data_page_header, dictionary_page_header or data_page_header_v2 */
static void page_details(struct thrift *t, int which, int type, struct page_head *h)
{
    int id = 0, kind;

    if (type != THRIFT_STRUCT) {
        t->failed = 1;
        return;
    }
    while (thrift_field(t, &id, &kind)) {
        if (id == 1)
            h->values = thrift_int(t, kind);
        else if (id == (which == 8 ? 4 : 2))
            h->encoding = thrift_int(t, kind);
        else if (which == 5 && (id == 3 || id == 4))
            h->level_encoding |= thrift_int(t, kind) == ENCODING_RLE ? 0 : 1;
        else if (which == 8 && id == 5)
            h->def_bytes = thrift_int(t, kind);
        else if (which == 8 && id == 6)
            h->rep_bytes = thrift_int(t, kind);
        else if (which == 8 && id == 7)
            h->is_packed = (int)thrift_int(t, kind);
        else
            thrift_skip(t, kind);
    }
}

static int page_head(struct column *c, struct page_head *h, struct err *e)
{
    struct thrift t = {c->at, c->end, 0};
    int id = 0, kind;

    *h = (struct page_head){.type = -1, .packed = -1, .unpacked = -1, .values = -1,
                            .encoding = -1, .is_packed = 1};
    while (thrift_field(&t, &id, &kind)) {
        if (id == 1)
            h->type = thrift_int(&t, kind);
        else if (id == 2)
            h->unpacked = thrift_int(&t, kind);
        else if (id == 3)
            h->packed = thrift_int(&t, kind);
        else if (id == 5 || id == 7 || id == 8)
            page_details(&t, id, kind, h);
        else
            thrift_skip(&t, kind);
    }
    if (t.failed)
        return damaged("a page's header is damaged", e);
    c->at = t.at;
    if (h->packed < 0 || h->packed > c->end - c->at)
        return damaged("a page goes on behind the end of its column", e);
    if (h->unpacked < 0 || h->unpacked > PARQUET_PAGE_BYTES)
        return err_set(e, ERR_FORMAT, "a page says it has %lld bytes, at most %d are read",
                       (long long)h->unpacked, PARQUET_PAGE_BYTES);
    if (h->rep_bytes < 0 || h->def_bytes < 0 || h->rep_bytes > h->packed ||
        h->def_bytes > h->packed - h->rep_bytes || h->rep_bytes + h->def_bytes > h->unpacked)
        return damaged("a page's levels are longer than the page", e);
    return 0;
}

/* The page's bytes into *out (mem_free), the levels of version 2 unpacked as they are in front. */
static int page_bytes(struct column *c, const struct page_head *h, uint8_t **out, struct err *e)
{
    size_t levels = (size_t)(h->rep_bytes + h->def_bytes), n = (size_t)h->unpacked;
    int rc;

    *out = mem_alloc(n + 1);
    if (!*out)
        return err_nomem(e);
    memcpy(*out, c->at, levels);
    rc = parquet_unpack(h->is_packed ? c->codec : CODEC_NONE, c->at + levels,
                        (size_t)h->packed - levels, *out + levels, n - levels, e);
    c->at += h->packed;
    if (rc < 0) {
        mem_free(*out);
        *out = NULL;
    }
    return rc;
}

static int load_dictionary(struct column *c, const struct page_head *h, struct err *e)
{
    if (c->dictionary || c->type == PHYSICAL_BOOLEAN)
        return damaged("a dictionary that must not be there", e);
    if (h->encoding != ENCODING_PLAIN && h->encoding != ENCODING_PLAIN_DICTIONARY)
        return err_set(e, ERR_UNSUPPORTED, "a dictionary in encoding %lld", (long long)h->encoding);
    if (h->values < 0 || h->values > h->unpacked)
        return damaged("a dictionary says it has more values than bytes", e);
    if (page_bytes(c, h, &c->dictionary_page, e) < 0)
        return -1;
    c->dictionary = mem_calloc((size_t)h->values + 1, sizeof *c->dictionary);
    if (!c->dictionary)
        return err_nomem(e);
    c->plain = c->dictionary_page;
    c->plain_end = c->plain + h->unpacked;
    for (int64_t i = 0; i < h->values; i++)
        if (plain_value(c, &c->dictionary[i], e) < 0)
            return -1;
    c->n_dictionary = (size_t)h->values;
    return 0;
}

/* Levels of version 1: their length in front, where there are any. */
static int take_levels(struct rle *out, int most, const uint8_t **at, const uint8_t *end,
                       struct err *e)
{
    size_t n;

    *out = rle_over(*at, *at, 0);
    if (most == 0)
        return 0;
    if (end - *at < 4 || (n = (size_t)little(*at, 4)) > (size_t)(end - *at) - 4)
        return damaged("a page's levels are longer than the page", e);
    *out = rle_over(*at + 4, *at + 4 + n, bits_for(most));
    *at += 4 + n;
    return 0;
}

static int begin_values(struct column *c, int64_t encoding, const uint8_t *at, const uint8_t *end,
                        struct err *e)
{
    c->by_dictionary =
        encoding == ENCODING_PLAIN_DICTIONARY || encoding == ENCODING_RLE_DICTIONARY;
    c->by_rle = encoding == ENCODING_RLE && c->type == PHYSICAL_BOOLEAN;
    c->plain = at;
    c->plain_end = end;
    c->bit = 0;
    if (c->by_dictionary && !c->dictionary)
        return damaged("a page without its dictionary", e);
    if (c->by_dictionary) {
        if (at < end && *at > 32)
            return damaged("a page of numbers with more than 32 bits", e);
        c->index = at < end ? rle_over(at + 1, end, *at) : rle_over(at, end, 0);
    } else if (c->by_rle) {
        if (end - at < 4 || little(at, 4) > (uint64_t)(end - at) - 4)
            return damaged("a page's values are longer than the page", e);
        c->index = rle_over(at + 4, at + 4 + little(at, 4), 1);
    } else if (encoding != ENCODING_PLAIN) {
        return err_set(e, ERR_UNSUPPORTED,
                       "values in encoding %lld; plain ones, runs and dictionaries are read",
                       (long long)encoding);
    }
    return 0;
}

static int load_data(struct column *c, const struct page_head *h, struct err *e)
{
    const uint8_t *at, *end;

    if (h->values < 0 || (uint64_t)h->values > c->left)
        return damaged("a page has more values than its column", e);
    if (h->level_encoding)
        return err_set(e, ERR_UNSUPPORTED, "levels that are packed bit by bit");
    mem_free(c->page);
    c->page = NULL;
    if (page_bytes(c, h, &c->page, e) < 0)
        return -1;
    c->in_page = (uint64_t)h->values;
    at = c->page;
    end = at + h->unpacked;
    if (h->type == PAGE_DATA_V2) {
        c->rep = rle_over(at, at + h->rep_bytes, bits_for(c->max_rep));
        c->def = rle_over(at + h->rep_bytes, at + h->rep_bytes + h->def_bytes,
                          bits_for(c->max_def));
        at += h->rep_bytes + h->def_bytes;
    } else if (take_levels(&c->rep, c->max_rep, &at, end, e) < 0 ||
               take_levels(&c->def, c->max_def, &at, end, e) < 0) {
        return -1;
    }
    return begin_values(c, h->encoding, at, end, e);
}

static int load_page(struct column *c, struct err *e)
{
    struct page_head h;

    if (page_head(c, &h, e) < 0)
        return -1;
    if (h.type == PAGE_DATA || h.type == PAGE_DATA_V2)
        return load_data(c, &h, e);
    if (h.type == PAGE_DICTIONARY)
        return load_dictionary(c, &h, e);
    c->at += h.packed; /* indexes, and what later versions may have */
    return 0;
}

int column_next(struct column *c, struct err *e)
{
    uint32_t r = 0, d = 0;

    c->has_entry = 0;
    if (c->left == 0)
        return 0;
    while (c->in_page == 0) {
        if (c->at == c->end)
            return damaged("the column ends before its values do", e);
        if (load_page(c, e) < 0)
            return -1;
    }
    if ((c->max_rep && rle_next(&c->rep, &r) < 0) || (c->max_def && rle_next(&c->def, &d) < 0))
        return damaged("a page ends before its levels do", e);
    if ((int64_t)r > c->max_rep || (int64_t)d > c->max_def)
        return damaged("a level that cannot be", e);
    c->r = (int)r;
    c->d = (int)d;
    if (c->d == c->max_def && next_value(c, e) < 0)
        return -1;
    c->in_page--;
    c->left--;
    c->has_entry = 1;
    return 1;
}

void column_release(struct column *c)
{
    mem_free(c->page);
    mem_free(c->dictionary_page);
    mem_free(c->dictionary);
    *c = (struct column){.max_def = 0};
}
