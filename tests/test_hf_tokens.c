/* What a tokenizer.json adds around its model: tokens on top, what stands in front of a text, and
 * what the files beside it say.  Files of a few tokens, worked out by hand. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/pretokenize.h"
#include "runners/tokenizer.h"
#include "tests/data_folder.h"
#include "tests/token_ids.h"

#define BLANK "\xe2\x96\x81"
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define MODEL                                                                                      \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"<s>\":3,\"q\":4,\"x\":5,"   \
    "\"<\":6,\">\":7,\"" BLANK "\":8,\"" BLANK "a\":9},\"merges\":[\"a b\",\"" BLANK " a\"]}"

/* members: of the file besides its model, each with its comma; config: beside it, or NULL. */
static struct tokenizer *open_with(const char *members, const char *config, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct tokenizer *t = NULL;
    char dir[256];

    *e = ERR_NONE;
    strbuf_addf(&b, "{%s" MODEL "}", members);
    data_put("hf/tokenizer.json", strbuf_str(&b));
    data_put("hf/tokenizer_config.json", config ? config : "{}");
    snprintf(dir, sizeof dir, "%s", data_path("hf"));
    tokenizer_open_hf(&t, dir, e);
    strbuf_release(&b);
    return t;
}

static void what_stands_in_front_is_bos(void **state)
{
#define TEMPLATE(first, ids)                                                                       \
    "{\"type\":\"TemplateProcessing\",\"single\":[" first ",{\"Sequence\":{\"id\":\"A\"}}],"      \
    "\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[" ids "],\"tokens\":[\"<s>\"]}}}"
#define BOS "{\"SpecialToken\":{\"id\":\"<s>\",\"type_id\":0}}"
    static const struct {
        const char *processor, *config;
        int bos, adds;
    } rows[] = {
        {NULL, NULL, -1, 0},
        {NULL, "{\"bos_token\":\"<s>\"}", 3, 0},
        {NULL, "{\"bos_token\":\"<s>\",\"add_bos_token\":true}", 3, 1},
        {NULL, "{\"add_bos_token\":true}", -1, 0},
        {TEMPLATE(BOS, "3"), NULL, 3, 1},
        {TEMPLATE(BOS, "0"), NULL, 0, 1},
        {TEMPLATE(BOS, "9"), "{\"bos_token\":\"<s>\"}", 9, 1},
        {TEMPLATE(BOS, "10"), "{\"bos_token\":\"<s>\"}", 3, 0}, /* an id that is none */
        {TEMPLATE(BOS, "-1"), NULL, -1, 0},
        {TEMPLATE(BOS, ""), NULL, -1, 0},
        {TEMPLATE(BOS, "\"3\""), NULL, -1, 0},
        {TEMPLATE("{\"Sequence\":{\"id\":\"B\"}}", "3"),
         "{\"bos_token\":\"<s>\",\"add_bos_token\":true}", 3, 0}, /* the template has none */
        {"{\"type\":\"BertProcessing\",\"sep\":[\"b\",1],\"cls\":[\"<s>\",3]}", NULL, 3, 1},
        {"{\"type\":\"BertProcessing\",\"cls\":[\"<s>\",\"3\"]}", NULL, -1, 0},
        {"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"}," TEMPLATE(BOS, "3") ","
         TEMPLATE(BOS, "4") "]}", NULL, 3, 1},
        {"{\"type\":\"Sequence\",\"processors\":[{\"type\":\"R\",\"cls\":[\"q\",4]}]}", NULL, 4, 1},
        {"{\"type\":\"Sequence\",\"processors\":[]}", "{\"bos_token\":\"<s>\"}", 3, 0},
    };
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct strbuf b = STRBUF_INIT;
        struct tokenizer *t;
        if (rows[i].processor)
            strbuf_addf(&b, "\"post_processor\":%s,", rows[i].processor);
        t = open_with(strbuf_str(&b), rows[i].config, &e);
        if (!t)
            fail_msg("%s", e.text);
        if (tokenizer_bos(t) != rows[i].bos || tokenizer_adds_bos(t) != rows[i].adds)
            fail_msg("row %d: bos %d, adds %d", i, (int)tokenizer_bos(t), tokenizer_adds_bos(t));
        tokenizer_close(t);
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

