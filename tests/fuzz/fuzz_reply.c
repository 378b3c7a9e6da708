/* What a model wrote, read as a final answer in TeX and as sentences: nothing is left, two readings
 * agree, and which of two answers comes first does not matter. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/ifeval.h"
#include "tasks/minerva.h"
#include "tasks/texmath.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes up to a tab are one answer, those behind it the other. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct strbuf spelt = STRBUF_INIT;
    char *text = malloc(n + 1), *other;
    int failed = 0;

    if (!text)
        return 0;
    memcpy(text, bytes, n);
    text[n] = 0;
    if (text_sentences(text, &failed) < 0 || failed)
        abort();
    other = strchr(text, '\t');
    if (other)
        *other++ = 0;
    else
        other = text;
    if (tex_equal(text, other) != tex_equal(other, text))
        abort();
    minerva_spell(text, &spelt, NULL);
    strbuf_release(&spelt);
    if (mem_live() != 0)
        abort();
    free(text);
    return 0;
}
