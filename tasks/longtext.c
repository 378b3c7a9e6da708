#include "tasks/longtext.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/needle.h"
#include "tasks/prose.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
enum { WORD_BYTES = 12, POOL_MAX = 600, CODED_MAX = 200 };

typedef char word[WORD_BYTES];

/* --- what all three share ----------------------------------------------------------------- */

struct made { /* a document before it is a record */
    struct strbuf text;
    char about[120];
    char wanted[COMMON_WORDS][24];
    int n_wanted;
    double depth; /* negative: the answer is everywhere */
};

typedef int make_one(struct made *m, int i, int characters, struct rng *rng, struct err *e);

static int push(struct docs *out, const struct recipe *r, const struct made *m, struct err *e)
{
    struct strbuf json = STRBUF_INIT;
    struct json_out o = JSON_OUT(&json);
    int rc = -1;

    json_begin_object(&o, NULL);
    if (m->depth >= 0)
        json_put_num(&o, "depth", m->depth);
    json_put_str(&o, "about", m->about);
    json_begin_array(&o, "wanted");
    for (int k = 0; k < m->n_wanted; k++)
        json_put_str(&o, NULL, m->wanted[k]);
    json_end_array(&o);
    json_put_str(&o, "text", strbuf_str(&m->text));
    json_end_object(&o);
    if (strbuf_ok(&m->text, e) == 0 && strbuf_ok(&json, e) == 0)
        rc = parse_record(out, json.s, json.len, "text", r, e);
    strbuf_release(&json);
    return rc;
}

static int load_made(struct docs *out, const struct recipe *r, make_one *make, struct err *e)
{
    struct rng rng;
    int rc = 0;

    *out = (struct docs){0};
    rng_seed(&rng, NEEDLE_SEED);
    for (int i = 0; i < NEEDLE_ITEMS && rc == 0; i++) {
        struct made m = {.depth = -1};
        rc = make(&m, i, r->needle->characters, &rng, e);
        if (rc == 0)
            rc = push(out, r, &m, e);
        strbuf_release(&m.text);
    }
    if (rc < 0)
        docs_release(out);
    return rc;
}

static void shuffle(int *v, int n, struct rng *rng)
{
    for (int i = n - 1; i > 0; i--) {
        int k = (int)rng_below(rng, (uint32_t)i + 1), t = v[i];
        v[i] = v[k];
        v[k] = t;
    }
}

/* --- common words ------------------------------------------------------------------------- */

static int is_in(word *pool, int n, const char *s, size_t len)
{
    for (int i = 0; i < n; i++)
        if (strlen(pool[i]) == len && strncmp(pool[i], s, len) == 0)
            return 1;
    return 0;
}

/* The words of our English prose that have 4 to 9 small letters, each once. */
static int ordinary_words(word *pool)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    int n = 0;

    for (int p = 0; p < n_prose; p++) {
        const char *s = prose[p];
        if ((unsigned char)*s & 0x80)
            continue;
        while (*s && n < POOL_MAX) {
            size_t gap = strcspn(s, small), len = strspn(s + gap, small);
            int whole = gap == 0 || s[gap - 1] == ' ';
            s += gap;
            if (whole && len >= 4 && len <= 9 && strchr(" .,", s[len]) && !is_in(pool, n, s, len)) {
                memcpy(pool[n], s, len);
                pool[n++][len] = 0;
            }
            s += len;
        }
    }
    return n;
}

/* None of the asked words is a part of another: each is found by itself in an answer. */
static int overlap(const struct made *m, const char *w)
{
    for (int i = 0; i < m->n_wanted; i++)
        if (strstr(m->wanted[i], w) || strstr(w, m->wanted[i]))
            return 1;
    return 0;
}

/* Which word stands at each place of the list: of the first ten in `order` half of the list, of the
 * others as many as make `fewest` each. */
static void fill_slots(int *slots, int n_slots, const int *order, int n_pool)
{
    int common = n_slots / (2 * COMMON_WORDS), left = n_slots - common * COMMON_WORDS, at = 0;
    int others = left / 3 < n_pool - COMMON_WORDS ? left / 3 : n_pool - COMMON_WORDS;

    for (int k = 0; k < COMMON_WORDS; k++)
        for (int j = 0; j < common; j++)
            slots[at++] = order[k];
    for (int j = 0; at < n_slots; j++)
        slots[at++] = order[COMMON_WORDS + j % others];
}

static int make_common(struct made *m, int i, int characters, struct rng *rng, struct err *e)
{
    int n_slots = characters / 12, order[POOL_MAX], n_pool, from = 0;
    int *slots = mem_calloc((size_t)n_slots, sizeof *slots);
    word *pool = mem_calloc(POOL_MAX, sizeof *pool);

    (void)i;
    if (!slots || !pool) {
        mem_free(slots);
        mem_free(pool);
        return err_nomem(e);
    }
    n_pool = ordinary_words(pool);
    for (int k = 0; k < n_pool; k++)
        order[k] = k;
    shuffle(order, n_pool, rng);
    for (int k = 0; m->n_wanted < COMMON_WORDS; k++) {
        int t = order[k];
        if (overlap(m, pool[t]))
            continue;
        snprintf(m->wanted[m->n_wanted++], sizeof m->wanted[0], "%s", pool[t]);
        order[k] = order[from];
        order[from++] = t;
    }
    fill_slots(slots, n_slots, order, n_pool);
    shuffle(slots, n_slots, rng);
    for (int k = 0; k < n_slots; k++)
        strbuf_addf(&m->text, "%s%d. %s", k ? " " : "", k + 1, pool[slots[k]]);
    mem_free(slots);
    mem_free(pool);
    return 0;
}

