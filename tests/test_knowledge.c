/* Bits of knowledge against the vectors, and at the points where the right answer is known. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "base/strbuf.h"
#include "harness/knowledge.h"

#define K 16
#define T 3

struct bank { /* synthetic items, all arrays in one block each */
    struct knowledge_item *items;
    double *l, *m, *n;
    char (*names)[24];
    int count;
};

static double uniform(uint64_t *rng)
{
    return ((double)(splitmix64_next(rng) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *rng)
{
    double u = uniform(rng), v = uniform(rng);

    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

enum student {
    RANDOM,   /* likelihoods with nothing in them */
    UNIGRAM,  /* the popularity and length of an answer, whoever the subject is */
    SHUFFLED, /* knows everything, but is asked about other subjects */
    ORACLE,   /* ln p = 0 on the right answer */
    HALF,     /* certain of every second fact, guesses the rest */
    NOISY,    /* knows half, with doubt */
};

/* ln p of candidate c of item i in phrasing t, given its popularity m and bytes n. */
static double likelihood(enum student s, int i, int c, double m, double n, int known, uint64_t *rng)
{
    switch (s) {
    case RANDOM:
        return -6 + 2 * normal(rng);
    case UNIGRAM:
        return m - 0.1 * n + 0.05 * normal(rng);
    case SHUFFLED:
        return 0.8 * m - 0.1 * n + (c == known ? 6 : 0) + 0.5 * normal(rng);
    case ORACLE:
        return c == 0 ? 0 : -20 + normal(rng);
    case HALF: /* sure, or sure of nothing: the same for every candidate */
        return i % 2 ? -20 : c == 0 ? 0 : -20 + normal(rng);
    case NOISY:
        return 0.8 * m - 0.1 * n + normal(rng) + (c == 0 && i % 2 ? 5 : 0);
    }
    return 0;
}

static struct bank bank_make(enum student s, uint64_t seed, int relations, int subjects)
{
    int count = relations * subjects;
    struct bank b = {mem_calloc(count, sizeof *b.items), mem_calloc(count * K * T, sizeof *b.l),
                     mem_calloc(count * K * T, sizeof *b.m), mem_calloc(count * K, sizeof *b.n),
                     mem_calloc(count * 2, sizeof *b.names), count};

    for (int i = 0; i < count; i++) {
        int known = (int)splitmix64_below(&seed, K * 2); /* often an answer that is not offered */
        snprintf(b.names[2 * i], sizeof *b.names, "relation %02d", i / subjects);
        snprintf(b.names[2 * i + 1], sizeof *b.names, "s%04d", i % subjects);
        for (int c = 0; c < K; c++) {
            double m = -6 + 2 * normal(&seed), n = 2 + (double)splitmix64_below(&seed, 12);
            b.n[i * K + c] = n;
            for (int t = 0; t < T; t++) {
                b.m[(i * T + t) * K + c] = m + 0.1 * normal(&seed);
                b.l[(i * T + t) * K + c] = likelihood(s, i, c, m, n, known, &seed);
            }
        }
        b.items[i] = (struct knowledge_item){b.names[2 * i], b.names[2 * i + 1], "en", K,
                                             b.l + i * T * K, b.m + i * T * K, b.n + i * K};
    }
    return b;
}

static void bank_free(struct bank *b)
{
    mem_free(b->items);
    mem_free(b->l);
    mem_free(b->m);
    mem_free(b->n);
    mem_free(b->names);
}

static struct knowledge_total measure(const struct bank *b, int replicates)
{
    struct knowledge *k = NULL;
    struct knowledge_total r;
    struct err e = ERR_NONE;

    assert_int_equal(knowledge_compute(&k, b->items, b->count, T, &e), 0);
    assert_int_equal(knowledge_total(&r, k, b->items, NULL, 1, replicates, &e), 0);
    knowledge_free(k);
    return r;
}

static void never_credited(enum student s)
{
    int honest = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct bank b = bank_make(s, seed * 1000 + 17, 10, 40);
        struct knowledge_total r = measure(&b, 400);
        honest += r.low <= 0;
        if (fabs(r.bits) >= 0.01 * r.maximum)
            fail_msg("bank %d: %g of %g bits for knowing nothing", (int)seed, r.bits, r.maximum);
        bank_free(&b);
    }
    if (honest < 96)
        fail_msg("credited in %d of 100 banks", 100 - honest);
}

static void random_likelihoods_are_never_credited(void **state)
{
    (void)state;
    never_credited(RANDOM);
}

static void a_unigram_model_is_never_credited(void **state)
{
    (void)state;
    never_credited(UNIGRAM);
}

static void a_model_asked_about_other_subjects_is_never_credited(void **state)
{
    (void)state;
    never_credited(SHUFFLED);
}

static void an_oracle_reaches_98_percent(void **state)
{
    struct bank b = bank_make(ORACLE, 5, 10, 20);
    struct knowledge_total r = measure(&b, 200);

    (void)state;
    assert_true(r.share >= 0.98 && r.share <= 1);
    assert_true(r.low >= 0.98 * r.maximum);
    assert_close(r.maximum, b.count * 4.0, 1e-12);
    bank_free(&b);
}

static void half_the_facts_known_give_half_the_bits(void **state)
{
    struct bank b = bank_make(HALF, 6, 10, 20);
    struct knowledge_total r = measure(&b, 2000);

    (void)state;
    assert_true(r.low <= 0.5 * r.maximum && 0.5 * r.maximum <= r.high);
    assert_true(fabs(r.share - 0.5) < 0.02);
    bank_free(&b);
}

static void a_constant_added_to_an_item_changes_nothing(void **state)
{
    struct bank b = bank_make(NOISY, 7, 10, 20);
    struct knowledge_total was = measure(&b, 0), is;

    (void)state;
    for (int i = 0; i < b.count; i++)
        for (int j = 0; j < K * T; j++)
            b.l[i * K * T + j] += (i % 7 - 3) * 10;
    is = measure(&b, 0);
    assert_close(is.bits, was.bits, 1e-9);
    bank_free(&b);
}

/* The ridge of the definition sees the scale: it is 0.0005 (alpha^2 + ...) whatever the units, so
 * this holds as far as the ridge is negligible, not to the last digit. */
static void scaling_every_likelihood_changes_almost_nothing(void **state)
{
    struct bank b = bank_make(NOISY, 8, 10, 20);
    struct knowledge_total was = measure(&b, 0), is;

    (void)state;
    for (int j = 0; j < b.count * K * T; j++) {
        b.l[j] *= 2;
        b.m[j] *= 2;
    }
    is = measure(&b, 0);
    assert_close(is.bits, was.bits, 1e-3);
    bank_free(&b);
}

static int read_numbers(const cJSON *array, double *out)
{
    const cJSON *x;
    int n = 0;

    cJSON_ArrayForEach(x, array)
        out[n++] = x->valuedouble;
    return n;
}

static void check_vector(const cJSON *vector)
{
    const cJSON *list = json_get(vector, "items"), *want = json_get(vector, "expected"), *it;
    int n = cJSON_GetArraySize(list), i = 0;
    struct knowledge_item *items = mem_calloc(n, sizeof *items);
    double *x = mem_calloc(n * K * 3, sizeof *x), first[5], weights[3];
    struct knowledge *k = NULL;
    struct knowledge_total r;
    struct err e = ERR_NONE;

    cJSON_ArrayForEach(it, list) {
        double *at = x + i * K * 3;
        int count = read_numbers(json_get(it, "l"), at);
        assert_int_equal(read_numbers(json_get(it, "m"), at + K), count);
        assert_int_equal(read_numbers(json_get(it, "n"), at + 2 * K), count);
        items[i++] = (struct knowledge_item){"vector", json_str(it, "subject"), "en", count,
                                             at, at + K, at + 2 * K};
    }
    assert_int_equal(knowledge_compute(&k, items, n, 1, &e), 0);
    assert_int_equal(knowledge_total(&r, k, items, NULL, 1, 100, &e), 0);
    /* The expected figures are rounded to five decimals. */
    assert_true(fabs(r.bits - json_num(want, "total_bits", NAN)) <= 1e-6 * fabs(r.bits) + 5e-6);
    assert_true(fabs(r.mean - json_num(want, "mean_bits", NAN)) <= 1e-6);
    assert_int_equal(read_numbers(json_get(want, "first_items"), first), 5);
    for (int j = 0; j < 5; j++)
        assert_true(fabs(k->bits[j] - first[j]) < 1e-5);
    for (int f = 0; f < KNOWLEDGE_FOLDS; f++) {
        const struct knowledge_weights *w = &k->fits[0].fold[f];
        read_numbers(cJSON_GetArrayItem(json_get(want, "weights_per_fold"), f), weights);
        assert_true(fabs(w->alpha - weights[0]) < 2e-5);
        assert_true(fabs(w->alpha_beta - weights[1]) < 2e-5);
        assert_true(fabs(w->gamma - weights[2]) < 2e-5);
    }
    for (int j = 0; j < n; j++) /* with one phrasing, the average is that phrasing */
        assert_close(k->template_bits[j], k->bits[j], 1e-9);
    knowledge_free(k);
    mem_free(items);
    mem_free(x);
}

static void the_reference_vectors_come_out(void **state)
{
    struct err e = ERR_NONE;
    cJSON *j = json_read(shared_path("vectors/knowledge_bits.json"), 1 << 20, &e), *c;

    (void)state;
    assert_non_null(j);
    assert_int_equal(cJSON_GetArraySize(j), 3);
    cJSON_ArrayForEach(c, j)
        check_vector(c);
    json_free(j);
}

static void a_negative_slope_is_never_fitted(void **state)
{
    struct bank b = bank_make(NOISY, 9, 4, 20);
    struct knowledge *k = NULL;

    (void)state;
    for (int j = 0; j < b.count * K * T; j++)
        b.l[j] = -b.l[j];
    assert_int_equal(knowledge_compute(&k, b.items, b.count, T, NULL), 0);
    for (int f = 0; f < KNOWLEDGE_FOLDS; f++)
        assert_true(k->fits[0].fold[f].alpha == 0);
    knowledge_free(k);
    bank_free(&b);
}

static void languages_have_weights_of_their_own(void **state)
{
    struct bank b = bank_make(NOISY, 10, 4, 20);
    struct knowledge *k = NULL, *half = NULL;
    struct knowledge_item *zh = mem_calloc(b.count, sizeof *zh);
    int n = 0;

    (void)state;
    for (int i = 0; i < b.count; i++) {
        if (i % 20 >= 10)
            continue;
        b.items[i].language = "zh";
        zh[n++] = b.items[i];
    }
    assert_int_equal(knowledge_compute(&k, b.items, b.count, T, NULL), 0);
    assert_int_equal(knowledge_compute(&half, zh, n, T, NULL), 0);
    assert_int_equal(k->n_fits, 2);
    assert_string_equal(k->fits[0].language, "en");
    assert_string_equal(k->fits[1].language, "zh");
    for (int f = 0; f < KNOWLEDGE_FOLDS; f++)
        assert_true(k->fits[1].fold[f].alpha == half->fits[0].fold[f].alpha);
    assert_true(k->fits[0].fold[0].alpha != k->fits[1].fold[0].alpha);
    knowledge_free(k);
    knowledge_free(half);
    mem_free(zh);
    bank_free(&b);
}

/* Two items of one subject are one draw: the interval of a bank asked twice does not shrink. */
static void items_of_one_subject_move_together(void **state)
{
    struct bank b = bank_make(NOISY, 11, 4, 30);
    struct knowledge_item *twice = mem_calloc(2 * b.count, sizeof *twice);
    struct knowledge *k = NULL;
    struct knowledge_total one, two;

    (void)state;
    for (int i = 0; i < b.count; i++) {
        twice[i] = twice[b.count + i] = b.items[i];
        twice[b.count + i].language = "zh";
    }
    one = measure(&b, 1000);
    assert_int_equal(knowledge_compute(&k, twice, 2 * b.count, T, NULL), 0);
    assert_int_equal(knowledge_total(&two, k, twice, NULL, 1, 1000, NULL), 0);
    assert_int_equal(two.n_items, 2 * one.n_items);
    assert_int_equal(two.n_subjects, one.n_subjects);
    assert_close(two.bits, 2 * one.bits, 1e-9);
    assert_close(two.high - two.low, 2 * (one.high - one.low), 1e-9);
    knowledge_free(k);
    mem_free(twice);
    bank_free(&b);
}

static void a_part_of_the_bank_has_its_own_total(void **state)
{
    struct bank b = bank_make(NOISY, 12, 4, 20);
    struct knowledge *k = NULL;
    struct knowledge_total part, rest, all;
    unsigned char use[80];
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(knowledge_compute(&k, b.items, b.count, T, &e), 0);
    for (int i = 0; i < b.count; i++)
        use[i] = i < 20;
    assert_int_equal(knowledge_total(&part, k, b.items, use, 3, 300, &e), 0);
    for (int i = 0; i < b.count; i++)
        use[i] = !use[i];
    assert_int_equal(knowledge_total(&rest, k, b.items, use, 3, 300, &e), 0);
    assert_int_equal(knowledge_total(&all, k, b.items, NULL, 3, 300, &e), 0);
    assert_int_equal(part.n_items, 20);
    assert_close(part.bits + rest.bits, all.bits, 1e-9);
    assert_true(part.low < part.bits && part.bits < part.high);
    assert_true(part.template_spread > 0);
    memset(use, 0, sizeof use);
    assert_int_equal(knowledge_total(&part, k, b.items, use, 3, 300, &e), 0);
    assert_true(part.n_items == 0 && part.bits == 0 && part.maximum == 0);
    knowledge_free(k);
    bank_free(&b);
}

static void few_items_cost_nothing_and_earn_nothing_unseen(void **state)
{
    struct bank b = bank_make(ORACLE, 13, 1, 1);
    struct knowledge_total r = measure(&b, 10);

    (void)state; /* one subject: nothing to fit on, so nothing is claimed */
    assert_true(fabs(r.bits) < 1e-12 && isnan(r.low) && isnan(r.high));
    b.count = 0;
    r = measure(&b, 10);
    assert_true(r.n_items == 0 && r.bits == 0);
    bank_free(&b);
}

static void relations_of_one_subject_still_have_an_interval(void **state)
{
    struct bank b = bank_make(NOISY, 15, 1, 40);
    char names[40][8];
    struct knowledge_total r;

    (void)state;
    for (int i = 0; i < b.count; i++) {
        snprintf(names[i % 40], sizeof names[0], "r%d", i % 40);
        b.items[i].relation = names[i % 40];
    }
    r = measure(&b, 200);
    assert_true(r.low < r.bits && r.bits < r.high);
    bank_free(&b);
}

static void a_likelihood_that_is_no_number_is_named(void **state)
{
    struct bank b = bank_make(NOISY, 14, 2, 10);
    struct knowledge *k = NULL;
    struct err e = ERR_NONE;

    (void)state;
    b.l[3 * K * T + K + 2] = NAN;
    assert_int_equal(knowledge_compute(&k, b.items, b.count, T, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_non_null(strstr(e.text, "s0003"));
    assert_non_null(strstr(e.text, "candidate 3, phrasing 2"));
    assert_null(k);
    bank_free(&b);
}

static void every_refused_allocation_is_survived(void **state)
{
    struct bank b = bank_make(NOISY, 15, 2, 10);
    long before = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct knowledge *k = NULL;
        struct knowledge_total r;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = knowledge_compute(&k, b.items, b.count, T, &e);
        if (rc == 0)
            rc = knowledge_total(&r, k, b.items, NULL, 1, 10, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        knowledge_free(k);
        assert_int_equal(mem_live(), before);
    }
    bank_free(&b);
}

static void splitmix_gives_the_published_numbers(void **state)
{
    static const uint64_t below[] = {7, 1, 2, 3, 0, 8, 2, 8, 3, 6, 2, 4};
    uint64_t s = 42;

    (void)state;
    assert_true(splitmix64_next(&s) == UINT64_C(0xbdd732262feb6e95));
    assert_true(splitmix64_next(&s) == UINT64_C(0x28efe333b266f103));
    s = 0;
    assert_true(splitmix64_next(&s) == UINT64_C(0xe220a8397b1dcdaf));
    s = 42;
    for (int i = 0; i < 12; i++)
        assert_int_equal(splitmix64_below(&s, 10), below[i]);
    assert_true(splitmix64_high(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(splitmix_gives_the_published_numbers),
        cmocka_unit_test(the_reference_vectors_come_out),
        cmocka_unit_test(random_likelihoods_are_never_credited),
        cmocka_unit_test(a_unigram_model_is_never_credited),
        cmocka_unit_test(a_model_asked_about_other_subjects_is_never_credited),
        cmocka_unit_test(an_oracle_reaches_98_percent),
        cmocka_unit_test(half_the_facts_known_give_half_the_bits),
        cmocka_unit_test(a_constant_added_to_an_item_changes_nothing),
        cmocka_unit_test(scaling_every_likelihood_changes_almost_nothing),
        cmocka_unit_test(a_negative_slope_is_never_fitted),
        cmocka_unit_test(languages_have_weights_of_their_own),
        cmocka_unit_test(items_of_one_subject_move_together),
        cmocka_unit_test(a_part_of_the_bank_has_its_own_total),
        cmocka_unit_test(few_items_cost_nothing_and_earn_nothing_unseen),
        cmocka_unit_test(relations_of_one_subject_still_have_an_interval),
        cmocka_unit_test(a_likelihood_that_is_no_number_is_named),
        cmocka_unit_test(every_refused_allocation_is_survived),
    };

    return RUN(tests);
}
