/* envelope_write.h -- an envelope for people and for scripts; nothing is computed here. */
#ifndef HARNESS_ENVELOPE_WRITE_H
#define HARNESS_ENVELOPE_WRITE_H

#include "base/json.h"
#include "harness/envelope.h"
#include "harness/stats.h"
#include "reports/report.h"

struct envelope_check { /* a model that was measured on the device */
    char *name;
    struct envelope_model model;
    double file_bytes;
    double decode, prefill; /* tok/s, medians */
    struct interval decode_interval, prefill_interval;
    int noisy; /* the machine was not quiet while it was measured */
    double decode_bound, prefill_bound;         /* by the peaks alone */
    double decode_predicted, prefill_predicted; /* with what the other models attained; NAN: none */
};
struct envelope_result {
    struct envelope_device device; /* as limited by watts, with the shares that the checks gave */
    struct envelope_want want;
    double watts; /* asked for; NAN */
    const struct envelope_row *rows;
    int n_rows;
    const struct envelope_check *checks;
    int n_checks;
};
enum { ENVELOPE_PROMPT = 128, ENVELOPE_GENERATE = 32 }; /* tokens of a check */

void envelope_report(struct report *r, const struct envelope_result *x, int plots);
/* Members of the object that the caller has begun. */
void envelope_json(struct json_out *o, const struct envelope_result *x);

#endif
