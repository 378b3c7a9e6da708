#include "runners/hf_split.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "runners/byte_level.h"
#include "runners/hf_json.h"
#include "runners/unicode.h"

enum { STEPS_MAX = 64 };

/* The regular expression of GPT-2, which ByteLevel cuts by. */
#define GPT2                                                                                       \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

enum behaviour { ISOLATED, REMOVED, WITH_PREVIOUS, WITH_NEXT, CONTIGUOUS };

static const char *const behaviours[] = {"Isolated", "Removed", "MergedWithPrevious",
                                         "MergedWithNext", "Contiguous"};

struct step {
    const struct kind *kind;
    struct hf_pattern pattern;
    int (*matches)(const struct step *s, uint32_t c); /* single characters */
    enum behaviour behaviour;
    int inverts;
    int adds_blank, cuts, shows_bytes; /* ByteLevel; cuts: Metaspace too */
    int always, first;                 /* Metaspace: where the replacement goes in front */
    struct gguf_str text;              /* Metaspace: replacement; CharDelimiterSplit */
    size_t length;                     /* FixedLength */
};

struct pieces {
    struct hf_piece *v;
    size_t n, cap;
};

/* One match, or the gap between two. */
struct span {
    size_t from, to;
    int is_match;
};

struct hf_splitter {
    struct step steps[STEPS_MAX];
    int n;
    struct strbuf text, next_text, clean;
    struct pieces now, next;
    struct span *spans;
    size_t n_spans, cap_spans;
    int at_start;
};

struct kind {
    const char *name;
    int (*open)(struct step *s, const cJSON *j, const char *path, struct err *e);
    /* Appends to next (and next_text) what becomes of one piece of text. */
    int (*run)(struct hf_splitter *h, const struct step *s, struct hf_piece p, struct err *e);
};

/* ---- cutting ------------------------------------------------------------------------------- */

static int keep(struct hf_splitter *h, size_t from, size_t to)
{
    if (from == to)
        return 0;
    if (mem_grow(&h->next.v, &h->next.cap, h->next.n + 1, sizeof *h->next.v) < 0)
        return -1;
    h->next.v[h->next.n++] = (struct hf_piece){from, to};
    return 0;
}

static int add_span(struct hf_splitter *h, size_t from, size_t to, int is_match)
{
    if (mem_grow(&h->spans, &h->cap_spans, h->n_spans + 1, sizeof *h->spans) < 0)
        return -1;
    h->spans[h->n_spans++] = (struct span){from, to, is_match};
    return 0;
}

