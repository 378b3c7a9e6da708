/* handover_write.h -- a handover for people and for scripts; nothing is computed here. */
#ifndef HARNESS_HANDOVER_WRITE_H
#define HARNESS_HANDOVER_WRITE_H

#include "base/json.h"
#include "harness/handover.h"
#include "reports/report.h"

void handover_report(struct report *r, const struct handover *h, int plots);
/* Members of the object that the caller has begun. */
void handover_json(struct json_out *o, const struct handover *h);

#endif
