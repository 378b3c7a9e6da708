/* present_preset.h -- a run's published number, for people and as JSON. */
#ifndef HARNESS_PRESENT_PRESET_H
#define HARNESS_PRESENT_PRESET_H

#include "base/json.h"
#include "harness/context.h"
#include "results/query.h"

/* "preset": {"name", "beyond_chance", "score", "stderr", "parts": [{"benchmark", "metric", "value",
 * "score", "stderr", "n"}]}, or null for a run without one. */
int preset_json(struct json_out *o, const char *settings, const struct task_list *l,
                struct err *e);
/* The same as a table below that of the tasks; nothing without a preset, or as CSV. */
int preset_text(const struct context *c, const char *settings, const struct task_list *l,
                struct err *e);

#endif
