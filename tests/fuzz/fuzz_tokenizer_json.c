#include "tests/fuzz/tokenizer_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    return tokenizer_run(bytes, n, "tokenizer.json");
}
