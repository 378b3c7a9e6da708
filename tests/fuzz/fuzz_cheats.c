#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/cheats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void hear(void *user, const char *line)
{
    (void)line;
    ++*(int *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct cheat_report r;
    struct err e = ERR_NONE;
    int heard = 0, found;

    found = cheats_check((const char *)bytes, n, "fuzz.json", hear, &heard, &e);
    if (found < 0 ? e.code == ERR_OK : found != heard)
        abort(); /* a refusal gives its reason, every defect is told */
    e = ERR_NONE;
    if ((cheats_parse(&r, (const char *)bytes, n, "fuzz.json", &e) == 0) != (found >= 0))
        abort();
    cheat_report_release(&r);
    if (mem_live() != 0)
        abort();
    return 0;
}
