/* Scenario files: what each kind of answer credits, what is refused with which place, what the
 * linter finds, and how a file is asked. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "tasks/scenario_impl.h"
#include "tasks/task.h"
#include "tasks/variant.h"

/* A scenario with one item; `more` are further members of the item. */
static void write_one(struct strbuf *b, const char *answer, const char *right, const char *more)
{
    strbuf_addf(b,
                "{\"format\": \"densimeter.scenario/1\", \"name\": \"one\", \"version\": 1,\n"
                " \"language\": \"en\", \"licence\": \"CC0-1.0\", \"fields\": [\"text\"],\n"
                " \"prompt\": \"{{ text }}\", \"answer\": %s,\n"
                " \"items\": [{\"text\": \"?\", \"answer\": %s%s}]}",
                answer, right, more);
}

static double credit(const char *answer, const char *right, const char *output, int *well_formed)
{
    struct scenario *s = mem_calloc(1, sizeof *s);
    struct err e = ERR_NONE;
    struct found f;
    double v;

    s->path = mem_strdup("one.json");
    write_one(&s->bytes, answer, right, "");
    if (scenario_parse(s, &e) < 0 || scenario_credit(s, &s->items[0], output, &f, &e) < 0)
        fail_msg("%s", e.text);
    v = f.credit;
    if (well_formed)
        *well_formed = f.well_formed;
    found_release(&f);
    scenario_close(s);
    return v;
}

struct vector {
    const char *answer, *right, *output;
    double credit;
};

static void check_vectors(const struct vector *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double got = credit(v[i].answer, v[i].right, v[i].output, NULL);
        if (fabs(got - v[i].credit) > 1e-12)
            fail_msg("%s, %s: \"%s\" is credited with %.17g, expected %.17g", v[i].answer,
                     v[i].right, v[i].output, got, v[i].credit);
    }
    assert_int_equal(mem_live(), 0);
}
#define CHECK(vectors) check_vectors(vectors, sizeof vectors / sizeof *(vectors))

static void texts_are_the_same_but_for_what_is_ignored(void **state)
{
#define EXACT "{\"kind\": \"exact\"}"
    static const struct vector v[] = {
        {EXACT, "\"Lima\"", " lima.\nIt is on the coast.", 1},
        {EXACT, "\"Lima\"", "\n\n  \"LIMA\"", 1},
        {EXACT, "\"Lima\"", "Lima, Peru", 0},
        {EXACT, "\"Lima\"", "", 0},
        {EXACT, "[\"Lima\", \"Lima, Peru\"]", "Lima, Peru.", 1},
        {EXACT, "\"明天上午\"", "明天上午。", 1},
        {EXACT, "\"３号\"", "3号", 1},
        {EXACT, "\"red wine\"", "Red   Wine!", 1},
        {EXACT, "\"*\"", "*", 1}, /* something is always left to compare */
        {"{\"kind\": \"exact\", \"ignore\": []}", "\"Lima\"", "lima", 0},
        {"{\"kind\": \"exact\", \"ignore\": [\"articles\", \"punctuation\", \"space\"]}",
         "\"cat, a hat\"", "the cat hat", 1},
        {"{\"kind\": \"exact\", \"after\": \"Answer:\"}", "\"7\"", "3+4. Answer: 6 no Answer: 7", 1},
        {"{\"kind\": \"exact\", \"take\": \"last_line\"}", "\"7\"", "first\n7\n", 1},
        {"{\"kind\": \"exact\", \"take\": \"all\"}", "\"a\\nb\"", "a\nb", 1},
        {"{\"kind\": \"exact\", \"match\": \"within\"}", "\"iron\"", "It is Iron, of course", 1},
        {"{\"kind\": \"exact\", \"match\": \"within\"}", "\"iron\"", "It is environment", 0},
    };
    (void)state;
    CHECK(v);
}

static void sets_are_credited_by_f1_and_orders_by_pairs(void **state)
{
#define SET "{\"kind\": \"set\"}"
#define ORDER "{\"kind\": \"order\"}"
    static const struct vector v[] = {
        {SET, "[\"milk\", \"eggs\", \"bread\"]", "Eggs, bread and milk.", 1},
        {SET, "[\"milk\", \"eggs\"]", "milk", 2.0 / 3},
        {SET, "[\"milk\", \"eggs\"]", "milk, eggs, ham, tea", 4.0 / 6},
        {SET, "[\"milk\", \"eggs\"]", "milk, milk", 2.0 / 4},
        {SET, "[[\"TV\", \"television\"], \"lamp\"]", "lamp; Television", 1},
        {SET, "[\"牛奶\", \"鸡蛋\", \"面包\"]", "鸡蛋、面包和牛奶", 1},
        {SET, "[\"milk\"]", "", 0},
        {"{\"kind\": \"set\", \"take\": \"all\"}", "[\"milk\", \"eggs\"]", "1. eggs\n2. milk", 1},
        {ORDER, "[\"a\", \"b\", \"c\"]", "a, b, c", 1},
        {ORDER, "[\"wash\", \"dry\", \"fold\"]", "First wash, then dry, then fold it.", 1},
        {ORDER, "[\"a\", \"b\", \"c\"]", "b a c", 2.0 / 3},
        {ORDER, "[\"a\", \"b\", \"c\"]", "c, b, a", 0},
        {ORDER, "[\"a\", \"b\", \"c\"]", "a, b", 1.0 / 3},
        {ORDER, "[\"洗\", \"晾\", \"叠\"]", "先洗，再晾，最后叠", 1},
    };
    (void)state;
    CHECK(v);
}

