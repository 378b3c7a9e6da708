/* IFEval's instructions against lm-eval 0.4.11 (tasks/ifeval/utils.py, strict and loose) on texts
 * made from a seed: 500 for each instruction that needs no trained data.  word_tokenize saw each
 * text as one sentence. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/ifeval.h"
#include "tasks/pyjson.h"
#include "tasks/task.h"
#include "tests/lmeval_cases.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
static const struct answer_rules none = {.n_filters = 0};

static const char *const words[] = {
    "the", "Cat", "DOG", "IT'S", "DON'T", "hello,", "world.", "* point", "- item", "***", "******",
    "[name]", "[a b]", "*bold*", "**very bold**", "**", "*", "Section 1", "SECTION 2", "Section3",
    "P.S.", "P.P.S", "p. s. x", "<<title>>", "<<>>", "\"", "'quoted'", "```json", "```",
    "{\"a\": 1}", "[1, 2", "NaN", "My answer is yes.", "word", "wordy", "WORD", "U.S.A.", "CANNOT",
    "GONNA", "A", "I", "é", "ÉTÉ", "3,000", "A:B", "X--Y", "...", "END!", "(ALL", "CAPS)", "$5",
    "no", "last phrase", "Repeat this", "-", "ß", "1.", "{}", "\"x\"", "'S", "DOGS'", "ﬀ", "O'NEIL",
    "01", "1e5", "_x_",
};
static const char *const between[] = {" ", " ", " ", " ", "\n", "\n\n", "", "  "};

static void add_text(struct cases *c, int most, struct strbuf *b)
{
    int n = cases_below(c, most + 1);

    for (int i = 0; i < n; i++) {
        if (i)
            strbuf_adds(b, between[cases_below(c, LENGTH(between))]);
        strbuf_adds(b, words[cases_below(c, LENGTH(words))]);
    }
}

/* --- arguments, drawn in the order of the rows ---------------------------------------------- */

static const char *const keywords[] = {"word", "the", "CAT", "is", "x", " a "};
static const char *const relations[] = {"less than", "at least"};
static const char *const letters[] = {"a", "E", "o", "T"};
static const char *const firsts[] = {"The", "hello", "dog", "it"};
static const char *const markers[] = {"P.S.", "P.P.S", "Note", " P.S. "};
static const char *const splitters[] = {"Section", "SECTION"};
static const char *const prompts[] = {"repeat this", "The", " a"};
static const char *const phrases[] = {"last phrase", "Word", "END!"};

enum how { N, N_TWICE, UP_TO_N, UP_TO_2, UP_TO_3, ONE_OF, LIST_OF };
struct drawn {
    const char *key;
    enum how how;
    const char *const *of;
    int n_of;
};
#define OF(list) list, LENGTH(list)

