#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/pysource.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The bytes are the module beside a task file that asks for its function f. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static char yaml[64], module[64];
    struct ynode y = {.type = Y_FUNCTION, .line = 1, .column = 1, .s = "utils.f", .n = 7};
    struct pyfunction f;
    struct err e = ERR_NONE;

    if (!*yaml) {
        char dir[40];
        snprintf(dir, sizeof dir, "/tmp/densimeter-fuzz-%ld", (long)getpid());
        if (dir_make(dir, NULL) < 0)
            return 0;
        snprintf(yaml, sizeof yaml, "%s/t.yaml", dir);
        snprintf(module, sizeof module, "%s/utils.py", dir);
    }
    y.file = yaml;
    if (file_write(module, bytes, n, NULL) < 0)
        return 0;
    if (pysource_find(&y, &f, &e) == 0)
        pysource_release(&f);
    else if (e.code == ERR_OK)
        abort(); /* a refusal says why */
    if (mem_live() != 0)
        abort();
    return 0;
}
