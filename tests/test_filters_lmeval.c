/* Filters that lm-eval 0.4.11's tasks use beside its own few: 10,000 random texts for each against
 * SPANFilter and the classes of bbh/cot_zeroshot/utils.py.  Texts are drawn by tests/lmeval_cases.h,
 * the document before the text; a number is the FNV-1a hash of 1,000 outputs, a zero byte behind
 * each. */
#include "tests/test.h"

#include <string.h>

#include "base/mem.h"
#include "tasks/lmeval_filter_impl.h"
#include "tests/lmeval_cases.h"

enum { BLOCKS = 10, TEXTS = 1000 };
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const entities[] = {
    "per: ", "Person: ", "loc: ", "location:", "Ann", "the ", "Rome", ", ", "$", "$$", "none",
    "\n", "time: ", "date: 3", "org: ", "x", "persons", "ß",
};
static const char *const said[] = {
    "(A) ", "(B) ", "(C)", "the cat", "a dog\n", "yes", " no", "not plausible", "plausible ",
    "Options:\n", ":A", " : B", ".", "!", "^", "x", "It is ",
};
static const char *const listed[] = {
    "apple ", "bear", "cat ", "dog", "List: ", "Sort", "the ", "\n", "cats",
};

static void draw(struct strbuf *b, struct cases *c, const char *const *of, int n_of, int most)
{
    for (int n = cases_below(c, most + 1); n > 0; n--)
        strbuf_adds(b, of[cases_below(c, n_of)]);
}

static void choices(struct strbuf *b, struct cases *c)
{
    int n = cases_below(c, 4);

    strbuf_adds(b, "Q\nOptions:\n");
    for (int k = 0; k < n; k++) {
        strbuf_addf(b, "(%c) ", 'A' + k);
        draw(b, c, said + 3, 5, 2);
        strbuf_addc(b, '\n');
    }
}

static void list(struct strbuf *b, struct cases *c)
{
    static const char *const of[] = {"apple", "bear", "cat", "dog"};

    strbuf_adds(b, "Sort. List: ");
    for (int n = 1 + cases_below(c, 5), i = 0; i < n; i++)
        strbuf_addf(b, "%s%s", i ? " " : "", of[cases_below(c, 4)]);
}

static const struct {
    const char *name, *options;
    void (*input)(struct strbuf *b, struct cases *c); /* NULL: no document */
    const char *const *of;
    int n_of, most;
    uint64_t seed, want[BLOCKS];
} rows[] = {
    {"format_span", "function: format_span\n", NULL, entities, LENGTH(entities), 12, 61,
     {
      0x28262b7624815f0b, 0x2f27a8203618e0e8, 0xde51566b2c49f9eb, 0x258c8feb883174b5,
      0x348d3fbcd6536eda, 0xa5b9bc61a54e8e94, 0xe23d381fad5da7f2, 0x4d6d1fd138554e25,
      0xe5b73ecedb811198, 0x04631bbb452ee262}},
    {"MultiChoiceRegexFilter",
     "function: x\ngroup_select: -1\nignore_case: true\nignore_punctuation: true\n"
     "regex_pattern: \"(\\\\([A-Z]\\\\))\"\n",
     choices, said, LENGTH(said), 6, 62,
     {
      0x2d2059c90ded3b8b, 0x65b52c31bfaa0cc9, 0xf7fd024af3dba365, 0xc3d5049d6c4c2b9a,
      0xe3a6fcad2a12f137, 0xb7fc3e0e5b835015, 0x65af6073c4499b07, 0x34bacc11cf795dc3,
      0xf999e648c988067f, 0x5a41f9ebb8f9a9da}},
    {"MapRegexFilter",
     "function: x\ngroup_select: -1\nignore_case: true\nregex_pattern_to_value:\n"
     "  \\b(no|not plausible)\\b: \"no\"\n  \\b(yes|plausible)\\b: \"yes\"\n",
     NULL, said, LENGTH(said), 6, 63,
     {
      0xf9aefe852ffc9847, 0xd7dfd1bf55bde771, 0x45c3ec4ab51ba893, 0x8b9327969d8cdb49,
      0x2b9aecc1f30f8d99, 0x34f81dc03e6d4c3f, 0xf75dea1699caa769, 0x43162becbf553c59,
      0xd030d551de2cb26b, 0x36e102fffac37d19}},
    {"WordSortFilter", "function: x\n", list, listed, LENGTH(listed), 10, 64,
     {
      0x3d49803273da2707, 0x25baccd88cc6d283, 0xbd2084ca1991f3a5, 0xa36ad6ccd885da41,
      0x7121f8df0fc903ff, 0x2523d77867f30bcf, 0x62bed58d6f63679d, 0x74135ce88de2f61b,
      0x98889fc28286d08b, 0xf94e20340a392c71}},
};

static const struct filter_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < n_filter_functions; i++)
        if (strcmp(filter_functions[i].kind->name, name) == 0)
            return filter_functions[i].kind;
    return &filter_format_span;
}

static uint64_t fnv(uint64_t h, const char *s)
{
    do {
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    } while (*s++);
    return h;
}

/* One text through the filter, into the hash. */
static uint64_t filter(const struct filter_step *s, int row, struct cases *c, uint64_t h)
{
    struct strbuf input = STRBUF_INIT, text = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct answers a = {.v = mem_calloc(1, sizeof *a.v), .n = 1};
    cJSON *doc;

    if (rows[row].input)
        rows[row].input(&input, c);
    draw(&text, c, rows[row].of, rows[row].n_of, rows[row].most);
    json_begin();
    doc = cJSON_CreateObject();
    cJSON_AddStringToObject(doc, "input", strbuf_str(&input));
    a.v[0] = mem_strdup(strbuf_str(&text));
    if (s->kind->apply(s, &a, doc, &e) < 0)
        fail_msg("%s: %s", rows[row].name, e.text);
    h = fnv(h, a.v[0]);
    mem_free(a.v[0]);
    mem_free(a.v);
    json_free(doc);
    strbuf_release(&input);
    strbuf_release(&text);
    return h;
}

static void every_filter_is_the_original_on_10000_texts(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(rows); row++) {
        struct arena arena = {NULL};
        struct err e = ERR_NONE;
        struct cases c = {rows[row].seed};
        struct filter_step s = {.kind = kind_of(rows[row].name)};
        struct ynode *node = NULL;
        if (yamldoc_parse(&arena, rows[row].options, strlen(rows[row].options), "f", &node, &e) < 0)
            fail_msg("%s", e.text);
        s.node = node;
        if (s.kind->read && s.kind->read(&s, &arena, &e) < 0)
            fail_msg("%s", e.text);
        for (int b = 0; b < BLOCKS; b++) {
            uint64_t h = 0xcbf29ce484222325u;
            for (int i = 0; i < TEXTS; i++)
                h = filter(&s, row, &c, h);
            if (h != rows[row].want[b])
                fail_msg("%s: block %d differs", rows[row].name, b);
        }
        pyregex_close(s.regex);
        pyregex_close(s.find);
        for (int i = 0; i < s.n_ignore + s.n_map; i++)
            pyregex_close(s.ignore[i]);
        arena_release(&arena);
    }
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_is_the_original_on_10000_texts),
    };
    return RUN(tests);
}
