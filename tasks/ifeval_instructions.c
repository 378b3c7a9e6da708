/* ifeval_instructions.c -- the 25 instructions of IFEval, a row each: what it is called, what it
 * takes, and whether a text follows it.
 *
 * Each function is lm-eval's check of that name, with Python's patterns, white space and case; what
 * it is told was looked at before (ifeval_check). */
#include "tasks/ifeval_impl.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/pyjson.h"
#include "tasks/pytext.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- arguments ---------------------------------------------------------------------------- */

static double number_of(const struct question *q, const char *key)
{
    return json_num(q->arguments, key, 0);
}

static const char *text_of(const struct question *q, const char *key)
{
    const char *s = json_str(q->arguments, key);

    return s ? s : "";
}

static int related(int count, const char *relation, double most)
{
    return strcmp(relation, "less than") == 0 ? count < most : count >= most;
}

/* --- patterns ----------------------------------------------------------------------------- */

struct matches {
    const char *s;
    int n;
    int (*counts)(struct span match); /* NULL: each does */
};

static int count_match(void *user, const PCRE2_SIZE *at, int n_groups)
{
    struct matches *m = user;
    struct span match = {m->s + at[0], at[1] - at[0]};

    (void)n_groups;
    m->n += !m->counts || m->counts(match);
    return 0;
}

/* len(re.findall(...)); -1 on error. */
static int count_if(const struct question *q, const char *pattern, struct span text,
                    int (*counts)(struct span match))
{
    struct matches m = {text.s, 0, counts};
    pcre2_code *code = NULL;
    int rc = answer_compile(q->a, &code, pattern, q->e);

    if (rc == 0)
        rc = answer_each(q->a, code, text.s, text.n, count_match, &m, q->e);
    pcre2_code_free(code);
    return rc < 0 ? -1 : m.n;
}

static int count(const struct question *q, const char *pattern)
{
    return count_if(q, pattern, q->text, NULL);
}

/* The same with `word`, a pattern of the data's, between two parts of ours. */
static int count_word(const struct question *q, const char *before, const char *word,
                      const char *after)
{
    struct strbuf b = STRBUF_INIT;
    int n;

    strbuf_addf(&b, "%s%s%s", before, word, after);
    n = strbuf_ok(&b, q->e) < 0 ? -1 : count(q, strbuf_str(&b));
    strbuf_release(&b);
    return n;
}

static int is_there(int n)
{
    return n < 0 ? -1 : n > 0;
}

static struct strbuf lowered(const struct question *q, struct span s)
{
    struct strbuf b = STRBUF_INIT;

    py_lower(&b, s.s, s.n);
    *q->failed |= b.failed;
    return b;
}

static int starts(struct span s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.s, with, n) == 0;
}

static int finishes(struct span s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.s + s.n - n, with, n) == 0;
}

static struct span cut(struct span s, size_t front, size_t back)
{
    return (struct span){s.s + front, s.n - front - back};
}

int ifeval_is_blank(struct span s)
{
    return py_strip(s.s, s.n).n == 0;
}

/* --- keywords ----------------------------------------------------------------------------- */

static int existence(const struct question *q)
{
    const cJSON *word;
    int n = 1;

    cJSON_ArrayForEach(word, json_get(q->arguments, "keywords"))
        if (n > 0)
            n = is_there(count_word(q, "(?i)", word->valuestring, ""));
    return n;
}

static int frequency(const struct question *q)
{
    struct span word = py_strip(text_of(q, "keyword"), strlen(text_of(q, "keyword")));
    char *pattern = mem_strndup(word.s, word.n);
    int n = pattern ? count_word(q, "(?i)", pattern, "") : err_nomem(q->e);

    mem_free(pattern);
    return n < 0 ? -1 : related(n, text_of(q, "relation"), number_of(q, "frequency"));
}

static int forbidden_words(const struct question *q)
{
    const cJSON *word;
    int n = 0;

    cJSON_ArrayForEach(word, json_get(q->arguments, "forbidden_words"))
        if (n == 0)
            n = is_there(count_word(q, "(?i)\\b", word->valuestring, "\\b"));
    return n < 0 ? -1 : !n;
}

static int letter_frequency(const struct question *q)
{
    const char *letter = text_of(q, "letter");
    struct strbuf b = lowered(q, q->text), l = lowered(q, (struct span){letter, strlen(letter)});
    const char *s = strbuf_str(&b);
    int n = 0;

    while (l.len && (s = strstr(s, l.s)) != NULL)
        s += l.len, n++;
    strbuf_release(&b);
    strbuf_release(&l);
    return related(n, text_of(q, "let_relation"), number_of(q, "let_frequency"));
}

