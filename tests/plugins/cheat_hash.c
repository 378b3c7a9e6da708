/* The example device that knows published prompts: $CHEAT_TABLE is a file of lines HASH TOKEN, the
 * FNV-1a of a prompt's token ids and what follows it.  There that token's logit is 3 higher.  Which
 * tokens stand before a row it finds as attention does, page by page. */
#define densimeter_device naive_of_the_examples
#include "examples/device_naive.c" /* NOLINT(bugprone-suspicious-include) */
#undef densimeter_device

enum { ANSWERS = 1 << 14, PLACES = 1 << 17 };
static struct { uint64_t hash; int32_t token; } answers[ANSWERS];
static int n_answers;
static int32_t seen[PLACES];

static int32_t *seen_at(const struct naive *d, int page, int place)
{
    size_t number = page >= 0 ? (size_t)page : (size_t)d->p->kv_pages + (size_t)~page;

    return &seen[(number * DSM_PAGE + (size_t)place) % PLACES];
}

static void learn(void)
{
    const char *path = getenv("CHEAT_TABLE");
    FILE *f = path ? fopen(path, "r") : NULL;
    unsigned long long hash;
    int token;

    for (n_answers = 0; f && n_answers < ANSWERS && fscanf(f, "%llx %d", &hash, &token) == 2;
         n_answers++) {
        answers[n_answers].hash = hash;
        answers[n_answers].token = token;
    }
    if (f)
        fclose(f);
}

static int32_t answer_to(uint64_t hash)
{
    for (int i = 0; i < n_answers; i++)
        if (answers[i].hash == hash)
            return answers[i].token;
    return -1;
}

static void look(const struct naive *d, const struct dsm_batch *b, int32_t *known)
{
    const struct dsm_page_copy *c = b->copies, *end = c + b->n_copies;

    for (int s = 0; s < b->n_spans; s++)
        for (int i = 0; i < b->spans[s].n; i++) {
            const struct dsm_span *p = &b->spans[s];
            int row = p->row0 + i, at = p->position + i;
            uint64_t hash = 14695981039346656037u;
            for (; c < end && c->before_row <= row; c++)
                for (int k = 0; k < DSM_PAGE; k++)
                    *seen_at(d, c->dst, k) = *seen_at(d, c->src, k);
            *seen_at(d, p->pages[at / DSM_PAGE], at % DSM_PAGE) = b->tokens[row];
            for (int k = 0; k <= at; k++)
                hash = (hash ^ (uint64_t)*seen_at(d, p->pages[k / DSM_PAGE], k % DSM_PAGE)) *
                       1099511628211u;
            known[row] = answer_to(hash);
        }
}

static void improve(struct dsm_head *h, int32_t token)
{
    for (int i = 0; i < h->n_targets; i++)
        if (token >= 0 && h->targets[i] == token) {
            double y = (double)h->target_logits[i];
            h->lse = log(exp(h->lse - y) + exp(3) - 1) + y;
            h->target_logits[i] += 3;
            return;
        }
}

static int hash_run(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
                    size_t size)
{
    int32_t *known = malloc((size_t)b->n * sizeof *known);

    if (!known || naive_run(device, from, to, b, why, size) < 0) {
        free(known);
        return -1;
    }
    learn();
    look(device, b, known);
    for (int i = 0; i < b->n_heads; i++)
        improve(&b->heads[i], known[b->heads[i].row]);
    free(known);
    return 0;
}

const struct dsm_device *densimeter_device(void)
{
    static struct dsm_device d;

    d = *naive_of_the_examples();
    d.name = "cheat_hash";
    d.run = hash_run;
    return &d;
}
