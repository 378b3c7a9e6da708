/* describe.h -- an open model in the words of the results store and of `info`. */
#ifndef HARNESS_DESCRIBE_H
#define HARNESS_DESCRIBE_H

#include "base/json.h"
#include "base/sha256.h"
#include "base/strbuf.h"
#include "results/store.h"
#include "runners/runner.h"

/* What `model` points to lives as long as the description and the runner. */
struct description {
    struct store_model model;
    char sha256[SHA256_HEX];
    struct strbuf tensor_types;
    char *name, *licence;
};

/* typed: what the user called the model; a path is shortened to the file's name. */
int describe_model(struct description *out, const struct runner *r, const char *typed,
                   struct err *e);
/* For a run's settings: which of the model's two sets of longrope factors the context has chosen,
 * and the SHA-256 of a plug-in that computes; nothing where there is no such choice. */
void describe_choice(struct json_out *o, const struct model_info *m);
void description_release(struct description *d);

#endif
