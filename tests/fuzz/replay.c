/* replay.c -- feeds files to a fuzz target, so that its corpus is a test in every build. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int feed(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long n = -1;
    int rc = -1;

    if (f && fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        bytes = malloc(n ? (size_t)n : 1); /* exactly n, so that a sanitizer sees one byte more */
        if (bytes && fread(bytes, 1, (size_t)n, f) == (size_t)n)
            rc = LLVMFuzzerTestOneInput(bytes, (size_t)n);
    }
    if (rc < 0)
        perror(path);
    free(bytes);
    if (f)
        fclose(f);
    return rc;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (feed(argv[i]) < 0)
            return 1;
    printf("%d inputs\n", argc - 1);
    return 0;
}
