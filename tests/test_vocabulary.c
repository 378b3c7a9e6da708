/* One vocabulary: what base/metric says of a quantity is what the schemas of documents say. */
#include "tests/test.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>

#include "base/json.h"
#include "base/metric.h"
#include "base/strbuf.h"

#define SCHEMAS "docs/schema"

static void names_are_unique_and_tell_the_unit(void **state)
{
    static const struct {
        const char *end, *unit;
    } ends[] = {{"_tok_s", "tok/s"}, {"bytes_s", "B/s"}, {"flop_s", "FLOP/s"}, {"rate_s", "1/s"},
                {"requests_s", "1/s"}, {"_s", "s"},
                {"_bytes", "B"}, {"_j", "J"}, {"_w", "W"}, {"_tokens", ""}, {"_months", "months"}};

    (void)state;
    for (int i = 0; metric_at(i); i++) {
        const struct metric *m = metric_at(i);
        size_t n = strlen(m->name);
        /* A rate, and lm-eval's own name of an accuracy by the bytes of the options. */
        int is_other = strcmp(m->name, "tok_s") == 0 || strcmp(m->name, "acc_bytes") == 0;
        if (metric_find(m->name) != m)
            fail_msg("%s is there twice", m->name);
        for (const char *p = m->name; *p; p++)
            if (!isalnum((unsigned char)*p) && !strchr("_@", *p))
                fail_msg("%s is no name", m->name);
        if (!m->label[0] || !m->help[0] || m->help[strlen(m->help) - 1] == '.')
            fail_msg("%s: a label and a phrase without a full stop are wanted", m->name);
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            size_t e = strlen(ends[k].end);
            if (n < e || strcmp(m->name + n - e, ends[k].end) != 0)
                continue;
            if (!is_other && strcmp(m->unit, ends[k].unit) != 0)
                fail_msg("%s has the unit '%s', not '%s'", m->name, m->unit, ends[k].unit);
            break;
        }
    }
}

/* Documents in which the word of a request's end means something else: a count of files, of checks,
 * or the reason why a model has no density.  No description is theirs. */
static int is_other_word(const char *file, const char *name)
{
    static const char *const others[][2] = {
        {"tasks.check.json", "refused"}, {"density.json", "refused"}, {"trend.json", "refused"},
        {"device.json", "failed"},       {"vendor.json", "failed"},
    };
    const char *base = strrchr(file, '/') + 1;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(base, others[i][0]) == 0 && strcmp(name, others[i][1]) == 0)
            return 1;
    return 0;
}

/* Every property whose name is a metric's is described by the metric's row. */
static int check_properties(const char *file, const cJSON *schema)
{
    const cJSON *m;
    int n = 0;

    cJSON_ArrayForEach(m, json_get(schema, "properties")) {
        const struct metric *row = metric_find(m->string);
        const char *said = json_str(m, "description");
        struct strbuf b = STRBUF_INIT;
        if (row && is_other_word(file, m->string)) {
            if (said)
                fail_msg("%s: \"%s\" is no metric here, and yet described", file, m->string);
        } else if (row) {
            strbuf_addf(&b, row->unit[0] ? "%s (%s)" : "%s", row->help, row->unit);
            if (!said || strcmp(said, strbuf_str(&b)) != 0)
                fail_msg("%s: \"%s\" is described as '%s', by base/metric as '%s'", file, m->string,
                         said ? said : "", strbuf_str(&b));
            strbuf_release(&b);
            n++;
        }
        n += check_properties(file, m);
    }
    m = json_get(schema, "items");
    n += m ? check_properties(file, m) : 0;
    m = json_get(schema, "additionalProperties");
    return n + (cJSON_IsObject(m) ? check_properties(file, m) : 0);
}

static void schemas_describe_metrics_as_their_rows_do(void **state)
{
    DIR *d = opendir(SCHEMAS);
    struct dirent *entry;
    int n = 0;

    (void)state;
    assert_non_null(d);
    while ((entry = readdir(d))) {
        char path[512];
        struct err e = ERR_NONE;
        cJSON *j;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, SCHEMAS "/%s", entry->d_name);
        j = json_read(path, 1 << 20, &e);
        if (!j)
            fail_msg("%s", e.text);
        n += check_properties(path, j);
        json_free(j);
    }
    closedir(d);
    assert_true(n > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique_and_tell_the_unit),
        cmocka_unit_test(schemas_describe_metrics_as_their_rows_do),
    };
    return RUN(tests);
}
