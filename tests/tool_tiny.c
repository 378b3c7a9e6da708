/* tool_tiny FILE [TYPE]: writes the random model of tests/tiny.h, for scripts. */
#include <stdio.h>
#include <string.h>

#include "runners/quant.h"
#include "tests/tiny.h"

int main(int argc, char **argv)
{
    struct tiny_opts o = {.seed = 1, .is_bpe = 1, .type = QUANT_Q4_0};
    const struct quant *q = argc > 2 ? quant_by_name(argv[2], strlen(argv[2])) : NULL;
    struct err e = ERR_NONE;

    if (argc < 2 || (argc > 2 && !q)) {
        fprintf(stderr, "usage: tool_tiny FILE [TYPE]\n");
        return 64;
    }
    if (q)
        o.type = q->type;
    if (q && q->block == 256)
        o.embedding = 256;
    if (tiny_write(argv[1], &o, &e) < 0) {
        fprintf(stderr, "tool_tiny: %s\n", e.text);
        return 1;
    }
    return 0;
}
