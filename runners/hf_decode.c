#include "runners/hf_decode.h"

#include <string.h>

#include "base/mem.h"
#include "runners/byte_level.h"
#include "runners/hf_json.h"
#include "runners/unicode.h"

enum { STEPS_MAX = 64 };

struct step {
    const struct kind *kind;
    struct hf_pattern pattern;    /* Replace */
    struct gguf_str text;         /* Replace: content; else what is looked for */
    double start, stop;           /* Strip */
};

struct kind {
    const char *name;
    int (*open)(struct step *s, const cJSON *j, const char *path, struct err *e);
    void (*run)(const struct step *s, const char *text, size_t n, struct strbuf *out); /* or NULL */
    int ends; /* the steps after it work on the whole text */
};

struct hf_decoder {
    struct step steps[STEPS_MAX];
    int n, is_fused;
};

static int open_replace(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "content");
    if (!s->text.s)
        return err_set(e, ERR_FORMAT, "%s: a Replace without \"content\"", path);
    return hf_pattern_open(&s->pattern, json_get(j, "pattern"), path, e);
}

static void run_replace(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    struct strbuf scratch = STRBUF_INIT;
    const char *seen = unicode_clean(&scratch, text, n);
    size_t done = 0, from, to;

    while (seen && hf_pattern_find(&s->pattern, seen, n, done, &from, &to, NULL) == 1 &&
           to > from) {
        strbuf_add(out, text + done, from - done);
        strbuf_add(out, s->text.s, s->text.n);
        done = to;
    }
    strbuf_add(out, text + done, n - done);
    if (!seen)
        out->failed = 1;
    strbuf_release(&scratch);
}

static void run_byte_level(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    (void)s;
    byte_level_decode(out, text, n);
}

static int open_metaspace(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "replacement");
    s->pattern.text = s->text;
    return s->text.n ? 0 : err_set(e, ERR_FORMAT, "%s: a Metaspace without \"replacement\"", path);
}

static void put_blanks(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    struct step blank = *s;

    blank.text = (struct gguf_str){" ", 1};
    run_replace(&blank, text, n, out);
}

static int open_word_piece(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    s->text = hf_text(j, "prefix");
    return 0;
}

static void run_word_piece(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    if (s->text.n && n >= s->text.n && memcmp(text, s->text.s, s->text.n) == 0) {
        strbuf_add(out, text + s->text.n, n - s->text.n);
    } else {
        strbuf_addc(out, ' ');
        strbuf_add(out, text, n);
    }
}

static int open_bpe(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    (void)path;
    (void)e;
    s->text = hf_text(j, "suffix");
    s->pattern.text = s->text;
    return 0;
}

static int open_strip(struct step *s, const cJSON *j, const char *path, struct err *e)
{
    s->text = hf_text(j, "content");
    s->start = json_num(j, "start", 0);
    s->stop = json_num(j, "stop", 0);
    return s->text.n ? 0 : err_set(e, ERR_FORMAT, "%s: a Strip without \"content\"", path);
}

static void run_strip(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    size_t k = s->text.n;

    for (double i = 0; i < s->start && n >= k && memcmp(text, s->text.s, k) == 0; i++) {
        text += k;
        n -= k;
    }
    for (double i = 0; i < s->stop && n >= k && memcmp(text + n - k, s->text.s, k) == 0; i++)
        n -= k;
    strbuf_add(out, text, n);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void run_bytes(const struct step *s, const char *text, size_t n, struct strbuf *out)
{
    (void)s;
    if (n == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' && hex(text[3]) >= 0 &&
        hex(text[4]) >= 0)
        strbuf_addc(out, (char)(hex(text[3]) << 4 | hex(text[4])));
    else
        strbuf_add(out, text, n);
}

static const struct kind kinds[] = {
    {"ByteLevel", NULL, run_byte_level, 0},
    {"Metaspace", open_metaspace, put_blanks, 0},
    {"WordPiece", open_word_piece, run_word_piece, 0},
    {"BPEDecoder", open_bpe, put_blanks, 0},
    {"Replace", open_replace, run_replace, 0},
    {"Strip", open_strip, run_strip, 0},
    {"ByteFallback", NULL, run_bytes, 0},
    {"Fuse", NULL, NULL, 1},
};

static int refuse(const char *path, const char *type, struct err *e)
{
    const char *names[sizeof kinds / sizeof kinds[0] + 2] = {"Sequence"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        names[i + 1] = kinds[i].name;
    return hf_refuse(path, "decoder", type, names, e);
}

static int add_steps(struct hf_decoder *d, const cJSON *j, const char *path, struct err *e)
{
    const char *type = hf_type(j);
    const cJSON *part;
    struct step *s;

    if (strcmp(type, "Sequence") == 0) {
        cJSON_ArrayForEach(part, json_get(j, "decoders"))
            if (add_steps(d, part, path, e) < 0)
                return -1;
        return 0;
    }
    if (d->n == STEPS_MAX)
        return err_set(e, ERR_UNSUPPORTED, "%s: more than %d decoders", path, STEPS_MAX);
    s = &d->steps[d->n];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, type) == 0)
            s->kind = &kinds[i];
    if (!s->kind)
        return refuse(path, type, e);
    d->is_fused |= s->kind->ends;
    if (d->is_fused) {
        s->kind = NULL;
        return 0;
    }
    d->n++;
    return s->kind->open ? s->kind->open(s, j, path, e) : 0;
}

int hf_decoder_open(struct hf_decoder **out, const cJSON *j, const char *path, struct err *e)
{
    struct hf_decoder *d = mem_calloc(1, sizeof *d);

    *out = NULL;
    if (!d)
        return err_nomem(e);
    if (j && !cJSON_IsNull(j) && add_steps(d, j, path, e) < 0) {
        hf_decoder_close(d);
        return -1;
    }
    *out = d;
    return 0;
}

void hf_decoder_close(struct hf_decoder *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++)
        hf_pattern_close(&d->steps[i].pattern);
    mem_free(d);
}

void hf_decode(const struct hf_decoder *d, struct gguf_str token, struct strbuf *out)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT, swap;

    if (d->n == 0) {
        strbuf_add(out, token.s, token.n);
        return;
    }
    for (int i = 0; i < d->n; i++) {
        const struct step *s = &d->steps[i];
        int is_last = i + 1 == d->n;
        s->kind->run(s, i ? strbuf_str(&a) : token.s, i ? a.len : token.n, is_last ? out : &b);
        swap = a;
        a = b;
        b = swap;
        strbuf_clear(&b);
    }
    out->failed |= a.failed | b.failed;
    strbuf_release(&a);
    strbuf_release(&b);
}