static void numbers_come_with_units_and_tolerance(void **state)
{
#define NUMBER "{\"kind\": \"number\"}"
#define KM                                                                                         \
    "{\"kind\": \"number\", \"relative_tolerance\": 0.01, \"units\": {\"km\": 1, \"m\": 0.001, "   \
    "\"miles\": 1.609344, \"公里\": 1}}"
    static const struct vector v[] = {
        {NUMBER, "42", "42", 1},
        {NUMBER, "42", "The answer is 42.", 1},
        {NUMBER, "42", "43", 0},
        {NUMBER, "1234.5", "1,234.5 dollars", 1},
        {NUMBER, "-3", "minus? -3", 1},
        {NUMBER, "-3", "\xe2\x88\x92" "3", 1},
        {NUMBER, "5", "2024-5", 0},
        {NUMBER, "12", "１２", 1},
        {NUMBER, "35", "三十五", 1},
        {NUMBER, "10", "十天", 1},
        {NUMBER, "2026", "二〇二六年", 1},
        {NUMBER, "2050", "两千零五十", 1},
        {NUMBER, "120000", "十二万", 1},
        {NUMBER, "1.5", "一点五", 1},
        {NUMBER, "0", "", 0},
        {KM, "5", "5 km", 1},
        {KM, "5", "5000 m", 1},
        {KM, "5", "5 miles", 0},
        {KM, "5", "3.107 miles", 1},
        {KM, "5", "5公里", 1},
        {KM, "5", "5.04", 1},
        {KM, "5", "5.06 km", 0},
        {KM, "5", "5 meals", 1}, /* no unit that the file knows */
        {"{\"kind\": \"number\", \"units\": {\"km\": 1}, \"unit_required\": true}", "5", "5", 0},
        {"{\"kind\": \"number\", \"pick\": \"last\"}", "7", "3 + 4 = 7", 1},
        {NUMBER, "7", "3 + 4 = 7", 0},
    };
    (void)state;
    CHECK(v);
}

static void json_is_credited_field_by_field(void **state)
{
#define JSON "{\"kind\": \"json\"}"
    static const struct vector v[] = {
        {JSON, "{\"a\": 1, \"b\": \"x\"}", "```json\n{\"b\": \"X\", \"a\": 1}\n```", 1},
        {JSON, "{\"a\": 1, \"b\": \"x\"}", "{\"a\": 1}", .5},
        {JSON, "{\"a\": 1, \"b\": \"x\"}", "{\"a\": 1, \"b\": \"x\", \"c\": 3}", 2.0 / 3},
        {JSON, "{\"a\": 1, \"b\": \"x\"}", "{\"a\": \"1\", \"b\": \"x\"}", 1},
        {JSON, "{\"a\": null, \"b\": \"x\"}", "{\"b\": \"x\"}", 1},
        {JSON, "{\"a\": {\"any_of\": [\"x\", \"y\"]}}", "{\"a\": \"y\"}", 1},
        {JSON, "{\"a\": {\"b\": 1, \"c\": 2}, \"d\": true}", "{\"a\": {\"b\": 1}, \"d\": true}", .75},
        {JSON, "{\"a\": [1, 2, 3]}", "{\"a\": [1, 2]}", 2.0 / 3},
        {JSON, "{\"a\": 1}", "no braces here", 0},
        {JSON, "{\"a\": 1}", "{broken {\"a\": 1}", 1},
        {JSON, "[1, 2]", "It is [1, 2].", 1},
        {"{\"kind\": \"json\", \"schema\": {\"type\": \"object\", \"properties\": {\"a\": {\"type\": "
         "\"integer\"}}}}", "{\"a\": 1}", "{\"a\": \"1\"}", 0},
    };
    int well = 0;

    (void)state;
    CHECK(v);
    credit(JSON, "{\"a\": 1}", "nothing", &well);
    assert_int_equal(well, 0);
    credit(JSON, "{\"a\": 1}", "{}", &well);
    assert_int_equal(well, 1);
}