/* Merges spans in place as the behaviour says; those to drop become empty. */
static void merge_spans(struct hf_splitter *h, enum behaviour b)
{
    struct span *v = h->spans;
    size_t n = h->n_spans, m = 0;
    int before = 0;

    if (b == WITH_NEXT) {
        for (size_t i = n; i-- > 0;) {
            int joins = v[i].is_match && !before && i + 1 < n;
            before = v[i].is_match;
            if (joins) {
                v[i + 1].from = v[i].from;
                v[i].to = v[i].from;
            }
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct span s = v[i];
        int joins = m && (b == WITH_PREVIOUS ? s.is_match && !before
                          : b == CONTIGUOUS  ? s.is_match == before
                                             : 0);
        before = s.is_match;
        if (b == REMOVED && s.is_match)
            continue;
        if (joins)
            v[m - 1].to = s.to;
        else
            v[m++] = s;
    }
    h->n_spans = m;
}

static int emit_spans(struct hf_splitter *h, const struct step *s, enum behaviour b,
                      struct err *e)
{
    if (s->inverts)
        for (size_t i = 0; i < h->n_spans; i++)
            h->spans[i].is_match = !h->spans[i].is_match;
    merge_spans(h, b);
    for (size_t i = 0; i < h->n_spans; i++)
        if (keep(h, h->spans[i].from, h->spans[i].to) < 0)
            return err_nomem(e);
    return 0;
}

static int cut_by_pattern(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                          enum behaviour b, struct err *e)
{
    const char *text = strbuf_str(h->clean.len ? &h->clean : &h->text) + p.from;
    size_t n = p.to - p.from, done = 0, at = 0, from, to, len;
    int rc;

    h->n_spans = 0;
    while (at <= n && (rc = hf_pattern_find(&s->pattern, text, n, at, &from, &to, e)) != 0) {
        if (rc < 0)
            return -1;
        if ((from > done && add_span(h, p.from + done, p.from + from, 0) < 0) ||
            add_span(h, p.from + from, p.from + to, 1) < 0)
            return err_nomem(e);
        done = at = to;
        if (from == to) {
            if (to == n)
                break;
            unicode_at(text + to, n - to, &len);
            at += len;
        }
    }
    if (done < n && add_span(h, p.from + done, p.to, 0) < 0)
        return err_nomem(e);
    return emit_spans(h, s, b, e);
}

/* Every character that matches is a span. */
static int cut_by_char(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                       enum behaviour b, struct err *e)
{
    const char *text = strbuf_str(&h->text);
    size_t done = p.from, len;

    h->n_spans = 0;
    for (size_t i = p.from; i < p.to; i += len) {
        if (!s->matches(s, unicode_at(text + i, p.to - i, &len)))
            continue;
        if ((i > done && add_span(h, done, i, 0) < 0) || add_span(h, i, i + len, 1) < 0)
            return err_nomem(e);
        done = i + len;
    }
    if (done < p.to && add_span(h, done, p.to, 0) < 0)
        return err_nomem(e);
    return emit_spans(h, s, b, e);
}

static int run_cut(struct hf_splitter *h, const struct step *s, struct hf_piece p, struct err *e)
{
    return s->matches ? cut_by_char(h, s, p, s->behaviour, e)
                      : cut_by_pattern(h, s, p, s->behaviour, e);
}

/* ---- the kinds ----------------------------------------------------------------------------- */

static int open_regex(struct step *s, const char *regex, const char *path, struct err *e)
{
    return regex_open(&s->pattern.regex, regex, REGEX_PCRE, e) < 0 ? err_prefix(e, "%s", path) : 0;
}

static int read_behaviour(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    const char *name = json_str(j, "behavior");

    for (int i = 0; name && i <= CONTIGUOUS; i++)
        if (strcmp(name, behaviours[i]) == 0) {
            s->behaviour = (enum behaviour)i;
            return 0;
        }
    return err_set(e, ERR_FORMAT, "%s: a pre_tokenizer's behavior '%.40s'", path,
                   name ? name : "");
}

static int open_split(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->inverts = json_bool(j, "invert", 0);
    if (read_behaviour(s, j, path, e) < 0)
        return -1;
    return hf_pattern_open(&s->pattern, json_get(j, "pattern"), path, e);
}

static int is_punctuation(const struct step *s, uint32_t c)
{
    (void)s;
    return (c < 0x80 && c > ' ' && c != 0x7f && !(c >= '0' && c <= '9') &&
            !((c | 32) >= 'a' && (c | 32) <= 'z')) ||
           unicode_class(c) & UNICODE_PUNCT;
}

static int is_number(const struct step *s, uint32_t c)
{
    (void)s;
    return (unicode_class(c) & UNICODE_NUMBER) != 0;
}

static int is_white(const struct step *s, uint32_t c)
{
    (void)s;
    return unicode_is_white(c);
}

static int is_delimiter(const struct step *s, uint32_t c)
{
    size_t len;

    return s->text.n && c == unicode_at(s->text.s, s->text.n, &len);
}

static int open_punctuation(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->matches = is_punctuation;
    return json_get(j, "behavior") ? read_behaviour(s, j, path, e) : 0;
}

static int open_digits(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    s->matches = is_number;
    s->behaviour = json_bool(j, "individual_digits", 0) ? ISOLATED : CONTIGUOUS;
    return 0;
}

static int open_white_split(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)j;
    (void)path;
    (void)e;
    s->matches = is_white;
    s->behaviour = REMOVED;
    return 0;
}

static int open_delimiter(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "delimiter");
    s->matches = is_delimiter;
    s->behaviour = REMOVED;
    return s->text.n ? 0 : err_set(e, ERR_FORMAT, "%s: no \"delimiter\"", path);
}

/* Words and runs of other characters; white space goes. */
static int open_whitespace(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)j;
    s->behaviour = REMOVED;
    s->inverts = 1;
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}"
    return open_regex(s, "[" WORD "]+|[^" WORD "\\s]+", path, e);
}

static int run_bert(struct hf_splitter *h, const struct step *s, struct hf_piece p, struct err *e)
{
    const char *text = strbuf_str(&h->text);
    size_t done = p.from, len;

    for (size_t i = p.from; i < p.to; i += len) {
        uint32_t c = unicode_at(text + i, p.to - i, &len);
        int white = unicode_is_white(c);
        if (!white && !is_punctuation(s, c))
            continue;
        if (keep(h, done, i) < 0 || (!white && keep(h, i, i + len) < 0))
            return err_nomem(e);
        done = i + len;
    }
    return keep(h, done, p.to) < 0 ? err_nomem(e) : 0;
}

