/* template_lex.c -- template text to tokens, with Jinja's rules for white space.
 *
 * A tag's "-" eats the white space on its side; without a sign a block or comment loses the blanks
 * before it when it starts its line (lstrip_blocks) and the newline behind it (trim_blocks); "+"
 * keeps them.  TEMPLATE_STRICT has neither lstrip_blocks nor trim_blocks.  Method:
 * jinja2/lexer.py's state machine, without its regular expressions. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/template_impl.h"

struct lexer {
    struct template *t;
    struct text src;
    size_t at;
    int line;
    int trims; /* lstrip_blocks and trim_blocks */
    int line_start; /* the last tag's text ended with a newline, or nothing came before */
    char open[LIMIT_NESTING]; /* closing brackets that are due */
    int depth;
    struct tokens *out;
    struct err *e;
};

static int bad(struct lexer *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int bad(struct lexer *x, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(x->e, ERR_FORMAT, "%s:%d: %s", x->t->name, x->line, text);
}

static int add(struct lexer *x, enum token_kind kind, const char *s, size_t n)
{
    if (mem_grow(&x->out->v, &x->out->cap, x->out->n + 1, sizeof *x->out->v) < 0)
        return err_nomem(x->e);
    x->out->v[x->out->n++] = (struct token){kind, x->line, {s, n}};
    return 0;
}

static int looking_at(const struct lexer *x, const char *s)
{
    size_t n = strlen(s);

    return x->src.n - x->at >= n && memcmp(x->src.s + x->at, s, n) == 0;
}

static void advance(struct lexer *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x->line += x->src.s[x->at + i] == '\n';
    x->at += n;
}

static void skip_space(struct lexer *x)
{
    struct text rest = {x->src.s + x->at, x->src.n - x->at};

    advance(x, rest.n - text_trim(rest, NULL, 1, 0).n);
}

static int is_name_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || (unsigned char)ch >= 0x80;
}

/* Newlines become "\n", and the last one goes unless keep_trailing_newline is on. */
static int normalise(struct lexer *x, const char *text, size_t n)
{
    char *s = arena_alloc(&x->t->arena, n + 1);
    size_t k = 0;

    if (!s)
        return err_nomem(x->e);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n')
            continue;
        s[k++] = text[i] == '\r' ? '\n' : text[i];
    }
    if (x->trims && k && s[k - 1] == '\n')
        k--;
    x->src = (struct text){s, k};
    return 0;
}

/* The end of a tag at `at`, as far as the tag owns it: "-%}" with the white space that follows,
 * "+%}", "%}" with its newline.  0 when no tag ends here. */
static size_t tag_end(const struct lexer *x, const char *close, int trim, int plus)
{
    const char *s = x->src.s + x->at;
    size_t left = x->src.n - x->at, n = strlen(close);

    if (left >= n && memcmp(s, close, n) == 0)
        return n + (trim && x->trims && left > n && s[n] == '\n');
    if (left < n + 1 || memcmp(s + 1, close, n) != 0)
        return 0;
    if (*s == '-') {
        struct text rest = {s + n + 1, left - n - 1};
        return n + 1 + (rest.n - text_trim(rest, NULL, 1, 0).n);
    }
    return plus && *s == '+' ? n + 1 : 0;
}

static void finish_tag(struct lexer *x, size_t n)
{
    advance(x, n);
    x->line_start = x->src.s[x->at - 1] == '\n';
}

/* Emits the text before a tag whose sign and kind are known. */
static int data_before(struct lexer *x, struct text data, char sign, int is_variable)
{
    size_t line;

    if (sign == '-') {
        data = text_trim(data, NULL, 0, 1);
    } else if (sign != '+' && !is_variable && x->trims) {
        for (line = data.n; line > 0 && data.s[line - 1] != '\n'; line--)
            ;
        if ((line > 0 || x->line_start) &&
            text_trim((struct text){data.s + line, data.n - line}, NULL, 1, 0).n == 0)
            data.n = line;
    }
    return data.n ? add(x, T_DATA, data.s, data.n) : 0;
}

static char sign_after(const struct lexer *x, size_t at)
{
    char ch = at < x->src.n ? x->src.s[at] : 0;

    return ch == '-' || ch == '+' ? ch : 0;
}

/* At "{%": when this is `{% WORD %}` moves behind it and returns 1. */
static int take_bare_tag(struct lexer *x, const char *word, int trim)
{
    struct lexer saved = *x;
    size_t end;

    advance(x, 2 + (sign_after(x, x->at + 2) != 0));
    skip_space(x);
    if (looking_at(x, word)) {
        advance(x, strlen(word));
        skip_space(x);
        end = tag_end(x, "%}", trim, trim);
        if (end) {
            finish_tag(x, end);
            return 1;
        }
    }
    *x = saved;
    return 0;
}

