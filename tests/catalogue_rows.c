#include "tests/catalogue_rows.h"

#include "base/mem.h"
#include "tests/test.h"

struct catalogue open_catalogue(void)
{
    struct catalogue c = {0};

    unsetenv("DENSIMETER_PUBLISHED");
    assert_int_equal(published_open(&c.p, NULL), 0);
    c.v = mem_alloc(published_n(c.p) * sizeof *c.v);
    for (size_t i = 0; i < published_n(c.p); i++)
        c.v[i] = published_at(c.p, i);
    c.rows = (struct trend_rows){c.v, published_n(c.p), 0};
    return c;
}

void close_catalogue(struct catalogue *c)
{
    mem_free((void *)c->v);
    published_free(c->p);
}
