/* origin_yaml.c -- which splits of which data set a task file of lm-eval reads. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/lmeval_config.h"
#include "tasks/lmeval_group.h"
#include "tasks/origin.h"

static int each_split(const struct lmeval_config *c, const char *dataset, const char *config,
                      int (*each)(void *user, const char *file, const struct origin *o,
                                  struct err *e),
                      void *user, struct err *e)
{
    static const char *const keys[] = {"test_split", "validation_split", "training_split",
                                       "fewshot_split"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *split = config_str(c, keys[i], "");
        struct origin o = {.shape = SHAPE_LINES};
        struct strbuf file = STRBUF_INIT;
        int rc;
        if (!*split)
            continue;
        snprintf(o.dataset, sizeof o.dataset, "%s", dataset);
        snprintf(o.config, sizeof o.config, "%s", config);
        snprintf(o.split, sizeof o.split, "%s", split);
        strbuf_addf(&file, "%s/%s%s%s.jsonl", dataset, config, *config ? "/" : "", split);
        rc = strlen(split) >= sizeof o.split || strchr(split, '[')
                 ? err_set(e, ERR_UNSUPPORTED, "%s: '%s' is not a split's plain name", dataset,
                           split)
                 : strbuf_ok(&file, e) < 0 ? -1 : each(user, strbuf_str(&file), &o, e);
        strbuf_release(&file);
        if (rc < 0)
            return -1;
    }
    return 0;
}

int origin_of_task_file(const char *word,
                        int (*each)(void *user, const char *file, const struct origin *o,
                                    struct err *e),
                        void *user, struct err *e)
{
    struct lmeval_config c;
    const char *dataset, *config;
    struct origin o;
    int rc = -1;

    if (strstr(word, ".yaml") == NULL && strstr(word, ".yml") == NULL)
        return 0; /* a scenario holds its items */
    if (lmeval_config_open(&c, word, e) < 0)
        return -1;
    dataset = config_str(&c, "dataset_path", "");
    config = config_str(&c, "dataset_name", "");
    if (!*dataset || config_get(&c, "custom_dataset"))
        err_set(e, ERR_UNSUPPORTED, "%s: names no data set of the hub", word);
    else if (strlen(dataset) >= sizeof o.dataset || strlen(config) >= sizeof o.config)
        err_set(e, ERR_FORMAT, "%s: the name of its data set is too long", word);
    else if (strcmp(dataset, "json") == 0 || strcmp(dataset, "csv") == 0 ||
             strcmp(dataset, "parquet") == 0)
        rc = 0; /* files of its own */
    else
        rc = each_split(&c, dataset, config, each, user, e);
    lmeval_config_release(&c);
    return rc;
}
