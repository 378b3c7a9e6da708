#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "harness/encode.h"
#include "harness/evaluate.h"
#include "harness/kept.h"
#include "tests/data_folder.h"
#include "tests/tiny.h"

static char model_path_[64];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 3, .is_bpe = 1};
    int fd;

    (void)state;
    snprintf(model_path_, sizeof model_path_, "/tmp/densimeter-evaluate-XXXXXX");
    fd = mkstemp(model_path_);
    if (fd < 0)
        return -1;
    close(fd);
    return tiny_write(model_path_, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path_);
}

static struct runner *open_tiny(int context)
{
    struct runner_opts o = {.threads = 1, .context = context};
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    if (runner_open(&r, model_path_, &o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static struct encoder encoder_of(struct runner *r, int max_length)
{
    return (struct encoder){.tokenizer = runner_tokenizer(r), .max_length = max_length,
                            .bos = BOS_NEVER};
}

static struct ids ids_of(struct encoder *c, const char *text)
{
    struct ids ids = {0};

    assert_int_equal(tokenizer_encode(c->tokenizer, text, strlen(text), TOKENIZE_SPECIAL, &ids,
                                      NULL), 0);
    return ids;
}

static void blanks_at_the_join_belong_to_the_continuation(void **state)
{
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 256);
    struct ids pool = {0}, whole = ids_of(&c, "Question? yes");
    struct span a, b;

    (void)state;
    assert_int_equal(encode_pair(&c, "Question? ", "yes", &pool, &a, NULL), 0);
    assert_int_equal(encode_pair(&c, "Question?", " yes", &pool, &b, NULL), 0);
    assert_int_equal(a.n_ids, b.n_ids);
    assert_int_equal(a.n_given, b.n_given);
    assert_int_equal(a.n_ids, whole.n);
    assert_memory_equal(pool.v + a.at, pool.v + b.at, (size_t)a.n_ids * sizeof *pool.v);
    assert_memory_equal(pool.v + a.at, whole.v, whole.n * sizeof *pool.v);
    assert_int_equal(c.split_joins, 0);
    ids_release(&pool);
    ids_release(&whole);
    runner_close(r);
}

static void an_empty_context_is_the_prefix_token(void **state)
{
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 256);
    struct ids pool = {0}, text = ids_of(&c, "abc");
    struct span s;

    (void)state;
    assert_int_equal(encode_pair(&c, "", "abc", &pool, &s, NULL), 0);
    assert_int_equal(s.n_given, 1);
    assert_int_equal(s.n_ids, text.n + 1);
    assert_int_equal(pool.v[0], tokenizer_bos(c.tokenizer));
    assert_memory_equal(pool.v + 1, text.v, text.n * sizeof *text.v);
    ids_release(&pool);
    ids_release(&text);
    runner_close(r);
}

static void bos_stands_in_front_once(void **state)
{
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 256);
    int32_t bos = tokenizer_bos(c.tokenizer);
    struct gguf_str name = tokenizer_text(c.tokenizer, bos);
    struct ids with = {0}, twice = {0};
    char text[128];

    (void)state;
    c.bos = BOS_ALWAYS;
    snprintf(text, sizeof text, "%.*sabc", (int)name.n, name.s);
    assert_int_equal(encode_text(&c, "abc", 3, &with, NULL), 0);
    assert_int_equal(encode_text(&c, text, strlen(text), &twice, NULL), 0);
    assert_int_equal(with.v[0], bos);
    assert_int_equal(with.n, twice.n);
    assert_memory_equal(with.v, twice.v, with.n * sizeof *with.v);
    ids_release(&with);
    ids_release(&twice);
    runner_close(r);
}

static void long_pairs_lose_their_beginning(void **state)
{
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 16), all = encoder_of(r, 4096);
    struct ids pool = {0}, whole = {0};
    struct span s, full;
    char context[201];

    (void)state;
    memset(context, 'q', 200);
    context[200] = 0;
    assert_int_equal(encode_pair(&c, context, "?!", &pool, &s, NULL), 0);
    assert_int_equal(encode_pair(&all, context, "?!", &whole, &full, NULL), 0);
    assert_int_equal(s.n_ids, 17); /* the last token is predicted and never read */
    assert_int_equal(s.n_ids - s.n_given, full.n_ids - full.n_given);
    assert_int_equal(s.n_context, full.n_given);
    assert_memory_equal(pool.v, whole.v + full.n_ids - 17, 17 * sizeof *pool.v);
    ids_release(&pool);
    ids_release(&whole);
    runner_close(r);
}