static int lex_raw(struct lexer *x)
{
    size_t from = x->at, end;
    int line_start = x->line_start, after;

    if (from == x->src.n)
        return 0; /* as Jinja has it: nothing left to be raw */
    for (; x->at < x->src.n; advance(x, 1)) {
        end = x->at;
        if (!looking_at(x, "{%") || !take_bare_tag(x, "endraw", 1))
            continue;
        after = x->line_start;
        x->line_start = line_start;
        if (data_before(x, (struct text){x->src.s + from, end - from}, sign_after(x, end + 2),
                        0) < 0)
            return -1;
        x->line_start = after;
        return 0;
    }
    return bad(x, "Missing end of raw directive");
}

static int lex_comment(struct lexer *x)
{
    for (; x->at < x->src.n; advance(x, 1)) {
        size_t end = tag_end(x, "#}", 1, 1);
        if (end) {
            finish_tag(x, end);
            return 0;
        }
    }
    return bad(x, "Missing end of comment tag");
}

static int32_t hex_value(struct text s, size_t at, size_t digits)
{
    uint32_t v = 0;

    if (s.n - at < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        int ch = tolower((unsigned char)s.s[at + i]);
        if (!isxdigit(ch))
            return -1;
        v = v * 16 + (uint32_t)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
    }
    return v <= 0x10ffff ? (int32_t)v : -1;
}

/* \xHH, \uHHHH and \UHHHHHHHH; two halves of a surrogate pair become one character. */
static int unescape_hex(struct lexer *x, struct text s, size_t *at, struct strbuf *b)
{
    char kind = s.s[*at];
    size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    int32_t v = hex_value(s, *at + 1, digits), low;

    if (v < 0)
        return bad(x, "malformed \\%c escape in a string", kind);
    *at += 1 + digits;
    if (v >= 0xd800 && v < 0xdc00 && s.n - *at >= 6 && s.s[*at] == '\\' && s.s[*at + 1] == 'u') {
        low = hex_value(s, *at + 2, 4);
        if (low >= 0xdc00 && low < 0xe000) {
            v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    utf8_put(b, v);
    return 0;
}

/* Python's escapes; an unknown one stands for itself. */
static int unescape_one(struct lexer *x, struct text s, size_t *at, struct strbuf *b)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    char ch = s.s[*at];
    const char *p = strchr(from, ch);
    int v = 0;

    if (p && ch) {
        strbuf_addc(b, to[p - from]);
    } else if (ch == 'x' || ch == 'u' || ch == 'U') {
        return unescape_hex(x, s, at, b);
    } else if (ch >= '0' && ch <= '7') {
        for (int i = 0; i < 3 && *at < s.n && s.s[*at] >= '0' && s.s[*at] <= '7'; i++)
            v = v * 8 + (s.s[(*at)++] - '0');
        utf8_put(b, v);
        return 0;
    } else if (ch != '\n') {
        strbuf_addc(b, '\\');
        strbuf_addc(b, ch);
    }
    (*at)++;
    return 0;
}

static int lex_string(struct lexer *x)
{
    const char quote = x->src.s[x->at];
    struct strbuf b = STRBUF_INIT;
    struct text s = x->src;
    size_t at = x->at + 1;
    int rc = -1;
    char *kept;

    while (at < s.n && s.s[at] != quote) {
        if (s.s[at] == '\\' && at + 1 < s.n) {
            at++;
            if (unescape_one(x, s, &at, &b) < 0)
                goto out;
        } else {
            strbuf_addc(&b, s.s[at++]);
        }
    }
    if (at >= s.n) {
        bad(x, "a string is not closed");
        goto out;
    }
    kept = b.failed ? NULL : arena_strndup(&x->t->arena, strbuf_str(&b), b.len);
    if (!kept) {
        err_nomem(x->e);
        goto out;
    }
    rc = add(x, T_STRING, kept, b.len);
    advance(x, at + 1 - x->at);
out:
    strbuf_release(&b);
    return rc;
}

static size_t digits(const struct lexer *x, size_t at)
{
    size_t from = at;

    while (at < x->src.n && (isdigit((unsigned char)x->src.s[at]) ||
                             (x->src.s[at] == '_' && at > from)))
        at++;
    return at - from;
}

/* "1.5" is a float, "a.1.5" two subscripts. */
static int lex_number(struct lexer *x)
{
    const char *s = x->src.s;
    size_t from = x->at, at = from, n;
    int after_dot = from > 0 && s[from - 1] == '.', is_float = 0;

    if (s[at] == '0' && at + 1 < x->src.n && strchr("xXoObB", s[at + 1])) {
        for (at += 2; at < x->src.n && is_name_char(s[at]); at++)
            ;
    } else {
        at += digits(x, at);
        if (!after_dot && at < x->src.n && s[at] == '.' && (n = digits(x, at + 1)) > 0) {
            at += 1 + n;
            is_float = 1;
        }
        if (!after_dot && at < x->src.n && (s[at] | 32) == 'e') {
            size_t sign = at + 1 < x->src.n && (s[at + 1] == '+' || s[at + 1] == '-');
            n = digits(x, at + 1 + sign);
            if (n) {
                at += 1 + sign + n;
                is_float = 1;
            }
        }
    }
    x->at = at;
    return add(x, is_float ? T_FLOAT : T_INT, s + from, at - from);
}

static int lex_operator(struct lexer *x)
{
    static const char *const ops[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*",
                                      "%",  "~",  "[",  "]",  "(",  ")",  "{", "}", ">", "<",
                                      "=",  ".",  ":",  "|",  ",",  ";"};
    const char *brackets = "(){}[]", *p;

    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (!looking_at(x, ops[i]))
            continue;
        p = ops[i][1] ? NULL : strchr(brackets, ops[i][0]);
        if (p && (p - brackets) % 2 == 0) {
            if (x->depth == LIMIT_NESTING)
                return bad(x, "more than %d brackets inside each other", LIMIT_NESTING);
            x->open[x->depth++] = p[1];
        } else if (p && x->depth == 0) {
            return bad(x, "unexpected '%c'", *p);
        } else if (p && x->open[--x->depth] != *p) {
            return bad(x, "unexpected '%c', expected '%c'", *p, x->open[x->depth]);
        }
        advance(x, strlen(ops[i]));
        return add(x, T_OP, ops[i], strlen(ops[i]));
    }
    return bad(x, "unexpected char '%c'", x->src.s[x->at]);
}

