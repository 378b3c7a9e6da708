/* opened.h -- the tasks of an evaluation, open, with the items that are left to ask. */
#ifndef HARNESS_OPENED_H
#define HARNESS_OPENED_H

#include "base/json.h"
#include "base/sha256.h"
#include "harness/context.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "results/store.h"

struct opened_task {
    struct task *task;
    int *order;
    int n; /* of order */
    char data_sha256[SHA256_HEX];
};
struct opened {
    struct opened_task *v;
    int n;
};
/* By eval's options (--shots, --seed, --limit, ...); preset, chat: NULL for none.  What is open
 * after a failure is closed by opened_close. */
int opened_open(struct opened *out, const struct context *c, const struct selection *chosen,
                const struct preset *preset, const struct chat_renderer *chat, struct err *e);
void opened_close(struct opened *o);

/* Leaves in the task's order what is not in the ascending list done[]. */
void opened_drop(struct opened_task *t, const int *done, size_t n_done);
/* What of the questions may change a result, in a fixed order: members of a run's settings. */
int opened_settings(struct json_out *out, const struct opened *o, const struct context *c,
                    const struct preset *preset, struct err *e);
/* As rows of a run; rows has room for all.  Texts are the tasks'. */
void opened_rows(const struct opened *o, struct store_task *rows);

#endif
