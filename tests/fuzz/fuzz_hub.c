/* What the hub and its server of rows answer: nothing that leads outside is ever handed on. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/hub_read.h"
#include "harness/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define HUB "https://hub.example"

static int on_split(void *user, const char *config, const char *split, struct err *e)
{
    (void)user, (void)e;
    if (!name_is_safe(config) || !name_is_safe(split))
        abort();
    return 0;
}

static int on_file(void *user, const char *url, uint64_t bytes, struct err *e)
{
    (void)user, (void)bytes, (void)e;
    if (strncmp(url, HUB "/", strlen(HUB) + 1) != 0)
        abort();
    return 0;
}

static void read_all(cJSON *j)
{
    struct hub_page page = {.json = j};
    struct hub_info info = {.licence = NULL};
    struct err e = ERR_NONE;

    if (hub_read_info(&info, j, "info", &e) == 0)
        for (size_t i = 0; i < info.n_files; i++)
            if (!path_is_inside(info.files[i].name))
                abort();
    hub_info_release(&info);
    hub_read_splits(j, "splits", on_split, NULL, &e);
    hub_read_parquet(j, "parquet", HUB, "default", "test", on_file, NULL, &e);
    if (hub_read_page(&page, 100, "rows", &e) == 0 && (page.n > HUB_PAGE || page.total < page.n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct err e = ERR_NONE;
    cJSON *j = json_parse((const char *)bytes, n, "fuzz", &e);

    if (j)
        read_all(j);
    json_free(j);
    if (mem_live() != 0)
        abort();
    return 0;
}
