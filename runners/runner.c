/* runner.c -- opening a model on a device, and what is known of it.  See runner.h. */
#include "runners/runner.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "runners/arch.h"
#include "runners/engine.h"
#include "runners/fallback.h"
#include "runners/hf.h"
#include "runners/participation.h"
#include "runners/quant.h"

enum {
    BATCH_DEFAULT = 512,
    BATCH_MAX = 16384,
    STREAMS = RUNNER_STREAMS_MAX, /* generations at once */
    FULL_ROWS = 32, /* whole rows of logits in one batch */
    CONTEXT_MAX = 1 << 20, /* rope's angles are right up to there (rope.c) */
    PAGES_MIN = 4,
    PAGES_MAX = 1 << 20,
    OPTIONS = 64, /* of contests, under way at once */
    SLOTS_DEFAULT = 4,          /* at least, unless the caller bounds the memory */
    SLOTS_USUAL = 2 * STREAMS,  /* at most, unless the caller gives the memory */
    SLOTS_MAX = 1 << 10,
};
static const size_t KV_BYTES_DEFAULT = (size_t)112 << 20;
static const size_t SCRATCH_BYTES_MAX = (size_t)48 << 20; /* scratch pages, one layer of each */

double engine_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill_info(struct runner *r, const struct runner_opts *o)
{
    const struct model *m = r->model;
    struct device_info d;
    size_t scratch;

    r->ops->info(r->device, &d);
    r->info = (struct model_info){
        .path = gguf_path(r->file),
        .name = m->name,
        .architecture = m->arch_name,
        .chat_template = r->chat_template,
        .parameters = m->parameters,
        .parameters_embedding = m->parameters_embedding,
        .parameters_active = participation_active(m),
        .file_bytes = gguf_file_bytes(r->file),
        .layers = m->hp.layers,
        .embedding_length = m->hp.embd,
        .heads = m->hp.heads,
        .kv_heads = m->hp.kv_heads,
        .vocab_size = m->hp.vocab,
        .context_length = m->hp.context,
        .rope = m->rope,
        .kv_bytes_per_token = 
            program_page_bytes(&m->program, o->kv_type, &scratch, NULL) / KV_PAGE,
        .state_bytes = m->program.state_floats * sizeof(float),
        .weight_bytes_per_token = participation_bytes(m),
        .weights_bytes = (d.weights_bytes ? d.weights_bytes
                                          : gguf_file_bytes(r->file) + gguf_made_bytes(r->file)) +
                         d.columns_bytes,
        .skips_zeros = d.columns_bytes > 0,
        .kv_bytes = d.kv_bytes,
        .scratch_bytes = d.scratch_bytes,
        .numerics_id = d.numerics_id ? d.numerics_id : numerics_id(o->numerics, o->kv_type),
        .kernels = d.kernels,
        .threads = d.threads,
        .device = d.name ? d.name : r->ops->name,
        .device_sha256 = d.sha256,
    };
}

static size_t clamp(size_t n, size_t low, size_t high)
{
    return n < low ? low : n > high ? high : n;
}

/* Slots for states (states.h): half of the memory when keys and values want some too. */
static size_t choose_slots(size_t given, size_t page, size_t slot)
{
    size_t share = (given ? given : KV_BYTES_DEFAULT) / (page ? 2 : 1);

    if (slot == 0)
        return 0;
    return given ? clamp(share / slot, 1, SLOTS_MAX)
                 : clamp(share / slot, SLOTS_DEFAULT, SLOTS_USUAL);
}

/* Pages of the cache: what the caller gives, else room for at least one longest sequence.  Without
 * any layer of attention they cost nothing. */
static size_t choose_pages(const struct runner *r, size_t given, size_t page)
{
    size_t sequence = (size_t)(r->context + KV_PAGE - 1) / KV_PAGE + 2;

    if (page == 0)
        return clamp(4 * sequence, PAGES_MIN, PAGES_MAX);
    return given ? clamp(given / page, 0, PAGES_MAX)
                 : clamp(KV_BYTES_DEFAULT / page, sequence, PAGES_MAX);
}

