#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/facts.h"
#include "tasks/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void say(void *ctx, const char *line)
{
    *(size_t *)ctx += strlen(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct facts *f = NULL;
    struct err e = ERR_NONE;
    size_t said = 0;
    int found = facts_lint((const char *)bytes, n, say, &said, &e);

    if (found > 0 && !said)
        abort(); /* a complaint has words */
    if (facts_parse(&f, (const char *)bytes, n, 1, &e) == 0) {
        for (int i = 0; i < facts_count(f) && i < 8; i++) {
            struct item it;
            if (facts_item(f, i, &it, &e) == 0)
                item_release(&it);
        }
        facts_close(f);
    }
    if (mem_live() != 0)
        abort();
    return 0;
}
