/* prompt.h -- description, examples and question put together (evaluation.md 2.2). */
#ifndef TASKS_PROMPT_H
#define TASKS_PROMPT_H

#include "base/chat.h"
#include "base/err.h"
#include "base/strbuf.h"

struct prompt_style {
    const char *system; /* what comes first; "" for nothing */
    const char *target_delimiter, *shot_delimiter;
    const struct chat_renderer *chat; /* NULL: plain text */
};

struct shot {
    const char *question, *answer;
};

/* A system instruction and a task's description as one text: `delimiter` goes between them only
 * where both are there and neither has white space at the join.  Appends. */
void prompt_join(struct strbuf *out, const char *instruction, const char *description,
                 const char *delimiter);

/* Appends the prompt that ends in `question`.  As chat, every shot is a turn of the user and one of
 * the assistant, and the delimiters are dropped; a template that refuses a system message is
 * rendered without it, as lm-eval does. */
int prompt_build(const struct prompt_style *p, const struct shot *shots, int n_shots,
                 const char *question, struct strbuf *out, struct err *e);

#endif
