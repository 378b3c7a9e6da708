#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The first byte says as what it is read. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char folder[] = "/tmp/densimeter-fuzz-XXXXXX", packed[80], plain[80], name[96];
    struct err e = ERR_NONE;
    int zip;

    if (n == 0 || !mkdtemp(folder))
        return 0;
    zip = bytes[0] & 1;
    snprintf(packed, sizeof packed, "%s/a.%s", folder, zip ? "zip" : "gz");
    snprintf(plain, sizeof plain, "%s/plain", folder);
    snprintf(name, sizeof name, "%s%s", packed, zip ? "#a" : "");
    if (file_write(packed, bytes + 1, n - 1, &e) == 0 && unpack_file(name, plain, &e) == 0 &&
        file_size(plain) > (int64_t)(n - 1) * 1032 + (1 << 16) + (1 << 16))
        abort(); /* more than it may hold */
    unlink(packed);
    unlink(plain);
    rmdir(folder);
    if (mem_live() != 0)
        abort();
    return 0;
}
