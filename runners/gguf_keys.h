/* gguf_keys.h -- the key section of one GGUF part, and the cursor that all parsing goes through.
 *
 * Shared by gguf.c, gguf_keys.c and imatrix.c only.  A key's value stays in the mapping; after
 * keys_parse it is known to lie inside it, with every string of an array walked once. */
#ifndef RUNNERS_GGUF_KEYS_H
#define RUNNERS_GGUF_KEYS_H

#include "runners/gguf.h"

/* Reads little-endian values, never past the end.  The first failure says what was missing. */
struct cursor {
    const char *path; /* for errors */
    const uint8_t *bytes;
    size_t at, len;
};

uint16_t le16(const uint8_t *p);
uint32_t le32(const uint8_t *p);
uint64_t le64(const uint8_t *p);

/* All: -1 with "path: truncated at byte N: what" when too few bytes are left. */
int cursor_u32(struct cursor *c, const char *what, uint32_t *out, struct err *e);
int cursor_u64(struct cursor *c, const char *what, uint64_t *out, struct err *e);
int cursor_str(struct cursor *c, const char *what, struct gguf_str *out, struct err *e);

struct gguf_key {
    struct gguf_str name;
    enum gguf_type type;    /* of the value; of the elements when it is an array */
    int is_array;
    size_t n;               /* 1 for a scalar */
    const uint8_t *value;   /* first element */
    size_t bytes;
};

struct gguf_keys {
    struct gguf_key *v; /* in the order of the file */
    size_t n;
    const struct gguf_key **by_name; /* sorted */
};

int keys_parse(struct gguf_keys *k, struct cursor *c, uint64_t n, struct err *e);
void keys_release(struct gguf_keys *k);
const struct gguf_key *keys_find(const struct gguf_keys *k, const char *name, size_t n);

/* As gguf_get_int, on one table. */
int keys_get_int(const struct gguf_keys *k, const char *path, const char *name, int64_t *out,
                 struct err *e);

int gguf_str_compare(struct gguf_str a, struct gguf_str b); /* by bytes, as memcmp */

/* Of a gguf whose keys are those of its first part; for gguf_keys.c. */
const struct gguf_keys *gguf_keys_of(const struct gguf *g);

#endif
