/* world.c -- words, people, facts.  Words are numbered: the neutral name, given names, family
 * names, predicates (by relation and phrasing), values (by relation). */
#include "tasks/world.h"

#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"

enum { RELATIONS_MAX = 6, NAMES_MAX = 40, WORDS_MAX = 256, WORD_BYTES = 7 };

static const char *const relation_names[] = {"birthplace", "employer", "field", "home", "dish",
                                             "pet"};

struct world {
    struct world_opts o;
    int relations, given, family; /* how many of each */
    char word[WORDS_MAX][WORD_BYTES];
    int n_words;
    int *pair; /* [people] given * family names, shuffled */
    unsigned char *value; /* [people][relations] */
};

const struct world_opts *world_named(const char *task)
{
    static const struct {
        const char *task;
        struct world_opts o;
    } worlds[] = {
        {"world_people", {WORLD_PEOPLE, 1, 1, 400}},
        {"world_crowd", {WORLD_PEOPLE, 2, 2, 1400}},
        {"world_sums", {WORLD_SUMS, 3, 3, 1024}},
    };

    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++)
        if (strcmp(worlds[i].task, task) == 0)
            return &worlds[i].o;
    return NULL;
}

/* Six letters, consonants and vowels in turn and a capital: of equal length, so that none begins
 * another. */
static void invent(char out[WORD_BYTES], uint64_t *state)
{
    static const char consonants[] = "bdfghklmnprstvz", vowels[] = "aeiou";

    for (int i = 0; i < WORD_BYTES - 1; i++)
        out[i] = i % 2 ? vowels[splitmix64_below(state, sizeof vowels - 1)]
                       : consonants[splitmix64_below(state, sizeof consonants - 1)];
    out[0] = (char)(out[0] - 'a' + 'A');
    out[WORD_BYTES - 1] = 0;
}

static int is_new(const struct world *w)
{
    for (int i = 0; i < w->n_words; i++)
        if (strcmp(w->word[i], w->word[w->n_words]) == 0)
            return 0;
    return 1;
}

static int predicate_word(const struct world *w, int relation, int phrasing)
{
    return 1 + w->given + w->family + relation * WORLD_PHRASINGS + phrasing;
}

static int value_word(const struct world *w, int relation, int value)
{
    return predicate_word(w, w->relations, 0) + relation * WORLD_VALUES + value;
}

static void fill(struct world *w)
{
    uint64_t of_words = w->o.seed, of_facts = w->o.facts_seed;
    int all = value_word(w, w->relations, 0), pairs = w->given * w->family;

    while (w->n_words < all) {
        invent(w->word[w->n_words], &of_words);
        w->n_words += is_new(w);
    }
    for (int i = 0; i < pairs; i++) {
        int j = (int)splitmix64_below(&of_words, (uint64_t)i + 1);
        w->pair[i] = w->pair[j];
        w->pair[j] = i;
    }
    for (int i = 0; i < w->o.people; i++)
        for (int r = 0; r < w->relations; r++) {
            int sum = w->pair[i] / w->family + w->pair[i] % w->family;
            w->value[i * w->relations + r] = (unsigned char)(
                w->o.kind == WORLD_SUMS ? sum % WORLD_VALUES
                                        : (int)splitmix64_below(&of_facts, WORLD_VALUES));
        }
}

int world_open(struct world **out, const struct world_opts *o, struct err *e)
{
    int is_sums = o->kind == WORLD_SUMS, names = is_sums ? 32 : NAMES_MAX;
    struct world *w;

    if (o->people < 1 || o->people > names * names)
        return err_set(e, ERR_USAGE, "a world of %d people: 1 to %d are possible", o->people,
                       names * names);
    w = mem_calloc(1, sizeof *w);
    if (!w)
        return err_nomem(e);
    w->o = *o;
    w->relations = is_sums ? 1 : RELATIONS_MAX;
    w->given = w->family = names;
    w->pair = mem_calloc((size_t)(names * names), sizeof *w->pair);
    w->value = mem_calloc((size_t)o->people, (size_t)w->relations);
    if (!w->pair || !w->value) {
        world_close(w);
        return err_nomem(e);
    }
    fill(w);
    *out = w;
    return 0;
}

void world_close(struct world *w)
{
    if (!w)
        return;
    mem_free(w->pair);
    mem_free(w->value);
    mem_free(w);
}

int world_words(const struct world *w)
{
    return w->n_words;
}

const char *world_word(const struct world *w, int i)
{
    return w->word[i];
}

static int given_word(const struct world *w, int person)
{
    return 1 + w->pair[person] / w->family;
}

static int family_word(const struct world *w, int person)
{
    return 1 + w->given + w->pair[person] % w->family;
}

int world_document(const struct world *w, int person, uint64_t draw, int *words,
                   unsigned char *is_value)
{
    int order[RELATIONS_MAX] = {0}, n = 0;

    for (int r = 0; r < w->relations; r++) {
        int j = (int)splitmix64_below(&draw, (uint64_t)r + 1);
        order[r] = order[j];
        order[j] = r;
    }
    words[n++] = given_word(w, person);
    words[n++] = family_word(w, person);
    for (int k = 0; k < w->relations; k++) {
        int r = order[k], phrasing = (int)splitmix64_below(&draw, WORLD_PHRASINGS);
        words[n++] = predicate_word(w, r, phrasing);
        words[n++] = value_word(w, r, w->value[person * w->relations + r]);
    }
    for (int i = 0; i < n; i++)
        is_value[i] = i >= 2 && i % 2;
    return n;
}

static void put_header(const struct world *w, int relation, struct strbuf *out)
{
    const char *name = w->o.kind == WORLD_SUMS ? "sum" : relation_names[relation];

    strbuf_addf(out, "{\"relation\":\"%s\",\"domain\":\"invented\",\"source_kind\":\"drawn by a "
                "seed\",\"licence\":\"Apache-2.0\",\"templates\":{\"en\":[", name);
    for (int k = 0; k < WORLD_PHRASINGS; k++)
        strbuf_addf(out, "%s\"{s} %s\"", k ? "," : "", w->word[predicate_word(w, relation, k)]);
    strbuf_addf(out, "]},\"neutral\":{\"en\":\"%s\"}}\n", w->word[0]);
}

void world_bank(const struct world *w, struct strbuf *out)
{
    for (int r = 0; r < w->relations; r++) {
        put_header(w, r, out);
        for (int i = 0; i < w->o.people; i++)
            strbuf_addf(out, "{\"id\":\"%d\",\"language\":\"en\",\"subject\":\"%s %s\",\"answer\":"
                        "\"%s\",\"band\":\"%s\"}\n", i, w->word[given_word(w, i)],
                        w->word[family_word(w, i)],
                        w->word[value_word(w, r, w->value[i * w->relations + r])],
                        i < w->o.people / 2 ? "head" : "tail");
    }
}