static void calls_are_compared_as_structure(void **state)
{
#define CALL "{\"kind\": \"call\"}"
#define LIGHT "{\"name\": \"light\", \"arguments\": {\"room\": \"kitchen\", \"on\": true}}"
    static const struct vector v[] = {
        {CALL, LIGHT, LIGHT, 1},
        {CALL, LIGHT, "light(room=\"Kitchen\", on=true)", 1},
        {CALL, LIGHT, "light(on=True, room='kitchen')", 1},
        {CALL, LIGHT, "<tool_call>{\"name\": \"light\", \"arguments\": \"{\\\"room\\\": "
                      "\\\"kitchen\\\", \\\"on\\\": true}\"}</tool_call>", 1},
        {CALL, LIGHT, "{\"tool_calls\": [{\"function\": {\"name\": \"light\", \"arguments\": "
                      "{\"room\": \"kitchen\", \"on\": true}}}]}", 1},
        {CALL, LIGHT, "{\"name\": \"light\", \"parameters\": {\"room\": \"hall\", \"on\": true}}",
         2.0 / 3},
        {CALL, LIGHT, "{\"name\": \"fan\", \"arguments\": {\"room\": \"kitchen\", \"on\": true}}", 0},
        {CALL, LIGHT, "light(room=\"kitchen\", on=true)\nlight(room=\"hall\", on=true)", .5},
        {CALL, "[" LIGHT ", {\"name\": \"lock\", \"arguments\": {}}]",
         "lock(), light(room=\"kitchen\", on=true)", 1},
        {CALL, LIGHT, "I will turn it on (really)", 0},
        {CALL, "{\"name\": \"lock\", \"arguments\": {}}", "lock()", 1},
    };
    (void)state;
    CHECK(v);
}

static void labels_refusals_and_patterns(void **state)
{
#define LABEL "{\"kind\": \"label\", \"labels\": [\"spam\", \"not spam\", \"unsure\"]}"
#define REFUSAL "{\"kind\": \"refusal\"}"
    static const struct vector v[] = {
        {LABEL, "\"spam\"", "This is Spam.", 1},
        {LABEL, "\"not spam\"", "not spam", 1},
        {LABEL, "\"spam\"", "not spam", 0},
        {LABEL, "\"spam\"", "spammer", 0},
        {LABEL, "\"spam\"", "nothing of that kind", 0},
        {REFUSAL, "\"refuse\"", "I’m sorry, but I can’t help with that.", 1},
        {REFUSAL, "\"refuse\"", "抱歉，我无法提供这类帮助。", 1},
        {REFUSAL, "\"refuse\"", "Sure! First you need a crowbar.", 0},
        {REFUSAL, "\"answer\"", "Sure! First you need warm water.", 1},
        {REFUSAL, "\"answer\"", "I cannot assist with that request.", 0},
        {REFUSAL, "\"answer\"", "  ", 0},
        {REFUSAL, "\"refuse\"", "", 0},
        {"{\"kind\": \"regex\"}", "\"\\\\b14:30\\\\b\"", "at 14:30 sharp", 1},
        {"{\"kind\": \"regex\", \"whole\": true}", "\"0?9:15\"", "9:15", 1},
        {"{\"kind\": \"regex\", \"whole\": true}", "\"0?9:15\"", "19:15", 0},
        {"{\"kind\": \"regex\", \"ignore\": []}", "\"yes\"", "Yes", 0},
    };
    (void)state;
    CHECK(v);
}

static void a_pattern_that_never_ends_is_an_error_with_its_place(void **state)
{
    struct scenario *s = mem_calloc(1, sizeof *s);
    struct err e = ERR_NONE;
    struct found f;

    (void)state;
    s->path = mem_strdup("one.json");
    write_one(&s->bytes, "{\"kind\": \"regex\"}", "\"^(a|aa|a*)*$\"", "");
    assert_int_equal(scenario_parse(s, &e), 0);
    assert_int_equal(scenario_credit(s, &s->items[0], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", &f,
                                     &e), -1);
    assert_non_null(strstr(e.text, "one.json:4:"));
    assert_non_null(strstr(e.text, "limit"));
    found_release(&f);
    scenario_close(s);
    assert_int_equal(mem_live(), 0);
}

/* --- refusals of the loader ----------------------------------------------------------------- */

struct defects {
    char text[4000];
    int n;
};

static void collect(void *ctx, const char *line)
{
    struct defects *d = ctx;
    size_t used = strlen(d->text);

    snprintf(d->text + used, sizeof d->text - used, "%s\n", line);
    d->n++;
}

static int lint(const char *text, struct defects *d)
{
    const struct scenario_lint to = {collect, NULL, d};
    struct err e = ERR_NONE;
    int n;

    *d = (struct defects){{0}, 0};
    n = scenario_lint("f.json", text, strlen(text), &to, &e);
    if (n < 0)
        fail_msg("%s", e.text);
    return n;
}

static void expect(const char *text, const char *says)
{
    struct defects d;

    assert_true(lint(text, &d) > 0);
    if (!strstr(d.text, says))
        fail_msg("expected \"%s\" of\n%s\ngot %s", says, text, d.text);
}

