#include "runners/unigram.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"

#define UNREACHED UINT32_MAX
#define PENALTY 10.0 /* of an unknown character below the least likely token */

int unigram_init(struct unigram *u, const struct vocab *v, const struct unigram_opts *o,
                 double *score, const uint32_t *members, size_t n, double min_score,
                 struct err *e)
{
    *u = (struct unigram){.v = v, .o = *o, .score = score, .unk_score = min_score - PENALTY};
    if (o->in_float)
        u->unk_score = (float)u->unk_score;
    for (int i = 0; i < 256; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", (unsigned)i);
        u->byte[i] = vocab_find(v, text, 6);
    }
    return prefix_init(&u->set, v->text, members, n) < 0 ? err_nomem(e) : 0;
}

void unigram_release(struct unigram *u)
{
    prefix_release(&u->set);
    mem_free(u->score);
    mem_free(u->nodes);
    *u = (struct unigram){0};
}

/* Bytes of the character that starts with c, by its first byte alone. */
static size_t lead_bytes(unsigned char c)
{
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static void offer(const struct unigram *u, size_t from, size_t to, int32_t id, double score)
{
    struct unigram_node *n = &u->nodes[to];

    score += u->nodes[from].score;
    if (n->from != UNREACHED && !(score > n->score))
        return;
    *n = (struct unigram_node){u->o.in_float ? (float)score : score, id, (uint32_t)from};
}

/* All tokens that start at text[at]; then unk, when none is the one character there. */
static void leave(const struct unigram *u, const char *text, size_t n, size_t at, size_t len)
{
    struct prefix_walk w = PREFIX_START(&u->set);
    int has_single = 0;
    int32_t id;

    for (size_t i = at; i < n && prefix_step(&u->set, &w, (unsigned char)text[i], &id); i++) {
        double score;
        if (id < 0)
            continue;
        has_single |= i + 1 - at == len;
        score = u->v->type[id] == TOKEN_USER
                    ? u->o.user_score + (double)(i + 1 - at) * u->o.user_per_byte
                    : u->score[id];
        offer(u, at, i + 1, id, score);
    }
    if (!has_single)
        offer(u, at, at + len, -1, u->unk_score);
}

/* The ids of an unknown stretch of one character, in reverse. */
static int put_unknown(const struct unigram *u, const char *s, size_t n, struct ids *out,
                       int *in_unk)
{
    int all = u->o.bytes_first;

    for (size_t i = 0; i < n; i++)
        all &= u->byte[(unsigned char)s[i]] >= 0;
    if (all) {
        for (size_t i = n; i-- > 0;)
            if (ids_push(out, u->byte[(unsigned char)s[i]]) < 0)
                return -1;
        *in_unk = 0;
        return 0;
    }
    if (u->o.unk < 0 || (*in_unk && u->o.fuses_unk))
        return 0;
    *in_unk = 1;
    return ids_push(out, u->o.unk);
}

static int backtrack(const struct unigram *u, const char *text, size_t n, struct ids *out)
{
    size_t first = out->n;
    int in_unk = 0;

    for (size_t at = n; at > 0; at = u->nodes[at].from) {
        const struct unigram_node *d = &u->nodes[at];
        int rc;
        if (d->id < 0 || (u->o.unk_by_id && d->id == u->o.unk)) {
            rc = put_unknown(u, text + d->from, at - d->from, out, &in_unk);
        } else {
            in_unk = 0;
            rc = ids_push(out, d->id);
        }
        if (rc < 0)
            return -1;
    }
    for (size_t a = first, b = out->n; a + 1 < b; a++) {
        int32_t swap = out->v[a];
        out->v[a] = out->v[--b];
        out->v[b] = swap;
    }
    return 0;
}

int unigram_encode(struct unigram *u, const char *text, size_t n, struct ids *out)
{
    size_t len;

    if (n == 0)
        return 0;
    if (mem_grow(&u->nodes, &u->cap_nodes, n + 1, sizeof *u->nodes) < 0)
        return -1;
    for (size_t i = 0; i <= n; i++)
        u->nodes[i] = (struct unigram_node){0, -1, UNREACHED};
    for (size_t at = 0; at < n; at += len) {
        len = lead_bytes((unsigned char)text[at]);
        if (len > n - at)
            len = n - at;
        leave(u, text, n, at, len);
    }
    return backtrack(u, text, n, out);
}