static int open_length(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    double n = json_num(j, "length", 5);

    if (!(n >= 1 && n <= 1e9))
        return err_set(e, ERR_FORMAT, "%s: a FixedLength of %g", path, n);
    s->length = (size_t)n;
    return 0;
}

static int run_length(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                      struct err *e)
{
    const char *text = strbuf_str(&h->text);
    size_t from = p.from, count = 0, len;

    for (size_t i = p.from; i < p.to; i += len) {
        unicode_at(text + i, p.to - i, &len);
        if (++count % s->length)
            continue;
        if (keep(h, from, i + len) < 0)
            return err_nomem(e);
        from = i + len;
    }
    return keep(h, from, p.to) < 0 ? err_nomem(e) : 0;
}

static int open_byte_level(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->adds_blank = json_bool(j, "add_prefix_space", 1);
    s->cuts = json_bool(j, "use_regex", 1);
    s->shows_bytes = 1;
    return s->cuts ? open_regex(s, GPT2, path, e) : 0;
}

static int open_metaspace(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    const char *scheme = json_str(j, "prepend_scheme");

    s->text = hf_text(j, "replacement");
    if (!s->text.n)
        return err_set(e, ERR_FORMAT, "%s: a Metaspace without \"replacement\"", path);
    s->pattern.text = s->text;
    s->cuts = json_bool(j, "split", 1);
    if (!scheme) /* files older than the key */
        scheme = json_bool(j, "add_prefix_space", 1) ? "always" : "never";
    s->always = strcmp(scheme, "always") == 0;
    s->first = strcmp(scheme, "first") == 0;
    return 0;
}

/* Copies a piece into next_text, with something in front of it and blanks replaced. */
static struct hf_piece copy_piece(struct hf_splitter *h, struct hf_piece p, struct gguf_str front,
                                  struct gguf_str blank)
{
    const char *text = strbuf_str(&h->text);
    size_t from = h->next_text.len;

    strbuf_add(&h->next_text, front.s, front.n);
    for (size_t i = p.from; i < p.to; i++)
        if (text[i] == ' ' && blank.n)
            strbuf_add(&h->next_text, blank.s, blank.n);
        else
            strbuf_addc(&h->next_text, text[i]);
    return (struct hf_piece){from, h->next_text.len};
}

/* Both put something in front of pieces; that is done for all of them before they are cut. */
static int run_prefix(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                      struct err *e)
{
    static const struct gguf_str none = {"", 0}, blank = {" ", 1};
    const char *text = strbuf_str(&h->text);
    struct gguf_str with = s->shows_bytes ? none : s->text;
    struct gguf_str front = s->shows_bytes ? blank : s->text;
    size_t n = p.to - p.from;
    int has = n >= front.n && memcmp(text + p.from, front.s, front.n) == 0;
    int wants = s->shows_bytes ? s->adds_blank
                               : s->always || (s->first && p.from == 0 && h->at_start);

    if (!s->shows_bytes && n && text[p.from] == ' ') /* becomes the replacement */
        has = 1;
    p = copy_piece(h, p, wants && !has ? front : none, with);
    if (strbuf_ok(&h->next_text, e) < 0)
        return -1;
    return keep(h, p.from, p.to) < 0 ? err_nomem(e) : 0;
}

static int run_byte_cut(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                        struct err *e)
{
    if (s->cuts)
        return cut_by_pattern(h, s, p, s->shows_bytes ? ISOLATED : WITH_NEXT, e);
    return keep(h, p.from, p.to) < 0 ? err_nomem(e) : 0;
}

static const struct kind kinds[] = {
    {"ByteLevel", open_byte_level, run_byte_cut},
    {"Metaspace", open_metaspace, run_byte_cut},
    {"Split", open_split, run_cut},
    {"Punctuation", open_punctuation, run_cut},
    {"Digits", open_digits, run_cut},
    {"Whitespace", open_whitespace, run_cut},
    {"WhitespaceSplit", open_white_split, run_cut},
    {"CharDelimiterSplit", open_delimiter, run_cut},
    {"BertPreTokenizer", NULL, run_bert},
    {"FixedLength", open_length, run_length},
};

/* ---- the list ------------------------------------------------------------------------------ */

