#include "runners/unicode.h"

#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

uint32_t unicode_at(const char *s, size_t n, size_t *len)
{
    const unsigned char *u = (const unsigned char *)s;

    if (u[0] < 0x80) {
        *len = 1;
        return u[0];
    }
    switch (*len = utf8_len(s, n)) {
    case 2:
        return (uint32_t)(u[0] & 31) << 6 | (u[1] & 63);
    case 3:
        return (uint32_t)(u[0] & 15) << 12 | (uint32_t)(u[1] & 63) << 6 | (u[2] & 63);
    case 4:
        return (uint32_t)(u[0] & 7) << 18 | (uint32_t)(u[1] & 63) << 12 |
               (uint32_t)(u[2] & 63) << 6 | (u[3] & 63);
    default:
        *len = 1;
        return UNICODE_STRAY + u[0];
    }
}

void unicode_put(struct strbuf *b, uint32_t c)
{
    utf8proc_uint8_t s[4];

    if (c >= UNICODE_STRAY)
        strbuf_addc(b, (char)(c - UNICODE_STRAY));
    else if (c < 0x80)
        strbuf_addc(b, (char)c);
    else
        strbuf_add(b, s, (size_t)utf8proc_encode_char((utf8proc_int32_t)c, s));
}

unsigned unicode_class(uint32_t c)
{
    static const uint16_t bits[] = {
        [UTF8PROC_CATEGORY_CN] = UNICODE_UNASSIGNED,
        [UTF8PROC_CATEGORY_LU] = UNICODE_LETTER | UNICODE_UPPER,
        [UTF8PROC_CATEGORY_LL] = UNICODE_LETTER | UNICODE_LOWER,
        [UTF8PROC_CATEGORY_LT] = UNICODE_LETTER | UNICODE_UPPER,
        [UTF8PROC_CATEGORY_LM] = UNICODE_LETTER, [UTF8PROC_CATEGORY_LO] = UNICODE_LETTER,
        [UTF8PROC_CATEGORY_MN] = UNICODE_MARK | UNICODE_NONSPACING,
        [UTF8PROC_CATEGORY_MC] = UNICODE_MARK, [UTF8PROC_CATEGORY_ME] = UNICODE_MARK,
        [UTF8PROC_CATEGORY_ND] = UNICODE_NUMBER, [UTF8PROC_CATEGORY_NL] = UNICODE_NUMBER,
        [UTF8PROC_CATEGORY_NO] = UNICODE_NUMBER,
        [UTF8PROC_CATEGORY_PC] = UNICODE_PUNCT, [UTF8PROC_CATEGORY_PD] = UNICODE_PUNCT,
        [UTF8PROC_CATEGORY_PS] = UNICODE_PUNCT, [UTF8PROC_CATEGORY_PE] = UNICODE_PUNCT,
        [UTF8PROC_CATEGORY_PI] = UNICODE_PUNCT, [UTF8PROC_CATEGORY_PF] = UNICODE_PUNCT,
        [UTF8PROC_CATEGORY_PO] = UNICODE_PUNCT,
        [UTF8PROC_CATEGORY_SM] = UNICODE_SYMBOL, [UTF8PROC_CATEGORY_SC] = UNICODE_SYMBOL,
        [UTF8PROC_CATEGORY_SK] = UNICODE_SYMBOL, [UTF8PROC_CATEGORY_SO] = UNICODE_SYMBOL,
        [UTF8PROC_CATEGORY_ZS] = UNICODE_SEPARATOR, [UTF8PROC_CATEGORY_ZL] = UNICODE_SEPARATOR,
        [UTF8PROC_CATEGORY_ZP] = UNICODE_SEPARATOR,
        [UTF8PROC_CATEGORY_CC] = UNICODE_CONTROL, [UTF8PROC_CATEGORY_CF] = UNICODE_FORMAT,
        [UTF8PROC_CATEGORY_CS] = UNICODE_FORMAT, [UTF8PROC_CATEGORY_CO] = UNICODE_FORMAT,
    };

    return c < UNICODE_STRAY ? bits[utf8proc_category((utf8proc_int32_t)c)] : 0;
}

