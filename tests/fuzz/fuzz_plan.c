/* Fuzz target: a plan file.  Any bytes give a plan or one error with a place; a plan gives cells whose
 * commands are JSON lists of texts. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_cell(const struct cell_spec *c)
{
    cJSON *argv = json_parse(c->argv, strlen(c->argv), "argv", NULL);

    check(argv && cJSON_GetArraySize(argv) > 3);
    for (const cJSON *w = argv->child; w; w = w->next)
        check(cJSON_IsString(w));
    check(c->series && *c->series && c->model && (c->arm == 0 || c->arm == 1));
    json_free(argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_NONE;
    struct plan p;
    struct cells c;

    if (plan_parse(&p, "plan.json", (const char *)data, size, &e) < 0) {
        check(e.code != ERR_OK && strncmp(e.text, "plan.json:", 10) == 0);
        return 0;
    }
    /* A grid of thousands of cells is right, and slow to look at. */
    if (size < 2000 && plan_cells(&p, &c, &e) == 0) {
        for (size_t i = 0; i < c.n && i < 1000; i++)
            check_cell(&c.v[i]);
        cells_release(&c);
    }
    plan_release(&p);
    return 0;
}
