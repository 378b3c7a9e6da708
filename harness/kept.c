#include "harness/kept.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

enum { GROUP = 512 };

struct kept {
    struct store *store;
    struct likelihood_set set;
    struct likelihood waiting[GROUP];
    int n_waiting;
};

int kept_open(struct kept **out, struct store *s, const char *model_sha256,
              const struct model_info *m, const char *device, const char *activation,
              struct err *e)
{
    struct strbuf settings = STRBUF_INIT;
    struct json_out o = JSON_OUT(&settings);
    struct kept *k = mem_calloc(1, sizeof *k);
    int rc = -1;

    *out = NULL;
    json_begin_object(&o, NULL);
    json_put_str(&o, "rope", m->rope);
    if (activation)
        json_put_str(&o, "activation", activation);
    json_end_object(&o);
    if (!k) {
        err_nomem(e);
        goto out;
    }
    const struct likelihood_about about = {model_sha256, m->numerics_id, device,
                                           strbuf_str(&settings)};
    k->store = s;
    if (strbuf_ok(&settings, e) < 0 || likelihood_set_open(s, &about, &k->set, e) < 0)
        goto out;
    *out = k;
    k = NULL;
    rc = 0;
out:
    kept_close(k);
    strbuf_release(&settings);
    return rc;
}

void kept_close(struct kept *k)
{
    mem_free(k);
}

/* Both numbers in front, so that no two requests give the same bytes. */
int kept_key(char key[LIKELIHOOD_KEY], const struct request *q, struct err *e)
{
    const int32_t head[] = {q->n_ids, q->n_given};
    char hex[SHA256_HEX];
    struct sha256 *s;

    if (sha256_begin(&s, e) < 0)
        return -1;
    if (sha256_update(s, head, sizeof head, e) < 0 ||
        sha256_update(s, q->ids, (size_t)q->n_ids * sizeof *q->ids, e) < 0) {
        sha256_final(s, hex, NULL);
        return -1;
    }
    if (sha256_final(s, hex, e) < 0)
        return -1;
    memcpy(key, hex, LIKELIHOOD_KEY - 1);
    key[LIKELIHOOD_KEY - 1] = 0;
    return 0;
}

int kept_find(struct kept *k, const char key[LIKELIHOOD_KEY], double *nats, int *is_greedy,
              struct err *e)
{
    struct likelihood v;
    int rc;

    memcpy(v.request, key, LIKELIHOOD_KEY);
    rc = likelihood_find(k->store, &k->set, &v, e);
    if (rc == 1) {
        *nats = v.nats;
        *is_greedy = v.is_greedy;
    }
    return rc;
}

int kept_add(struct kept *k, const char key[LIKELIHOOD_KEY], double nats, int is_greedy,
             struct err *e)
{
    struct likelihood *v = &k->waiting[k->n_waiting];

    if (!isfinite(nats))
        return 0;
    memcpy(v->request, key, LIKELIHOOD_KEY);
    v->nats = nats;
    v->is_greedy = is_greedy;
    return ++k->n_waiting == GROUP ? kept_flush(k, e) : 0;
}

int kept_flush(struct kept *k, struct err *e)
{
    int n = k->n_waiting;

    k->n_waiting = 0;
    return n ? likelihood_keep(k->store, &k->set, k->waiting, n, LIKELIHOODS_MAX, e) : 0;
}