static const struct row {
    const char *id;
    int strict, loose; /* how many of 500 follow it */
    struct drawn arguments[3];
} rows[] = {
    {"keywords:existence", 48, 48, {{"keywords", LIST_OF, OF(keywords)}}},
    {"keywords:frequency", 235, 244,
     {{"keyword", ONE_OF, OF(keywords)}, {"frequency", N, NULL, 0},
      {"relation", ONE_OF, OF(relations)}}},
    {"keywords:forbidden_words", 392, 428, {{"forbidden_words", LIST_OF, OF(keywords)}}},
    {"keywords:letter_frequency", 217, 240,
     {{"letter", ONE_OF, OF(letters)}, {"let_frequency", N, NULL, 0},
      {"let_relation", ONE_OF, OF(relations)}}},
    {"length_constraints:number_paragraphs", 66, 72, {{"num_paragraphs", N, NULL, 0}}},
    {"length_constraints:number_words", 232, 298,
     {{"num_words", N_TWICE, NULL, 0}, {"relation", ONE_OF, OF(relations)}}},
    {"length_constraints:nth_paragraph_first_word", 0, 1,
     {{"num_paragraphs", N, NULL, 0}, {"nth_paragraph", UP_TO_N, NULL, 0},
      {"first_word", ONE_OF, OF(firsts)}}},
    {"detectable_content:number_placeholders", 25, 25, {{"num_placeholders", UP_TO_3, NULL, 0}}},
    {"detectable_content:postscript", 44, 44, {{"postscript_marker", ONE_OF, OF(markers)}}},
    {"detectable_format:number_bullet_lists", 24, 25, {{"num_bullets", UP_TO_3, NULL, 0}}},
    {"detectable_format:constrained_response", 44, 44, {{0}}},
    {"detectable_format:number_highlighted_sections", 27, 27,
     {{"num_highlights", UP_TO_3, NULL, 0}}},
    {"detectable_format:multiple_sections", 32, 32,
     {{"section_spliter", ONE_OF, OF(splitters)}, {"num_sections", UP_TO_2, NULL, 0}}},
    {"detectable_format:json_format", 2, 14, {{0}}},
    {"detectable_format:title", 34, 34, {{0}}},
    {"combination:two_responses", 23, 23, {{0}}},
    {"combination:repeat_prompt", 4, 11, {{"prompt_to_repeat", ONE_OF, OF(prompts)}}},
    {"startend:end_checker", 10, 18, {{"end_phrase", ONE_OF, OF(phrases)}}},
    {"startend:quotation", 1, 3, {{0}}},
    {"change_case:capital_word_frequency", 226, 269,
     {{"capital_frequency", N, NULL, 0}, {"capital_relation", ONE_OF, OF(relations)}}},
    {"punctuation:no_comma", 364, 411, {{0}}},
};

static cJSON *draw_arguments(struct cases *c, const struct row *row)
{
    cJSON *o = cJSON_CreateObject(), *list;
    int n = 1 + cases_below(c, 6);

    for (int i = 0; i < 3 && row->arguments[i].key; i++) {
        const struct drawn *d = &row->arguments[i];
        switch (d->how) {
        case N: cJSON_AddNumberToObject(o, d->key, n); break;
        case N_TWICE: cJSON_AddNumberToObject(o, d->key, 2 * n); break;
        case UP_TO_N: cJSON_AddNumberToObject(o, d->key, 1 + cases_below(c, n)); break;
        case UP_TO_2: cJSON_AddNumberToObject(o, d->key, 1 + cases_below(c, 2)); break;
        case UP_TO_3: cJSON_AddNumberToObject(o, d->key, 1 + cases_below(c, 3)); break;
        case ONE_OF: cJSON_AddStringToObject(o, d->key, d->of[cases_below(c, d->n_of)]); break;
        case LIST_OF:
            list = cJSON_AddArrayToObject(o, d->key);
            for (int k = 1 + cases_below(c, 2); k > 0; k--)
                cJSON_AddItemToArray(list, cJSON_CreateString(d->of[cases_below(c, d->n_of)]));
            break;
        }
    }
    return o;
}

static void instructions_are_followed_as_lm_eval_says(void **state)
{
    struct answer *a = NULL;
    (void)state;
    assert_int_equal(answer_open(&a, &none, NULL), 0);
    for (int i = 0; i < LENGTH(rows); i++) {
        struct cases c = {100 + (uint64_t)i};
        int strict = 0, loose = 0;
        for (int k = 0; k < 500; k++) {
            cJSON *arguments = draw_arguments(&c, &rows[i]);
            struct strbuf text = STRBUF_INIT;
            struct err e = ERR_NONE;
            int s, l;
            add_text(&c, 10, &text);
            if (ifeval_check(a, rows[i].id, arguments, &e) < 0)
                fail_msg("%s", e.text);
            s = ifeval_follows(a, rows[i].id, arguments, strbuf_str(&text), &e);
            l = ifeval_follows_loosely(a, rows[i].id, arguments, strbuf_str(&text), &e);
            assert_true(s >= 0 && l >= s);
            strict += s;
            loose += l;
            cJSON_Delete(arguments);
            strbuf_release(&text);
        }
        if (strict != rows[i].strict || loose != rows[i].loose)
            fail_msg("%s: %d and %d follow it", rows[i].id, strict, loose);
    }
    answer_close(a);
    assert_int_equal(mem_live(), 0);
}

/* --- what libraries have learned there ------------------------------------------------------- */

