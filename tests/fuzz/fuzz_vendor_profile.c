#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "harness/vendor_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A profile out of a stranger's bundle: refused with a reason, or written and read as itself. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct strbuf text = STRBUF_INIT;
    struct vendor_profile p, q;
    struct err e = ERR_NONE;

    if (vendor_profile_parse(&p, (const char *)bytes, n, "fuzz", &e) == 0) {
        if (vendor_profile_check(&p, "fuzz", &e) < 0 && e.code == ERR_OK)
            abort();
        for (int i = 0; i < p.n_steps; i++)
            vendor_step_command(&p, &p.steps[i], NULL, &text);
        strbuf_clear(&text);
        vendor_profile_write(&p, &text);
        if (vendor_profile_parse(&q, strbuf_str(&text), text.len, "again", &e) < 0)
            abort();
        vendor_profile_release(&q);
        strbuf_release(&text);
        vendor_profile_release(&p);
    } else if (e.code == ERR_OK) {
        abort();
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
