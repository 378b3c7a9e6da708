#include "base/parquet_impl.h"

enum { DEEPEST = 16 };

static uint8_t byte(struct thrift *t)
{
    if (t->failed || t->at == t->end) {
        t->failed = 1;
        return 0;
    }
    return *t->at++;
}

static uint64_t varint(struct thrift *t)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t b = byte(t);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return v;
    }
    t->failed = 1;
    return 0;
}

static int64_t zigzag(struct thrift *t)
{
    uint64_t v = varint(t);

    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

int thrift_field(struct thrift *t, int *id, int *type)
{
    uint8_t b = byte(t);
    int64_t next;

    *type = b & 15;
    if (t->failed || b == 0)
        return 0;
    next = b >> 4 ? *id + (b >> 4) : zigzag(t);
    if (next < 0 || next > 32767 || *type > THRIFT_STRUCT)
        t->failed = 1;
    *id = t->failed ? 0 : (int)next;
    return !t->failed;
}

int64_t thrift_int(struct thrift *t, int type)
{
    if (type == THRIFT_TRUE || type == THRIFT_FALSE)
        return type == THRIFT_TRUE;
    if (type == THRIFT_BYTE)
        return (int8_t)byte(t);
    if (type >= THRIFT_I16 && type <= THRIFT_I64)
        return zigzag(t);
    t->failed = 1;
    return 0;
}

size_t thrift_bytes(struct thrift *t, int type, const uint8_t **bytes)
{
    uint64_t n = type == THRIFT_BINARY ? varint(t) : 0;

    *bytes = t->at;
    if (type != THRIFT_BINARY || t->failed || n > (uint64_t)(t->end - t->at)) {
        t->failed = 1;
        return 0;
    }
    t->at += n;
    return (size_t)n;
}

size_t thrift_list(struct thrift *t, int type, int *element)
{
    uint8_t b = byte(t);
    uint64_t n = b >> 4 == 15 ? varint(t) : b >> 4;

    *element = b & 15;
    if ((type != THRIFT_LIST && type != THRIFT_SET) || t->failed ||
        n > (uint64_t)(t->end - t->at)) {
        t->failed = 1;
        return 0;
    }
    return (size_t)n;
}

static void skip(struct thrift *t, int type, int depth);

static void skip_map(struct thrift *t, int depth)
{
    uint64_t n = varint(t);
    uint8_t types = n ? byte(t) : 0;

    if (n > (uint64_t)(t->end - t->at))
        t->failed = 1;
    for (uint64_t i = 0; i < n && !t->failed; i++) {
        skip(t, types >> 4, depth);
        skip(t, types & 15, depth);
    }
}

static void skip(struct thrift *t, int type, int depth)
{
    const uint8_t *bytes;
    int id = 0, inner;
    size_t n;

    if (depth == DEEPEST)
        t->failed = 1;
    if (t->failed)
        return;
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        thrift_int(t, type);
        break;
    case THRIFT_DOUBLE:
        for (int i = 0; i < 8; i++)
            byte(t);
        break;
    case THRIFT_BINARY:
        thrift_bytes(t, type, &bytes);
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        n = thrift_list(t, type, &inner);
        for (size_t i = 0; i < n && !t->failed; i++) {
            if (inner == THRIFT_TRUE || inner == THRIFT_FALSE)
                byte(t); /* in a list a truth value has a byte of its own */
            else
                skip(t, inner, depth + 1);
        }
        break;
    case THRIFT_MAP:
        skip_map(t, depth + 1);
        break;
    case THRIFT_STRUCT:
        while (thrift_field(t, &id, &inner))
            skip(t, inner, depth + 1);
        break;
    default:
        t->failed = 1;
    }
}

void thrift_skip(struct thrift *t, int type)
{
    skip(t, type, 0);
}
