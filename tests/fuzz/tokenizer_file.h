/* tokenizer_file.h -- a tokenizer's file out of a fuzzer's input, made to encode the input. */
#ifndef TESTS_FUZZ_TOKENIZER_FILE_H
#define TESTS_FUZZ_TOKENIZER_FILE_H

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "runners/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* name: "tokenizer.json" or "tokenizer.model". */
static int tokenizer_run(const uint8_t *bytes, size_t n, const char *name)
{
    struct tokenizer *t = NULL;
    struct ids ids = {0};
    struct strbuf text = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (tokenizer_open_hf_bytes(&t, bytes, n, name, &e) < 0 && (e.code == ERR_OK || !e.text[0]))
        abort(); /* a refusal gives its reason */
    if (t && tokenizer_encode(t, (const char *)bytes, n < 4096 ? n : 4096,
                              TOKENIZE_SPECIAL | TOKENIZE_BOS, &ids, &e) == 0 &&
        tokenizer_decode(t, ids.v, ids.n, 1, &text, &e) < 0)
        abort(); /* what encode gives is in range */
    ids_release(&ids);
    strbuf_release(&text);
    tokenizer_close(t);
    if (mem_live() != 0)
        abort();
    return 0;
}

#endif