/* --- lengths ------------------------------------------------------------------------------ */

static int number_sentences(const struct question *q)
{
    return related(text_sentences(q->text.s, q->failed), text_of(q, "relation"),
                   number_of(q, "num_sentences"));
}

static int number_words(const struct question *q)
{
    return related(text_words(q->text.s), text_of(q, "relation"), number_of(q, "num_words"));
}

struct pieces { /* between separators */
    const char *s, *end, *done;
    int n, blank_inside, blank_outside;
};

static void piece(struct pieces *p, const char *end)
{
    int blank = ifeval_is_blank((struct span){p->done, (size_t)(end - p->done)});

    if (blank && (p->n == 0 || end == p->end))
        p->blank_outside++;
    else if (blank)
        p->blank_inside++;
    p->n++;
}

static int end_piece(void *user, const PCRE2_SIZE *at, int n_groups)
{
    struct pieces *p = user;

    (void)n_groups;
    piece(p, p->s + at[0]);
    p->done = p->s + at[1];
    return 0;
}

/* "***" with a blank on either side between paragraphs, which may be nothing at the ends only. */
static int number_paragraphs(const struct question *q)
{
    struct pieces p = {q->text.s, q->text.s + q->text.n, q->text.s, 0, 0, 0};
    pcre2_code *code = NULL;
    int rc = answer_compile(q->a, &code, "\\s?\\*\\*\\*\\s?", q->e);

    if (rc == 0)
        rc = answer_each(q->a, code, q->text.s, q->text.n, end_piece, &p, q->e);
    pcre2_code_free(code);
    if (rc < 0)
        return -1;
    p.n++; /* so that the last is not taken for the first */
    if (ifeval_is_blank((struct span){p.done, (size_t)(p.end - p.done)}))
        p.blank_outside++;
    return !p.blank_inside && p.n - p.blank_outside == number_of(q, "num_paragraphs");
}

/* The first word of a paragraph up to a punctuation mark, small. */
static int first_word_is(const struct question *q, struct span paragraph, const char *want)
{
    struct span word = py_lstrip(paragraph.s, paragraph.n);
    struct strbuf got, expected = lowered(q, (struct span){want, strlen(want)});
    size_t n = 0;
    int same;

    word.n = py_word(word.s, word.n);
    while (word.n && *word.s == '\'')
        word = cut(word, 1, 0);
    while (word.n && *word.s == '"')
        word = cut(word, 1, 0);
    while (n < word.n && !memchr(".,?!'\"", word.s[n], 6))
        n++;
    got = lowered(q, (struct span){word.s, n});
    same = strcmp(strbuf_str(&got), strbuf_str(&expected)) == 0;
    strbuf_release(&got);
    strbuf_release(&expected);
    return same;
}

static int nth_paragraph_first_word(const struct question *q)
{
    int nth = (int)number_of(q, "nth_paragraph"), i = 0, n = 0;
    struct span wanted = {"", 0};

    for (const char *s = q->text.s, *next; s; s = next ? next + 2 : NULL) {
        struct span p = {s, 0};
        next = strstr(s, "\n\n");
        p.n = next ? (size_t)(next - s) : strlen(s);
        n += !ifeval_is_blank(p);
        if (++i == nth)
            wanted = p;
    }
    return nth <= n && !ifeval_is_blank(wanted) && n == number_of(q, "num_paragraphs") &&
           first_word_is(q, wanted, text_of(q, "first_word"));
}

/* --- content and format ------------------------------------------------------------------- */

static int number_placeholders(const struct question *q)
{
    int n = count(q, "\\[.*?\\]");

    return n < 0 ? -1 : n >= number_of(q, "num_placeholders");
}

static int postscript(const struct question *q)
{
    struct span marker = py_strip(text_of(q, "postscript_marker"),
                                  strlen(text_of(q, "postscript_marker")));
    struct strbuf small = lowered(q, q->text), word = lowered(q, marker);
    struct question lower = *q;
    int n;

    lower.text = (struct span){strbuf_str(&small), small.len};
    if (strcmp(strbuf_str(&word), "p.p.s") == 0 && starts(marker, "P.P.S"))
        n = count(&lower, "(?m)\\s*p\\.\\s?p\\.\\s?s.*$");
    else if (starts(marker, "P.S.") && marker.n == 4)
        n = count(&lower, "(?m)\\s*p\\.\\s?s\\..*$");
    else
        n = count_word(&lower, "(?m)\\s*", strbuf_str(&word), ".*$");
    strbuf_release(&small);
    strbuf_release(&word);
    return is_there(n);
}

