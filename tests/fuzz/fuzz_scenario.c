/* Any text is a scenario or one error that names its place; whatever opens must be asked, credited
 * (with an output cut from the file itself), checked by the linter and closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tasks/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void drop(void *ctx, const char *line)
{
    (void)ctx;
    if (!*line)
        abort();
}

static void ask(const struct source *s, const char *output)
{
    int count = s->ops->count(s->self);

    for (int i = 0; i < count && i < 20; i++) {
        struct reply_text *replies;
        struct verdict v = {0};
        struct item it;
        if (s->ops->item(s->self, i, &it, NULL) < 0)
            continue;
        replies = calloc((size_t)it.n_queries, sizeof *replies);
        for (int k = 0; replies && k < it.n_queries; k++)
            replies[k] = (struct reply_text){-1.5 * k, 0, 1, output, 0.1};
        if (replies && s->ops->asks_on(s->self) &&
            s->ops->ask_on(s->self, &it, replies, NULL) == 0) {
            free(replies);
            replies = calloc((size_t)it.n_queries, sizeof *replies);
        }
        if (replies && s->ops->score(s->self, &it, replies, &v, NULL) == 0) {
            for (int k = 0; k < v.n; k++)
                if (!(v.credits[k].value >= 0 && v.credits[k].value <= 1))
                    abort();
            verdict_release(&v);
        }
        free(replies);
        item_release(&it);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const struct scenario_lint to = {drop, drop, NULL};
    char path[] = "/tmp/densimeter-fuzz-XXXXXX";
    struct task_opts o = {.shots = -1, .seed = 1};
    struct source s = {0};
    struct err e = ERR_NONE;
    int fd = mkstemp(path), opened;
    char *output = mem_strndup((const char *)bytes + n / 2, n - n / 2);

    if (fd < 0 || !output || write(fd, bytes, n) != (ssize_t)n)
        abort();
    close(fd);
    opened = scenario_open_file(&s, path, &o, &e) == 0;
    if (!opened && (e.code == ERR_OK || !*e.text))
        abort();
    if (opened) {
        ask(&s, output);
        s.ops->close(s.self);
    }
    if (scenario_lint("f", (const char *)bytes, n, &to, &e) < 0 && e.code == ERR_OK)
        abort();
    mem_free(output);
    unlink(path);
    if (mem_live() != 0)
        abort();
    return 0;
}
