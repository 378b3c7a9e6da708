#include "harness/device_new.h"

#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"

__asm__(".pushsection .rodata\n"
        ".hidden device_example_begin\n"
        ".hidden device_example_end\n"
        ".global device_example_begin, device_example_end\n"
        "device_example_begin:\n"
        ".incbin \"examples/device_naive.c\"\n"
        "device_example_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char device_example_begin[], device_example_end[];

/* What the example says of itself, and what a new one says. */
static const struct {
    const char *old, *before, *after;
} words[] = {
    {"device_naive.c", "", ".c"},
    {"libnaive.so", "lib", ".so"},
    {"\"naive\"", "\"", "\""},
    {"\"naive/1\"", "\"", "/1\""},
};
enum { N_WORDS = sizeof words / sizeof words[0] };

static const char *next_word(const char *at, size_t *which)
{
    const char *first = NULL;

    for (size_t i = 0; i < N_WORDS; i++) {
        const char *found = strstr(at, words[i].old);
        if (found && (!first || found < first)) {
            first = found;
            *which = i;
        }
    }
    return first;
}

int device_new(const char *name, struct err *e)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    struct strbuf b = STRBUF_INIT, path = STRBUF_INIT;
    const char *at = device_example_begin, *word;
    size_t which = 0;
    int rc = -1;

    if (!*name || strlen(name) > 60 || name[strspn(name, letters)])
        return err_set(e, ERR_USAGE, "'%.40s' is no name for a device: letters, digits, - and _",
                       name);
    strbuf_addf(&path, "%s.c", name);
    for (; (word = next_word(at, &which)) != NULL; at = word + strlen(words[which].old)) {
        strbuf_add(&b, at, (size_t)(word - at));
        strbuf_addf(&b, "%s%s%s", words[which].before, name, words[which].after);
    }
    strbuf_adds(&b, at);
    if (strbuf_ok(&path, e) < 0 || strbuf_ok(&b, e) < 0)
        goto out;
    if (file_exists(strbuf_str(&path))) {
        err_set(e, ERR_USAGE, "%s is there already", strbuf_str(&path));
        goto out;
    }
    rc = file_write(strbuf_str(&path), strbuf_str(&b), b.len, e);
out:
    strbuf_release(&b);
    strbuf_release(&path);
    return rc;
}
