/* What a device leaves to the CPU: whatever the kind of operation, the model's bits are those of the
 * CPU alone, and every time is counted.  The device here is a second CPU with memory of its own. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/left.h"
#include "runners/fallback.h"
#include "runners/model.h"
#include "runners/quant.h"
#include "tests/tiny.h"

enum { PROMPT = 40, STEPS = 3, ROWS = 64, PAGES = 4, VOCAB_MAX = 1024 };

struct halves { /* of a device */
    const struct program *p;
    struct fallback *own, *rest;
    enum op_kind left;
};

struct bench {
    struct gguf *file;
    struct model *model;
    float want[1 + STEPS][VOCAB_MAX];
};

static char folder[64];

static void open_model(struct bench *b, const struct tiny_opts *o)
{
    char path[128];
    struct err e = ERR_NONE;

    snprintf(path, sizeof path, "%s-%d.gguf", folder, o->is_hybrid);
    if (tiny_write(path, o, &e) < 0 || gguf_open(&b->file, path, &e) < 0 ||
        model_open(&b->model, b->file, 0, NULL, &e) < 0)
        fail_msg("%s", e.text);
    unlink(path);
    assert_true(b->model->program.n_vocab <= VOCAB_MAX);
}

static void close_model(struct bench *b)
{
    model_close(b->model);
    gguf_close(b->file);
}

static int is_other_kind(const void *user, const struct op *op)
{
    return op->kind != ((const struct halves *)user)->left;
}

static int is_left(const void *user, const struct op *op)
{
    const struct halves *h = user;

    return fallback_takes(h->rest, (int)(op - h->p->ops));
}

static void open_halves(struct halves *h, const struct program *p, enum op_kind left)
{
    const struct device_opts o = {.threads = 2, .max_rows = ROWS, .kv_pages = PAGES,
                                  .kv_scratch = 1, .state_slots = 2};
    struct err e = ERR_NONE;

    *h = (struct halves){.p = p, .left = left};
    if (fallback_open(&h->rest, p, &o, is_other_kind, h, &e) < 0 ||
        fallback_open(&h->own, p, &o, is_left, h, &e) < 0)
        fail_msg("%s", e.text);
}

static void close_halves(struct halves *h)
{
    fallback_close(h->own);
    fallback_close(h->rest);
}

static void move(const struct halves *h, struct fallback *from, struct fallback *to, int value,
                 int rows)
{
    const struct value *v = &h->p->values[value];

    for (int row = 0; row < rows; row++)
        memcpy(fallback_value(to, value) + (size_t)row * v->ld,
               fallback_value(from, value) + (size_t)row * v->ld, (size_t)v->width * sizeof(float));
    fallback_wrote(to, value, rows);
}

static void run_halves(struct halves *h, struct batch *b)
{
    struct err e = ERR_NONE;

    assert_int_equal(fallback_begin(h->own, b, &e), 0);
    assert_int_equal(fallback_begin(h->rest, b, &e), 0);
    for (int i = 0; i < h->p->n_ops; i++) {
        const struct op *op = &h->p->ops[i];
        int is_rest = fallback_takes(h->rest, i);
        struct fallback *here = is_rest ? h->rest : h->own, *there = is_rest ? h->own : h->rest;
        int rows = op->wanted_rows ? b->n_heads : b->n;
        if (fallback_run(here, i, i + 1, &e) < 0)
            fail_msg("%s", e.text);
        for (int k = 0; k < op->n_out; k++)
            move(h, here, there, op->out[k], rows);
    }
}

