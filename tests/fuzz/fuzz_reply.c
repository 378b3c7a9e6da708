/* What a model wrote, read as a final answer in TeX, as a reply that holds one, and as sentences:
 * nothing is left, two readings agree, and which of two answers comes first does not matter. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/ifeval.h"
#include "tasks/mathverify.h"
#include "tasks/minerva.h"
#include "tasks/texmath.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes up to a tab are one answer, those behind it the other. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct mathverify *verifier; /* stays: its patterns take longer than a reply */
    static long live;
    struct strbuf spelt = STRBUF_INIT;
    int same;
    char *text = malloc(n + 1), *other;
    int failed = 0;

    if (!text)
        return 0;
    if (!verifier && mathverify_open(&verifier, NULL) == 0)
        live = mem_live();
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
    same = mathverify_same(verifier, text, 0, other, NULL);
    if (same < 0 || same != mathverify_same(verifier, text, 0, other, NULL))
        abort();
    minerva_spell(text, &spelt, NULL);
    strbuf_release(&spelt);
    if (mem_live() != live)
        abort();
    free(text);
    return 0;
}
