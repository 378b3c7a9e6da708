/* chat.h -- conversations to prompts by a model's own chat template. */
#ifndef HARNESS_CHAT_H
#define HARNESS_CHAT_H

#include "base/chat.h"
#include "base/template.h"
#include "runners/gguf.h"
#include "runners/tokenizer.h"

struct chat {
    struct template *template;
    char *bos, *eos; /* texts of the tokens; NULL when there is none */
    int dropped_system; /* times the template refused a system message, and it was left out */
    struct chat_renderer renderer; /* renderer.self is this chat, which must not move */
};

/* template NULL: ERR_UNSUPPORTED (the model has none).  name is used in errors. */
int chat_open(struct chat *out, const char *name, const char *template, const struct tokenizer *t,
              struct err *e);
void chat_close(struct chat *c);

/* The template of a file; an empty string when it has none. */
struct gguf_str chat_template_of(const struct gguf *g);

#endif