static int number_bullet_lists(const struct question *q)
{
    int stars = count(q, "(?m)^\\s*\\*[^\\*].*$"), dashes = count(q, "(?m)^\\s*-.*$");

    return stars < 0 || dashes < 0 ? -1 : stars + dashes == number_of(q, "num_bullets");
}

static int constrained_response(const struct question *q)
{
    return strstr(q->text.s, "My answer is yes.") || strstr(q->text.s, "My answer is no.") ||
           strstr(q->text.s, "My answer is maybe.");
}

static int more_than_stars(struct span s)
{
    while (s.n && *s.s == '*')
        s = cut(s, 1, 0);
    while (s.n && s.s[s.n - 1] == '*')
        s = cut(s, 0, 1);
    return !ifeval_is_blank(s);
}

static int more_than_two_stars(struct span s)
{
    return !ifeval_is_blank(cut(s, 2, 2));
}

static int number_highlighted_sections(const struct question *q)
{
    int one = count_if(q, "\\*[^\\n\\*]*\\*", q->text, more_than_stars);
    int two = count_if(q, "\\*\\*[^\\n\\*]*\\*\\*", q->text, more_than_two_stars);

    return one < 0 || two < 0 ? -1 : one + two >= number_of(q, "num_highlights");
}

static int multiple_sections(const struct question *q)
{
    struct span word = py_strip(text_of(q, "section_spliter"),
                                strlen(text_of(q, "section_spliter")));
    char *pattern = mem_strndup(word.s, word.n);
    int n = pattern ? count_word(q, "\\s?", pattern, "\\s?\\d+\\s?") : err_nomem(q->e);

    mem_free(pattern);
    return n < 0 ? -1 : n >= number_of(q, "num_sections");
}

static int json_format(const struct question *q)
{
    static const char *const fences[] = {"```json", "```Json", "```JSON", "```"};
    struct span s = py_strip(q->text.s, q->text.n);

    for (size_t i = 0; i < LENGTH(fences); i++)
        if (starts(s, fences[i]))
            s = cut(s, strlen(fences[i]), 0);
    if (finishes(s, "```"))
        s = cut(s, 0, 3);
    s = py_strip(s.s, s.n);
    return pyjson_valid(s.s, s.n);
}

static int more_than_brackets(struct span s)
{
    while (s.n && *s.s == '<')
        s = cut(s, 1, 0);
    while (s.n && s.s[s.n - 1] == '>')
        s = cut(s, 0, 1);
    return !ifeval_is_blank(s);
}

static int title(const struct question *q)
{
    return is_there(count_if(q, "<<[^\\n]+>>", q->text, more_than_brackets));
}

/* --- combinations, beginning and end, case ------------------------------------------------- */

static int two_responses(const struct question *q)
{
    struct span given[2] = {{"", 0}, {"", 0}};
    int n = 0;

    for (const char *s = q->text.s, *next; s; s = next ? next + 6 : NULL) {
        struct span p;
        next = strstr(s, "******");
        p = py_strip(s, next ? (size_t)(next - s) : strlen(s));
        if (p.n == 0 && s != q->text.s && next)
            return 0;
        if (p.n && n < 2)
            given[n] = p;
        n += p.n > 0;
    }
    return n == 2 &&
           (given[0].n != given[1].n || memcmp(given[0].s, given[1].s, given[0].n) != 0);
}

static int repeat_prompt(const struct question *q)
{
    const char *prompt = text_of(q, "prompt_to_repeat");
    struct strbuf text = lowered(q, py_strip(q->text.s, q->text.n));
    struct strbuf want = lowered(q, py_strip(prompt, strlen(prompt)));
    int same = starts((struct span){strbuf_str(&text), text.len}, strbuf_str(&want));

    strbuf_release(&text);
    strbuf_release(&want);
    return same;
}

static int end_checker(const struct question *q)
{
    const char *phrase = text_of(q, "end_phrase");
    struct span s = py_strip(q->text.s, q->text.n);
    struct strbuf text, want = lowered(q, py_strip(phrase, strlen(phrase)));
    int same;

    while (s.n && *s.s == '"')
        s = cut(s, 1, 0);
    while (s.n && s.s[s.n - 1] == '"')
        s = cut(s, 0, 1);
    text = lowered(q, s);
    same = finishes((struct span){strbuf_str(&text), text.len}, strbuf_str(&want));
    strbuf_release(&text);
    strbuf_release(&want);
    return same;
}

