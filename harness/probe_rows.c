#include "harness/probe_rows.h"

#include <assert.h>
#include <stdio.h>

void probe_rows_add(struct probe_rows *r, const char *name, double value, double stderr_)
{
    struct probe_row *row = &r->v[r->n];

    assert(r->n < PROBE_ROWS);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->value = value;
    row->stderr_ = stderr_;
    r->n++;
}
