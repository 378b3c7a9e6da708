/* tool_tiny FILE [TYPE [LAYERS EMBEDDING FEED_FORWARD HEADS KV_HEADS]]: writes the random model of
 * tests/tiny.h, for scripts and for measurements of a size that nobody has at hand: "q4_0 22 2048
 * 5632 32 4" costs what a Llama of 1.1 B costs (its vocabulary is smaller). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runners/quant.h"
#include "tests/tiny.h"

int main(int argc, char **argv)
{
    struct tiny_opts o = {.seed = 1, .is_bpe = 1, .type = QUANT_Q4_0};
    const struct quant *q = argc > 2 ? quant_by_name(argv[2], strlen(argv[2])) : NULL;
    int *const shape[] = {&o.layers, &o.embedding, &o.feed_forward, &o.heads, &o.kv_heads};
    struct err e = ERR_NONE;

    if ((argc != 2 && argc != 3 && argc != 8) || (argc > 2 && !q)) {
        fprintf(stderr, "usage: tool_tiny FILE [TYPE [LAYERS EMBEDDING FEED_FORWARD HEADS "
                        "KV_HEADS]]\n");
        return 64;
    }
    if (q)
        o.type = q->type;
    if (q && q->block == 256)
        o.embedding = 256;
    for (int i = 3; i < argc; i++)
        *shape[i - 3] = atoi(argv[i]);
    if (tiny_write(argv[1], &o, &e) < 0) {
        fprintf(stderr, "tool_tiny: %s\n", e.text);
        return 1;
    }
    return 0;
}
