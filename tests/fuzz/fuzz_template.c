/* A template, then optionally a zero byte and its variables.  Rendering must end, in an error or in
 * text, and leave nothing allocated. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char usual[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\","
        "\"content\":\"\xc3\xa9\"}],\"add_generation_prompt\":true,\"l\":[3,1,2],\"s\":\"a b\"}";
    const struct tm now = {.tm_year = 126, .tm_mday = 1};
    const char *text = (const char *)bytes, *zero = n ? memchr(bytes, 0, n) : NULL;
    size_t text_n = zero ? (size_t)(zero - text) : n;
    struct strbuf out = STRBUF_INIT;
    struct template *t = NULL;
    cJSON *vars;

    vars = zero ? json_parse(zero + 1, n - text_n - 1, "vars", NULL)
                : json_parse(usual, sizeof usual - 1, "vars", NULL);
    if (vars && template_parse(&t, text ? text : "", text_n, "fuzz", NULL) == 0)
        template_render(t, vars, &now, &out, NULL);
    template_free(t);
    json_free(vars);
    strbuf_release(&out);
    if (mem_live() != 0)
        abort();
    return 0;
}
