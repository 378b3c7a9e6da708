/* tool_sparse FILE TYPE LAYERS EMBEDDING FEED_FORWARD BIAS: writes a random model with ReLU in its
 * feed-forwards, whose gates have a bias of BIAS standard deviations: -1.2816 makes 90 % zeros. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runners/quant.h"
#include "tests/tiny.h"

int main(int argc, char **argv)
{
    const struct quant *q = argc == 7 ? quant_by_name(argv[2], strlen(argv[2])) : NULL;
    struct err e = ERR_NONE;

    if (!q) {
        fprintf(stderr, "usage: tool_sparse FILE TYPE LAYERS EMBEDDING FEED_FORWARD BIAS\n");
        return 64;
    }
    struct tiny_opts o = {.seed = 1, .is_bpe = 1, .type = q->type, .layers = atoi(argv[3]),
                          .embedding = atoi(argv[4]), .feed_forward = atoi(argv[5]),
                          .gate_bias = (float)atof(argv[6]), .heads = 16, .kv_heads = 4,
                          .activation = "relu"};
    if (tiny_write(argv[1], &o, &e) < 0) {
        fprintf(stderr, "tool_sparse: %s\n", e.text);
        return 1;
    }
    return 0;
}
