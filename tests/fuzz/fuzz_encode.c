#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/tokenizer.h"
#include "tests/tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Opened once and left to the end of the process. */
static struct tokenizer *tiny(int is_bpe)
{
    static struct tokenizer *t[2];
    static struct strbuf image[2];
    static struct gguf *g[2];
    struct tiny_opts o = {.seed = 1, .is_bpe = is_bpe, .layers = 1};

    if (!t[is_bpe] && (tiny_build(&image[is_bpe], &o, NULL) < 0 ||
                       gguf_open_bytes(&g[is_bpe], image[is_bpe].s, image[is_bpe].len, "tiny",
                                       NULL) < 0 ||
                       tokenizer_open(&t[is_bpe], g[is_bpe], NULL) < 0))
        abort();
    return t[is_bpe];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct ids ids = {0};
        struct strbuf text = STRBUF_INIT;
        if (tokenizer_encode(tiny(is_bpe), (const char *)bytes, n, TOKENIZE_SPECIAL, &ids, NULL) <
                0 || tokenizer_decode(tiny(is_bpe), ids.v, ids.n, 1, &text, NULL) < 0)
            abort();
        if (is_bpe && (text.len != n || (n && memcmp(text.s, bytes, n) != 0)))
            abort(); /* BPE over bytes loses nothing */
        ids_release(&ids);
        strbuf_release(&text);
    }
    return 0;
}
