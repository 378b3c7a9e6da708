/* The bank of facts: it is clean, its items are what facts.h promises, and the linter sees. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/facts.h"
#include "tasks/facts_bank.h"
#include "tasks/task.h"

#define SEED 1234

static struct facts *bank; /* the one in the program, open during every test */

static int open_bank(void **state)
{
    struct err e = ERR_NONE;

    (void)state;
    if (facts_open(&bank, SEED, &e) < 0)
        fail_msg("%s", e.text);
    return 0;
}

static int close_bank(void **state)
{
    (void)state;
    facts_close(bank);
    return 0;
}

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    print_message("          %s\n", line);
}

static void the_bank_has_no_complaint_of_the_linter(void **state)
{
    size_t n;
    const char *bytes = facts_bank_bytes(&n);
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(facts_lint(bytes, n, print_line, NULL, &e), 0);
}

static void the_bank_is_as_large_and_as_wide_as_promised(void **state)
{
    static const char *const domains[] = {
        "geography", "chemistry", "physics", "astronomy", "biology", "mathematics", "history",
        "literature", "art", "music", "technology", "language", "everyday knowledge"};
    int seen[13] = {0}, per_band[FACTS_BANDS] = {0}, per_language[FACTS_LANGUAGES] = {0};

    (void)state;
    assert_true(facts_count(bank) >= 1500);
    for (int i = 0; i < facts_count(bank); i++) {
        struct fact_info x = facts_info(bank, i);
        int known = 0;
        for (int d = 0; d < 13; d++)
            if (strcmp(domains[d], x.domain) == 0)
                known = ++seen[d];
        if (!known)
            fail_msg("domain \"%s\" of %s is not one of ours", x.domain, x.relation);
        per_band[bank->facts[i].band]++;
        per_language[bank->facts[i].language]++;
    }
    for (int d = 0; d < 13; d++) {
        if (seen[d] < 50 || seen[d] > facts_count(bank) / 5)
            fail_msg("%d of %d facts are about %s", seen[d], facts_count(bank), domains[d]);
    }
    for (int b = 0; b < FACTS_BANDS; b++)
        assert_true(per_band[b] * 5 > facts_count(bank));
    assert_true(per_language[1] * 3 > facts_count(bank)); /* a third or more is Chinese */
}

/* Scores of two banks may not be compared: whoever changes a row raises FACTS_VERSION, and then
 * writes the new digest here. */
static void a_changed_bank_has_a_new_version(void **state)
{
    (void)state;
    assert_int_equal(FACTS_VERSION, 2);
    assert_string_equal(facts_sha256(bank),
                        "46f369ad2e52a33b71e4c27e3bf104b070f861df9e7946eee6d02f0a079bf2d9");
}

static void every_file_is_named_after_its_relation(void **state)
{
    DIR *d = opendir("tasks/data/facts");
    struct dirent *entry;
    int n = 0;

    (void)state;
    if (!d)
        skip(); /* not run from the source tree */
    while ((entry = readdir(d))) {
        char *end = strstr(entry->d_name, ".jsonl");
        int found = 0;
        if (!end)
            continue;
        for (int i = 0; i < bank->n_relations; i++)
            found |= strlen(bank->relations[i].name) == (size_t)(end - entry->d_name) &&
                     strncmp(bank->relations[i].name, entry->d_name, end - entry->d_name) == 0;
        if (!found)
            fail_msg("%s holds another relation", entry->d_name);
        n++;
    }
    closedir(d);
    assert_int_equal(n, bank->n_relations);
}

static int find(const char *relation, const char *language, const char *id)
{
    for (int i = 0; i < facts_count(bank); i++) {
        struct fact_info x = facts_info(bank, i);
        if (!strcmp(x.relation, relation) && !strcmp(x.language, language) && !strcmp(x.id, id))
            return i;
    }
    fail_msg("no %s of %s", relation, id);
    return -1;
}

