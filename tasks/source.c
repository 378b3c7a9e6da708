#include "tasks/source.h"

#include <string.h>

#include "tasks/lmeval.h"
#include "tasks/lmeval_group.h"
#include "tasks/scenario.h"

const struct source_kind source_kinds[] = {
    {".json", scenario_open_file, NULL, NULL},
    {".yaml", lmeval_open_file, lmeval_source_members, lmeval_groups},
};
const int n_source_kinds = sizeof source_kinds / sizeof source_kinds[0];

const struct source_kind *source_kind_of(const char *word)
{
    size_t n = strlen(word);

    for (int i = 0; i < n_source_kinds; i++) {
        size_t k = strlen(source_kinds[i].suffix);
        const char *at = strstr(word, source_kinds[i].suffix);
        if (n > k && strcmp(word + n - k, source_kinds[i].suffix) == 0)
            return &source_kinds[i];
        if (at && at[k] == ':' && source_kinds[i].members) /* a task of the file, by name */
            return &source_kinds[i];
    }
    return NULL;
}

int task_is_file(const char *word)
{
    return source_kind_of(word) != NULL;
}

int task_file_members(const char *word, int (*each)(void *user, const char *word, struct err *e),
                      void *user, struct err *e)
{
    const struct source_kind *kind = source_kind_of(word);
    size_t n = strlen(word), k = kind ? strlen(kind->suffix) : 0;

    if (!kind || !kind->members || strcmp(word + n - k, kind->suffix) != 0)
        return each(user, word, e);
    return kind->members(word, each, user, e);
}

int task_file_groups(const char *word, struct json_out *o, struct err *e)
{
    const struct source_kind *kind = source_kind_of(word);
    size_t n = strlen(word), k = kind ? strlen(kind->suffix) : 0;

    if (!kind || !kind->groups || strcmp(word + n - k, kind->suffix) != 0)
        return 0;
    return kind->groups(word, o, e);
}