static void sentences_end_where_punkt_ends_them(void **state)
{
    static const struct { const char *text; int n; } texts[] = {
        {"", 0}, {"One.", 1}, {"One. Two! Three?", 3}, {"No full stop", 1},
        {"Mr. Brown is here.", 1},
        {"He came at 5 p.m. and left.", 1}, {"It is 3.14. That is pi.", 2},
        {"A. Turing wrote it.", 1},
        {"\"Stop!\" she said. “Why?” He left.", 4}, {"Wait... what? Yes.", 2}, {"What?! No.", 2},
        {"First.\n\nSecond.", 2}, {"e.g. this, i.e. that.", 3},
    };
    (void)state;
    for (int i = 0; i < LENGTH(texts); i++) {
        int failed = 0, n = text_sentences(texts[i].text, &failed);
        if (failed || n != texts[i].n)
            fail_msg("%s: %d", texts[i].text, n);
    }
}

/* Texts of up to 13 pieces: 10,000 against NLTK 3.10's Punkt with its English model; a number is the
 * FNV-1a hash of 1,000 counts. */
static const char *const said[] = {
    "The", "the", "Mr.", "Dr.", "U.S.", "e.g.", "etc.", "p.m.", "He", "3.14", "5.", "10", "No.",
    "J.", "B.", "Smith", "Inc.", "said.", "Why?", "Stop!", "...", "wait...", "What?!",
    "\"Quote.\"", "(Paren.)", "“Curly.”", "And", "However", "X", "is", "end.", "1.", "- item",
    "**bold**.", "\n", "\n\n", "vs.", "St.", "Jan.", "3,000.", "A.", "é.", "Mrs", ".", " . . . ",
    "!", "?!", "word", "Paris", "(e.g.", "end.)", "end.\"", "http://a.b/c?d=1", "yes.No", "It",
    "Ph.D.", "--", "well--known.", "a.", "!\"", "it's.", "«oui».", "中文.", " ", "  ",
};

static void sentences_are_those_of_punkt(void **state)
{
    static const uint64_t want[] = {
        0xcb4dbefa305a891e, 0xa61e4f2ef36bcbdf, 0xfa8e9fe1ff2e1032, 0x4b8271811c784857,
        0xfe356c79ee42b161, 0x68bc4fec7a321710, 0x953d1e5b21658648, 0x09700871571b18b4,
        0x4a89fd73027c43bf, 0xf2248479f6b0ab8c,
    };
    struct cases c = {91};
    struct strbuf text = STRBUF_INIT;
    int failed = 0;
    (void)state;
    for (int block = 0; block < LENGTH(want); block++) {
        uint64_t h = 0xcbf29ce484222325u;
        for (int i = 0; i < 1000; i++) {
            strbuf_clear(&text);
            for (int n = cases_below(&c, 14); n > 0; n--) {
                strbuf_adds(&text, said[cases_below(&c, LENGTH(said))]);
                strbuf_adds(&text, cases_below(&c, 4) ? " " : "");
            }
            h = (h ^ (uint64_t)text_sentences(strbuf_str(&text), &failed)) * 0x100000001b3u;
        }
        if (h != want[block])
            fail_msg("block %d differs", block);
    }
    strbuf_release(&text);
    assert_int_equal(failed, 0);
    assert_int_equal(mem_live(), 0);
}

