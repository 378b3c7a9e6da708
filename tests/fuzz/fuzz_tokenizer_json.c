#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static char path[64];

static void clean_up(void)
{
    unlink(path);
}

/* A tokenizer.json out of the input, made to encode the input itself. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct tokenizer *t = NULL;
    struct ids ids = {0};
    struct strbuf text = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (!*path) {
        snprintf(path, sizeof path, "/tmp/densimeter-fuzz-%ld.json", (long)getpid());
        atexit(clean_up);
    }
    if (file_write(path, bytes, n, &e) == 0 && tokenizer_open_hf(&t, path, &e) == 0 &&
        tokenizer_encode(t, (const char *)bytes, n < 4096 ? n : 4096,
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