static int refuse(const char *path, const char *type, struct err *e)
{
    const char *names[sizeof kinds / sizeof kinds[0] + 2] = {"Sequence"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        names[i + 1] = kinds[i].name;
    return hf_refuse(path, "pre_tokenizer", type, names, e);
}

static int add_steps(struct hf_splitter *h, const cJSON *j, const char *path, struct err *e)
{
    const char *type = hf_type(j);
    const cJSON *part;
    struct step *s;

    if (strcmp(type, "Sequence") == 0) {
        cJSON_ArrayForEach(part, json_get(j, "pretokenizers"))
            if (add_steps(h, part, path, e) < 0)
                return -1;
        return 0;
    }
    if (h->n == STEPS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: more than %d pre_tokenizers", path, STEPS_MAX);
    s = &h->steps[h->n];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, type) == 0)
            s->kind = &kinds[i];
    if (!s->kind)
        return refuse(path, type, e);
    h->n++;
    return s->kind->open ? s->kind->open(s, j, path, e) : 0;
}

int hf_splitter_open(struct hf_splitter **out, const cJSON *j, const char *path, struct err *e)
{
    struct hf_splitter *h = mem_calloc(1, sizeof *h);

    *out = NULL;
    if (!h)
        return err_nomem(e);
    if (j && !cJSON_IsNull(j) && add_steps(h, j, path, e) < 0) {
        hf_splitter_close(h);
        return -1;
    }
    *out = h;
    return 0;
}

void hf_splitter_close(struct hf_splitter *h)
{
    if (!h)
        return;
    for (int i = 0; i < h->n; i++)
        hf_pattern_close(&h->steps[i].pattern);
    strbuf_release(&h->text);
    strbuf_release(&h->next_text);
    strbuf_release(&h->clean);
    mem_free(h->now.v);
    mem_free(h->next.v);
    mem_free(h->spans);
    mem_free(h);
}

int hf_splitter_leave_bytes(struct hf_splitter *h)
{
    struct step *last = h->n ? &h->steps[h->n - 1] : NULL;

    if (!last || !last->shows_bytes)
        return 0;
    for (int i = 0; i + 1 < h->n; i++)
        if (h->steps[i].shows_bytes)
            return 0;
    last->shows_bytes = 2;
    return 1;
}

static void take_next(struct hf_splitter *h, int with_text)
{
    struct pieces p = h->now;
    struct strbuf b = h->text;

    h->now = h->next;
    h->next = p;
    h->next.n = 0;
    if (with_text) {
        h->text = h->next_text;
        h->next_text = b;
        strbuf_clear(&h->next_text);
    }
}

static int each(struct hf_splitter *h, const struct step *s,
                int (*run)(struct hf_splitter *, const struct step *, struct hf_piece,
                           struct err *), struct err *e)
{
    for (size_t i = 0; i < h->now.n; i++)
        if (run(h, s, h->now.v[i], e) < 0)
            return -1;
    return 0;
}

static int show_bytes(struct hf_splitter *h, const struct step *s, struct hf_piece p,
                      struct err *e)
{
    size_t from = h->next_text.len;

    (void)s;
    for (size_t i = p.from; i < p.to; i++)
        byte_level_put(&h->next_text, (unsigned char)h->text.s[i]);
    if (strbuf_ok(&h->next_text, e) < 0)
        return -1;
    return keep(h, from, h->next_text.len) < 0 ? err_nomem(e) : 0;
}

static int run_step(struct hf_splitter *h, const struct step *s, struct err *e)
{
    int is_metaspace = s->text.n && !s->matches;

    if (is_metaspace || (s->shows_bytes && s->adds_blank)) {
        if (each(h, s, run_prefix, e) < 0)
            return -1;
        take_next(h, 1);
    }
    strbuf_clear(&h->clean);
    if (s->pattern.regex && !unicode_clean(&h->clean, strbuf_str(&h->text), h->text.len))
        return err_nomem(e);
    if (each(h, s, s->kind->run, e) < 0)
        return -1;
    take_next(h, 0);
    if (s->shows_bytes == 1) {
        if (each(h, s, show_bytes, e) < 0)
            return -1;
        take_next(h, 1);
    }
    return 0;
}

int hf_split(struct hf_splitter *h, const char *text, size_t n, int at_start,
             const char **buffer, const struct hf_piece **pieces, size_t *count, struct err *e)
{
    strbuf_clear(&h->text);
    strbuf_clear(&h->next_text);
    strbuf_add(&h->text, text, n);
    h->at_start = at_start;
    h->now.n = h->next.n = 0;
    if (strbuf_ok(&h->text, e) < 0)
        return -1;
    if (n && keep(h, 0, n) < 0)
        return err_nomem(e);
    take_next(h, 0);
    for (int i = 0; i < h->n; i++)
        if (run_step(h, &h->steps[i], e) < 0)
            return -1;
    *buffer = strbuf_str(&h->text);
    *pieces = h->now.v;
    *count = h->now.n;
    return 0;
}
