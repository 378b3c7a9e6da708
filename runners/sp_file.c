#include "runners/sp_file.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "runners/gguf_keys.h"
#include "runners/vocab.h"

enum { VARINT, FIXED64, BYTES, FIXED32 = 5 }; /* wire types */

struct reader {
    const uint8_t *at, *end;
};

struct field {
    uint64_t number, value; /* value: of a number, or the bytes of FIXED32 */
    int wire;
    struct gguf_str bytes;
};

static int read_varint(struct reader *r, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t b = *r->at++;
        *out |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return 0;
    }
    return -1;
}

/* 1: a field; 0: the end; -1: not a protocol buffer. */
static int next_field(struct reader *r, struct field *f)
{
    uint64_t key;

    if (r->at == r->end)
        return 0;
    if (read_varint(r, &key) < 0)
        return -1;
    *f = (struct field){.number = key >> 3, .wire = (int)(key & 7)};
    switch (f->wire) {
    case VARINT:
        return read_varint(r, &f->value) < 0 ? -1 : 1;
    case BYTES:
        if (read_varint(r, &f->value) < 0 || f->value > (uint64_t)(r->end - r->at))
            return -1;
        f->bytes = (struct gguf_str){(const char *)r->at, (size_t)f->value};
        break;
    case FIXED32:
        f->value = 4;
        break;
    case FIXED64:
        f->value = 8;
        break;
    default:
        return -1;
    }
    if (f->value > (uint64_t)(r->end - r->at))
        return -1;
    r->at += f->value;
    if (f->wire == FIXED32)
        f->value = le32(r->at - 4);
    return 1;
}

static struct reader reader_of(struct gguf_str s)
{
    const uint8_t *b = (const uint8_t *)s.s;

    return (struct reader){b, b + s.n};
}

static int add_piece(struct sp_file *f, struct gguf_str message, struct err *e)
{
    struct sp_piece p = {.text = {"", 0}, .type = TOKEN_NORMAL};
    struct reader r = reader_of(message);
    struct field d;
    int rc;

    while ((rc = next_field(&r, &d)) > 0) {
        uint32_t bits = (uint32_t)d.value;
        if (d.number == 1 && d.wire == BYTES)
            p.text = d.bytes;
        else if (d.number == 2 && d.wire == FIXED32)
            memcpy(&p.score, &bits, sizeof bits);
        else if (d.number == 3 && d.wire == VARINT && d.value >= TOKEN_NORMAL &&
                 d.value <= TOKEN_BYTE)
            p.type = (int)d.value;
    }
    if (p.score != p.score) /* NaN has no place in an order */
        p.score = -3.4e38f;
    if (rc == 0 && mem_grow(&f->pieces, &f->cap, f->n + 1, sizeof p) < 0)
        return err_nomem(e);
    if (rc == 0)
        f->pieces[f->n++] = p;
    return rc;
}

static int read_trainer(struct sp_file *f, struct gguf_str message)
{
    struct reader r = reader_of(message);
    struct field d;
    int rc;

    while ((rc = next_field(&r, &d)) > 0) {
        int64_t v = (int32_t)d.value; /* negative numbers are 64 bits of ones in front */
        if (d.wire != VARINT)
            continue;
        switch (d.number) {
        case 3:
            f->type = v >= SP_UNIGRAM && v <= SP_CHAR ? (enum sp_type)v : SP_UNIGRAM;
            break;
        case 24:
            f->space_behind = v != 0;
            break;
        case 35:
            f->byte_fallback = v != 0;
            break;
        case 40:
            f->unk = v;
            break;
        case 41:
            f->bos = v;
            break;
        case 42:
            f->eos = v;
            break;
        default:
            break;
        }
    }
    return rc;
}

static int read_normalizer(struct sp_file *f, struct gguf_str message)
{
    struct reader r = reader_of(message);
    struct field d;
    int rc;

    while ((rc = next_field(&r, &d)) > 0) {
        if (d.number == 2 && d.wire == BYTES)
            f->map = d.bytes;
        else if (d.number == 3 && d.wire == VARINT)
            f->adds_space = d.value != 0;
        else if (d.number == 4 && d.wire == VARINT)
            f->merges_spaces = d.value != 0;
        else if (d.number == 5 && d.wire == VARINT)
            f->shows_spaces = d.value != 0;
    }
    return rc;
}

int sp_parse(struct sp_file *f, const void *bytes, size_t n, const char *path, struct err *e)
{
    struct reader r = reader_of((struct gguf_str){bytes, n});
    struct field d;
    int rc;

    *f = (struct sp_file){.type = SP_UNIGRAM, .unk = 0, .bos = 1, .eos = 2, .adds_space = 1,
                          .merges_spaces = 1, .shows_spaces = 1, .map = {"", 0}};
    if (e)
        e->code = ERR_OK;
    while ((rc = next_field(&r, &d)) > 0) {
        int inner = 0;
        if (d.wire == BYTES && d.number == 1)
            inner = add_piece(f, d.bytes, e);
        else if (d.wire == BYTES && d.number == 2)
            inner = read_trainer(f, d.bytes);
        else if (d.wire == BYTES && d.number == 3)
            inner = read_normalizer(f, d.bytes);
        if (inner < 0) {
            rc = -1;
            break;
        }
    }
    if (rc < 0)
        return e && e->code == ERR_NOMEM
                   ? -1
                   : err_set(e, ERR_FORMAT, "%s: not a SentencePiece model (at byte %zu)", path,
                             (size_t)(r.at - (const uint8_t *)bytes));
    if (f->n == 0)
        return err_set(e, ERR_FORMAT, "%s: a SentencePiece model without pieces", path);
    return 0;
}

void sp_release(struct sp_file *f)
{
    mem_free(f->pieces);
    *f = (struct sp_file){0};
}