static void languages_are_told_apart(void **state)
{
    static const struct { const char *text, *code; } texts[] = {
        {"All human beings are born free and equal in dignity and rights.", "en"},
        {"ALL HUMAN BEINGS ARE BORN FREE", "en"},
        {"Todos los seres humanos nacen libres e iguales en dignidad y derechos.", "es"},
        {"Todos os seres humanos nascem livres e iguais em dignidade e em direitos.", "pt"},
        {"Tous les êtres humains naissent libres et égaux en dignité et en droits.", "fr"},
        {"Alle Menschen sind frei und gleich an Würde und Rechten geboren.", "de"},
        {"Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.", "it"},
        {"Все люди рождаются свободными и равными в своем достоинстве.", "ru"},
        {"Всі люди народжуються вільними і рівними у своїй гідності.", "uk"},
        {"يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق من", "ar"},
        {"सभी मनुष्यों को गौरव और अधिकारों के मामले में", "hi"},
        {"すべての人間は、生まれながらにして自由である。", "ja"},
        {"모든 인간은 태어날 때부터 자유롭다.", "ko"},
        {"มนุษย์ทั้งหลายเกิดมามีอิสระ", "th"}, {"人人生而自由", "zh"},
        {"Това е хубав ден и аз отивам на работа със своя приятел.", "bg"},
        {"یہ ایک اچھی کتاب ہے", "ur"}, {"این کتاب خوب است", "fa"}, {"مرحبا", "ar"}, {"Привет", "ru"},
        {"Kissa nukkuu sohvalla ja koira leikkii pihalla.", "fi"},
        {"हे पुस्तक चांगले आहे आणि मला ते आवडते.", "mr"}, {"नमस्ते", "hi"},
        {"1 2 3 !", NULL}, {"xyzzy plugh", "?"},
    };
    (void)state;
    for (int i = 0; i < LENGTH(texts); i++) {
        int failed = 0;
        const char *got = text_language(texts[i].text, &failed);
        assert_int_equal(got == NULL, texts[i].code == NULL);
        if (got && strcmp(got, texts[i].code) != 0)
            fail_msg("%s: %s", texts[i].text, got);
    }
}

static void case_is_pythons(void **state)
{
    static const struct { const char *text; int upper, lower; } texts[] = {
        {"ABC 1!", 1, 0}, {"abc 1!", 0, 1}, {"Abc", 0, 0}, {"123", 0, 0}, {"", 0, 0}, {"ÉTÉ", 1, 0},
        {"été", 0, 1}, {"ǅ", 0, 0}, {"中文", 0, 0}, {"中文A", 1, 0}, {"ª", 0, 1}, {"Ⅷ", 1, 0},
    };
    (void)state;
    for (int i = 0; i < LENGTH(texts); i++) {
        assert_int_equal(text_is_upper(texts[i].text, strlen(texts[i].text)), texts[i].upper);
        assert_int_equal(text_is_lower(texts[i].text, strlen(texts[i].text)), texts[i].lower);
    }
}

static void json_is_what_python_takes(void **state)
{
    static const struct { const char *text; int valid; } texts[] = {
        {"{}", 1}, {" [1, -0.5e+3, \"\\u00e9\\n\", null, true, NaN, -Infinity] \n", 1}, {"", 0},
        {"01", 0}, {"1.", 0}, {"1.e5", 0}, {"-", 0}, {"[1,]", 0}, {"{\"a\":1,}", 0}, {"{a:1}", 0},
        {"\"tab\there\"", 0}, {"\"\\x\"", 0}, {"\"\\u12\"", 0}, {"1 2", 0}, {"'a'", 0}, {"nan", 0},
        {"{\"a\" : {\"a\" : []}}", 1}, {"\"open", 0}, {"[", 0}, {"+1", 0},
    };
    char deep[4000];
    (void)state;
    for (int i = 0; i < LENGTH(texts); i++)
        if (pyjson_valid(texts[i].text, strlen(texts[i].text)) != texts[i].valid)
            fail_msg("%s", texts[i].text);
    memset(deep, '[', sizeof deep);
    assert_int_equal(pyjson_valid(deep, sizeof deep), 0);
}

/* --- the task ----------------------------------------------------------------------------- */

static char dir[64], file[128];

static void put(const char *text)
{
    strcpy(dir, "/tmp/densimeter-ifeval-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/ifeval", dir);
    assert_int_equal(dir_make(file, NULL), 0);
    snprintf(file, sizeof file, "%s/ifeval/input_data.jsonl", dir);
    assert_int_equal(file_write(file, text, strlen(text), NULL), 0);
}

static void drop(void)
{
    unlink(file);
    *strrchr(file, '/') = 0;
    rmdir(file);
    rmdir(dir);
}

static const char record[] =
    "{\"key\":1,\"prompt\":\"Write.\",\"instruction_id_list\":[\"punctuation:no_comma\","
    "\"length_constraints:number_words\"],\"kwargs\":[{},{\"num_words\":3,\"relation\":\"at least\","
    "\"keyword\":null}]}\n";

