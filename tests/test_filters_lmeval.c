/* Filters that lm-eval 0.4.11's tasks use beside its own few: 10,000 random texts for each against
 * SPANFilter and the classes of bbh/cot_zeroshot/utils.py; then its own few.  Texts are drawn by tests/lmeval_cases.h,
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
    h = cases_hash(h, a.v[0], strlen(a.v[0]) + 1);
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
        struct arena arena = ARENA_INIT;
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

/* --- lm-eval's own, as pipelines of a task file ---------------------------------------------- */

static const char *const replies[] = {
    "(A) ", "(B)", " a ", "The answer is ", "12", "-3.5", "$4,000", "#### ", " 7", ",", ".", "\n", "É",
    "ß", "ǅ", "x", "  ", "yes", "No", "#### 12", "\u2003", "one",
};

static const struct {
    const char *name;
    int n_texts;
    uint64_t seed;
    const char *steps;
    uint64_t want[BLOCKS];
} own[] = {
    {"regex", 1, 81,
     "    - {function: regex, regex_pattern: '#### (\\-?[0-9\\.\\,]+)'}\n"
     "    - function: take_first\n"     ,
     {0x96b02c57ded3ac7e, 0x5110d82d4dde31a2, 0x5b77e4242c47a953, 0xd0b92fa0f58e37ef,
      0xdd305bbc1622fd7a, 0x9d3cbd7218a0b0eb, 0x36e0d07e47019b22, 0x2c91547452d858bf,
      0x0d82ae48907e3c55, 0x8168892a559f3200}},
    {"regex_last", 1, 82,
     "    - {function: regex, regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)', group_select: -1}\n"
     "    - function: take_first\n"     ,
     {0x60beab75e0bfdeb5, 0xa99b2c175acf9609, 0x559b4c908aea3edd, 0x5309ec14fdc6e8e7,
      0x6a40e778ee8dde7d, 0x999b50209f0980ee, 0x31a8cec62694cc3a, 0xe1411372a45a2e35,
      0x7c839c411ce4f9c6, 0x915e7d095298cb59}},
    {"regex_fb", 1, 83,
     "    - {function: regex, regex_pattern: '(?i)answer is\\s*(\\S+)?(.)?', group_select: -1, fallback: none}\n"
     "    - function: take_first\n"     ,
     {0x911344956d347b9c, 0x8f9cec6c00d19a82, 0x7d412c69fc06564a, 0x0aa242ba3f704e7b,
      0x3440fa18d14ed310, 0x8f7a1749c9397840, 0xa4089104d74ffa76, 0x6a40cdf28e606893,
      0x73c77afc7ac9b3cb, 0xf93138f0de2f579a}},
    {"case", 1, 84,
     "    - function: remove_whitespace\n"
     "    - function: lowercase\n"
     "    - function: take_first\n"     ,
     {0x09c8d40ecf605514, 0xd34ccf945a052d7b, 0xb010070df0bb1ca5, 0x8f44cff23d67132a,
      0xc2f09e333d9db85d, 0xf3367a72130ef594, 0x004ed3aa1b1c3838, 0xd386826acace64d1,
      0x4b226b33b4f783b0, 0xbddf639c0b5a95dd}},
    {"upper", 1, 85,
     "    - function: uppercase\n"
     "    - function: remove_whitespace\n"
     "    - function: take_first\n"     ,
     {0xf06f3d3b00bdad1e, 0x906b393bb3e71930, 0xd2c16a40a80038dd, 0x309437ce731899eb,
      0xa9cbf3612dde0b97, 0xab29dc239605c235, 0x606e9105a4e7d8b3, 0x2181ec89b578f5fe,
      0x0de74ed7d8db80f5, 0x4ef08f1061087e73}},
    {"map", 1, 86,
     "    - function: remove_whitespace\n"
     "    - {function: map, mapping_dict: {'yes': '1', 'No': '2', '12': '3'}, default_value: none}\n"
     "    - function: take_first\n"     ,
     {0x40d3ffdf89932d1f, 0x39f2a828e903e7da, 0x2fbb339d19ad0115, 0x3c365f2f7b1daee3,
      0xf5a29627b5318cf5, 0x47b16c45c8d990d5, 0xcbe2fde711d7267e, 0x489965260dd1f61a,
      0x4b1a75f419a0982e, 0x4935d25fa6edc6a7}},
    {"vote", 7, 87,
     "    - {function: regex, regex_pattern: '([0-9]+)'}\n"
     "    - function: majority_vote\n"
     "    - function: take_first\n"     ,
     {0x63d1ac15456c3697, 0x2649e3ab6c7af2a3, 0x23a46b2e78038d30, 0x17afc84c783d3f22,
      0x0244ee1199263204, 0xfc331aeb81efd5aa, 0x67107f47f22ae6f8, 0x0448b477d2b78d88,
      0x77ac1b995e39dba5, 0x394a7e530315c984}},
    {"vote_k", 7, 88,
     "    - {function: take_first_k, k: 4}\n"
     "    - function: remove_whitespace\n"
     "    - function: majority_vote\n"
     "    - function: take_first\n"     ,
     {0x5e989abceedac431, 0x4e57796b36180731, 0xc9923aeaf86efc78, 0x9ac163775c4a5615,
      0xbcad0aaa1eefe097, 0xb846362f1d71b3e2, 0x50c70b713008568d, 0xe944919680972fb7,
      0x76ce9cb30b9b69bd, 0x85da96c3d3682199}},
};

