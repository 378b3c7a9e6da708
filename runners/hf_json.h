/* hf_json.h -- what the readers of tokenizer.json share: types by name, and errors that
 * name them. */
#ifndef RUNNERS_HF_JSON_H
#define RUNNERS_HF_JSON_H

#include "base/json.h"
#include "runners/gguf.h"
#include "runners/regex.h"

/* The "type" of a part; "" when it has none. */
const char *hf_type(const cJSON *j);
/* -1 with "path: normalizer 'X' is not known; known: ..."; names: NULL at the end. */
int hf_refuse(const char *path, const char *part, const char *type, const char *const *names,
              struct err *e);
/* The value of a member as text, NULL when absent or null: {"pattern": "x"}. */
struct gguf_str hf_text(const cJSON *j, const char *key);

/* {"String": s} or {"Regex": r}, or a bare string: either text or regex is set. */
struct hf_pattern {
    struct gguf_str text; /* the JSON's */
    struct regex *regex;
};
int hf_pattern_open(struct hf_pattern *p, const cJSON *j, const char *path, struct err *e);
void hf_pattern_close(struct hf_pattern *p);
/* As regex_find; an empty pattern matches nowhere. */
int hf_pattern_find(const struct hf_pattern *p, const char *text, size_t n, size_t at, size_t *from,
                    size_t *to, struct err *e);

#endif