int load_common_words(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    (void)path;
    return load_made(out, r, make_common, e);
}

/* --- frequent words ----------------------------------------------------------------------- */

/* Six letters, consonants and vowels in turn. */
static void coin(word out, struct rng *rng)
{
    static const char consonants[] = "bdfghklmnprstvz", vowels[] = "aeiou";

    for (int i = 0; i < 6; i++)
        out[i] = i % 2 ? vowels[rng_below(rng, sizeof vowels - 1)]
                       : consonants[rng_below(rng, sizeof consonants - 1)];
    out[6] = 0;
}

/* Times that the word of each rank comes: in proportion to rank^-2, once at least; their number. */
static int zeta_counts(int n_slots, int *count)
{
    double all = 0;
    int n = 0, left = n_slots;

    for (int r = 1; r <= CODED_MAX; r++)
        all += 1.0 / (r * r);
    while (n < CODED_MAX && left > 0) {
        int k = (int)(n_slots / (all * (n + 1) * (n + 1)));
        count[n] = k < 1 ? 1 : k > left ? left : k;
        left -= count[n++];
    }
    return n;
}

static int make_frequent(struct made *m, int i, int characters, struct rng *rng, struct err *e)
{
    int n_slots = characters / 7, count[CODED_MAX], n = zeta_counts(n_slots, count), at = 0;
    int *slots = mem_calloc((size_t)n_slots, sizeof *slots);
    word *coded = mem_calloc(CODED_MAX, sizeof *coded);

    (void)i;
    if (!slots || !coded) {
        mem_free(slots);
        mem_free(coded);
        return err_nomem(e);
    }
    for (int k = 0; k < n; k++)
        do
            coin(coded[k], rng);
        while (is_in(coded, k, coded[k], 6));
    for (int k = 0; k < n; k++)
        for (int j = 0; j < count[k]; j++)
            slots[at++] = k;
    shuffle(slots, at, rng);
    for (int k = 0; k < at; k++)
        strbuf_addf(&m->text, "%s%s", k ? " " : "", coded[slots[k]]);
    for (; m->n_wanted < FREQUENT_WORDS; m->n_wanted++)
        snprintf(m->wanted[m->n_wanted], sizeof m->wanted[0], "%s", coded[m->n_wanted]);
    mem_free(slots);
    mem_free(coded);
    return 0;
}

int load_frequent_words(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    (void)path;
    return load_made(out, r, make_frequent, e);
}

/* --- distractors -------------------------------------------------------------------------- */

static const char *const given[] = {
    "Ada", "Boris", "Clara", "Dilip", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Lars", "Mina", "Noor", "Otto", "Petra", "Quentin", "Rosa", "Sven", "Tara",
};
static const char *const family[] = {
    "Abelmann", "Borgia", "Castell", "Dufour", "Eklund", "Farrow", "Grimaldi", "Holub", "Ivarsen",
    "Jansky", "Kessler", "Lindqvist", "Moreau", "Novotny", "Okafor", "Pellegrin", "Quist", "Rahimi",
    "Sorel", "Tanaka",
};

/* One fact of a life: how it is told, how it is asked for, what it may be; no values: a year. */
static const struct fact {
    const char *told, *asked;
    const char *values[12];
} facts[] = {
    {"%s was born in %s.", "In which town was %s born?",
     {"Arlen", "Brackwater", "Corvane", "Dunmere", "Eastholt", "Fallowby", "Grenwick", "Harrowgate",
      "Istrand", "Kelmont", "Lowmoor", "Marsden"}},
    {"%s earns a living as a %s.", "How does %s earn a living?",
     {"baker", "surveyor", "locksmith", "translator", "gardener", "nurse", "glazier", "pilot",
      "tailor", "beekeeper", "printer", "carpenter"}},
    {"In the evenings %s plays the %s.", "Which instrument does %s play?",
     {"cello", "trumpet", "accordion", "flute", "harp", "banjo", "organ", "clarinet", "viola",
      "drums", "oboe", "mandolin"}},
    {"At home %s keeps a %s.", "Which animal does %s keep?",
     {"parrot", "tortoise", "goat", "ferret", "greyhound", "gecko", "duck", "pony", "rabbit",
      "raven", "hedgehog", "donkey"}},
    {"%s first went to sea in %s.", "In which year did %s first go to sea?", {NULL}},
};
enum { N_FACTS = LENGTH(facts), PEOPLE_MAX = LENGTH(given) * LENGTH(family) };

