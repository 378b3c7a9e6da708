/* cmd_tokenize.c -- text to token ids and back. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/commands.h"
#include "harness/open.h"

const struct option tokenize_options[] = {
    {"file", 'f', OPTION_TEXT, "FILE", NULL, 0, 0, "read the text from FILE ('-': standard input)"},
    {"jsonl", 0, OPTION_TEXT, "FILE", NULL, 0, 0,
     "each line {\"text\":...} of FILE gives a line {\"ids\":[...]}"},
    {"special", 0, OPTION_FLAG, NULL, NULL, 0, 0, "recognise the texts of special tokens"},
    {"bos", 0, OPTION_FLAG, NULL, NULL, 0, 0, "put BOS in front"},
    {"ids", 0, OPTION_INTS, "1,2,...", NULL, 0, 2147483647, "show the text of these tokens"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { TEXT_MAX = 1 << 30 };

static void put_ids(struct json_out *o, const int32_t *ids, size_t n)
{
    json_begin_array(o, "ids");
    for (size_t i = 0; i < n; i++)
        json_put_int(o, NULL, ids[i]);
    json_end_array(o);
}

static int piece(const struct tokenizer *t, int32_t id, struct strbuf *b, struct err *e)
{
    strbuf_clear(b);
    return tokenizer_decode(t, &id, 1, 1, b, e);
}

/* One token a line for people; a piece may be half a character, so bytes that are no UTF-8 and
 * control characters are shown as \xNN. */
static void show_piece(struct strbuf *out, int32_t id, const struct strbuf *b)
{
    int whole = utf8_valid(strbuf_str(b), b->len);

    strbuf_addf(out, "%7d  \"", (int)id);
    for (size_t i = 0; i < b->len; i++) {
        unsigned char c = (unsigned char)b->s[i];
        if (c == '\n')
            strbuf_adds(out, "\\n");
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !whole))
            strbuf_addf(out, "\\x%02x", c);
        else
            strbuf_addc(out, (char)c);
    }
    strbuf_adds(out, "\"\n");
}

static int show(const struct context *c, const struct tokenizer *t, const struct ids *ids,
                const struct strbuf *text, struct err *e)
{
    struct strbuf out = STRBUF_INIT, b = STRBUF_INIT;
    struct json_out o = {0};
    int rc = -1;

    if (c->json) {
        o = context_json_begin(&out, "tokenize");
        json_put_int(&o, "n", (int64_t)ids->n);
        json_put_strn(&o, "text", strbuf_str(text), text->len);
        put_ids(&o, ids->v, ids->n);
        json_begin_array(&o, "pieces");
    }
    for (size_t i = 0; i < ids->n; i++) {
        if (piece(t, ids->v[i], &b, e) < 0)
            goto out;
        if (c->json)
            json_put_strn(&o, NULL, strbuf_str(&b), b.len);
        else
            show_piece(&out, ids->v[i], &b);
    }
    if (c->json) {
        json_end_array(&o);
        rc = context_json_end(c, &o, e);
    } else {
        rc = context_print(c, &out, e);
    }
out:
    strbuf_release(&b);
    strbuf_release(&out);
    return rc;
}

static int flags_of(const struct context *c)
{
    return (args_flag(c->args, "bos") ? TOKENIZE_BOS : 0) |
           (args_flag(c->args, "special") ? TOKENIZE_SPECIAL : 0);
}

/* whole: the document of --json that the line goes into. */
static int one_line(const struct context *c, struct tokenizer *t, const struct line_reader *r,
                    struct ids *ids, struct json_out *whole, struct strbuf *out, struct err *e)
{
    char where[512];
    struct json_out line = JSON_OUT(out), *o = c->json ? whole : &line;
    const char *text;
    cJSON *j;
    int rc = -1;

    snprintf(where, sizeof where, "%s:%zu", r->path, r->n);
    j = json_parse(strbuf_str(&r->line), r->line.len, where, e);
    if (!j)
        return -1;
    text = json_str(j, "text");
    ids->n = 0;
    strbuf_clear(out);
    if (!text)
        err_set(e, ERR_FORMAT, "%s: no string \"text\"", where);
    else if (tokenizer_encode(t, text, strlen(text), flags_of(c), ids, e) == 0) {
        json_begin_object(o, NULL);
        put_ids(o, ids->v, ids->n);
        json_end_object(o);
        if (!c->json)
            strbuf_addc(out, '\n');
        rc = context_print(c, out, e);
    }
    json_free(j);
    return rc;
}

static int lines(const struct context *c, struct tokenizer *t, const char *path, struct err *e)
{
    struct line_reader r;
    struct ids ids = {0};
    struct strbuf out = STRBUF_INIT, text = STRBUF_INIT;
    struct json_out whole;
    int rc;

    if (lines_open(&r, path, e) < 0)
        return -1;
    whole = context_json_begin(&text, "tokenize");
    json_begin_array(&whole, "lines");
    while ((rc = lines_next(&r, e)) > 0)
        if (r.line.len && (rc = one_line(c, t, &r, &ids, &whole, &out, e)) < 0)
            break;
    json_end_array(&whole);
    if (rc == 0 && c->json)
        rc = context_json_end(c, &whole, e);
    lines_close(&r);
    ids_release(&ids);
    strbuf_release(&text);
    strbuf_release(&out);
    return rc;
}

/* Either ids from the text, or the text of --ids. */
static int both(const struct context *c, struct tokenizer *t, struct ids *ids,
                struct strbuf *text, struct err *e)
{
    const char *file = args_str(c->args, "file"), *typed = args_at(c->args, 1);

    if (args_given(c->args, "ids"))
        return ids_from_option(c, t, ids, e) < 0
                   ? -1
                   : tokenizer_decode(t, ids->v, ids->n, 1, text, e);
    if (file && file_read(text, file, TEXT_MAX, e) < 0)
        return -1;
    strbuf_adds(text, typed ? typed : "");
    return tokenizer_encode(t, strbuf_str(text), text->len, flags_of(c), ids, e);
}

static int sources(const struct context *c)
{
    return (args_at(c->args, 1) != NULL) + (args_str(c->args, "file") != NULL) +
           (args_str(c->args, "jsonl") != NULL) + args_flag(c->args, "ids");
}

int cmd_tokenize(struct context *c, struct err *e)
{
    struct vocabulary v = {0};
    struct ids ids = {0};
    struct strbuf text = STRBUF_INIT;
    int rc = -1;

    if (sources(c) != 1)
        return err_set(e, ERR_USAGE, "tokenize: give one of TEXT, --file, --jsonl or --ids");
    if (open_vocabulary(args_at(c->args, 0), &v, e) < 0)
        return -1;
    if (args_str(c->args, "jsonl"))
        rc = lines(c, v.tokenizer, args_str(c->args, "jsonl"), e);
    else if (both(c, v.tokenizer, &ids, &text, e) == 0) {
        if (args_flag(c->args, "ids") && !c->json) {
            strbuf_addc(&text, '\n');
            rc = context_print(c, &text, e);
        } else {
            rc = show(c, v.tokenizer, &ids, &text, e);
        }
    }
    strbuf_release(&text);
    ids_release(&ids);
    vocabulary_close(&v);
    return rc;
}
