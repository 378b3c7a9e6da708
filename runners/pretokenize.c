#include "runners/pretokenize.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/cuts.h"
#include "runners/digits.h"
#include "runners/regex.h"
#include "runners/unicode.h"

enum { STEPS_MAX = 6 };

/* Parts that several families share. */
#define C1 "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
#define GPT2                                                                                       \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* Contractions, words with one leading mark, digits, punctuation, white space. */
#define WORDS(letters, digits, others)                                                             \
    "(?:" C1 ")|[^\\r\\n\\p{L}\\p{N}]?" letters "|" digits "| ?" others "+[\\r\\n]*" SPACES
/* Words cut where lower case is followed by upper case. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(tail, digits)                                                                        \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" tail "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER    \
    "*" tail "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
/* U+0800 to U+9FA5 and U+AC00 to U+D7FF, but white space is never seen by a class that has no
 * category in it. */
#define CJK_HANGUL                                                                                 \
    "[\\x{800}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}"                 \
    "\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{9FA5}\\x{AC00}-\\x{D7FF}]+"

/* The letters of cased scripts that deepseek-llm lists. */
#define CASED_LETTERS                                                                              \
    "A-Za-z\\x{B5}\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{1BA}\\x{1BC}-\\x{1BF}" \
    "\\x{1C4}-\\x{293}\\x{295}-\\x{2AF}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37B}-\\x{37D}" \
    "\\x{37F}\\x{386}\\x{388}-\\x{38A}\\x{38C}\\x{38E}-\\x{3A1}\\x{3A3}-\\x{3F5}" \
    "\\x{3F7}-\\x{481}\\x{48A}-\\x{52F}\\x{531}-\\x{556}\\x{10A0}-\\x{10C5}\\x{13A0}-\\x{13F5}" \
    "\\x{13F8}-\\x{13FD}\\x{1C90}-\\x{1CBA}\\x{1CBD}-\\x{1CBF}\\x{1D00}-\\x{1D2B}" \
    "\\x{1D6B}-\\x{1D77}\\x{1D79}-\\x{1D9A}\\x{1E00}-\\x{1F15}\\x{1F18}-\\x{1F1D}" \
    "\\x{1F20}-\\x{1F45}\\x{1F48}-\\x{1F4D}\\x{1F50}-\\x{1F57}\\x{1F59}\\x{1F5B}\\x{1F5D}" \
    "\\x{1F5F}-\\x{1F7D}\\x{1F80}-\\x{1FB4}\\x{1FB6}-\\x{1FBC}\\x{1FBE}\\x{1FC2}-\\x{1FC4}" \
    "\\x{1FC6}-\\x{1FCC}\\x{1FD0}-\\x{1FD3}\\x{1FD6}-\\x{1FDB}\\x{1FE0}-\\x{1FEC}" \
    "\\x{1FF2}-\\x{1FF4}\\x{1FF6}-\\x{1FFC}\\x{2102}\\x{2107}\\x{210A}-\\x{2113}\\x{2115}" \
    "\\x{2119}-\\x{211D}\\x{2124}\\x{2126}\\x{2128}\\x{212A}-\\x{212D}\\x{212F}-\\x{2134}" \
    "\\x{2139}\\x{213C}-\\x{213F}\\x{2145}-\\x{2149}\\x{214E}\\x{2183}\\x{2184}" \
    "\\x{2C00}-\\x{2C7B}\\x{2C7E}-\\x{2CE4}\\x{2CEB}-\\x{2CEE}\\x{2CF2}\\x{2CF3}" \
    "\\x{A640}-\\x{A66D}\\x{A680}-\\x{A69B}\\x{A722}-\\x{A76F}\\x{A771}-\\x{A787}" \
    "\\x{A78B}-\\x{A78E}\\x{AB70}-\\x{ABBF}\\x{FB00}-\\x{FB06}\\x{FB13}-\\x{FB17}" \
    "\\x{FF21}-\\x{FF3A}\\x{FF41}-\\x{FF5A}\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}" \
    "\\x{104D8}-\\x{104FB}\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}" \
    "\\x{1E900}-\\x{1E943}"

/* The same for scripts without Han, which makes runs of its own: a class that leaves out a script
 * is what is in none of the other categories and not in the script. */
