#include "tests/token_ids.h"

#include "base/strbuf.h"
#include "tests/test.h"

void ids_are(struct tokenizer *t, const char *text, size_t n, int flags, const char *wanted)
{
    struct strbuf b = STRBUF_INIT;
    struct ids ids = {0};
    struct err e = ERR_NONE;

    if (tokenizer_encode(t, text, n, flags, &ids, &e) < 0)
        fail_msg("%s", e.text);
    for (size_t i = 0; i < ids.n; i++)
        strbuf_addf(&b, "%s%d", i ? " " : "", (int)ids.v[i]);
    if (strcmp(strbuf_str(&b), wanted) != 0)
        fail_msg("'%s': %s, expected %s", text, strbuf_str(&b), wanted);
    strbuf_release(&b);
    ids_release(&ids);
}