/* Weights lie in the file as they are used, so the first pass would wait for the disk at each page.
 * Of a model that takes most of the memory, what is read first would be gone when it is used. */
static void read_weights_ahead(const struct runner *r, const volatile int *stop)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    if (r->ops != &device_null && gguf_file_bytes(r->file) <= memory / 2)
        gguf_read_ahead(r->file, stop);
}

static int open_device(struct runner *r, const struct runner_opts *o, struct err *e)
{
    size_t layer, page = program_page_bytes(&r->model->program, o->kv_type, &layer, NULL);
    size_t slot = r->model->program.state_floats * sizeof(float);
    size_t slots = choose_slots(o->kv_bytes, page, slot), pages, scratch;
    int batch = r->batch_tokens;

    if (o->kv_bytes && o->kv_bytes < PAGES_MIN * page + slot)
        return err_set(e, ERR_USAGE, "%zu bytes of KV memory are too few: at least %d pages of %d "
                       "tokens%s must fit, %zu bytes", o->kv_bytes, PAGES_MIN, KV_PAGE,
                       slot ? " and a state" : "", PAGES_MIN * page + slot);
    while (o->kv_bytes && slots > 1 && slots * slot + PAGES_MIN * page > o->kv_bytes)
        slots--;
    pages = choose_pages(r, o->kv_bytes ? o->kv_bytes - slots * slot : 0, page);
    scratch = clamp(SCRATCH_BYTES_MAX / (layer ? layer : 1), 2 * STREAMS,
                    batch > 2 * STREAMS ? (size_t)batch : 2 * STREAMS);
    struct device_opts d = {
        .name = o->device, .isolate = o->isolate, .program = o->program,
        .timeout_s = o->timeout_s, .numerics = o->numerics, .kv_type = o->kv_type,
        .kernels = o->kernels, .threads = o->threads,
        .max_rows = batch, .kv_pages = (int)pages, .kv_scratch = (int)scratch,
        .state_slots = (int)slots, .check_finite = o->check_finite,
    };
    struct schedule_limits l = {
        .max_rows = batch, .max_scratch = (int)scratch, .max_full = FULL_ROWS,
        .max_streams = batch < STREAMS ? batch : STREAMS, .context = r->context,
        /* States would have to be kept for each: such models compute every option. */
        .max_options = slots ? 0 : OPTIONS,
        .vocab = r->model->hp.vocab,
    };
    if (o->kv_type != KV_F32 && !r->ops->takes_kv_types)
        return err_set(e, ERR_UNSUPPORTED, "device '%.40s' keeps keys and values as f32 only",
                       r->ops->name);
    if (r->ops->open(&r->device, &r->model->program, &d, e) < 0 ||
        kv_open(&r->kv, (int)pages, e) < 0 || kv_open(&r->slots, (int)slots, e) < 0)
        return -1;
    return schedule_open(&r->schedule, &r->kv, &r->slots, &l, e);
}

static int take_template(struct runner *r, struct err *e)
{
    struct gguf_str s;

    if (gguf_get_str(r->file, "tokenizer.chat_template", &s, NULL) != 1)
        return 0;
    r->chat_template = mem_strndup(s.s, s.n);
    return r->chat_template ? 0 : err_nomem(e);
}

/* Checkpoints of Hugging Face may have rows for more tokens than there are, GGUF files may not. */
static int open_tokenizer(struct runner *r, const char *path, struct tokenizer *given,
                          struct err *e)
{
    int is_folder = hf_is_folder(path), rows = r->model->hp.vocab, tokens;

    r->tokenizer = given;
    r->is_tokenizer_given = given != NULL;
    if (!given && (is_folder ? tokenizer_open_hf(&r->tokenizer, path, e)
                             : tokenizer_open(&r->tokenizer, r->file, e)) < 0)
        return -1;
    tokens = tokenizer_size(r->tokenizer);
    if (is_folder ? tokens > rows : tokens != rows)
        return err_set(e, ERR_FORMAT, "%s: the vocabulary has %d tokens, token_embd.weight %d rows",
                       path, tokens, rows);
    tokenizer_pad(r->tokenizer, rows);
    return 0;
}