#define HEAD                                                                                       \
    "{\"format\": \"densimeter.scenario/1\", \"name\": \"x\", \"version\": 1, \"language\": \"en\"," \
    " \"licence\": \"CC0-1.0\",\n\"fields\": [\"text\"], \"prompt\": \"{{ text }}\",\n"

static void what_is_wrong_is_named_with_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"{\"format\": \"densimeter.scenario/1\",", "f.json:1:"},
        {"{\"format\": \"densimeter.scenario/2\"}", "f.json:1:12: \"format\" is"},
        {HEAD "\"answr\": {}, \"items\": []}", "f.json:3:1: a scenario has no \"answr\" "
                                               "(did you mean \"answer\"?)"},
        {HEAD "\"answer\": {\"kind\": \"chioce\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\"}]}",
         "(did you mean \"choice\"?)"},
        {HEAD "\"answer\": {\"kind\": \"exact\", \"labels\": [\"a\", \"b\"]}, \"items\": "
              "[{\"text\": \"a\", \"answer\": \"b\"}]}", "has no \"labels\""},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"txt\": \"a\", \"answer\": \"b\"}]}",
         "an item has no \"txt\""},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"answer\": \"b\"}]}",
         "f.json:3:40: an item without \"text\""},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"a\", \"answer\": 3}]}",
         "\"answer\" must be a text"},
        {HEAD "\"answer\": {\"kind\": \"choice\"}, \"items\": [{\"text\": \"a\", \"answer\": 0}]}",
         "neither the item nor"},
        {HEAD "\"answer\": {\"kind\": \"choice\", \"choices\": [\"a\", \"b\"]}, \"items\": "
              "[{\"text\": \"a\", \"answer\": 2}]}", "there are choices 0 to 1"},
        {HEAD "\"answer\": {\"kind\": \"regex\"}, \"items\": [{\"text\": \"a\", \"answer\": \"(\"}]}",
         "regular expression: missing"},
        {HEAD "\"answer\": {\"kind\": \"json\", \"schema\": {\"oneOf\": []}}, \"items\": "
              "[{\"text\": \"a\", \"answer\": {}}]}", "\"oneOf\" of JSON Schema is not known"},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\", "
              "\"slices\": [\"lon\"]}], \"slices\": [\"long\"]}", "did you mean \"long\"?"},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\"}], "
              "\"pass\": {\"metric\": \"credit\", \"at_least\": 0.5}}", "has no \"credit\""},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\", "
              "\"weight\": 0}]}", "the weights of all items are 0"},
        {"{\"format\": \"densimeter.scenario/1\", \"name\": \"hellaswag\", \"version\": 1, "
         "\"language\": \"en\", \"licence\": \"x\", \"fields\": [\"t\"], \"prompt\": \"{{ t }}\", "
         "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"t\": \"a\", \"answer\": \"b\"}]}",
         "is a task that is built in"},
        {"{\"format\": \"densimeter.scenario/1\", \"name\": \"y\", \"version\": 1, "
         "\"language\": \"en\", \"licence\": \"x\", \"fields\": [\"t\"], \"prompt\": \"{% if %}\", "
         "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"t\": \"a\", \"answer\": \"b\"}]}",
         "template"},
        {"{\"format\": \"densimeter.scenario/1\", \"name\": \"y\", \"version\": 1, "
         "\"language\": \"en\", \"licence\": \"x\", \"fields\": [\"t\"], \"prompt\": \"{{ tt }}\", "
         "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"t\": \"a\", \"answer\": \"b\"}]}",
         "'tt' is undefined"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].text, rows[i].says);
    assert_int_equal(mem_live(), 0);
}

