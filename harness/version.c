#include "harness/version.h"

#include "runners/numerics.h"

void version_text(struct strbuf *b, const char *commit)
{
    strbuf_addf(b, "densimeter " DENSIMETER_VERSION "\ncommit %s\ncompiler " DENSIMETER_COMPILER
                   "\nnumerics", commit);
    for (enum numerics n = 0; n < NUMERICS_KINDS; n++)
        for (enum kv_type kv = 0; kv < KV_TYPES; kv++)
            if (numerics_id(n, kv))
                strbuf_addf(b, " %s", numerics_id(n, kv));
    strbuf_addc(b, '\n');
}
