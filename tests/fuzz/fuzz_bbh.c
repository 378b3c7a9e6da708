/* A prompt file of BIG-Bench Hard: whatever parses has a description and whole examples. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/bbh.h"
#include "tasks/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct recipe recipe = {.read = read_bbh_cot};
    char *text = malloc(n + 1);
    struct docs d;

    if (!text)
        return 0;
    memcpy(text, bytes, n);
    text[n] = 0;
    if (parse_bbh_prompts(&d, text, "fuzz.txt", &recipe, NULL) == 0) {
        if (!d.about || d.n == 0)
            abort();
        for (size_t i = 0; i < d.n; i++)
            if (!d.v[i].text || d.v[i].n_targets != 1)
                abort();
        docs_release(&d);
    }
    free(text);
    if (mem_live() != 0)
        abort();
    return 0;
}