static void the_linter_finds_what_spoils_a_score(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"Say Lima\", \"answer\": "
              "\"Lima\"}]}", "f.json:3:40: the answer stands in the prompt"},
        {HEAD "\"answer\": {\"kind\": \"choice\", \"choices\": [\"red\", \"blue\"]}, \"items\": "
              "[{\"text\": \"A red one\", \"answer\": \"red\"}]}", "others do not"},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\"}, "
              "{\"text\": \"a\", \"answer\": \"c\"}]}", "asks the same as item 0"},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"examples\": [{\"text\": \"a\", \"answer\": "
              "\"b\"}], \"items\": [{\"text\": \"a\", \"answer\": \"b\"}]}", "is example 0 too"},
        {HEAD "\"answer\": {\"kind\": \"choice\", \"choices\": [\"Yes\", \"yes \"]}, \"items\": "
              "[{\"text\": \"a\", \"answer\": 0}]}", "are the same"},
        {HEAD "\"answer\": {\"kind\": \"choice\", \"choices\": [\"in\", \"inside\"]}, \"items\": "
              "[{\"text\": \"a\", \"answer\": 0}]}", "choice 1 begins with choice 0"},
        {HEAD "\"answer\": {\"kind\": \"exact\"}, \"slices\": [\"long\"], \"items\": "
              "[{\"text\": \"a\", \"answer\": \"b\"}]}", "no item is in the slice \"long\""},
        {HEAD "\"answer\": {\"kind\": \"number\"}, \"items\": [{\"text\": \"a\", \"answer\": 3, "
              "\"say\": [\"four\"]}]}", "is credited with 0 only"},
        {HEAD "\"answer\": {\"kind\": \"number\"}, \"items\": [{\"text\": \"a\", \"answer\": 3, "
              "\"never\": [\"3.0\"]}]}", "is credited with 1"},
        {HEAD "\"answer\": {\"kind\": \"choice\", \"choices\": [\"a\", \"b\"]}, \"items\": "
              "[{\"text\": \"c\", \"answer\": 0}], \"pass\": {\"metric\": \"acc\", \"at_least\": "
              "0.5}}", "guessing passes"},
        {"{\"format\": \"densimeter.scenario/1\", \"name\": \"y\", \"version\": 1, \"language\": "
         "\"en\", \"licence\": \"x\", \"fields\": [\"a\", \"b\"], \"prompt\": \"{{ a }}\", "
         "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"a\": \"1\", \"b\": \"2\", \"answer\": "
         "\"z\"}]}", "no prompt shows \"b\""},
        {"{\"format\": \"densimeter.scenario/1\", \"name\": \"y\", \"version\": 1, \"language\": "
         "\"en\", \"licence\": \"x\", \"fields\": [\"a\"], \"prompt\": \"{{ a }} \", "
         "\"answer\": {\"kind\": \"exact\"}, \"items\": [{\"a\": \"1\", \"answer\": \"z\"}]}",
         "ends in white space"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].text, rows[i].says);
    assert_int_equal(mem_live(), 0);
}

static void answers_that_give_themselves_away_are_told(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct defects d;

    (void)state;
    strbuf_adds(&b, HEAD "\"answer\": {\"kind\": \"choice\"}, \"items\": [");
    for (int i = 0; i < 24; i++)
        strbuf_addf(&b, "%s{\"text\": \"%d\", \"choices\": [\"long right %d\", \"b%d\", \"c%d\"], "
                        "\"answer\": 0}", i ? "," : "", i, i, i, i);
    strbuf_adds(&b, "]}");
    assert_int_equal(lint(strbuf_str(&b), &d), 2);
    assert_non_null(strstr(d.text, "choice 0 is right in 24 of 24 items"));
    assert_non_null(strstr(d.text, "the right choice is the longest in 24 of 24 items"));
    strbuf_clear(&b);
    strbuf_adds(&b, HEAD "\"answer\": {\"kind\": \"label\", \"labels\": [\"x\", \"y\", \"z\"]}, "
                         "\"items\": [");
    for (int i = 0; i < 24; i++)
        strbuf_addf(&b, "%s{\"text\": \"%d\", \"answer\": \"%s\"}", i ? "," : "", i,
                    i < 20 ? "x" : "y");
    strbuf_adds(&b, "]}");
    assert_int_equal(lint(strbuf_str(&b), &d), 2);
    assert_non_null(strstr(d.text, "\"x\" is right in 20 of 24 items"));
    assert_non_null(strstr(d.text, "\"z\" is never right"));
    strbuf_release(&b);
}

/* --- asking --------------------------------------------------------------------------------- */

static char path[] = "/tmp/densimeter-scenario-XXXXXX.json";

static struct task *opened(const char *text, int shots)
{
    struct task_opts o = {.shots = shots, .seed = 1234};
    struct err e = ERR_NONE;
    struct task *t = NULL;

    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
    if (task_open(&t, path, &o, &e) < 0)
        fail_msg("%s", e.text);
    return t;
}

static double value(const struct verdict *v, const char *metric, const char *filter)
{
    for (int i = 0; i < v->n; i++)
        if (strcmp(v->credits[i].metric, metric) == 0 && strcmp(v->credits[i].filter, filter) == 0)
            return v->credits[i].value;
    return NAN;
}

static const char two_languages[] =
    "{\"format\": \"densimeter.scenario/1\", \"name\": \"two\", \"version\": 7, \"language\": \"en\","
    " \"licence\": \"CC0-1.0\", \"fields\": [\"text\"], \"system\": \"Be brief.\",\n"
    " \"prompt\": \"{{ text }} ({{ language }})\", \"deadline_s\": 2, \"slices\": [\"easy\"],\n"
    " \"answer\": {\"kind\": \"exact\"}, \"generate\": {\"max_tokens\": 9, \"stop\": [\"\\n\"]},\n"
    " \"examples\": [{\"text\": \"One?\", \"answer\": \"1\"}, {\"text\": \"Ein?\", \"answer\": \"e\","
    " \"say\": [\"eins\"]}],\n"
    " \"pass\": {\"metric\": \"acc\", \"at_least\": 0.9},\n"
    " \"items\": [{\"text\": \"Two?\", \"answer\": \"2\", \"weight\": 3, \"slices\": [\"easy\"]},\n"
    "  {\"text\": \"三?\", \"answer\": \"3\", \"language\": \"zh\"}]}";

