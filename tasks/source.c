#include "tasks/source.h"

#include <string.h>

#include "tasks/lmeval.h"
#include "tasks/scenario.h"

const struct source_kind source_kinds[] = {
    {".json", scenario_open_file},
    {".yaml", lmeval_open_file},
};
const int n_source_kinds = sizeof source_kinds / sizeof source_kinds[0];

const struct source_kind *source_kind_of(const char *word)
{
    size_t n = strlen(word);

    for (int i = 0; i < n_source_kinds; i++) {
        size_t k = strlen(source_kinds[i].suffix);
        if (n > k && strcmp(word + n - k, source_kinds[i].suffix) == 0)
            return &source_kinds[i];
    }
    return NULL;
}

int task_is_file(const char *word)
{
    return source_kind_of(word) != NULL;
}
