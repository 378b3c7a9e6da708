#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A vocabulary out of the input, made to encode the input itself. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct gguf *g;
    struct tokenizer *t = NULL;
    struct ids ids = {0};
    struct strbuf text = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (gguf_open_bytes(&g, bytes, n, "fuzz", &e) == 0 && tokenizer_open(&t, g, &e) == 0) {
        int flags = TOKENIZE_SPECIAL | TOKENIZE_BOS;
        if (tokenizer_encode(t, (const char *)bytes, n, flags, &ids, &e) == 0 &&
            tokenizer_decode(t, ids.v, ids.n, 1, &text, &e) < 0)
            abort(); /* what encode gives is in range */
    }
    ids_release(&ids);
    strbuf_release(&text);
    tokenizer_close(t);
    gguf_close(g);
    if (mem_live() != 0)
        abort();
    return 0;
}
