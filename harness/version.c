#include "harness/version.h"

#include "runners/numerics.h"

void version_text(struct strbuf *b, const char *commit)
{
    strbuf_addf(b, "densimeter " DENSIMETER_VERSION "\ncommit %s\ncompiler " DENSIMETER_COMPILER
                   "\nnumerics", commit);
    for (enum numerics n = 0; n < NUMERICS_KINDS; n++)
        strbuf_addf(b, " %s", numerics_id(n));
    strbuf_addc(b, '\n');
}