static int whole(const char *reply, double *values, struct err *e)
{
    const char *const dirs[] = {dir};
    struct task_opts o = {.data_dirs = dirs, .n_data_dirs = 1, .shots = -1};
    const struct reply_text text = {.text = reply};
    struct task *t = NULL;
    struct verdict v;
    struct item it;
    int rc = -1;

    if (task_open(&t, "ifeval", &o, e) == 0 && task_item(t, 0, &it, e) == 0) {
        rc = task_score(t, &it, &text, &v, e);
        for (int i = 0; rc == 0 && i < 4; i++)
            values[i] = v.credits[i].value;
        if (rc == 0)
            verdict_release(&v);
        item_release(&it);
    }
    if (rc == 0)
        assert_string_equal(task_aggregation(t, "inst_level_loose_acc"), "weighted_mean");
    task_close(t);
    return rc;
}

static void prompts_and_instructions_are_counted(void **state)
{
    double v[4];
    (void)state;
    put(record);
    assert_int_equal(whole("one two three", v, NULL), 0);
    assert_true(v[0] == 1 && v[1] == 1 && v[2] == 1 && v[3] == 1);
    assert_int_equal(whole("Sure, here:\none two three", v, NULL), 0);
    assert_true(v[0] == 0 && v[1] == 0.5 && v[2] == 1 && v[3] == 1);
    assert_int_equal(whole("  ", v, NULL), 0);
    assert_true(v[0] == 0 && v[1] == 0 && v[2] == 0 && v[3] == 0);
    drop();
}

static void bad_records_are_refused(void **state)
{
    static const struct { const char *text, *want; } bad[] = {
        {"{\"prompt\":\"p\",\"instruction_id_list\":[\"x:y\"],\"kwargs\":[{}]}\n",
         "input_data.jsonl:1: instruction \"x:y\" is not known"},
        {"{\"prompt\":\"p\",\"instruction_id_list\":[\"punctuation:no_comma\"],\"kwargs\":[]}\n",
         "input_data.jsonl:1: \"instruction_id_list\" and \"kwargs\" are not two lists of one length"},
        {"{\"prompt\":\"p\",\"instruction_id_list\":[\"length_constraints:number_words\"],"
         "\"kwargs\":[{\"num_words\":3,\"relation\":\"about\"}]}\n",
         "input_data.jsonl:1: instruction \"length_constraints:number_words\": \"relation\" is not "
         "what it takes"},
        {"{\"prompt\":\"p\",\"instruction_id_list\":[3],\"kwargs\":[{}]}\n",
         "input_data.jsonl:1: \"instruction_id_list\": entry 0 is not a text"},
    };
    double v[4];
    (void)state;
    for (int i = 0; i < LENGTH(bad); i++) {
        struct err e = ERR_NONE;
        put(bad[i].text);
        assert_int_equal(whole("x", v, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_string_equal(path_base(e.text), bad[i].want);
        drop();
    }
    put("{\"prompt\":\"p\",\"instruction_id_list\":[\"keywords:existence\"],"
        "\"kwargs\":[{\"keywords\":[\"(open\"]}]}\n");
    assert_int_equal(whole("x", v, NULL), -1);
    drop();
    assert_int_equal(mem_live(), 0);
}

static void the_task_survives_every_failed_allocation(void **state)
{
    double v[4];
    int rc = -1;
    (void)state;
    put(record);
    for (long nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = whole("*Sure*, so\none two", v, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code == ERR_OK, rc == 0);
        assert_int_equal(mem_live(), 0);
    }
    drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_followed_as_lm_eval_says),
        cmocka_unit_test(sentences_end_where_punkt_ends_them),
        cmocka_unit_test(sentences_are_those_of_punkt),
        cmocka_unit_test(languages_are_told_apart),
        cmocka_unit_test(case_is_pythons),
        cmocka_unit_test(json_is_what_python_takes),
        cmocka_unit_test(prompts_and_instructions_are_counted),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(the_task_survives_every_failed_allocation),
    };
    return RUN(tests);
}
