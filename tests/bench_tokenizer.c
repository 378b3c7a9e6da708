/* bench_tokenizer.c -- megabytes of text a second through a tokenizer, by processor time.
 *
 * bench_tokenizer [VOCABULARY TEXTFILE]: a .gguf, a tokenizer.json or a tokenizer.model.  The text is
 * given in documents of about 2 kB, three times over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "runners/tokenizer.h"

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run(struct tokenizer *t, const char *s, size_t n, struct err *e)
{
    struct ids ids = {0};
    double start = cpu_s();

    for (size_t at = 0, end; at < n; at = end) {
        const char *gap = at + 2000 < n ? strstr(s + at + 2000, "\n\n") : NULL;
        end = gap ? (size_t)(gap - s) + 2 : n;
        if (tokenizer_encode(t, s + at, end - at, 0, &ids, e) < 0)
            return -1;
    }
    printf("%zu tokens, %.2f MB/s\n", ids.n, (double)n / (cpu_s() - start) / 1e6);
    ids_release(&ids);
    return 0;
}

int main(int argc, char **argv)
{
    struct strbuf text = STRBUF_INIT;
    struct gguf *g = NULL;
    struct tokenizer *t = NULL;
    struct err e = ERR_NONE;
    const char *vocab = argc > 2 ? argv[1] : "../shared/tokenizers/ggml-vocab-gpt-2.gguf";
    const char *file = argc > 2 ? argv[2] : "../shared/data/wikitext2/wiki.test.raw";
    int is_gguf = strlen(vocab) > 5 && strcmp(vocab + strlen(vocab) - 5, ".gguf") == 0, rc = 1;

    if (argc < 3 && (!file_exists(vocab) || !file_exists(file))) {
        printf("skipped: %s or %s is not here\n", vocab, file);
        return 0;
    }
    if (file_read(&text, file, 1 << 30, &e) == 0 &&
        (is_gguf ? gguf_open(&g, vocab, &e) < 0 || tokenizer_open(&t, g, &e) < 0
                 : tokenizer_open_hf(&t, vocab, &e) < 0) == 0) {
        rc = 0;
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = run(t, strbuf_str(&text), text.len, &e) < 0;
    }
    if (rc)
        fprintf(stderr, "%s\n", e.text);
    tokenizer_close(t);
    gguf_close(g);
    strbuf_release(&text);
    return rc;
}