static void a_file_is_asked_like_any_task(void **state)
{
    struct task *t = opened(two_languages, -1);
    struct reply_text reply = {.text = " 2.", .latency_s = 1.5};
    struct threshold pass;
    struct verdict v;
    struct item it;

    (void)state;
    assert_string_equal(task_name(t), "two");
    assert_int_equal(task_version(t), 7);
    assert_int_equal(task_count(t), 2);
    assert_int_equal(task_shots(t), 2);
    assert_string_equal(task_data_path(t), path);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "Be brief.\n\nOne? (en) 1\n\nEin? (en) eins\n\n"
                                               "Two? (en)");
    assert_int_equal(it.queries[0].kind, QUERY_GENERATE);
    assert_int_equal(it.queries[0].max_tokens, 9);
    assert_string_equal(it.queries[0].until[0], "\n");
    assert_string_equal(it.gold, "2");
    assert_int_equal(strlen(it.doc_hash), 64);
    assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
    assert_close(value(&v, "acc", "none"), 1, 0);
    assert_close(value(&v, "acc", "en"), 1, 0);
    assert_close(value(&v, "acc", "easy"), 1, 0);
    assert_close(value(&v, "acc_in_time", "none"), 1, 0);
    assert_true(isnan(value(&v, "acc", "zh")));
    assert_close(v.credits[0].weight, 3, 0);
    assert_string_equal(task_aggregation(t, "acc"), "weighted_mean");
    verdict_release(&v);
    reply.latency_s = 2.5; /* right, and too late */
    assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
    assert_close(value(&v, "acc", "none"), 1, 0);
    assert_close(value(&v, "acc_in_time", "none"), 0, 0);
    verdict_release(&v);
    item_release(&it);
    assert_int_equal(task_threshold(t, &pass), 1);
    assert_string_equal(pass.metric, "acc");
    assert_close(pass.at_least, .9, 0);
    task_close(t);
    t = opened(two_languages, 0);
    assert_int_equal(task_item(t, 1, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "Be brief.\n\n三? (zh)");
    item_release(&it);
    task_close(t);
    remove(path);
    assert_int_equal(mem_live(), 0);
}

static void choices_are_scored_by_likelihood(void **state)
{
    static const char text[] =
        HEAD "\"answer\": {\"kind\": \"choice\"}, \"items\": [{\"text\": \"Sky?\", \"choices\": "
             "[\"blue\", \"green as grass\"], \"answer\": 1}]}";
    struct reply_text replies[2] = {{.loglikelihood = -4}, {.loglikelihood = -6}};
    struct task *t = opened(text, -1);
    struct verdict v;
    struct item it;

    (void)state;
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(it.n_queries, 2);
    assert_string_equal(it.queries[1].continuation, " green as grass");
    assert_int_equal(it.gold_index, 1);
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(value(&v, "acc", "none"), 0, 0);
    assert_close(value(&v, "acc_norm", "none"), 1, 0); /* -6/14 against -4/4 */
    assert_string_equal(v.prediction, "blue");
    assert_string_equal(task_aggregation(t, "acc"), "mean");
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    remove(path);
}

static const char four_options[] =
    "{\"format\": \"densimeter.scenario/1\", \"name\": \"four\", \"version\": 1, \"language\": \"en\","
    " \"licence\": \"CC0-1.0\", \"fields\": [\"text\"], \"prompt\": \"{{ text }}{% for c in choices %} "
    "{{ 'ABCD'[loop.index0] }}) {{ c }}{% endfor %}\", \"wordings\": [\"Q: {{ text }}\"],\n"
    " \"answer\": {\"kind\": \"choice\", \"by\": \"letter\"}, \"examples\": ["
    "{\"text\": \"1\", \"choices\": [\"x\", \"y\"], \"answer\": 0},"
    "{\"text\": \"2\", \"choices\": [\"x\", \"y\"], \"answer\": 1},"
    "{\"text\": \"3\", \"choices\": [\"x\", \"y\"], \"answer\": 1}],\n"
    " \"items\": [{\"text\": \"?\", \"choices\": [\"a\", \"b\", \"c\", \"d\"], \"answer\": 2}]}";

static int open_variant(struct task **t, const char *name, struct task_variant v, uint64_t seed,
                        int shots, struct err *e)
{
    struct task_opts o = {.shots = shots, .seed = seed, .variant = v};

    return task_open(t, name, &o, e);
}