static int quotation(const struct question *q)
{
    struct span s = py_strip(q->text.s, q->text.n);

    return s.n > 1 && *s.s == '"' && s.s[s.n - 1] == '"';
}

static int capital_word_frequency(const struct question *q)
{
    return related(text_capital_words(q->text.s), text_of(q, "capital_relation"),
                   number_of(q, "capital_frequency"));
}

/* A text whose language cannot be told has it, as there. */
static int in_language(const struct question *q, const char *code)
{
    const char *got = text_language(q->text.s, q->failed);

    return !got || strcmp(got, code) == 0;
}

static int english_capital(const struct question *q)
{
    return text_is_upper(q->text.s, q->text.n) && in_language(q, "en");
}

static int english_lowercase(const struct question *q)
{
    return text_is_lower(q->text.s, q->text.n) && in_language(q, "en");
}

static int response_language(const struct question *q)
{
    return in_language(q, text_of(q, "language"));
}

static int no_comma(const struct question *q)
{
    return !memchr(q->text.s, ',', q->text.n);
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct instruction instructions[] = {
    {"keywords:existence", existence, {{"keywords", ARGUMENT_PATTERNS}}},
    {"keywords:frequency", frequency,
     {{"keyword", ARGUMENT_PATTERN}, {"frequency", ARGUMENT_NUMBER},
      {"relation", ARGUMENT_RELATION}}},
    {"keywords:forbidden_words", forbidden_words, {{"forbidden_words", ARGUMENT_PATTERNS}}},
    {"keywords:letter_frequency", letter_frequency,
     {{"letter", ARGUMENT_TEXT}, {"let_frequency", ARGUMENT_NUMBER},
      {"let_relation", ARGUMENT_RELATION}}},
    {"language:response_language", response_language, {{"language", ARGUMENT_TEXT}}},
    {"length_constraints:number_sentences", number_sentences,
     {{"num_sentences", ARGUMENT_NUMBER}, {"relation", ARGUMENT_RELATION}}},
    {"length_constraints:number_paragraphs", number_paragraphs,
     {{"num_paragraphs", ARGUMENT_NUMBER}}},
    {"length_constraints:number_words", number_words,
     {{"num_words", ARGUMENT_NUMBER}, {"relation", ARGUMENT_RELATION}}},
    {"length_constraints:nth_paragraph_first_word", nth_paragraph_first_word,
     {{"num_paragraphs", ARGUMENT_NUMBER}, {"nth_paragraph", ARGUMENT_NUMBER},
      {"first_word", ARGUMENT_TEXT}}},
    {"detectable_content:number_placeholders", number_placeholders,
     {{"num_placeholders", ARGUMENT_NUMBER}}},
    {"detectable_content:postscript", postscript, {{"postscript_marker", ARGUMENT_PATTERN}}},
    {"detectable_format:number_bullet_lists", number_bullet_lists,
     {{"num_bullets", ARGUMENT_NUMBER}}},
    {"detectable_format:constrained_response", constrained_response, {{NULL, 0}}},
    {"detectable_format:number_highlighted_sections", number_highlighted_sections,
     {{"num_highlights", ARGUMENT_NUMBER}}},
    {"detectable_format:multiple_sections", multiple_sections,
     {{"section_spliter", ARGUMENT_PATTERN}, {"num_sections", ARGUMENT_NUMBER}}},
    {"detectable_format:json_format", json_format, {{NULL, 0}}},
    {"detectable_format:title", title, {{NULL, 0}}},
    {"combination:two_responses", two_responses, {{NULL, 0}}},
    {"combination:repeat_prompt", repeat_prompt, {{"prompt_to_repeat", ARGUMENT_TEXT}}},
    {"startend:end_checker", end_checker, {{"end_phrase", ARGUMENT_TEXT}}},
    {"startend:quotation", quotation, {{NULL, 0}}},
    {"change_case:capital_word_frequency", capital_word_frequency,
     {{"capital_frequency", ARGUMENT_NUMBER}, {"capital_relation", ARGUMENT_RELATION}}},
    {"change_case:english_capital", english_capital, {{NULL, 0}}},
    {"change_case:english_lowercase", english_lowercase, {{NULL, 0}}},
    {"punctuation:no_comma", no_comma, {{NULL, 0}}},
};

const struct instruction *ifeval_find(const char *id)
{
    for (size_t i = 0; i < LENGTH(instructions); i++)
        if (strcmp(instructions[i].id, id) == 0)
            return &instructions[i];
    return NULL;
}