static uint64_t run_own(const struct pipeline *p, int n, struct cases *c, uint64_t h)
{
    struct strbuf b[8];
    const char *texts[8];
    struct err e = ERR_NONE;
    char *out = NULL;

    for (int i = 0; i < n; i++) {
        b[i] = STRBUF_INIT;
        draw(&b[i], c, replies, LENGTH(replies), n == 1 ? 6 : 2);
        texts[i] = strbuf_str(&b[i]);
    }
    if (pipeline_run(p, texts, n, NULL, &out, &e) < 0)
        fail_msg("%s", e.text);
    h = cases_hash(h, out, strlen(out) + 1);
    mem_free(out);
    for (int i = 0; i < n; i++)
        strbuf_release(&b[i]);
    return h;
}

static void lm_evals_own_filters_are_the_original_on_10000_texts(void **state)
{
    (void)state;
    for (int row = 0; row < LENGTH(own); row++) {
        struct arena arena = ARENA_INIT;
        struct strbuf yaml = STRBUF_INIT;
        struct err e = ERR_NONE;
        struct cases c = {own[row].seed};
        struct ynode *node = NULL;
        struct pipelines p;
        strbuf_addf(&yaml, "- name: n\n  filter:\n%s", own[row].steps);
        if (yamldoc_parse(&arena, yaml.s, yaml.len, "f", &node, &e) < 0 ||
            pipelines_read(&p, &arena, node, &e) < 0)
            fail_msg("%s", e.text);
        for (int b = 0; b < BLOCKS; b++) {
            uint64_t h = 0xcbf29ce484222325u;
            for (int i = 0; i < TEXTS; i++)
                h = run_own(&p.v[0], own[row].n_texts, &c, h);
            if (h != own[row].want[b])
                fail_msg("%s: block %d differs", own[row].name, b);
        }
        pipelines_release(&p);
        strbuf_release(&yaml);
        arena_release(&arena);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_match_is_chosen_from_either_end(void **state)
{
    static const struct {
        const char *text;
        int select, rc;
        const char *found;
    } picks[] = {
        {"a1 b2 c3", 0, 1, "a"},  {"a1 b2 c3", 1, 1, "b"},  {"a1 b2 c3", 2, 1, "c"},
        {"a1 b2 c3", 3, -1, ""},  {"a1 b2 c3", -1, 1, "c"}, {"a1 b2 c3", -2, 1, "b"},
        {"a1 b2 c3", -3, -1, ""}, {"a1", -1, 1, "a"},       {"a1", -2, -1, ""},
        {"a1", 1, -1, ""},        {"none", 0, 0, ""},       {"", -1, 0, ""},
    };
    struct pyregex *r = NULL;
    struct span found;
    (void)state;
    assert_int_equal(pyregex_open(&r, "([a-z])\\d", NULL), 0);
    for (size_t i = 0; i < sizeof picks / sizeof picks[0]; i++) {
        assert_int_equal(filter_pick(r, picks[i].text, picks[i].select, &found, NULL), picks[i].rc);
        if (picks[i].rc == 1)
            assert_true(found.n == 1 && found.s[0] == picks[i].found[0]);
    }
    pyregex_close(r);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_is_chosen_from_either_end),
        cmocka_unit_test(every_filter_is_the_original_on_10000_texts),
        cmocka_unit_test(lm_evals_own_filters_are_the_original_on_10000_texts),
    };
    return RUN(tests);
}