#define UPPER_NO_HAN "[^\\p{Ll}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}\\p{Han}]"
#define LOWER_NO_HAN "[^\\p{Lu}\\p{Lt}\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}\\p{Han}]"

#define LLAMA3 WORDS("\\p{L}+", "\\p{N}{1,3}", "[^\\s\\p{L}\\p{N}]")
#define QWEN2 WORDS("\\p{L}+", "\\p{N}", "[^\\s\\p{L}\\p{N}]")
#define GPT4O CASED("(?:" C1 ")?", "\\p{N}{1,3}")
#define BLOOM                                                                                      \
    " ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"
#define KANA_HAN "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+"
/* Deepseek 3's words: a mark and letters, letters and marks, punctuation with what follows. */
#define MARKED                                                                                     \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"         \
    "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"

/* A family: regular expressions, or rules of digits.h in their place, and its habits. */
struct family {
    struct {
        const char *regex;
        const struct digit_rule *digits;
    } steps[STEPS_MAX];
    struct pre_habits habits;
};

#define R(text) {text, NULL}
#define D(rule) {NULL, &rule}

static const struct family gpt2 = {{R(GPT2)}, {0}};
static const struct family digits_gpt2 = {{R("\\p{N}"), R(GPT2)}, {0}};
static const struct family llama3 = {{R(LLAMA3)}, {.adds_bos = 1, .prefers_whole = 1}};
static const struct family dbrx = {{R(LLAMA3)}, {0}};
static const struct family glm4 = {{R(LLAMA3)}, {.prefers_whole = 1}};
static const struct family qwen2 = {{R(QWEN2)}, {0}};
static const struct family qwen35 = {
    {R(WORDS("[\\p{L}\\p{M}]+", "\\p{N}", "[^\\s\\p{L}\\p{M}\\p{N}]"))}, {0}};
static const struct family minicpm5 = {
    {R("\\p{N}{1,3}"), R(WORDS("\\p{L}+", "\\p{N}+", "[^\\s\\p{L}\\p{N}]"))},
    {.prefers_whole = 1}};
static const struct family laguna = {{R("[^\\n]+|[\\n]+"), R(QWEN2)}, {0}};
static const struct family jais2 = {
    {R("(?:" C1 ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
       "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)"
       "|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s")}, {0}};
