/* A catalogue.  Whatever is taken has names that are safe as files and sources that parse. */
#include <stdlib.h>

#include "base/mem.h"
#include "harness/catalogue.h"
#include "harness/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct catalogue_row *row)
{
    struct source s;

    if (!name_is_safe(row->name) || row->n_sources < 1 || row->bytes < 1)
        abort();
    for (int i = 0; i < row->n_sources; i++) {
        char *name = source_name(row->sources[i], NULL);
        if (source_parse(&s, row->sources[i], NULL) < 0 || (name && !name_is_safe(name)))
            abort();
        source_release(&s);
        mem_free(name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct catalogue *c = NULL;

    if (catalogue_parse(&c, n ? (const char *)bytes : "", n, "fuzz", NULL) == 0)
        for (size_t i = 0; i < catalogue_n(c); i++)
            check(catalogue_at(c, i));
    catalogue_free(c);
    if (mem_live() != 0)
        abort();
    return 0;
}
