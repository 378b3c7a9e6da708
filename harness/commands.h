/* commands.h -- the functions and option rows that main.c's table points to, by file cmd_NAME.c. */
#ifndef HARNESS_COMMANDS_H
#define HARNESS_COMMANDS_H

#include "harness/context.h"

extern const struct option eval_options[], help_options[], logits_options[], score_options[], tokenize_options[];

int cmd_completions(struct context *c, struct err *e);
int cmd_eval(struct context *c, struct err *e);
int cmd_help(struct context *c, struct err *e);
int cmd_logits(struct context *c, struct err *e);
int cmd_score(struct context *c, struct err *e);
int cmd_tokenize(struct context *c, struct err *e);

#endif
