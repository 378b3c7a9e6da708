/* The first line names a task, the rest is its data file.  Whatever opens must give items whose
 * queries can be built and scored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void score(const struct task *t, int i)
{
    struct reply_text *replies;
    struct verdict v;
    struct item it;

    if (task_item(t, i, &it, NULL) < 0)
        return;
    replies = calloc((size_t)it.n_queries, sizeof *replies);
    for (int k = 0; replies && k < it.n_queries; k++)
        replies[k] = (struct reply_text){-1.5 * k, 0, 1, it.gold, 0};
    if (replies && task_score(t, &it, replies, &v, NULL) == 0)
        verdict_release(&v);
    free(replies);
    item_release(&it);
}

static void ask(const struct task_info *info, const char *dir, const void *bytes, size_t n)
{
    struct task_opts o = {.data_dirs = &dir, .n_data_dirs = 1, .shots = 0, .seed = 1};
    struct task *t = NULL;
    char path[256], *slash;

    snprintf(path, sizeof path, "%s/%s", dir, info->data);
    slash = strrchr(path, '/');
    *slash = 0;
    if (dir_make(path, NULL) < 0)
        abort();
    *slash = '/';
    if (file_write(path, bytes, n, NULL) < 0)
        abort();
    if (task_open(&t, info->name, &o, NULL) == 0)
        for (int i = 0; i < task_count(t); i++)
            score(t, i);
    task_close(t);
    unlink(path);
    for (; slash > path + strlen(dir); slash--)
        if (*slash == '/') {
            *slash = 0;
            rmdir(path);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const uint8_t *line = memchr(bytes, '\n', n);
    char name[64], dir[] = "/tmp/densimeter-fuzz-XXXXXX";
    const struct task_info *info;

    if (!line || line - bytes >= (long)sizeof name)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)(line - bytes), (const char *)bytes);
    info = task_info_find(name);
    if (!info || !*info->data)
        return 0;
    if (!mkdtemp(dir))
        abort();
    ask(info, dir, line + 1, n - (size_t)(line + 1 - bytes));
    rmdir(dir);
    if (mem_live() != 0)
        abort();
    return 0;
}
