#include "runners/hf_json.h"

#include <string.h>

#include "base/strbuf.h"

const char *hf_type(const cJSON *j)
{
    const char *s = json_str(j, "type");

    return s ? s : "";
}

int hf_refuse(const char *path, const char *part, const char *type, const char *const *names,
              struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    for (size_t i = 0; names[i]; i++)
        strbuf_addf(&b, "%s%s", i ? ", " : "", names[i]);
    err_set(e, ERR_UNSUPPORTED, "%s: %s '%.40s' is not known; known: %s", path, part, type,
            strbuf_str(&b));
    strbuf_release(&b);
    return -1;
}

struct gguf_str hf_text(const cJSON *j, const char *key)
{
    const char *s = json_str(j, key);

    return (struct gguf_str){s, s ? strlen(s) : 0};
}

int hf_pattern_open(struct hf_pattern *p, const cJSON *j, const char *path, struct err *e)
{
    const char *regex = cJSON_IsObject(j) ? json_str(j, "Regex") : NULL;
    const char *text = cJSON_IsString(j) ? j->valuestring
                       : cJSON_IsObject(j) ? json_str(j, "String")
                                           : NULL;

    *p = (struct hf_pattern){0};
    if (regex)
        return regex_open(&p->regex, regex, REGEX_ONIGURUMA, e) < 0 ? err_prefix(e, "%s", path) : 0;
    if (!text)
        return err_set(e, ERR_FORMAT, "%s: a pattern without \"String\" or \"Regex\"", path);
    p->text = (struct gguf_str){text, strlen(text)};
    return 0;
}

void hf_pattern_close(struct hf_pattern *p)
{
    regex_close(p->regex);
    *p = (struct hf_pattern){0};
}

int hf_pattern_find(const struct hf_pattern *p, const char *text, size_t n, size_t at, size_t *from,
                    size_t *to, struct err *e)
{
    const char *hit;

    if (p->regex)
        return regex_find(p->regex, text, n, at, from, to, e);
    hit = p->text.n && at < n ? memmem(text + at, n - at, p->text.s, p->text.n) : NULL;
    if (!hit)
        return 0;
    *from = (size_t)(hit - text);
    *to = *from + p->text.n;
    return 1;
}
