#include "tasks/needle.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/prose.h"
#include "tasks/pytext.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
enum { NEEDLES_MAX = 8, SENTENCES_MAX = 512 };

static const char *const things[] = {
    "ferry", "bakery", "lighthouse", "orchard", "violin", "archive", "glacier", "tramway",
    "lantern", "windmill", "harbour", "notebook", "telescope", "vineyard", "compass", "stadium",
    "quarry", "aquarium", "cathedral", "sawmill", "balloon", "monastery", "factory", "island",
};

struct needles { /* what is hidden in one text, and what is asked for */
    char hidden[NEEDLES_MAX][96], wanted[NEEDLES_MAX][16], about[32];
    int n_hidden, n_wanted;
};

/* --- needles ------------------------------------------------------------------------------ */

static int draw_number(struct rng *r)
{
    return 1000000 + (int)rng_below(r, 9000000);
}

static void hide_number(struct needles *n, const char *thing, int number)
{
    snprintf(n->hidden[n->n_hidden++], sizeof n->hidden[0], "The special number of the %s is %d.",
             thing, number);
}

static void want(struct needles *n, int number)
{
    snprintf(n->wanted[n->n_wanted++], sizeof n->wanted[0], "%d", number);
}

/* `keys` things with `each` numbers; the first thing is asked about. */
static int numbers(struct needles *n, int keys, int each, struct rng *r, struct err *e)
{
    int which[NEEDLES_MAX];

    if (rng_sample(r, LENGTH(things), (uint32_t)keys, which, e) < 0)
        return -1;
    snprintf(n->about, sizeof n->about, "%s", things[which[0]]);
    for (int k = 0; k < keys; k++)
        for (int i = 0; i < each; i++) {
            int number = draw_number(r);
            hide_number(n, things[which[k]], number);
            if (k == 0)
                want(n, number);
        }
    return 0;
}

/* A value, and four variables that get it one from the other. */
static void chain(struct needles *n, struct rng *r)
{
    char value[24], name[6] = "";

    snprintf(value, sizeof value, "%d", draw_number(r));
    snprintf(n->about, sizeof n->about, "%s", value);
    for (; n->n_wanted < 5; n->n_wanted++) {
        for (int i = 0; i < 5; i++)
            name[i] = (char)('A' + (int)rng_below(r, 26));
        snprintf(n->hidden[n->n_hidden++], sizeof n->hidden[0], "VAR %s = %s.", name, value);
        memcpy(n->wanted[n->n_wanted], name, sizeof name);
        snprintf(value, sizeof value, "VAR %s", name);
    }
}

static int draw(struct needles *n, enum needle_kind kind, struct rng *r, struct err *e)
{
    *n = (struct needles){.n_hidden = 0};
    switch (kind) {
    case NEEDLE_ONE: return numbers(n, 1, 1, r, e);
    case NEEDLE_KEYS: return numbers(n, NEEDLES_MAX, 1, r, e);
    case NEEDLE_VALUES: return numbers(n, 1, 4, r, e);
    case NEEDLE_CHAIN: chain(n, r); break;
    }
    return 0;
}

/* --- hay ---------------------------------------------------------------------------------- */

/* The sentences of the passages that are in English, in their order. */
static int sentences(struct span *out)
{
    int n = 0;

    for (int p = 0; p < n_prose; p++) {
        const char *s = prose[p], *end;
        if ((unsigned char)*s & 0x80)
            continue;
        for (; n < SENTENCES_MAX && (end = strstr(s, ". ")) != NULL; s = end + 2)
            out[n++] = (struct span){s, (size_t)(end + 1 - s)};
    }
    return n;
}

/* Depth of needle i: the asked one (the first) where `depth` says, a chain in its order from there,
 * others anywhere. */
static void places(const struct needles *n, enum needle_kind kind, double depth, int characters,
                   struct rng *r, double *at)
{
    for (int i = 0; i < n->n_hidden; i++) {
        double where = i == 0 ? depth : rng_random(r);
        if (kind == NEEDLE_CHAIN)
            where = depth + (1 - depth) * i / n->n_hidden;
        at[i] = where * characters;
    }
}

static void add_sentence(struct strbuf *b, const char *s, size_t n)
{
    if (b->len)
        strbuf_addc(b, ' ');
    strbuf_add(b, s, n);
}

static void write_text(struct strbuf *b, const struct needles *n, const double *at, int characters,
                       struct rng *r)
{
    struct span hay[SENTENCES_MAX];
    int n_hay = sentences(hay), done[NEEDLES_MAX] = {0};