static void an_english_item_continues_after_a_blank(void **state)
{
    int i = find("capital", "en", "france");
    struct item it;

    (void)state;
    assert_int_equal(facts_item(bank, i, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "The capital of France is");
    assert_string_equal(it.queries[0].continuation, " Paris");
    assert_string_equal(it.gold, "Paris");
    assert_string_equal(it.cluster, "capital/france");
    assert_int_equal(it.gold_index, 0);
    assert_int_equal(it.doc_id, i);
    assert_int_equal(strlen(it.doc_hash), 64);
    assert_int_equal(strlen(it.prompt_hash), 64);
    item_release(&it);
}

static void a_chinese_item_continues_without_one(void **state)
{
    struct item it;
    int neutral = 0;

    (void)state;
    assert_int_equal(facts_item(bank, find("capital", "zh", "france"), &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "法国的首都是");
    assert_string_equal(it.queries[0].continuation, "巴黎");
    for (int q = 0; q < it.n_queries; q++)
        neutral += strcmp(it.queries[q].context, "这个国家的首都是") == 0;
    assert_true(neutral >= FACTS_CANDIDATES);
    item_release(&it);
}

static void a_sentence_that_opens_with_its_subject_opens_with_a_capital(void **state)
{
    char *s = facts_phrase("{s} ends in the", "the Nile");

    (void)state;
    assert_string_equal(s, "The Nile ends in the");
    mem_free(s);
    s = facts_phrase("Where is {s}?", "the Nile");
    assert_string_equal(s, "Where is the Nile?");
    mem_free(s);
}

static int begins(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static void no_wrong_answer_is_right_or_begins_as_the_right_one_does(void **state)
{
    int c[FACTS_CANDIDATES];

    (void)state;
    for (int i = 0; i < facts_count(bank); i++) {
        int k = facts_candidates(bank, i, c);
        assert_true(k >= 4 && k <= FACTS_CANDIDATES);
        assert_int_equal(c[0], i);
        for (int a = 1; a < k; a++) {
            assert_int_equal(bank->facts[c[a]].relation, bank->facts[i].relation);
            assert_int_equal(bank->facts[c[a]].language, bank->facts[i].language);
            assert_false(facts_clash(bank, i, c[a]));
            assert_false(begins(bank->facts[i].answer, bank->facts[c[a]].answer));
            assert_false(begins(bank->facts[c[a]].answer, bank->facts[i].answer));
            for (int b = 0; b < a; b++)
                assert_string_not_equal(bank->facts[c[a]].answer, bank->facts[c[b]].answer);
        }
    }
}

static const char small[] =
    "{\"relation\":\"r\",\"domain\":\"d\",\"source_kind\":\"k\",\"licence\":\"l\",\"templates\":"
    "{\"en\":[\"A {s} is\",\"B {s} is\",\"C {s} is\"]},\"neutral\":{\"en\":\"it\"}}\n"
    "{\"id\":\"a\",\"language\":\"en\",\"subject\":\"sa\",\"answer\":\"alpha\",\"band\":\"head\"}\n"
    "{\"id\":\"b\",\"language\":\"en\",\"subject\":\"sb\",\"answer\":\"beta\","
    "\"aliases\":[\"bee\"],\"band\":\"head\"}\n"
    "{\"id\":\"c\",\"language\":\"en\",\"subject\":\"sc\",\"answer\":\"gamma\","
    "\"also\":[\"delta\"],\"band\":\"tail\"}\n"
    "{\"id\":\"d\",\"language\":\"en\",\"subject\":\"sd\",\"answer\":\"delta\",\"band\":\"tail\"}\n"
    "{\"id\":\"d\",\"language\":\"en\",\"subject\":\"sd\",\"answer\":\"eps\",\"band\":\"tail\"}\n"
    "{\"id\":\"f\",\"language\":\"en\",\"subject\":\"sf\",\"answer\":\"zeta\",\"band\":\"tail\"}\n";

static void other_right_answers_are_never_offered(void **state)
{
    struct facts *f = NULL;
    int c[FACTS_CANDIDATES], k;

    (void)state;
    assert_int_equal(facts_parse(&f, small, strlen(small), 1, NULL), 0);
    k = facts_candidates(f, 2, c); /* c: delta is right as well, says "also" */
    assert_int_equal(k, 5);
    for (int i = 1; i < k; i++)
        assert_string_not_equal(f->facts[c[i]].answer, "delta");
    k = facts_candidates(f, 3, c); /* d: has two rows, eps is the other's answer */
    assert_int_equal(k, 5);
    for (int i = 1; i < k; i++)
        assert_string_not_equal(f->facts[c[i]].answer, "eps");
    facts_close(f);
}

/* Candidates come by rank of a hash of themselves: a new fact takes at most one place. */
static void an_item_keeps_its_wrong_answers_when_the_bank_grows(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct facts *was = NULL, *is = NULL;
    int changed = 0;

    (void)state;
    strbuf_add(&b, small, strchr(small, '\n') + 1 - small);
    for (int i = 0; i < 40; i++)
        strbuf_addf(&b, "{\"id\":\"i%d\",\"language\":\"en\",\"subject\":\"s%d\",\"answer\":"
                        "\"a%d\",\"band\":\"head\"}\n", i, i, i);
    assert_int_equal(facts_parse(&was, b.s, b.len, 1, NULL), 0);
    strbuf_adds(&b, "{\"id\":\"new\",\"language\":\"en\",\"subject\":\"new\",\"answer\":\"fresh\","
                    "\"band\":\"head\"}\n");
    assert_int_equal(facts_parse(&is, b.s, b.len, 1, NULL), 0);
    for (int i = 0; i < 40; i++) {
        int before[FACTS_CANDIDATES], after[FACTS_CANDIDATES], common = 0;
        assert_int_equal(facts_candidates(was, i, before), FACTS_CANDIDATES);
        assert_int_equal(facts_candidates(is, i, after), FACTS_CANDIDATES);
        for (int a = 0; a < FACTS_CANDIDATES; a++)
            for (int c = 0; c < FACTS_CANDIDATES; c++)
                common += before[a] == after[c];
        assert_true(common >= FACTS_CANDIDATES - 1);
        changed += common < FACTS_CANDIDATES;
    }
    assert_true(changed > 0 && changed < 30);
    facts_close(was);
    facts_close(is);
    strbuf_release(&b);
}

static void likelihoods_come_back_in_the_places_they_were_asked_from(void **state)
{
    int i = find("capital", "en", "ukraine"), c[FACTS_CANDIDATES];
    int k = facts_candidates(bank, i, c);
    struct facts_likelihoods v;
    struct item it;
    struct err e = ERR_NONE;
    double *nats;

    (void)state;
    assert_int_equal(facts_item(bank, i, &it, &e), 0);
    nats = mem_calloc(it.n_queries, sizeof *nats);
    for (int q = 0; q < it.n_queries; q++) /* the bytes of context and answer identify a query */
        nats[q] = -100.0 * strlen(it.queries[q].context) - strlen(it.queries[q].continuation);
    assert_int_equal(facts_decode(bank, i, nats, it.n_queries, &v, &e), 0);
    assert_int_equal(v.k, k);
    for (int t = 0; t < FACTS_TEMPLATES; t++) {
        const char *template = bank->relations[bank->facts[i].relation].templates[0][t];
        for (int a = 0; a < k; a++) {
            const struct fact *x = &bank->facts[c[a]];
            double bytes[2] = {strlen(template) - 3.0 + strlen("Ukraine"),
                               strlen(template) - 3.0 + strlen("the country")}, sum = 0;
            sum = exp(-1.0 - strlen(x->answer));
            for (int al = 0; al < x->n_aliases; al++)
                sum += exp(-1.0 - strlen(x->aliases[al]));
            assert_close(v.l[t * k + a], -100 * bytes[0] + log(sum), 1e-12);
            assert_close(v.m[t * k + a], -100 * bytes[1] + log(sum), 1e-12);
            assert_true(v.n[a] == strlen(x->answer));
        }
    }
    assert_int_equal(facts_decode(bank, i, nats, it.n_queries - 1, &v, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    mem_free(nats);
    item_release(&it);
}

static void score_queries(int i, double right, double wrong, double *value, char **prediction)
{
    struct item it;
    struct reply_text *r;
    struct verdict v;

    assert_int_equal(facts_item(bank, i, &it, NULL), 0);
    r = mem_calloc(it.n_queries, sizeof *r);
    for (int q = 0; q < it.n_queries; q++) {
        int about = strstr(it.queries[q].context, "France") != NULL;
        r[q].loglikelihood = !strcmp(it.queries[q].continuation, " Paris") && about ? right : wrong;
    }
    assert_int_equal(facts_score(bank, &it, r, &v, NULL), 0);
    assert_int_equal(v.n, 1);
    assert_string_equal(v.credits[0].metric, "acc");
    *value = v.credits[0].value;
    *prediction = v.prediction;
    mem_free(r);
    item_release(&it);
}

static void the_likeliest_answer_is_credited_and_a_tie_is_not(void **state)
{
    int i = find("capital", "en", "france");
    double value;
    char *prediction;

    (void)state;
    score_queries(i, -1, -10, &value, &prediction);
    assert_true(value == 1);
    assert_string_equal(prediction, "Paris");
    mem_free(prediction);
    score_queries(i, -20, -10, &value, &prediction);
    assert_true(value == 0);
    mem_free(prediction);
    score_queries(i, -10, -10, &value, &prediction);
    assert_true(value == 0);
    assert_string_not_equal(prediction, "Paris");
    mem_free(prediction);
}

static void a_sample_is_stratified_and_part_of_any_larger_one(void **state)
{
    int n = facts_count(bank);
    int *big = mem_calloc(n, sizeof *big), *little = mem_calloc(n, sizeof *little);
    static const int limits[] = {1, 17, 100, 200, 777, 1500};
    int had = 0;

    (void)state;
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        int got = facts_order(bank, limits[k], big), at = 0;
        assert_int_equal(got, limits[k]);
        for (int i = 0; i < had; i++) {
            while (at < got && big[at] < little[i])
                at++;
            assert_true(at < got && big[at] == little[i]);
        }
        memcpy(little, big, got * sizeof *big);
        had = got;
    }
    for (int l = 0; l < FACTS_LANGUAGES; l++) {
        for (int b = 0; b < FACTS_BANDS; b++) {
            double all = 0, drawn = 0;
            for (int i = 0; i < n; i++)
                all += bank->facts[i].language == l && bank->facts[i].band == b;
            for (int i = 0; i < had; i++)
                drawn += bank->facts[little[i]].language == l && bank->facts[little[i]].band == b;
            assert_true(fabs(drawn / had - all / n) < 0.02);
        }
    }
    assert_int_equal(facts_order(bank, 0, big), n);
    assert_int_equal(facts_order(bank, n + 5, big), n);
    for (int i = 0; i < n; i++)
        assert_int_equal(big[i], i);
    mem_free(big);
    mem_free(little);
}

static void other_seeds_draw_other_wrong_answers(void **state)
{
    struct facts *f = NULL;
    int a[FACTS_CANDIDATES], b[FACTS_CANDIDATES], i = find("capital", "en", "france");

    (void)state;
    assert_int_equal(facts_open(&f, SEED + 1, NULL), 0);
    facts_candidates(bank, i, a);
    facts_candidates(f, i, b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_string_equal(facts_sha256(f), facts_sha256(bank));
    facts_close(f);
}

static void count_line(void *ctx, const char *line)
{
    strbuf_adds(ctx, line);
    strbuf_addc(ctx, '\n');
}

/* Puts text in the place of what stands in small, and lets the linter say what it sees. */
static void lint_sees(const char *from, const char *to, const char *complaint)
{
    struct strbuf b = STRBUF_INIT, said = STRBUF_INIT;
    const char *at = strstr(small, from);

    assert_non_null(at);
    strbuf_add(&b, small, at - small);
    strbuf_adds(&b, to);
    strbuf_adds(&b, at + strlen(from));
    assert_true(facts_lint(b.s, b.len, count_line, &said, NULL) >= 1);
    if (!strstr(strbuf_str(&said), complaint))
        fail_msg("\"%s\" is not in: %s", complaint, strbuf_str(&said));
    strbuf_release(&b);
    strbuf_release(&said);
}

static void the_linter_names_file_and_line(void **state)
{
    (void)state;
    assert_int_equal(facts_lint(small, strlen(small), print_line, NULL, NULL), 0);
    lint_sees("\"subject\":\"sa\"", "\"subject\":\"the Alpha\"",
              "r.jsonl:2: the answer \"alpha\" stands in the subject");
    lint_sees("\"answer\":\"alpha\"", "\"answer\":\"is\"",
              "r.jsonl:2: the answer \"is\" stands in the phrasing");
    lint_sees("\"bee\"", "\"alpha\"", "r.jsonl:3: \"beta\" here and \"alpha\" on line 2: an alias");
    lint_sees("\"bee\"", "\"beta\"", "r.jsonl:3: the alias \"beta\" is the answer");
    lint_sees("\"bee\"", "\"beta ray\"",
              "r.jsonl:3: the longer of \"beta\" and \"beta ray\" counts twice");
    lint_sees("\"id\":\"b\"", "\"id\":\"a\"",
              "r.jsonl:3: the id \"a\" of line 2 with another subject");
    lint_sees("\"subject\":\"sb\"", "\"subject\":\"sa\"",
              "r.jsonl:3: the subject \"sa\" of line 2 under");
    lint_sees("\"eps\"", "\"delta\"", "r.jsonl:6: the same id and answer as line 5");
    lint_sees("\"eps\"", "\"beta\"", "r.jsonl:6: \"beta\" has other aliases than on line 3");
    lint_sees("\"gamma\"", "\"e\xcc\x81t\xc3\xa9\"", "composed form");
    lint_sees("\"id\":\"a\"", "\"id\":\"A b\"", "r.jsonl:2: id \"A b\"");
    lint_sees("\"B {s} is\"", "\"A {s} is\"", "r.jsonl:1: the same phrasing twice");
    lint_sees("\"B {s} is\"", "\"B is\"", "r.jsonl:1: a template without its one {s} for \"en\"");
    lint_sees("\"neutral\":{\"en\":\"it\"}", "\"neutral\":{}",
              "r.jsonl:1: missing or unusable \"en\"");
    lint_sees("\"licence\":\"l\",", "", "r.jsonl:1: missing or unusable \"licence\"");
    lint_sees("\"band\":\"head\"", "\"band\":\"hat\"", "r.jsonl:2: unknown band \"hat\"");
    lint_sees(",\"band\":\"head\"", "", "r.jsonl:2: missing or unusable \"band\"");
    lint_sees("\"language\":\"en\"", "\"language\":\"zh\"",
              "r.jsonl:2: the header has no templates for \"zh\"");
    lint_sees("\"answer\":\"alpha\"", "\"answer\":\"alpha \"",
              "r.jsonl:2: missing or unusable \"answer\"");
    lint_sees("\"answer\":\"alpha\"", "\"answer\":", "r.jsonl:2");
}

static void a_relation_with_three_answers_is_refused(void **state)
{
    const char *end = strstr(small, "{\"id\":\"d\"");
    struct strbuf said = STRBUF_INIT;

    (void)state;
    assert_true(facts_lint(small, end - small, count_line, &said, NULL) >= 1);
    assert_non_null(strstr(strbuf_str(&said), "r.jsonl:1: 3 different answers in en"));
    strbuf_release(&said);
}

static void translations_that_disagree_are_seen(void **state)
{
    struct strbuf b = STRBUF_INIT, said = STRBUF_INIT;
    static const char *const rows[][4] = {
        {"a", "one", "一"}, {"b", "two", "一"}, {"c", "three", "三"},
        {"d", "four", "四"}, {"e", "five", "五"}};

    (void)state;
    strbuf_adds(&b, "{\"relation\":\"r\",\"domain\":\"d\",\"source_kind\":\"k\",\"licence\":\"l\","
                    "\"templates\":{\"en\":[\"A {s}\",\"B {s}\",\"C {s}\"],\"zh\":[\"A{s}\","
                    "\"B{s}\",\"C{s}\"]},\"neutral\":{\"en\":\"it\",\"zh\":\"它\"}}\n");
    for (int i = 0; i < 5; i++) {
        strbuf_addf(&b, "{\"id\":\"%s\",\"language\":\"en\",\"subject\":\"s%s\",\"answer\":\"%s\","
                        "\"band\":\"head\"}\n", rows[i][0], rows[i][0], rows[i][1]);
        strbuf_addf(&b, "{\"id\":\"%s\",\"language\":\"zh\",\"subject\":\"z%s\",\"answer\":\"%s\","
                        "\"band\":\"%s\"}\n", rows[i][0], rows[i][0], rows[i][2],
                    i == 3 ? "tail" : "head");
    }
    assert_int_equal(facts_lint(b.s, b.len, count_line, &said, NULL), 2);
    assert_non_null(strstr(strbuf_str(&said),
                           "r.jsonl:5: \"一\" is \"two\" here, but \"one\" on line 2"));
    assert_non_null(strstr(strbuf_str(&said), "r.jsonl:9: \"d\" is in band head on line 8"));
    strbuf_release(&b);
    strbuf_release(&said);
}

static void every_refused_allocation_is_survived(void **state)
{
    long before = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct facts *f = NULL;
        struct item it = {0};
        struct reply_text replies[120] = {{0}};
        struct verdict v = {.n = 0};
        struct err e = ERR_NONE;
        int order[8];
        mem_fail_at(nth);
        rc = facts_parse(&f, small, strlen(small), 1, &e);
        if (rc == 0)
            rc = facts_item(f, 1, &it, &e);
        if (rc == 0)
            rc = facts_score(f, &it, replies, &v, &e);
        if (rc == 0 && facts_order(f, 2, order) < 0)
            rc = err_nomem(&e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        verdict_release(&v);
        item_release(&it);
        facts_close(f);
        assert_int_equal(mem_live(), before);
    }
}

static void the_linter_survives_every_refused_allocation(void **state)
{
    long before = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc != 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = facts_lint(small, strlen(small), NULL, NULL, &e);
        mem_fail_at(-1);
        assert_true(rc == 0 || (rc == -1 && e.code == ERR_NOMEM));
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bank_has_no_complaint_of_the_linter),
        cmocka_unit_test(the_bank_is_as_large_and_as_wide_as_promised),
        cmocka_unit_test(a_changed_bank_has_a_new_version),
        cmocka_unit_test(every_file_is_named_after_its_relation),
        cmocka_unit_test(an_english_item_continues_after_a_blank),
        cmocka_unit_test(a_chinese_item_continues_without_one),
        cmocka_unit_test(a_sentence_that_opens_with_its_subject_opens_with_a_capital),
        cmocka_unit_test(no_wrong_answer_is_right_or_begins_as_the_right_one_does),
        cmocka_unit_test(other_right_answers_are_never_offered),
        cmocka_unit_test(an_item_keeps_its_wrong_answers_when_the_bank_grows),
        cmocka_unit_test(likelihoods_come_back_in_the_places_they_were_asked_from),
        cmocka_unit_test(the_likeliest_answer_is_credited_and_a_tie_is_not),
        cmocka_unit_test(a_sample_is_stratified_and_part_of_any_larger_one),
        cmocka_unit_test(other_seeds_draw_other_wrong_answers),
        cmocka_unit_test(the_linter_names_file_and_line),
        cmocka_unit_test(a_relation_with_three_answers_is_refused),
        cmocka_unit_test(translations_that_disagree_are_seen),
        cmocka_unit_test(every_refused_allocation_is_survived),
        cmocka_unit_test(the_linter_survives_every_refused_allocation),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, open_bank, close_bank);
}