static const struct family ufakzeka = {
    {R("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES)}, {0}};
static const struct family exaone_moe = {
    {R("(?:" C1 ")|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*+(?: \\p{L}\\p{M}*+)*+)++|\\p{N}"
       "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")}, {0}};
static const struct family deepseek_llm = {
    {R("[\\r\\n]"), R("\\s?[" CASED_LETTERS "]+"),
     R("\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3001}-\\x{3002}]+"),
     /* one match at the start of the run at the end: tried nowhere else, so not quadratic */
     R("(?<!\\s)\\s++\\z"), R(CJK_HANGUL), R("\\p{N}+")}, {0}};
static const struct family deepseek_coder = {
    {R("[\\r\\n]"), R("\\s?\\p{L}+"), R("\\s?\\p{P}+"), R(CJK_HANGUL), R("\\p{N}")}, {0}};
static const struct family deepseek3 = {
    {R("\\p{N}{1,3}"), R(KANA_HAN), R(MARKED "[\\r\\n]*" SPACES)}, {0}};
static const struct family spark = {
    {R("\\p{N}{1,3}"), R(KANA_HAN), R(MARKED "|[\\r\\n]|\\s+(?!\\S)|\\s+"), R("\\p{N}")}, {0}};
static const struct family falcon = {
    {R("[\\p{P}\\$\\+<=>\\^~\\|`]+"), R(GPT2), R("[0-9][0-9][0-9]")}, {0}};
static const struct family tekken = {
    {R(CASED("", "\\p{N}"))}, {.adds_bos = 1, .prefers_whole = 1}};
static const struct family gpt4o = {{R(GPT4O)}, {0}};
static const struct family granite_embed = {{R(GPT4O)}, {.prefers_whole = 1}};
static const struct family tiny_aya = {{D(digits_before_boundary), R(GPT4O)}, {0}};
static const struct family kimi = {
    {R("\\p{Han}+|[^\\r\\n\\p{L}\\p{N}]?" UPPER_NO_HAN "*" LOWER_NO_HAN "+(?:" C1 ")?"
       "|[^\\r\\n\\p{L}\\p{N}]?" UPPER_NO_HAN "+" LOWER_NO_HAN "*(?:" C1 ")?"
       "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES)}, {.merges_optional = 1}};
static const struct family afmoe = {
    {D(digits_from_right),
     R("[\\x{4E00}-\\x{9FFF}\\x{3400}-\\x{4DBF}\\x{F900}-\\x{FAFF}\\x{3040}-\\x{309F}"
       "\\x{30A0}-\\x{30FF}\\x{FF65}-\\x{FF9F}\\x{2F00}-\\x{2FDF}\\x{E40}-\\x{E7F}"
       "\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}\\x{AA60}-\\x{AA7F}"
       "\\x{A9E0}-\\x{A9FF}\\x{AC00}-\\x{D7AF}\\x{1100}-\\x{11FF}]+"),
     R(MARKED "[\\r\\n]*" SPACES)}, {0}};
static const struct family youtu = {
    {R("[\\x{AC00}-\\x{D7A3}\\x{3131}-\\x{318E}]+"
       "|[\\x{FF01}\\x{2026}\\x{201C}\\x{201D}\\x{2018}\\x{2019}\\x{2014}\\x{FF1A}\\x{FF1B}"
       "\\x{FF0C}\\x{3001}-\\x{303F}\\x{FE30}-\\x{FE4F}]+|[\\x{3105}-\\x{312F}]+|" KANA_HAN),
     R(CASED("(?:" C1 ")?", "\\p{N}"))}, {.prefers_whole = 1}};
static const struct family superbpe = {{R("\\p{N}+"), D(digits_cut_only)}, {0}};
static const struct family chameleon = {
    {R("<sentinel:[0-9]+>"), R("IMGIMG[A-I]{1,4}Z"), R("[\\t\\n]|    |  "), R("\\p{N}"),
     R("[\\p{P}!-/:-@\\[-`{-~]"), R(GPT2)}, {.adds_bos = 1}};
static const struct family bloom = {{R(BLOOM)}, {0}};
static const struct family viking = {{R(BLOOM), R("\\p{N}")}, {0}};
static const struct family bailing = {
    {R("'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
       "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")}, {0}};
static const struct family seed_coder = {
    {R("(?:" C1 ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES)},
    {0}};
static const struct family gemma4 = {
    {R("[^\\n]+|[\\n]+")}, {.adds_bos = 1, .over_chars = 1, .shows_blanks = 1, .whole_lines = 1}};
static const struct family sarvam = {
    {R("[^\\n]+|[\\n]+")}, {.over_chars = 1, .shows_blanks = 1}};
static const struct family white = {{R("\\S+")}, {.over_chars = 1}};
static const struct family plain = { /* files older than the key */
    {R("[\\p{P}\\$\\+<=>\\^~\\|]+"), R(GPT2), R("\\p{N}+"), R("[0-9][0-9][0-9]")}, {0}};

static const struct {
    const char *names; /* blanks between them */
    const struct family *family;
} rows[] = {
    {"gpt-2 phi-2 mpt olmo jais exaone4 trillion granite-docling gigachat a.x-4.0 mellum jina-es "
     "jina-de jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe modern-bert", &gpt2},
    {"starcoder refact command-r smollm codeshell exaone minerva-7b mellum2 cohere2_moe",
     &digits_gpt2},
    {"llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", &llama3},
    {"dbrx smaug-bpe chatglm-bpe", &dbrx}, {"glm4 glm5", &glm4},
    {"qwen2 stablelm2 deepseek-r1-qwen hunyuan megrez solar-open kormo openpangu f2llmv2 grok-2",
     &qwen2},
    {"qwen35", &qwen35}, {"minicpm5", &minicpm5}, {"laguna", &laguna}, {"jais-2 jais2", &jais2},
    {"ufakzeka", &ufakzeka}, {"exaone-moe exaone_moe", &exaone_moe},
    {"deepseek-llm", &deepseek_llm}, {"deepseek-coder", &deepseek_coder},
    {"deepseek-v3 hunyuan-dense joyai-llm hy_v4", &deepseek3}, {"spark2_5", &spark},
    {"falcon", &falcon}, {"tekken", &tekken}, {"gpt-4o llama4 kanana2 minimax-m2 talkie", &gpt4o},
    {"granite-embed-multi-97m", &granite_embed}, {"tiny_aya cohere2moe", &tiny_aya},
    {"kimi-k2", &kimi}, {"afmoe", &afmoe}, {"youtu", &youtu}, {"superbpe", &superbpe},
    {"chameleon", &chameleon}, {"bloom poro-chat gpt3-finnish", &bloom}, {"viking", &viking},
    {"bailingmoe bailingmoe2 llada-moe", &bailing}, {"seed-coder", &seed_coder},
    {"gemma4 granite-embed-multi-311m", &gemma4}, {"sarvam-moe", &sarvam}, {"whitespace", &white},
    {"default", &plain},
};

struct pretokenizer {
    const struct family *family;
    struct regex *regex[STEPS_MAX];
    int n;
    struct cuts a, b;
    struct strbuf clean;
};

static int has_word(const char *words, struct gguf_str w)
{
    for (const char *p = words; *p;) {
        size_t n = strcspn(p, " ");
        if (n == w.n && memcmp(p, w.s, n) == 0)
            return 1;
        p += n + (p[n] == ' ');
    }
    return 0;
}

static const struct family *find_family(struct gguf_str pre)
{
    if (pre.n == 0)
        return &plain;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (has_word(rows[i].names, pre))
            return rows[i].family;
    return NULL;
}

static int refuse(struct gguf_str pre, struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        strbuf_addf(&b, "%s%.*s", i ? " " : "", (int)strcspn(rows[i].names, " "), rows[i].names);
    err_set(e, ERR_UNSUPPORTED, "pre-tokenizer '%.*s' is not known; known families: %s",
            pre.n < 80 ? (int)pre.n : 80, pre.s, strbuf_str(&b));
    err_hint(e, "token ids would be wrong, so the model is not run");
    strbuf_release(&b);
    return -1;
}

int pretokenizer_open(struct pretokenizer **out, struct gguf_str pre, struct err *e)
{
    const struct family *f = find_family(pre);
    struct pretokenizer *p;

    *out = NULL;
    if (!f)
        return refuse(pre, e);
    p = mem_calloc(1, sizeof *p);
    if (!p)
        return err_nomem(e);
    p->family = f;
    for (; p->n < STEPS_MAX && (f->steps[p->n].regex || f->steps[p->n].digits); p->n++)
        if (f->steps[p->n].regex &&
            regex_open(&p->regex[p->n], f->steps[p->n].regex, REGEX_PCRE, e) < 0) {
            pretokenizer_close(p);
            return err_prefix(e, "pre-tokenizer");
        }
    *out = p;
    return 0;
}

void pretokenizer_close(struct pretokenizer *p)
{
    if (!p)
        return;
    for (int i = 0; i < STEPS_MAX; i++)
        regex_close(p->regex[i]);
    strbuf_release(&p->clean);
    cuts_release(&p->a);
    cuts_release(&p->b);
    mem_free(p);
}

const struct pre_habits *pretokenizer_habits(const struct pretokenizer *p)
{
    return &p->family->habits;
}

int pretokenizer_split(struct pretokenizer *p, const char *text, size_t n, const size_t **ends,
                       size_t *count, struct err *e)
{
    struct cuts *now = &p->a, *next = &p->b, *swap;
    const char *clean = unicode_clean(&p->clean, text, n);

    if (!clean)
        return err_nomem(e);
    now->n = 0;
    if (n && cuts_add(now, n) < 0)
        return err_nomem(e);
    for (int r = 0; r < p->n; r++) {
        size_t from = 0;
        next->n = 0;
        for (size_t i = 0; i < now->n; from = now->v[i++]) {
            int rc = p->regex[r] ? cuts_by_regex(next, p->regex[r], clean, from, now->v[i], e)
                                 : cuts_by_digits(next, p->family->steps[r].digits, clean, from,
                                                  now->v[i], e);
            if (rc < 0)
                return err_prefix(e, "pre-tokenizer");
        }
        swap = now;
        now = next;
        next = swap;
    }
    *ends = now->v;
    *count = now->n;
    return 0;
}
