#include "harness/version.h"

#include "harness/table.h"
#include "runners/numerics.h"

enum { VERSION_WIDTH = 80 };

void version_text(struct strbuf *b, const char *commit)
{
    struct strbuf line = STRBUF_INIT;

    strbuf_addf(b, "densimeter " DENSIMETER_VERSION "\ncommit %s\ncompiler " DENSIMETER_COMPILER
                   "\n", commit);
    strbuf_adds(&line, "numerics");
    for (enum numerics n = 0; n < NUMERICS_KINDS; n++)
        for (enum kv_type kv = 0; kv < KV_TYPES; kv++)
            if (numerics_id(n, kv))
                strbuf_addf(&line, " %s", numerics_id(n, kv));
    text_fold(b, strbuf_str(&line), VERSION_WIDTH);
    strbuf_addc(b, '\n');
    b->failed |= line.failed;
    strbuf_release(&line);
}