struct windows {
    struct ids *pool;
    int given[8], n_ids[8], first[8], n;
};

static int note_window(void *user, const struct span *s, struct err *e)
{
    struct windows *w = user;

    (void)e;
    w->given[w->n] = s->n_given;
    w->n_ids[w->n] = s->n_ids;
    w->first[w->n++] = w->pool->v[s->at];
    return 0;
}

/* evaluation.md 2.4: ten tokens, length 4 -> ([0],[1..4]) ([4],[5..8]) ([6,7,8],[9,10]). */
static void rolling_windows_predict_every_token_once(void **state)
{
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 4);
    struct query q = {.kind = QUERY_ROLLING, .continuation = (char *)"\x01\x02\x03\x04\x05\x06\x0e"
                                                                     "\x0f\x10\x11"};
    struct ids pool = {0}, text = ids_of(&c, q.continuation);
    struct windows w = {.pool = &pool};

    (void)state;
    assert_int_equal(text.n, 10);
    assert_int_equal(encode_windows(&c, &q, &pool, note_window, &w, NULL), 0);
    assert_int_equal(w.n, 3);
    assert_int_equal(w.given[0], 1);
    assert_int_equal(w.n_ids[0], 5);
    assert_int_equal(w.first[0], tokenizer_bos(c.tokenizer));
    assert_int_equal(w.given[1], 1);
    assert_int_equal(w.first[1], text.v[3]);
    assert_int_equal(w.given[2], 3);
    assert_int_equal(w.n_ids[2], 5);
    assert_int_equal(w.first[2], text.v[5]);
    ids_release(&pool);
    ids_release(&text);
    runner_close(r);
}

/* --- whole items -------------------------------------------------------------------------- */

struct seen {
    int doc[8], n;
    double nats[8][200];
    volatile sig_atomic_t stop;
    int stop_after;
    struct store *store; /* likelihoods are kept there; NULL: not */
    int no_text;         /* no tokenizer is there to encode any */
    int64_t computed, cached;
    uint64_t kept_ids;
    int timed; /* items with a latency */
};

static int see(void *user, const struct outcome *o, struct err *e)
{
    struct seen *s = user;

    (void)e;
    assert_in_range(o->item->n_queries, 1, 200);
    s->doc[s->n] = o->item->doc_id;
    for (int i = 0; i < o->item->n_queries; i++)
        s->nats[s->n][i] = o->answers[i].loglikelihood;
    assert_int_equal(o->prompt_tokens, o->computed_tokens + o->reused_tokens + o->cached_tokens);
    s->computed += o->computed_tokens;
    s->cached += o->cached_tokens;
    s->timed += o->latency_s >= 0;
    s->n++;
    if (s->stop_after && s->n >= s->stop_after)
        s->stop = 1;
    return 0;
}

static int evaluate_facts(struct seen *s, size_t chunk, const int *order, int n, struct err *e)
{
    struct task_opts o = {.shots = -1, .seed = 1234};
    struct runner *r = NULL;
    struct task *t = NULL;
    struct kept *k = NULL;
    struct runner_opts ro = {.threads = 1, .context = 256};
    int rc = -1;

    if (runner_open(&r, model_path_, &ro, e) == 0 && task_open(&t, "facts", &o, e) == 0 &&
        (!s->store || (kept_open(&k, s->store, "hash", runner_info(r), "cpu", NULL, e) == 0 &&
                       kept_encodings(k, "tokenizer", e) == 0))) {
        struct encoder c = encoder_of(r, 256);
        struct evaluation ev = {.runner = r, .encoder = &c, .task = t, .stop = &s->stop,
                                .kept = k, .chunk_ids = chunk, .on_item = see, .user = s};
        if (s->no_text)
            c.tokenizer = NULL;
        rc = evaluate(&ev, order, n, e);
        s->kept_ids = c.kept_ids;
    }
    kept_close(k);
    task_close(t);
    runner_close(r);
    return rc;
}

static const double *nats_of(const struct seen *s, int doc)
{
    for (int i = 0; i < s->n; i++)
        if (s->doc[i] == doc)
            return s->nats[i];
    fail_msg("document %d was not answered", doc);
    return NULL;
}

