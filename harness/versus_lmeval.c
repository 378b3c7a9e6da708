#include "harness/versus_lmeval.h"

#include <math.h>

static void add_item(struct lmeval_agreement *a, const struct lmeval_answer *v, size_t n)
{
    size_t ours = 0, theirs = 0;

    a->items++;
    if (n < 2)
        return;
    for (size_t i = 1; i < n; i++) {
        ours = v[i].ours > v[ours].ours ? i : ours;
        theirs = v[i].theirs > v[theirs].theirs ? i : theirs;
    }
    a->choices++;
    a->choices_same += ours == theirs;
    if (v[0].gold < 0)
        return;
    a->gold_known++;
    a->ours_right += v[ours].option == v[0].gold;
    a->theirs_right += v[theirs].option == v[0].gold;
}

struct lmeval_agreement lmeval_agree(const struct lmeval_answer *v, size_t n)
{
    struct lmeval_agreement a = {.requests = n};
    double sum = 0, squares = 0;

    for (size_t i = 0, first = 0; i < n; i++) {
        double d = v[i].ours - v[i].theirs;
        sum += d;
        squares += d * d;
        a.largest = fabs(d) > a.largest || isnan(d) ? fabs(d) : a.largest;
        if (v[i].ours_greedy >= 0 && v[i].theirs_greedy >= 0) {
            a.greedy_known++;
            a.greedy_same += v[i].ours_greedy == v[i].theirs_greedy;
        }
        if (i + 1 == n || v[i + 1].item != v[i].item) {
            add_item(&a, v + first, i + 1 - first);
            first = i + 1;
        }
    }
    a.mean = n ? sum / (double)n : NAN;
    a.rms = n ? sqrt(squares / (double)n) : NAN;
    a.largest = n ? a.largest : NAN;
    return a;
}

void lmeval_agreement_text(struct strbuf *b, const char *model, const struct lmeval_agreement *a)
{
    strbuf_addc(b, '\n');
    strbuf_add_printable(b, model, 0);
    strbuf_addf(b, " and lm-eval: %zu requests of %zu items\n", a->requests, a->items);
    strbuf_addf(b, "log-likelihoods differ by %.3g nats at most, mean %.3g, rms %.3g\n", a->largest,
                a->mean, a->rms);
    if (a->greedy_known)
        strbuf_addf(b, "greedy alike: %zu of %zu\n", a->greedy_same, a->greedy_known);
    if (a->choices)
        strbuf_addf(b, "likeliest option alike: %zu of %zu", a->choices_same, a->choices);
    if (a->gold_known)
        strbuf_addf(b, "; right: %.4g here, %.4g there", a->ours_right / (double)a->gold_known,
                    a->theirs_right / (double)a->gold_known);
    if (a->choices)
        strbuf_addc(b, '\n');
}

void lmeval_agreement_json(struct json_out *o, const struct lmeval_agreement *a)
{
    double known = a->gold_known ? (double)a->gold_known : NAN;

    json_put_int(o, "requests", (int64_t)a->requests);
    json_put_int(o, "items", (int64_t)a->items);
    json_put_num(o, "largest_difference", a->largest);
    json_put_num(o, "mean_difference", a->mean);
    json_put_num(o, "rms_difference", a->rms);
    json_put_int(o, "greedy_known", (int64_t)a->greedy_known);
    json_put_int(o, "greedy_same", (int64_t)a->greedy_same);
    json_put_int(o, "choices", (int64_t)a->choices);
    json_put_int(o, "choices_same", (int64_t)a->choices_same);
    json_put_num(o, "acc", a->ours_right / known);
    json_put_num(o, "lm_eval_acc", a->theirs_right / known);
}
