/* Any bytes as JSON, as the text of a JSON string, and as a text for a terminal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void parse(const char *s, size_t n)
{
    cJSON *j = json_parse(s, n, "input", NULL), *again;
    char *text = j ? cJSON_PrintUnformatted(j) : NULL;

    if (text) {
        again = json_parse(text, strlen(text), "printed", NULL);
        if (!again)
            abort();
        json_free(again);
    }
    cJSON_free(text);
    json_free(j);
}

/* What is written is one document whatever the text holds, and no terminal obeys it. */
static void write(const char *s, size_t n)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    cJSON *j;

    json_begin_object(&o, NULL);
    json_put_strn(&o, "text", s, n);
    json_end_object(&o);
    for (size_t i = 0, k; i < b.len; i += k) {
        k = utf8_len(b.s + i, b.len - i);
        if (!k || utf8_is_control(b.s + i, k))
            abort();
    }
    j = json_parse(b.s, b.len, "written", NULL);
    if (!j && !memchr(s, 0, n))
        abort();
    json_free(j);
    strbuf_release(&b);
}

static void show(const char *s, size_t n)
{
    char *copy = mem_strndup(s, n);
    size_t len = strlen(copy);

    utf8_make_printable(copy, len, 0);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
            abort();
    if (strlen(copy) != len || !utf8_valid(copy, len))
        abort();
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *s = (const char *)bytes;

    parse(s, n);
    write(s, n);
    show(s, n);
    return 0;
}
