/* chat.h -- a conversation, and whoever can turn one into a prompt.
 *
 * Tasks build conversations without knowing the model; the harness hands them a chat_renderer that
 * knows the model's template.  All strings are borrowed for the call. */
#ifndef BASE_CHAT_H
#define BASE_CHAT_H

#include "base/err.h"
#include "base/strbuf.h"

struct chat_message {
    const char *role; /* "system", "user", "assistant" */
    const char *content;
};

struct chat_renderer {
    /* Appends the prompt.  add_generation_prompt as in transformers' apply_chat_template. */
    int (*render)(void *self, const struct chat_message *m, int n, int add_generation_prompt,
                  struct strbuf *out, struct err *e);
    void *self;
};

#endif