int unicode_is_white(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Alphabetic is L, Nl, some marks and the letters in circles and squares. */
int unicode_is_word(uint32_t c)
{
    utf8proc_category_t k;

    if (c >= UNICODE_STRAY)
        return 0;
    k = utf8proc_category((utf8proc_int32_t)c);
    return (unicode_class(c) & (UNICODE_LETTER | UNICODE_MARK)) || k == UTF8PROC_CATEGORY_ND ||
           k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_PC || c == 0x200c || c == 0x200d ||
           (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) ||
           (c >= 0x1f150 && c <= 0x1f169) || (c >= 0x1f170 && c <= 0x1f189);
}

int unicode_is_cjk(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x20000, 0x2a6df}, {0x2a700, 0x2b73f},
        {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0xf900, 0xfaff}, {0x2f800, 0x2fa1f},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return 1;
    return 0;
}

const char *unicode_clean(struct strbuf *scratch, const char *text, size_t n)
{
    size_t len;

    strbuf_clear(scratch);
    for (size_t i = 0; i < n; i += len ? len : 1) {
        len = (unsigned char)text[i] < 0x80 ? 1 : utf8_len(text + i, n - i);
        if (len)
            continue;
        if (!scratch->len)
            strbuf_add(scratch, text, n);
        if (scratch->failed)
            return NULL;
        scratch->s[i] = 1;
    }
    return scratch->len ? scratch->s : text;
}

/* A run without stray bytes.  utf8proc allocates by itself, so it is asked for code points into a
 * buffer of ours: decomposition grows a byte of input to at most 18 code points / 3 bytes. */
static void normalise_run(struct strbuf *out, const char *text, size_t n, enum unicode_form form)
{
    int composes = form == UNICODE_NFC || form == UNICODE_NFKC;
    utf8proc_option_t o =
        (utf8proc_option_t)((composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) | UTF8PROC_STABLE |
                            (form >= UNICODE_NFKC ? UTF8PROC_COMPAT : 0));
    utf8proc_ssize_t have, got;
    utf8proc_int32_t *c;

    have = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, NULL, 0, o);
    if (have < 0) { /* a length beyond its integers */
        out->failed = 1;
        return;
    }
    c = mem_alloc(((size_t)have + 1) * sizeof *c);
    if (!c) {
        out->failed = 1;
        return;
    }
    got = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, c, have, o);
    got = got < 0 ? got : utf8proc_normalize_utf32(c, got, o);
    for (utf8proc_ssize_t i = 0; i < got; i++)
        unicode_put(out, (uint32_t)c[i]);
    mem_free(c);
}

static int is_ascii(const char *s, size_t n)
{
    unsigned char any = 0;

    for (size_t i = 0; i < n; i++)
        any |= (unsigned char)s[i];
    return any < 0x80;
}

void unicode_normalise(struct strbuf *out, const char *text, size_t n, enum unicode_form form)
{
    size_t from = 0, len;

    if (is_ascii(text, n)) {
        strbuf_add(out, text, n);
        return;
    }
    for (size_t i = 0; i < n; i += len) {
        if (unicode_at(text + i, n - i, &len) < UNICODE_STRAY)
            continue;
        if (i > from)
            normalise_run(out, text + from, i - from, form);
        strbuf_addc(out, text[i]);
        from = i + 1;
    }
    if (n > from)
        normalise_run(out, text + from, n - from, form);
}

void unicode_put_lower(struct strbuf *out, uint32_t c)
{
    if (c == 0x130) { /* the one code point whose lower case is two */
        unicode_put(out, 'i');
        unicode_put(out, 0x307);
    } else {
        unicode_put(out, c < UNICODE_STRAY ? (uint32_t)utf8proc_tolower((utf8proc_int32_t)c) : c);
    }
}

size_t unicode_grapheme(const char *s, size_t n)
{
    size_t at, len;
    uint32_t c = unicode_at(s, n, &at), next;
    utf8proc_int32_t state = 0;

    for (; at < n; at += len, c = next) {
        next = unicode_at(s + at, n - at, &len);
        if (c >= UNICODE_STRAY || next >= UNICODE_STRAY ||
            utf8proc_grapheme_break_stateful((utf8proc_int32_t)c, (utf8proc_int32_t)next, &state))
            break;
    }
    return at;
}
