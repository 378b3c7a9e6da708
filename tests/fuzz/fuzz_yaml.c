#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tasks/yamldoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct arena a = ARENA_INIT;
    struct ynode *root = NULL;
    struct err e = ERR_NONE;

    if (yamldoc_parse(&a, (const char *)bytes, n, "fuzz.yaml", &root, &e) == 0) {
        if (!root || root->line < 1)
            abort(); /* a document has a place */
        json_free(ynode_json(root, &e));
    } else if (e.code == ERR_OK) {
        abort(); /* a refusal says why */
    }
    arena_release(&a);
    if (mem_live() != 0)
        abort();
    return 0;
}