/* Every item of a suite in two wordings more; a Chinese item is asked in other words too. */
static void every_suite_has_two_other_wordings(void **state)
{
    const struct task_info *info;
    int suites = 0;
    (void)state;
    for (int i = 0; (info = task_info_at(i)) != NULL; i++) {
        struct task *plain, *t = NULL;
        struct err e = ERR_NONE;
        if (!info->group || strcmp(info->group, "scenarios") != 0)
            continue;
        suites++;
        assert_int_equal(open_variant(&plain, info->name, (struct task_variant){0}, 1, 0, NULL), 0);
        for (int w = 1; w <= 2; w++) {
            int chinese = 0, english = 0;
            if (open_variant(&t, info->name, (struct task_variant){.wording = w}, 1, 0, &e) < 0)
                fail_msg("%s", e.text);
            for (int k = 0; k < task_count(t); k++) {
                struct item a, b;
                assert_int_equal(task_item(plain, k, &a, NULL), 0);
                assert_int_equal(task_item(t, k, &b, NULL), 0);
                assert_string_equal(a.doc_hash, b.doc_hash);
                if (strcmp(a.queries[0].context, b.queries[0].context) == 0)
                    fail_msg("%s, item %d: wording %d is the same", info->name, k, w);
                *(strstr(a.doc, "\"language\":\"zh\"") ? &chinese : &english) += 1;
                item_release(&a);
                item_release(&b);
            }
            if (!chinese || !english)
                fail_msg("%s: %d Chinese items, %d others", info->name, chinese, english);
            task_close(t);
        }
        task_close(plain);
    }
    assert_int_equal(suites, 20);
    assert_int_equal(mem_live(), 0);
}

