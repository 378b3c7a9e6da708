#include "tests/chatml.h"

#include <string.h>

static int render(void *self, const struct chat_message *m, int n, int add_generation_prompt,
                  struct strbuf *out, struct err *e)
{
    (void)self;
    if (n && strcmp(m[0].role, "system") != 0)
        strbuf_adds(out, "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained "
                         "by Hugging Face<|im_end|>\n");
    for (int i = 0; i < n; i++)
        strbuf_addf(out, "<|im_start|>%s\n%s<|im_end|>\n", m[i].role, m[i].content);
    if (add_generation_prompt)
        strbuf_adds(out, "<|im_start|>assistant\n");
    return strbuf_ok(out, e);
}

const struct chat_renderer chatml = {render, NULL};
