/* A prompt file of BIG-Bench Hard: whatever parses has a description and whole examples.  The same
 * bytes as question and as reply: every search finds something to say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/answer_bbh.h"
#include "tasks/bbh.h"
#include "tasks/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void search(const struct answer_rules *rules, const char *text)
{
    struct doc d = {.text = text};
    struct answer *a = NULL;

    if (answer_open(&a, rules, NULL) < 0)
        abort();
    for (int f = 0; f < rules->n_filters; f++)
        mem_free(answer_filter(a, f, text, &d, NULL));
    answer_close(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct answer_rules rules[] = {
        {.filters = {{"a", "(\\([A-Z]\\))", 0, NULL, bbh_choice},
                     {"b", "(\\([A-Z]\\))", -1, NULL, bbh_choice}}, .n_filters = 2},
        {.filters = {{"a", "([-0-9]+)", 0, NULL, bbh_number}, {"b", NULL, 0, NULL, bbh_words}},
         .n_filters = 2},
        {.filters = {{"a", "\\b(no)\\b|\\b(yes)\\b", -1, NULL, bbh_no_or_yes}}, .n_filters = 1},
    };
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
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        search(&rules[i], text);
    free(text);
    if (mem_live() != 0)
        abort();
    return 0;
}