#define ADDED(...) "\"added_tokens\":[" __VA_ARGS__ "],"
#define LOWER "\"normalizer\":{\"type\":\"Lowercase\"},"

static void added_tokens_are_found_before_the_model(void **state)
{
    static const struct {
        const char *members, *config, *text, *plain, *special;
    } rows[] = {
        {"", NULL, "a<s>b", "0 6 7 1", "0 6 7 1"}, /* s has no token, and nothing stands for it */
        {ADDED("{\"id\":3,\"content\":\"<s>\",\"special\":true}"), NULL, "a<s>b", "0 6 7 1",
         "0 3 1"},
        {ADDED("{\"id\":12,\"content\":\"<x>\"}"), NULL, "a<x>b<x>", "0 12 1 12", "0 12 1 12"},
        /* the model's own id goes before */
        {ADDED("{\"id\":12,\"content\":\"q\"}"), NULL, "aqb", "0 4 1", "0 4 1"},
        {ADDED("{\"id\":12,\"content\":\"a\"}"), NULL, "xab", "5 0 1", "5 0 1"},
        {LOWER ADDED("{\"id\":12,\"content\":\"Q\"}"), NULL, "aqAB", "0 12 2", "0 12 2"},
        {LOWER ADDED("{\"id\":12,\"content\":\"Q\",\"normalized\":false}"), NULL, "aqAQ",
         "0 4 0 12", "0 4 0 12"},
        {LOWER ADDED("{\"id\":12,\"content\":\"<X>\",\"special\":true}"), NULL, "<x><X>",
         "6 5 7 6 5 7", "6 5 7 12"},
        {ADDED("{\"id\":12,\"content\":\"<x>\",\"lstrip\":true}"), NULL, "a  <x>  b", "0 12 1",
         "0 12 1"},
        {ADDED("{\"id\":12,\"content\":\"<x>\",\"rstrip\":true}"), NULL, "a<x>  b", "0 12 1",
         "0 12 1"},
        {ADDED("{\"id\":12,\"content\":\"xb\",\"single_word\":true}"), NULL, "axb xb", "0 5 1 12",
         "0 5 1 12"},
        /* tokenizer_config.json's, unless the file has its text already */
        {ADDED("{\"id\":12,\"content\":\"<x>\"}"),
         "{\"added_tokens_decoder\":{\"13\":{\"content\":\"<y>\"},\"14\":{\"content\":\"<x>\"},"
         "\"15\":{\"special\":true}}}", "<x><y>", "12 13", "12 13"},
        {ADDED("{\"id\":12,\"content\":\"<x>\"},{\"id\":13,\"content\":\"<y>\"}"),
         "{\"added_tokens_decoder\":{\"14\":{\"content\":\"<y>\"}}}", "<x><y>", "12 13", "12 13"},
        {ADDED("{\"id\":12,\"content\":\"<x>\",\"special\":true}"),
         "{\"added_tokens_decoder\":{\"13\":{\"content\":\"<y>\",\"special\":true}}}", "<x><y>",
         "6 5 7 6 7", "12 13"},
        /* only the first word of the text has the blank */
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BLANK
         "\",\"prepend_scheme\":\"first\"}," ADDED("{\"id\":12,\"content\":\"<x>\"}"), NULL,
         "a<x>a", "9 12 0", "9 12 0"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BLANK
         "\",\"prepend_scheme\":\"first\"}," LOWER ADDED("{\"id\":12,\"content\":\"Q\"}"), NULL,
         "aqa", "9 12 0", "9 12 0"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"" BLANK
         "\",\"prepend_scheme\":\"always\"}," ADDED("{\"id\":12,\"content\":\"<x>\"}"), NULL,
         "a<x>a", "9 12 9", "9 12 9"},
    };
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct tokenizer *t = open_with(rows[i].members, rows[i].config, &e);
        if (!t)
            fail_msg("%s", e.text);
        ids_are(t, rows[i].text, strlen(rows[i].text), 0, rows[i].plain);
        ids_are(t, rows[i].text, strlen(rows[i].text), TOKENIZE_SPECIAL, rows[i].special);
        tokenizer_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void special_tokens_have_no_text_unless_asked_for(void **state)
{
    static const int32_t ids[] = {0, 3, 12, 11, 2};
    struct err e;
    struct tokenizer *t = open_with(ADDED("{\"id\":3,\"content\":\"<s>\",\"special\":true},"
                                          "{\"id\":12,\"content\":\"<x>\"}"),
                                    "{\"eos_token\":\"<s>\"}", &e);
    struct strbuf b = STRBUF_INIT;

    (void)state;
    assert_int_equal(tokenizer_size(t), 13);
    assert_int_equal(tokenizer_decode(t, ids, 5, 0, &b, &e), 0);
    assert_string_equal(b.s, "a<x>ab");
    strbuf_clear(&b);
    assert_int_equal(tokenizer_decode(t, ids, 5, 1, &b, &e), 0);
    assert_string_equal(b.s, "a<s><x>ab");
    assert_int_equal(tokenizer_text(t, 11).n, 0); /* between the model's and the added one */
    assert_true(tokenizer_eos(t) == 3 && tokenizer_is_end(t, 3));
    assert_string_equal(tokenizer_pre(t), "");
    strbuf_release(&b);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

static void added_tokens_survive_every_failed_allocation(void **state)
{
    static const char json[] = "{" ADDED("{\"id\":3,\"content\":\"<s>\",\"special\":true},"
                                         "{\"id\":12,\"content\":\"Q\"}") LOWER MODEL "}";
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct tokenizer *t = NULL;
        struct ids ids = {0};
        struct strbuf b = STRBUF_INIT;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = tokenizer_open_hf_bytes(&t, json, sizeof json - 1, "t.json", &e);
        if (rc == 0) /* grows more than once */
            rc = tokenizer_encode(t, "<s>aQb<s>Q<s><s>q<s>xxxxxxxxxxxxxx<s>Q", 38,
                                  TOKENIZE_SPECIAL, &ids, &e);
        if (rc == 0)
            rc = tokenizer_decode(t, ids.v, ids.n, 1, &b, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        tokenizer_close(t);
        ids_release(&ids);
        strbuf_release(&b);
        assert_int_equal(mem_live(), 0);
    }
}

static void added_tokens_that_lie_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"{\"id\":12}", "an added token without text, or with id 12"},
        {"{\"content\":\"x\"}", "an added token without text, or with id -1"},
        {"{\"id\":1.5,\"content\":\"x\"}", "an added token without text, or with id 1.5"},
        {"{\"id\":1000,\"content\":\"x\"}", "an added token without text, or with id 1000"},
        {"{\"id\":3e9,\"content\":\"x\"}", "an added token without text, or with id 3e+09"},
    };
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        char members[100];
        snprintf(members, sizeof members, ADDED("%s"), rows[i][0]);
        assert_null(open_with(members, NULL, &e));
        assert_int_equal(e.code, ERR_FORMAT);
        if (!strstr(e.text, rows[i][1]))
            fail_msg("'%s' lacks '%s'", e.text, rows[i][1]);
    }
    assert_null(open_with("", "{\"added_tokens_decoder\":{\"5000\":{\"content\":\"x\"}}}", &e));
    assert_int_equal(mem_live(), 0);
}