static void scores_depend_neither_on_order_nor_on_chunks(void **state)
{
    static const int forwards[] = {0, 1, 2}, backwards[] = {2, 1, 0};
    static struct seen a, b;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(evaluate_facts(&a, 0, forwards, 3, &e), 0);
    assert_int_equal(evaluate_facts(&b, 1, backwards, 3, &e), 0);
    assert_int_equal(a.n, 3);
    assert_int_equal(b.n, 3);
    for (int doc = 0; doc < 3; doc++)
        assert_memory_equal(nats_of(&a, doc), nats_of(&b, doc), sizeof a.nats[0]);
}

static void what_was_answered_is_neither_encoded_nor_computed_again_and_has_the_same_bits(void **state)
{
    static const int first[] = {0, 2}, all[] = {2, 1, 0};
    static struct seen none, cold, mixed, warm;
    struct err e = ERR_NONE;
    struct store *s = NULL;

    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    cold.store = mixed.store = warm.store = s;
    warm.no_text = 1;
    assert_int_equal(evaluate_facts(&none, 0, all, 3, &e), 0);
    assert_int_equal(evaluate_facts(&cold, 0, first, 2, &e), 0);
    assert_int_equal(evaluate_facts(&mixed, 0, all, 3, &e), 0);
    assert_int_equal(evaluate_facts(&warm, 1, all, 3, &e), 0);
    assert_true(cold.cached == 0 && cold.timed == 2);
    assert_true(mixed.cached > 0 && mixed.computed > 0);
    assert_true(cold.kept_ids == 0 && mixed.kept_ids > 0 && warm.kept_ids > mixed.kept_ids);
    assert_true(warm.cached > mixed.cached && warm.computed == 0 && warm.timed == 0);
    for (int doc = 0; doc < 3; doc++) {
        assert_memory_equal(nats_of(&mixed, doc), nats_of(&none, doc), sizeof none.nats[0]);
        assert_memory_equal(nats_of(&warm, doc), nats_of(&none, doc), sizeof none.nats[0]);
    }
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

/* ---- options that cannot win ---- */

enum { DOCS = 16 };

static void put_words(struct strbuf *b, uint64_t *seed, int n)
{
    static const char *const words[] = {"tree", "water", "of", "a", "never", "stone", "light", "it"};

    for (int i = 0; i < n; i++)
        strbuf_addf(b, "%s%s", i ? " " : "", words[tiny_random(seed) % 8]);
}

/* The same documents for both: one of four, of one to twelve words. */
static void write_questions(void)
{
    struct strbuf arc = STRBUF_INIT, sciq = STRBUF_INIT;
    uint64_t seed = 6;

    for (int i = 0; i < DOCS; i++) {
        struct strbuf option[4] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};
        for (int k = 0; k < 4; k++)
            put_words(&option[k], &seed, 1 + (int)(tiny_random(&seed) % 12));
        strbuf_addf(&arc, "{\"question\":\"Which %d?\",\"choices\":{\"text\":[\"%s\",\"%s\",\"%s\","
                    "\"%s\"],\"label\":[\"A\",\"B\",\"C\",\"D\"]},\"answerKey\":\"%c\"}\n", i,
                    strbuf_str(&option[0]), strbuf_str(&option[1]), strbuf_str(&option[2]),
                    strbuf_str(&option[3]), 'A' + i % 4);
        strbuf_addf(&sciq, "{\"question\":\"Which %d?\",\"support\":\"none\",\"distractor1\":\"%s\","
                    "\"distractor2\":\"%s\",\"distractor3\":\"%s\",\"correct_answer\":\"%s\"}\n", i,
                    strbuf_str(&option[0]), strbuf_str(&option[1]), strbuf_str(&option[2]),
                    strbuf_str(&option[3]));
        for (int k = 0; k < 4; k++)
            strbuf_release(&option[k]);
    }
    data_put("arc_easy/test.jsonl", strbuf_str(&arc));
    data_put("sciq/validation.jsonl", strbuf_str(&sciq));
    strbuf_release(&arc);
    strbuf_release(&sciq);
}

struct credited {
    double values[DOCS][CREDITS_MAX];
    char prediction[DOCS][128];
    int n, pruned;
    int64_t computed;
};

static int credit(void *user, const struct outcome *o, struct err *e)
{
    struct credited *c = user;
    int doc = o->item->doc_id;

    (void)e;
    for (int i = 0; i < o->verdict->n; i++)
        c->values[doc][i] = o->verdict->credits[i].value;
    snprintf(c->prediction[doc], sizeof c->prediction[doc], "%s",
             o->verdict->prediction ? o->verdict->prediction : "");
    for (int i = 0; i < o->item->n_queries; i++)
        c->pruned += o->answers[i].is_pruned;
    c->computed += o->computed_tokens;
    c->n++;
    return 0;
}