static void draw_value(const struct fact *f, struct rng *rng, char out[24])
{
    if (f->values[0])
        snprintf(out, 24, "%s", f->values[rng_below(rng, LENGTH(f->values))]);
    else
        snprintf(out, 24, "%d", 1931 + (int)rng_below(rng, 80));
}

static void add_formatted(struct strbuf *b, const char *pattern, const char *name,
                          const char *value)
{
    const char *first = strstr(pattern, "%s"), *second = strstr(first + 2, "%s");

    strbuf_addf(b, "%.*s%s%.*s%s%s", (int)(first - pattern), pattern, name,
                (int)(second - first - 2), first + 2, value, second + 2);
}

/* A life, its facts in an order of its own; the value of fact `asked` into value. */
static void add_life(struct strbuf *b, int number, const char *name, int asked, struct rng *rng,
                     char value[24])
{
    int order[N_FACTS];

    for (int k = 0; k < N_FACTS; k++)
        order[k] = k;
    shuffle(order, N_FACTS, rng);
    strbuf_addf(b, "%sDocument %d:", number > 1 ? "\n" : "", number);
    for (int k = 0; k < N_FACTS; k++) {
        char drawn[24];
        draw_value(&facts[order[k]], rng, drawn);
        strbuf_addc(b, ' ');
        add_formatted(b, facts[order[k]].told, name, drawn);
        if (order[k] == asked)
            snprintf(value, 24, "%s", drawn);
    }
}

static void name_of(int person, char out[40])
{
    snprintf(out, 40, "%s %s", given[person / LENGTH(family)], family[person % LENGTH(family)]);
}

static int make_distractors(struct made *m, int i, int characters, struct rng *rng, struct err *e)
{
    int people[PEOPLE_MAX], asked = (int)rng_below(rng, N_FACTS), number = 0, told = 0;
    char name[40], value[24];
    const char *gap;

    if (rng_sample(rng, PEOPLE_MAX, PEOPLE_MAX, people, e) < 0)
        return -1;
    m->depth = (i % NEEDLE_DEPTHS + 0.5) / NEEDLE_DEPTHS;
    name_of(people[0], name);
    gap = strstr(facts[asked].asked, "%s");
    snprintf(m->about, sizeof m->about, "%.*s%s%s", (int)(gap - facts[asked].asked),
             facts[asked].asked, name, gap + 2);
    while (!m->text.failed && number + 1 < PEOPLE_MAX &&
           (m->text.len < (size_t)characters || !told)) {
        int now = !told && (double)m->text.len >= m->depth * characters;
        name_of(people[now ? 0 : number + 1], name);
        add_life(&m->text, ++number, name, asked, rng, value);
        if (now)
            snprintf(m->wanted[m->n_wanted++], sizeof m->wanted[0], "%s", value);
        told |= now;
    }
    return 0;
}

int load_distractors(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    (void)path;
    return load_made(out, r, make_distractors, e);
}

/* --- prompts ------------------------------------------------------------------------------ */

static void read_common(struct record *r)
{
    record_targets(r, "wanted");
    r->doc->text = record_text(r, "Ten words come often in the following list, the others seldom. "
                               "You will be asked for the ten.\n\n%s\n\nWhich ten words come most "
                               "often in the list?\nThe ten words that come most often are",
                               record_field(r, "text"));
}

static void read_frequent(struct record *r)
{
    record_targets(r, "wanted");
    r->doc->text = record_text(r, "The following text is in code. You will be asked for its most "
                               "frequent words.\n\n%s\n\nWhich three words come most often in the "
                               "coded text?\nThe three words that come most often are",
                               record_field(r, "text"));
}

static void read_distractors(struct record *r)
{
    record_targets(r, "wanted");
    r->doc->text = record_text(r, "Answer the question from the documents.\n\n%s\n\nQuestion: %s\n"
                               "Answer:", record_field(r, "text"), record_field(r, "about"));
}

static const char *const line_end[] = {"\n"};
#define LONGTEXT(name, loader, reader, size, tokens)                                               \
    static const struct needle_rules name##_rules = {NEEDLE_ONE, size};                            \
    const struct recipe recipe_##name = {.format = &format_recall, .load = loader,                 \
        .read = reader, .target_delimiter = " ", .shot_delimiter = "\n\n", .until = line_end,      \
        .n_until = 1, .max_tokens = tokens, .needle = &name##_rules}

LONGTEXT(common_words_4k, load_common_words, read_common, 4000, 64);
LONGTEXT(common_words_16k, load_common_words, read_common, 16000, 64);
LONGTEXT(common_words_64k, load_common_words, read_common, 64000, 64);
LONGTEXT(frequent_words_4k, load_frequent_words, read_frequent, 4000, 32);
LONGTEXT(frequent_words_16k, load_frequent_words, read_frequent, 16000, 32);
LONGTEXT(frequent_words_64k, load_frequent_words, read_frequent, 64000, 32);
LONGTEXT(qa_distractors_4k, load_distractors, read_distractors, 4000, 16);
LONGTEXT(qa_distractors_16k, load_distractors, read_distractors, 16000, 16);
LONGTEXT(qa_distractors_64k, load_distractors, read_distractors, 64000, 16);