/* A prompt in two spans of one batch, then single tokens on one path. */
static void run_batches(const struct bench *b, void (*run)(void *user, struct batch *b), void *user,
                        float got[1 + STEPS][VOCAB_MAX])
{
    static const page_no pages[PAGES] = {2, 0, 1, 3};
    int32_t tokens[ROWS], positions[ROWS];
    struct state_copy start = {0, NO_SLOT, 0};

    for (int step = 0; step <= STEPS; step++) {
        int n = step ? 1 : PROMPT, at = step ? PROMPT + step - 1 : 0;
        struct span spans[2] = {{0, n, at, pages, 0}, {0, 0, 0, pages, 0}};
        struct head_row head = {.row = n - 1, .logits = got[step]};
        struct batch batch = {.n = n, .tokens = tokens, .positions = positions, .spans = spans,
                              .n_spans = 1, .heads = &head, .n_heads = 1};
        if (step == 0) {
            spans[0].n = PROMPT / 2;
            spans[1] = (struct span){PROMPT / 2, PROMPT - PROMPT / 2, PROMPT / 2, pages, 0};
            batch.n_spans = 2;
            batch.state_copies = &start;
            batch.n_state_copies = b->model->program.state_floats > 0;
        }
        for (int i = 0; i < n; i++) {
            tokens[i] = (at + i) * 7 % b->model->program.n_vocab;
            positions[i] = at + i;
        }
        run(user, &batch);
        assert_true(isfinite(head.lse));
    }
}

static void on_halves(void *user, struct batch *b)
{
    run_halves(user, b);
}

static void on_cpu(void *user, struct batch *b)
{
    struct err e = ERR_NONE;

    if (device_cpu.run(user, b, &e) < 0)
        fail_msg("%s", e.text);
}

static void compute_alone(struct bench *b)
{
    const struct device_opts o = {.threads = 1, .max_rows = ROWS, .kv_pages = PAGES,
                                  .kv_scratch = 1, .state_slots = 2};
    struct device *d;

    assert_int_equal(device_cpu.open(&d, &b->model->program, &o, NULL), 0);
    run_batches(b, on_cpu, d, b->want);
    device_cpu.close(d);
}

static int count_kind(const struct program *p, const struct halves *h, enum op_kind kind)
{
    int n = 0;

    for (int i = 0; i < p->n_ops; i++)
        n += p->ops[i].kind == kind && fallback_takes(h->rest, i);
    return n;
}

static void leave(const struct bench *b, enum op_kind kind)
{
    static float got[1 + STEPS][VOCAB_MAX];
    const struct program *p = &b->model->program;
    struct left_op *rows;
    struct halves h;
    int n, found = 0;

    open_halves(&h, p, kind);
    run_batches(b, on_halves, &h, got);
    for (int step = 0; step <= STEPS; step++)
        if (memcmp(got[step], b->want[step], (size_t)p->n_vocab * sizeof(float)) != 0)
            fail_msg("%s on the CPU: step %d has other bits", op_name(kind), step);
    assert_int_equal(fallback_fold(p, fallback_counts(h.rest), &rows, &n, NULL), 0);
    for (int i = 0; i < n; i++) {
        int is_kind = strcmp(rows[i].op, op_name(kind)) == 0;
        found |= is_kind;
        assert_true(is_kind || kind == OP_KV_STORE || kind == OP_ATTENTION);
        if (is_kind && !rows[i].format)
            assert_int_equal(rows[i].times, count_kind(p, &h, kind) * (1 + STEPS));
    }
    assert_true(found);
    mem_free(rows);
    close_halves(&h);
}

static void leave_each(const struct tiny_opts *o)
{
    struct bench b;
    int seen[64] = {0};

    open_model(&b, o);
    compute_alone(&b);
    for (int i = 0; i < b.model->program.n_ops; i++) {
        enum op_kind kind = b.model->program.ops[i].kind;
        if (!seen[kind]++)
            leave(&b, kind);
    }
    close_model(&b);
}

static void a_llama_has_its_bits_whichever_kind_is_left(void **state)
{
    (void)state;
    leave_each(&(struct tiny_opts){.seed = 3, .type = QUANT_Q4_0});
}

static void a_hybrid_has_its_bits_whichever_kind_is_left(void **state)
{
    (void)state;
    leave_each(&(struct tiny_opts){.seed = 4, .type = QUANT_Q8_0, .is_hybrid = 1});
}

static void experts_have_their_bits_whichever_kind_is_left(void **state)
{
    (void)state;
    leave_each(&(struct tiny_opts){.seed = 5, .type = QUANT_Q8_0, .experts = 4,
                                   .experts_used = 2});
}

static int nothing(const void *user, const struct op *op)
{
    (void)user;
    (void)op;
    return 0;
}

static int n_taken(const struct fallback *f, const struct program *p)
{
    int n = 0;

    for (int i = 0; i < p->n_ops; i++)
        n += fallback_takes(f, i);
    return n;
}

