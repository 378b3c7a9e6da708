#include "harness/stored.h"

#include "base/mem.h"

int open_store(const struct context *c, enum stored_use use, struct store **out, struct err *e)
{
    struct store_opts o = {.readonly = use == STORED_READ, .existing = use != STORED_ADD};
    char *path = context_db_path(c, e);
    int rc;

    if (!path)
        return -1;
    rc = store_open(out, path, &o, e);
    if (rc == 0 && use == STORED_READ)
        store_stop_on(*out, c->stop);
    mem_free(path);
    return rc;
}