/* From behind "{{" or "{%" to behind its end. */
static int lex_tag(struct lexer *x, int is_variable)
{
    int first_line = x->line;

    for (;;) {
        size_t end;
        char ch;
        skip_space(x);
        if (x->at >= x->src.n)
            return bad(x, "the tag that starts at line %d is not closed", first_line);
        end = x->depth ? 0 : is_variable ? tag_end(x, "}}", 0, 0) : tag_end(x, "%}", 1, 1);
        if (end) {
            if (add(x, is_variable ? T_VAR_END : T_BLOCK_END, x->src.s + x->at, 2) < 0)
                return -1;
            finish_tag(x, end);
            return 0;
        }
        ch = x->src.s[x->at];
        if (ch == '\'' || ch == '"') {
            if (lex_string(x) < 0)
                return -1;
        } else if (isdigit((unsigned char)ch)) {
            if (lex_number(x) < 0)
                return -1;
        } else if (is_name_char(ch)) {
            size_t from = x->at;
            while (x->at < x->src.n && is_name_char(x->src.s[x->at]))
                x->at++;
            if (add(x, T_NAME, x->src.s + from, x->at - from) < 0)
                return -1;
        } else if (lex_operator(x) < 0) {
            return -1;
        }
    }
}

/* At "{{", "{%" or "{#", with the text since the last tag before it. */
static int lex_opening(struct lexer *x, struct text data)
{
    char kind = x->src.s[x->at + 1], sign = sign_after(x, x->at + 2);

    if (data_before(x, data, sign, kind == '{') < 0)
        return -1;
    if (kind == '%' && take_bare_tag(x, "raw", 0))
        return lex_raw(x);
    if (kind != '#' &&
        add(x, kind == '{' ? T_VAR_BEGIN : T_BLOCK_BEGIN, x->src.s + x->at, 2) < 0)
        return -1;
    advance(x, 2 + (sign != 0));
    return kind == '#' ? lex_comment(x) : lex_tag(x, kind == '{');
}

int template_lex(struct template *t, const char *text, size_t n, struct tokens *out,
                 struct err *e)
{
    struct lexer x = {.t = t, .line = 1, .line_start = 1, .out = out, .e = e,
                      .trims = t->rules == TEMPLATE_CHAT};
    size_t from = 0;

    if (normalise(&x, text, n) < 0)
        return -1;
    while (x.at < x.src.n) {
        if (!looking_at(&x, "{{") && !looking_at(&x, "{%") && !looking_at(&x, "{#")) {
            advance(&x, 1);
            continue;
        }
        if (lex_opening(&x, (struct text){x.src.s + from, x.at - from}) < 0)
            return -1;
        from = x.at;
    }
    if (x.at > from && add(&x, T_DATA, x.src.s + from, x.at - from) < 0)
        return -1;
    return add(&x, T_END, "", 0);
}