    while (!b->failed) {
        const struct span *s = &hay[rng_below(r, (uint32_t)n_hay)];
        for (int i = 0; i < n->n_hidden; i++)
            if (!done[i] && ((double)b->len >= at[i] || b->len >= (size_t)characters)) {
                add_sentence(b, n->hidden[i], strlen(n->hidden[i]));
                done[i] = 1;
            }
        if (b->len >= (size_t)characters)
            break;
        add_sentence(b, s->s, s->n);
    }
}

/* --- documents ---------------------------------------------------------------------------- */

static int push(struct docs *out, const struct recipe *r, int i, struct rng *rng, struct err *e)
{
    const struct needle_rules *rules = r->needle;
    double depth = (i % NEEDLE_DEPTHS + 0.5) / NEEDLE_DEPTHS, at[NEEDLES_MAX];
    struct strbuf text = STRBUF_INIT, json = STRBUF_INIT;
    struct json_out o = JSON_OUT(&json);
    struct needles n;
    int rc = -1;

    if (draw(&n, rules->kind, rng, e) < 0)
        return -1;
    places(&n, rules->kind, depth, rules->characters, rng, at);
    write_text(&text, &n, at, rules->characters, rng);
    json_begin_object(&o, NULL);
    json_put_num(&o, "depth", depth);
    json_put_str(&o, "about", n.about);
    json_begin_array(&o, "wanted");
    for (int k = 0; k < n.n_wanted; k++)
        json_put_str(&o, NULL, n.wanted[k]);
    json_end_array(&o);
    json_put_str(&o, "text", strbuf_str(&text));
    json_end_object(&o);
    if (strbuf_ok(&text, e) == 0 && strbuf_ok(&json, e) == 0)
        rc = parse_record(out, json.s, json.len, "needle", r, e);
    strbuf_release(&text);
    strbuf_release(&json);
    return rc;
}

int load_needle(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct rng rng;

    (void)path;
    *out = (struct docs){0};
    rng_seed(&rng, NEEDLE_SEED);
    for (int i = 0; i < NEEDLE_ITEMS; i++)
        if (push(out, r, i, &rng, e) < 0) {
            docs_release(out);
            return -1;
        }
    return 0;
}

static void read_with(struct record *r, const char *told, const char *question, const char *begun)
{
    const char *about = record_field(r, "about");

    record_targets(r, "wanted");
    r->doc->text = record_text(r, "%s\n\n%s\n\n%s%s?\n%s%s %s", told, record_field(r, "text"),
                               question, about, begun, about,
                               r->doc->n_targets > 1 ? "are" : "is");
}

static void read_number(struct record *r)
{
    read_with(r, "Special numbers are hidden in the following text. You will be asked for one.",
              "What is the special number of the ", "The special number of the ");
}

static void read_numbers(struct record *r)
{
    read_with(r, "Special numbers are hidden in the following text. You will be asked for them.",
              "What are all the special numbers of the ", "All the special numbers of the ");
}

static void read_chain(struct record *r)
{
    read_with(r, "Variables are set in the following text. You will be asked for their values.",
              "Which five variables have the value ", "The five variables that have the value ");
}

static const char *const line_end[] = {"\n"};
#define NEEDLE(name, which, reader, size, tokens)                                                  \
    static const struct needle_rules name##_rules = {which, size};                                 \
    const struct recipe recipe_##name = {.format = &format_recall, .load = load_needle,            \
        .read = reader, .target_delimiter = " ", .shot_delimiter = "\n\n", .until = line_end,      \
        .n_until = 1, .max_tokens = tokens, .needle = &name##_rules}

NEEDLE(needle_4k, NEEDLE_ONE, read_number, 4000, 24);
NEEDLE(needle_16k, NEEDLE_ONE, read_number, 16000, 24);
NEEDLE(needle_64k, NEEDLE_ONE, read_number, 64000, 24);
NEEDLE(needle_keys_4k, NEEDLE_KEYS, read_number, 4000, 24);
NEEDLE(needle_keys_16k, NEEDLE_KEYS, read_number, 16000, 24);
NEEDLE(needle_keys_64k, NEEDLE_KEYS, read_number, 64000, 24);
NEEDLE(needle_values_4k, NEEDLE_VALUES, read_numbers, 4000, 64);
NEEDLE(needle_values_16k, NEEDLE_VALUES, read_numbers, 16000, 64);
NEEDLE(needle_values_64k, NEEDLE_VALUES, read_numbers, 64000, 64);
NEEDLE(needle_chain_4k, NEEDLE_CHAIN, read_chain, 4000, 48);
NEEDLE(needle_chain_16k, NEEDLE_CHAIN, read_chain, 16000, 48);
NEEDLE(needle_chain_64k, NEEDLE_CHAIN, read_chain, 64000, 48);