static void opening_survives_every_failed_allocation(void **state)
{
    const struct device_opts o = {.threads = 1, .max_rows = 4, .kv_pages = 1, .kv_scratch = 1};
    struct bench b;
    size_t live;
    int rc = -1;

    (void)state;
    open_model(&b, &(struct tiny_opts){.seed = 3, .type = QUANT_Q4_0});
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct fallback *f = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = fallback_open(&f, &b.model->program, &o, nothing, NULL, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        if (rc == 0)
            assert_int_equal(n_taken(f, &b.model->program), b.model->program.n_ops);
        fallback_close(f);
        assert_int_equal(mem_live(), live);
    }
    close_model(&b);
}

static void an_op_of_the_device_is_not_run_here(void **state)
{
    struct halves h;
    struct bench b;
    struct err e = ERR_NONE;

    (void)state;
    open_model(&b, &(struct tiny_opts){.seed = 3, .type = QUANT_Q4_0});
    open_halves(&h, &b.model->program, OP_HEAD);
    assert_int_equal(fallback_run(h.rest, 0, 1, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    close_halves(&h);
    close_model(&b);
}

static void what_was_left_is_told_by_kind_and_only_for_its_time(void **state)
{
    struct left before = {.n = 1, .times = 7, .kind = {{"cpu_ops,linear Q4_K", 7}}};
    struct left after = {.n = 3, .times = 20, .kind = {{"cpu_ops,linear Q4_K", 12},
                         {"cpu_ops,attention", 8}, {"cpu_ops,add", 0}}};
    struct store_cost costs[1 + LEFT_MAX];
    struct strbuf b = STRBUF_INIT, json = STRBUF_INIT;
    struct json_out o = JSON_OUT(&json);
    int n;

    (void)state;
    left_between(&after, &before, &after);
    n = left_costs(&after, costs);
    assert_int_equal(n, 3);
    left_text(&b, "mmlu", costs, n);
    assert_string_equal(strbuf_str(&b), "mmlu: left to the CPU: linear Q4_K 5, attention 8\n");
    json_begin_object(&o, NULL);
    left_json(&o, costs, n);
    json_end_object(&o);
    assert_non_null(strstr(strbuf_str(&json), "\"cpu_ops\":13"));
    assert_non_null(strstr(strbuf_str(&json), "\"linear Q4_K\":5"));
    strbuf_clear(&b);
    left_text(&b, "mmlu", costs, 1); /* nothing by kind */
    assert_int_equal(b.len, 0);
    assert_true(left_is_cost("cpu_ops") && left_is_cost("cpu_ops,add") && !left_is_cost("wall_s"));
    strbuf_release(&b);
    strbuf_release(&json);
}

static int everything(const void *user, const struct op *op)
{
    (void)user;
    (void)op;
    return 1;
}

static void what_the_options_say_is_left(void **state)
{
    struct device_opts o = {.threads = 1, .max_rows = 4, .kv_pages = 1, .kv_scratch = 1};
    struct fallback *f;
    struct bench b;
    char *leave;

    (void)state;
    open_model(&b, &(struct tiny_opts){.seed = 3, .type = QUANT_Q4_0});
    leave = mem_calloc((size_t)b.model->program.n_ops, 1);
    assert_non_null(leave);
    leave[2] = 1;
    o.leave = leave;
    assert_int_equal(fallback_open(&f, &b.model->program, &o, everything, NULL, NULL), 0);
    assert_int_equal(n_taken(f, &b.model->program), 1);
    assert_true(fallback_takes(f, 2));
    fallback_close(f);
    mem_free(leave);
    close_model(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_llama_has_its_bits_whichever_kind_is_left),
        cmocka_unit_test(a_hybrid_has_its_bits_whichever_kind_is_left),
        cmocka_unit_test(experts_have_their_bits_whichever_kind_is_left),
        cmocka_unit_test(opening_survives_every_failed_allocation),
        cmocka_unit_test(an_op_of_the_device_is_not_run_here),
        cmocka_unit_test(what_the_options_say_is_left),
        cmocka_unit_test(what_was_left_is_told_by_kind_and_only_for_its_time),
    };

    snprintf(folder, sizeof folder, "/tmp/densimeter-fallback-%ld", (long)getpid());
    return RUN(tests);
}