/* --- families of GGUF's pre-tokenizers ------------------------------------------------------- */

/* Each name that llama.cpp's converter writes, and what its family does besides cutting. */
static void families_have_their_habits(void **state)
{
    enum { BOS_ = 1, WHOLE = 2, CHARS = 4, BLANKS = 8, LINES = 16, OPTIONAL = 32 };
    static const struct {
        const char *names;
        int habits;
    } rows[] = {
        {"gpt-2 phi-2 mpt olmo jais exaone4 trillion granite-docling gigachat a.x-4.0 mellum "
         "jina-es jina-de jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe modern-bert "
         "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2 cohere2_moe dbrx "
         "smaug-bpe chatglm-bpe qwen2 stablelm2 deepseek-r1-qwen hunyuan megrez solar-open kormo "
         "openpangu f2llmv2 grok-2 qwen35 laguna jais-2 jais2 ufakzeka exaone-moe exaone_moe "
         "deepseek-llm deepseek-coder deepseek-v3 hunyuan-dense joyai-llm hy_v4 spark2_5 falcon "
         "gpt-4o llama4 kanana2 minimax-m2 talkie tiny_aya cohere2moe afmoe superbpe bloom "
         "poro-chat gpt3-finnish viking bailingmoe bailingmoe2 llada-moe seed-coder default", 0},
        {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano tekken",
         BOS_ | WHOLE},
        {"glm4 glm5 minicpm5 granite-embed-multi-97m youtu", WHOLE},
        {"chameleon", BOS_}, {"kimi-k2", OPTIONAL},
        {"gemma4 granite-embed-multi-311m", BOS_ | CHARS | BLANKS | LINES},
        {"sarvam-moe", CHARS | BLANKS}, {"whitespace", CHARS},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        for (const char *name = rows[i].names; *name;) {
            size_t n = strcspn(name, " ");
            struct pretokenizer *p;
            const struct pre_habits *h;
            struct err e = ERR_NONE;
            if (pretokenizer_open(&p, (struct gguf_str){name, n}, &e) < 0)
                fail_msg("%s", e.text);
            h = pretokenizer_habits(p);
            assert_int_equal(rows[i].habits,
                             (h->adds_bos ? BOS_ : 0) | (h->prefers_whole ? WHOLE : 0) |
                                 (h->over_chars ? CHARS : 0) | (h->shows_blanks ? BLANKS : 0) |
                                 (h->whole_lines ? LINES : 0) |
                                 (h->merges_optional ? OPTIONAL : 0));
            pretokenizer_close(p);
            name += n + strspn(name + n, " ");
        }
    assert_int_equal(mem_live(), 0);
}

static void an_unknown_family_is_refused_with_those_known(void **state)
{
    static const char *const names[] = {"gpt", "gpt-2 ", " ", "gpt-2 phi-2", "gpt-22", "lama3",
                                        "moe"};
    struct pretokenizer *p;
    struct err e = ERR_NONE;
    char text[120];

    (void)state;
    for (int i = 0; i < LENGTH(names); i++) {
        assert_int_equal(pretokenizer_open(&p, (struct gguf_str){names[i], strlen(names[i])}, &e),
                         -1);
        assert_null(p);
        snprintf(text, sizeof text, "pre-tokenizer '%s' is not known; known families: gpt-2 "
                 "starcoder llama3 dbrx glm4 qwen2 ", names[i]);
        assert_memory_equal(e.text, text, strlen(text));
        assert_string_equal(e.hint, "token ids would be wrong, so the model is not run");
    }
    assert_int_equal(pretokenizer_open(&p, (struct gguf_str){"", 0}, &e), 0); /* older files */
    pretokenizer_close(p);
    pretokenizer_close(NULL);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_in_front_is_bos),
        cmocka_unit_test(added_tokens_are_found_before_the_model),
        cmocka_unit_test(special_tokens_have_no_text_unless_asked_for),
        cmocka_unit_test(added_tokens_survive_every_failed_allocation),
        cmocka_unit_test(added_tokens_that_lie_are_refused),
        cmocka_unit_test(families_have_their_habits),
        cmocka_unit_test(an_unknown_family_is_refused_with_those_known),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