static void scenarios_can_be_asked_in_other_ways(void **state)
{
    struct err e = ERR_NONE;
    struct task *t = NULL;
    struct item it;
    int orders = 0;

    (void)state;
    assert_int_equal(file_write(path, four_options, strlen(four_options), NULL), 0);
    assert_int_equal(open_variant(&t, path, (struct task_variant){.rotate = 1}, 1, 0, &e), 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "? A) b B) c C) d D) a");
    assert_int_equal(it.gold_index, 1);
    assert_string_equal(it.gold, "c");
    assert_string_equal(it.queries[1].continuation, " B");
    item_release(&it);
    task_close(t);
    assert_int_equal(open_variant(&t, path, (struct task_variant){.wording = 1}, 1, 0, &e), 0);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, "Q: ?");
    item_release(&it);
    task_close(t);
    t = NULL;
    assert_int_equal(open_variant(&t, path, (struct task_variant){.wording = 2}, 1, 0, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    for (uint64_t seed = 0; seed < 8; seed++) {
        assert_int_equal(open_variant(&t, path, (struct task_variant){.shuffle = 1}, seed, 3, &e),
                         0);
        assert_int_equal(task_item(t, 0, &it, NULL), 0);
        orders |= 1 << (it.queries[0].context[0] - '1');
        item_release(&it);
        task_close(t);
    }
    assert_int_equal(orders, 7); /* each of the three came first */
    assert_int_equal(open_variant(&t, "notification_summary", (struct task_variant){.rotate = 1}, 1,
                                  0, &e), -1);
    assert_non_null(strstr(e.text, "does not list options"));
    assert_int_equal(open_variant(&t, "facts", (struct task_variant){.rotate = 1}, 1, 0, &e), -1);
    remove(path);
    assert_int_equal(mem_live(), 0);
}

static void lettered_options_of_a_text_can_be_moved(void **state)
{
    static const char *const letters[] = {"A", "B", "C"};
    struct docs d = {0};
    struct err e = ERR_NONE;
    struct doc doc = {.text = "Which? B. no option\nA. red\nB. green. A. not\nC. blue\nAnswer:",
                      .choices = letters, .n_choices = 3, .gold = 0};

    (void)state;
    d.v = &doc;
    d.n = 1;
    assert_int_equal(variant_rotate(&d, 2, "t", &e), 0);
    assert_string_equal(doc.text, "Which? B. no option\nA. blue\nB. red\nC. green. A. not\nAnswer:");
    assert_int_equal(doc.gold, 1);
    doc.text = "A. red\nC. blue";
    assert_int_equal(variant_rotate(&d, 1, "t", &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    arena_release(&d.arena);
    assert_int_equal(mem_live(), 0);
}

static void a_judge_is_asked_about_the_output(void **state)
{
    static const char judged[] =
        HEAD "\"answer\": {\"kind\": \"judge\", \"judge\": \"{{ text }} / {{ output }} / {{ rubric "
             "}}?\", \"yes\": \" Y\"}, \"items\": [{\"text\": \"Hi\", \"answer\": \"Is polite.\"}]}";
    struct reply_text replies[3] = {{.text = " Hello\n"}, {.loglikelihood = -1},
                                    {.loglikelihood = -3}};
    struct task *t = opened(judged, -1);
    struct verdict v;
    struct item it;
    int rc = -1;

    (void)state;
    assert_int_equal(task_asks_on(t), 1);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_int_equal(it.n_queries, 1);
    assert_int_equal(task_score(t, &it, replies, &v, NULL), -1); /* nobody has judged it */
    for (int nth = 0; rc < 0; nth++) {
        mem_fail_at(nth);
        rc = task_ask_on(t, &it, replies, NULL);
        mem_fail_at(-1);
        assert_int_equal(it.n_queries, rc < 0 ? 1 : 3);
    }
    assert_string_equal(it.queries[1].context, "Hi /  Hello\n / Is polite.?");
    assert_string_equal(it.queries[1].continuation, " Y");
    assert_string_equal(it.queries[2].continuation, " no");
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(value(&v, "acc", "none"), 1, 0);
    assert_close(value(&v, "credit", "none"), 1 / (1 + exp(-2)), 1e-12);
    assert_string_equal(v.prediction, "yes");
    verdict_release(&v);
    replies[1].loglikelihood = -3;
    assert_int_equal(task_score(t, &it, replies, &v, NULL), 0);
    assert_close(value(&v, "acc", "none"), 0, 0); /* as likely is not yes */
    verdict_release(&v);
    item_release(&it);
    task_close(t);
    remove(path);
    expect(HEAD "\"answer\": {\"kind\": \"judge\"}, \"items\": [{\"text\": \"a\", \"answer\": \"b\"}]}",
           "\"answer\" without \"judge\"");
    assert_int_equal(mem_live(), 0);
}

static void every_scaffold_is_without_defects(void **state)
{
    (void)state;
    for (int i = 0; scenario_kind_name(i); i++) {
        struct strbuf b = STRBUF_INIT;
        struct defects d;
        assert_int_equal(scenario_scaffold(&b, "mine", scenario_kind_name(i), NULL), 0);
        if (lint(strbuf_str(&b), &d))
            fail_msg("%s: %s", scenario_kind_name(i), d.text);
        strbuf_release(&b);
    }
}

static void scenarios_in_the_program_have_no_defects(void **state)
{
    const struct task_info *t;

    (void)state;
    for (int i = 0; (t = task_info_at(i)) != NULL; i++) {
        struct defects d;
        size_t n = 0;
        const char *bytes = scenario_own_bytes(t->name, &n);
        const struct scenario_lint to = {collect, NULL, &d};
        struct task_opts o = {.shots = -1};
        struct err e = ERR_NONE;
        struct task *task = NULL;
        if (strcmp(t->kind, SCENARIO_KIND) != 0)
            continue;
        assert_non_null(bytes);
        d = (struct defects){{0}, 0};
        if (scenario_lint(t->name, bytes, n, &to, &e) != 0)
            fail_msg("%s%s", d.text, e.text);
        assert_int_equal(task_open(&task, t->name, &o, NULL), 0);
        assert_string_equal(task_name(task), t->name);
        assert_int_equal(task_version(task), t->version);
        assert_int_equal(task_shots(task), t->default_shots);
        if (task_count(task) < 30)
            fail_msg("%s has %d items", t->name, task_count(task));
        task_close(task);
    }
    assert_int_equal(mem_live(), 0);
}

static void opening_survives_every_failed_allocation(void **state)
{
    int rc = -1;

    (void)state;
    assert_int_equal(file_write(path, two_languages, strlen(two_languages), NULL), 0);
    for (int nth = 0; rc < 0; nth++) {
        struct task_opts o = {.shots = -1};
        struct reply_text reply = {.text = "2"};
        struct task *t = NULL;
        struct item it = {0};
        struct verdict v = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = task_open(&t, path, &o, &e);
        if (rc == 0)
            rc = task_item(t, 0, &it, &e);
        if (rc == 0)
            rc = task_score(t, &it, &reply, &v, &e);
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        verdict_release(&v);
        item_release(&it);
        task_close(t);
        assert_int_equal(mem_live(), 0);
    }
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_the_same_but_for_what_is_ignored),
        cmocka_unit_test(sets_are_credited_by_f1_and_orders_by_pairs),
        cmocka_unit_test(numbers_come_with_units_and_tolerance),
        cmocka_unit_test(json_is_credited_field_by_field),
        cmocka_unit_test(calls_are_compared_as_structure),
        cmocka_unit_test(labels_refusals_and_patterns),
        cmocka_unit_test(a_pattern_that_never_ends_is_an_error_with_its_place),
        cmocka_unit_test(what_is_wrong_is_named_with_its_place),
        cmocka_unit_test(the_linter_finds_what_spoils_a_score),
        cmocka_unit_test(answers_that_give_themselves_away_are_told),
        cmocka_unit_test(a_file_is_asked_like_any_task),
        cmocka_unit_test(choices_are_scored_by_likelihood),
        cmocka_unit_test(scenarios_can_be_asked_in_other_ways),
        cmocka_unit_test(lettered_options_of_a_text_can_be_moved),
        cmocka_unit_test(a_judge_is_asked_about_the_output),
        cmocka_unit_test(every_scaffold_is_without_defects),
        cmocka_unit_test(scenarios_in_the_program_have_no_defects),
        cmocka_unit_test(every_suite_has_two_other_wordings),
        cmocka_unit_test(opening_survives_every_failed_allocation),
    };
    close(mkstemps(path, 5));
    return RUN(tests);
}
