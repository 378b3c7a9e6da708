/* gate_write.h -- a verdict for people, for scripts and for continuous integration.
 *
 * Everything is derived from the gate and what it stood on; nothing is computed here.  Texts from
 * models and files are escaped for their format by each writer. */
#ifndef HARNESS_GATE_WRITE_H
#define HARNESS_GATE_WRITE_H

#include "base/json.h"
#include "harness/gate.h"
#include "reports/report.h"

struct gate_story {
    const struct gate *gate;
    const struct gate_policy *policy;
    const char *policy_path;
    const struct gate_input *in; /* without pairs and processes where runs could not be joined */
};

/* A page that says the verdict and its reasons first (r has been initialised). */
void gate_report(struct report *r, const struct gate_story *s);

/* Members of the object that the caller has begun. */
void gate_json(struct json_out *o, const struct gate_story *s);

/* One test case a check: FAIL is a failure, INVALID an error, INCONCLUSIVE is skipped. */
void gate_junit(struct strbuf *out, const struct gate_story *s);
/* Workflow commands, one a check that did not pass and one for the verdict. */
void gate_github(struct strbuf *out, const struct gate_story *s);

/* "accuracy of arc_easy"; into name. */
void gate_check_name(char *name, size_t size, const struct gate_check *c);

#endif