int runner_open(struct runner **out, const char *path, const struct runner_opts *o, struct err *e)
{
    struct runner *r = mem_calloc(1, sizeof *r);
    int rc = -1;

    *out = NULL;
    if (!r)
        return err_nomem(e);
    r->ops = device_find(o->device ? o->device : "cpu", e);
    if (!r->ops || model_file_open(&r->file, path, e) < 0 || arch_check(r->file, e) < 0)
        goto out;
    read_weights_ahead(r, o->stop);
    if (gguf_fill(r->file, e) < 0 ||
        model_open(&r->model, r->file, o->context, o->activation, e) < 0 ||
        open_tokenizer(r, path, o->tokenizer, e) < 0 || take_template(r, e) < 0)
        goto out;
    r->context = (int)clamp((size_t)r->model->context, 1, CONTEXT_MAX);
    r->batch_tokens = o->batch_tokens > 0 ? o->batch_tokens : BATCH_DEFAULT;
    if (r->batch_tokens > BATCH_MAX) {
        err_set(e, ERR_USAGE, "a batch of %d tokens is over the %d that fit", r->batch_tokens,
                BATCH_MAX);
        goto out;
    }
    if (open_device(r, o, e) < 0)
        goto out;
    fill_info(r, o);
    *out = r;
    r = NULL;
    rc = 0;
out:
    runner_close(r);
    return rc;
}

void runner_close(struct runner *r)
{
    if (!r)
        return;
    schedule_release(&r->schedule);
    kv_release(&r->kv);
    kv_release(&r->slots);
    if (r->device)
        r->ops->close(r->device);
    if (!r->is_tokenizer_given)
        tokenizer_close(r->tokenizer);
    model_close(r->model);
    gguf_close(r->file);
    participation_release(&r->participation);
    seen_release(&r->seen);
    mem_free(r->chat_template);
    mem_free(r->order);
    mem_free(r->left);
    mem_free(r);
}

const struct model_info *runner_info(const struct runner *r)
{
    return &r->info;
}

struct tokenizer *runner_tokenizer(struct runner *r)
{
    return r->tokenizer;
}

const struct gguf *runner_gguf(const struct runner *r)
{
    return r->file;
}

struct counts runner_counts(const struct runner *r)
{
    return r->counts;
}

void runner_recount(struct runner *r)
{
    r->counts = (struct counts){0};
    seen_release(&r->seen);
}

int runner_count(struct runner *r, int on, struct err *e)
{
    if (!r->ops->count)
        return err_set(e, ERR_UNSUPPORTED, "device '%s' does not count what takes part",
                       r->ops->name);
    return r->ops->count(r->device, on, e);
}

const struct participation *runner_participation(struct runner *r, struct err *e)
{
    const struct op_tally *t = r->ops->tally ? r->ops->tally(r->device) : NULL;

    participation_release(&r->participation);
    if (!t) {
        err_set(e, ERR_USAGE, "what takes part was not counted");
        return NULL;
    }
    return participation_fold(&r->participation, r->model, t, e) < 0 ? NULL : &r->participation;
}

int runner_profile(struct runner *r, int on, struct err *e)
{
    if (!r->ops->profile)
        return err_set(e, ERR_UNSUPPORTED, "device '%s' does not tell where its time goes",
                       r->ops->name);
    return r->ops->profile(r->device, on, e);
}

const struct profile *runner_profiled(struct runner *r, struct err *e)
{
    const struct profile *p = r->ops->profiled ? r->ops->profiled(r->device) : NULL;

    if (!p)
        err_set(e, ERR_USAGE, "no profile was asked for");
    return p;
}

int runner_left(struct runner *r, const struct left_op **rows, int *n, struct err *e)
{
    const uint64_t *counts = r->ops->left ? r->ops->left(r->device) : NULL;
    int rc = 0;

    mem_free(r->left);
    r->left = NULL;
    *n = 0;
    if (counts)
        rc = fallback_fold(&r->model->program, counts, &r->left, n, e);
    *rows = r->left;
    return rc;
}
