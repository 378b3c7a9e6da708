/* deadline_write.h -- right answers within a deadline, for people and for scripts. */
#ifndef HARNESS_DEADLINE_WRITE_H
#define HARNESS_DEADLINE_WRITE_H

#include "base/json.h"
#include "harness/deadline.h"
#include "reports/report.h"

void deadline_report(struct report *r, const struct deadline_list *l, int plots);
void deadline_json(struct json_out *o, const struct deadline_list *l); /* member "deadline" */

#endif