static struct credited credits_of(const char *task, int prune)
{
    struct task_opts o = {.shots = -1, .seed = 1234, .data_dirs = data_folders, .n_data_dirs = 1};
    struct runner *r = open_tiny(512);
    struct encoder c = encoder_of(r, 512);
    struct credited all = {.n = 0};
    struct task *t = NULL;
    struct err e = ERR_NONE;
    int order[DOCS];

    for (int i = 0; i < DOCS; i++)
        order[i] = i;
    if (task_open(&t, task, &o, &e) < 0)
        fail_msg("%s", e.text);
    struct evaluation ev = {.runner = r, .encoder = &c, .task = t, .prune = prune,
                            .on_item = credit, .user = &all};
    if (evaluate(&ev, order, DOCS, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(all.n, DOCS);
    assert_int_equal(all.pruned > 0, runner_counts(r).pruned > 0);
    task_close(t);
    runner_close(r);
    return all;
}

static void options_that_cannot_win_are_spared_and_every_credit_is_as_it_was(void **state)
{
    static const struct { const char *task; int prunes; } tasks[] = {
        {"arc_easy", 1}, {"sciq", 1}, {"facts", 0},
    };

    (void)state;
    write_questions();
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        struct credited all = credits_of(tasks[i].task, 0), some = credits_of(tasks[i].task, 1);
        assert_memory_equal(all.values, some.values, sizeof all.values);
        assert_memory_equal(all.prediction, some.prediction, sizeof all.prediction);
        assert_int_equal(all.pruned, 0);
        assert_int_equal(some.pruned > 0, tasks[i].prunes);
        assert_int_equal(some.computed < all.computed, tasks[i].prunes);
    }
}

static void an_interruption_keeps_what_was_answered(void **state)
{
    static const int order[] = {0, 1, 2, 3};
    static struct seen s;
    struct err e = ERR_NONE;

    (void)state;
    s.stop_after = 2;
    assert_int_equal(evaluate_facts(&s, 1, order, 4, &e), -1);
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_int_equal(s.n, 2);
    assert_int_equal(mem_live(), 0);
}

static void pairs_are_answered_in_their_order(void **state)
{
    static const struct pair pairs[] = {{"one ", "two"}, {"", "x"}, {"one", " two"}};
    struct runner *r = open_tiny(256);
    struct encoder c = encoder_of(r, 256);
    struct answer a[3];

    (void)state;
    assert_int_equal(evaluate_pairs(r, &c, pairs, 3, a, NULL, NULL), 0);
    assert_true(a[0].loglikelihood == a[2].loglikelihood);
    assert_true(a[0].loglikelihood < 0 && a[1].loglikelihood < 0);
    assert_int_equal(a[1].n_context, 1);
    runner_close(r);
    assert_int_equal(mem_live(), 0);
}

/* Refusing every allocation in turn would take minutes: a run makes thousands.  The step is prime,
 * so that all places of the loops are hit. */
static void evaluation_survives_failed_allocations(void **state)
{
    static const int order[] = {0};
    static struct seen s;
    int rc = -1;

    (void)state;
    for (long nth = 0; rc < 0; nth += nth < 40 ? 1 : 997) {
        struct err e = ERR_NONE;
        s.n = 0;
        mem_fail_at(nth);
        rc = evaluate_facts(&s, 0, order, 1, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), 0);
    }
    assert_int_equal(s.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_at_the_join_belong_to_the_continuation),
        cmocka_unit_test(an_empty_context_is_the_prefix_token),
        cmocka_unit_test(bos_stands_in_front_once),
        cmocka_unit_test(long_pairs_lose_their_beginning),
        cmocka_unit_test(rolling_windows_predict_every_token_once),
        cmocka_unit_test(scores_depend_neither_on_order_nor_on_chunks),
        cmocka_unit_test(what_was_answered_is_neither_encoded_nor_computed_again_and_has_the_same_bits),
        cmocka_unit_test_teardown(
            options_that_cannot_win_are_spared_and_every_credit_is_as_it_was, data_folder_gone),
        cmocka_unit_test(an_interruption_keeps_what_was_answered),
        cmocka_unit_test(pairs_are_answered_in_their_order),
        cmocka_unit_test(evaluation_survives_failed_allocations),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
