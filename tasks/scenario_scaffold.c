/* scenario_scaffold.c -- a scenario to be written on from. */
#include <string.h>

#include "base/suggest.h"
#include "tasks/scenario_impl.h"

static const struct answer_kind *kind_of(const char *name, struct err *e)
{
    struct suggest s = SUGGEST(name);

    for (int i = 0; i < n_answer_kinds; i++) {
        if (strcmp(answer_kinds[i].name, name) == 0)
            return &answer_kinds[i];
        suggest_offer(&s, answer_kinds[i].name);
    }
    err_set(e, ERR_USAGE, "no kind of answer is called '%s'", name);
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    else
        err_hint(e, "'densimeter tasks new --kinds' lists them");
    return NULL;
}

int scenario_scaffold(struct strbuf *out, const char *name, const char *kind, struct err *e)
{
    const struct answer_kind *k = kind_of(kind, e);
    const char *ask = k && strstr(k->scaffold, "\"tools\"")
                          ? "Tools: {{ tools | tojson }}\\nUser: {{ text }}\\nCall:"
                          : "Question: {{ text }}\\nAnswer:";

    if (!k)
        return -1;
    for (const char *p = name; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
            return err_set(e, ERR_USAGE, "a name has letters, digits, _ and -");
    strbuf_addf(out,
                "{\n"
                "  \"format\": \"" SCENARIO_FORMAT "\",\n"
                "  \"name\": \"%s\",\n"
                "  \"version\": 1,\n"
                "  \"title\": \"%s\",\n"
                "  \"language\": \"en\",\n"
                "  \"licence\": \"CC0-1.0\",\n"
                "  \"fields\": [\"text\"],\n"
                "  \"prompt\": \"%s\",\n"
                "  \"answer\": %s,\n"
                "  \"items\": [\n"
                "    %s\n"
                "  ]\n"
                "}\n",
                name, k->help, ask, k->scaffold, k->items);
    return strbuf_ok(out, e);
}
