#define PCRE2_CODE_UNIT_WIDTH 8
#include "runners/pretokenize.h"

#include <pcre2.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"

enum { REGEXES_MAX = 6 };

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
#define CJK_HANGUL "[\\x{4E00}-\\x{9FA5}\\x{800}-\\x{4E00}\\x{AC00}-\\x{D7FF}]+"

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

/* A family: its regular expressions and habits. */
struct family {
    const char *regex[REGEXES_MAX];
    int adds_bos, prefers_whole;
};

static const struct family gpt2 = {{GPT2}, 0, 0};
static const struct family digits_gpt2 = {{"\\p{N}", GPT2}, 0, 0};
static const struct family llama3 = {
    {WORDS("\\p{L}+", "\\p{N}{1,3}", "[^\\s\\p{L}\\p{N}]")}, 1, 1};
static const struct family dbrx = {
    {WORDS("\\p{L}+", "\\p{N}{1,3}", "[^\\s\\p{L}\\p{N}]")}, 0, 0};
static const struct family qwen2 = {{WORDS("\\p{L}+", "\\p{N}", "[^\\s\\p{L}\\p{N}]")}, 0, 0};
static const struct family qwen35 = {
    {WORDS("[\\p{L}\\p{M}]+", "\\p{N}", "[^\\s\\p{L}\\p{M}\\p{N}]")}, 0, 0};
static const struct family minicpm5 = {
    {"\\p{N}{1,3}", WORDS("\\p{L}+", "\\p{N}+", "[^\\s\\p{L}\\p{N}]")}, 0, 1};
static const struct family laguna = {
    {"[^\\n]+|[\\n]+", WORDS("\\p{L}+", "\\p{N}", "[^\\s\\p{L}\\p{N}]")}, 1, 1};
static const struct family deepseek_llm = {
    {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+",
     "\\s?[!-/:-~\\x{FF01}-\\x{FF0F}\\x{FF1A}-\\x{FF5E}\\x{2018}-\\x{201F}\\x{3000}-\\x{3002}]+",
     /* one match at the start of the run at the end: tried nowhere else, so not quadratic */
     "(?<!\\s)\\s++\\z", CJK_HANGUL, "\\p{N}+"}, 0, 0};
static const struct family deepseek_coder = {
    {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK_HANGUL, "\\p{N}"}, 0, 0};
static const struct family deepseek3 = {
    {"\\p{N}{1,3}", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+",
     "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?"
     "[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*" SPACES}, 0, 0};
static const struct family falcon = {
    {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"}, 0, 0};
static const struct family tekken = {{CASED("", "\\p{N}")}, 1, 1};
static const struct family gpt4o = {{CASED("(?:" C1 ")?", "\\p{N}{1,3}")}, 0, 0};
static const struct family bloom = {
    {" ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+"}, 0, 0};
static const struct family viking = {
    {" ?[^(\\s|.,!?\\x{2026}\\x{3002}\\x{FF0C}\\x{3001}\\x{964}\\x{6D4}\\x{60C})]+", "\\p{N}"},
    0, 0};
static const struct family bailing = {
    {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"}, 0, 0};
static const struct family seed_coder = {
    {"(?:" C1 ")|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES}, 0, 0};
static const struct family plain = { /* files older than the key */
    {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}, 0, 0};

static const struct {
    const char *name;
    const struct family *family;
} names[] = {
    {"", &plain},                 {"default", &plain},
    {"gpt-2", &gpt2},             {"phi-2", &gpt2},
    {"mpt", &gpt2},               {"olmo", &gpt2},
    {"jais", &gpt2},              {"exaone4", &gpt2},
    {"trillion", &gpt2},          {"granite-docling", &gpt2},
    {"gigachat", &gpt2},          {"a.x-4.0", &gpt2},
    {"mellum", &gpt2},
    {"starcoder", &digits_gpt2},  {"refact", &digits_gpt2},
    {"command-r", &digits_gpt2},  {"smollm", &digits_gpt2},
    {"codeshell", &digits_gpt2},  {"exaone", &digits_gpt2},
    {"minerva-7b", &digits_gpt2}, {"mellum2", &digits_gpt2},
    {"cohere2_moe", &digits_gpt2},
    {"llama3", &llama3},          {"llama-v3", &llama3},
    {"llama-bpe", &llama3},       {"falcon3", &llama3},
    {"falcon-h1", &llama3},       {"pixtral", &llama3},
    {"midm-2.0", &llama3},        {"lfm2", &llama3},
    {"jina-v5-nano", &llama3},
    {"dbrx", &dbrx},              {"smaug-bpe", &dbrx},
    {"glm4", &dbrx},              {"chatglm-bpe", &dbrx},
    {"qwen2", &qwen2},            {"stablelm2", &qwen2},
    {"deepseek-r1-qwen", &qwen2}, {"hunyuan", &qwen2},
    {"megrez", &qwen2},           {"solar-open", &qwen2},
    {"kormo", &qwen2},            {"openpangu", &qwen2},
    {"f2llmv2", &qwen2},          {"grok-2", &qwen2},
    {"qwen35", &qwen35},          {"minicpm5", &minicpm5},
    {"laguna", &laguna},
    {"deepseek-llm", &deepseek_llm}, {"deepseek-coder", &deepseek_coder},
    {"deepseek-v3", &deepseek3},  {"hunyuan-dense", &deepseek3},
    {"joyai-llm", &deepseek3},
    {"falcon", &falcon},          {"tekken", &tekken},
    {"gpt-4o", &gpt4o},           {"llama4", &gpt4o},
    {"kanana2", &gpt4o},          {"minimax-m2", &gpt4o},
    {"bloom", &bloom},            {"poro-chat", &bloom},
    {"gpt3-finnish", &bloom},     {"viking", &viking},
    {"bailingmoe", &bailing},     {"bailingmoe2", &bailing},
    {"llada-moe", &bailing},      {"seed-coder", &seed_coder},
};

struct ends {
    size_t *v, n, cap;
};

struct pretokenizer {
    const struct family *family;
    pcre2_general_context *memory;
    pcre2_match_context *matching;
    pcre2_jit_stack *stack;
    pcre2_match_data *match;
    pcre2_code *regex[REGEXES_MAX];
    int n;
    struct ends a, b;
    struct strbuf clean;
};

static void *pcre_alloc(size_t n, void *user)
{
    (void)user;
    return mem_alloc(n);
}

static void pcre_free(void *p, void *user)
{
    (void)user;
    mem_free(p);
}

static const struct family *find_family(struct gguf_str pre)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == pre.n && memcmp(names[i].name, pre.s, pre.n) == 0)
            return names[i].family;
    return NULL;
}

static int compile(struct pretokenizer *p, struct err *e)
{
    pcre2_compile_context *c = pcre2_compile_context_create(p->memory);
    int rc = c ? 0 : err_nomem(e);

    for (p->n = 0; rc == 0 && p->n < REGEXES_MAX && p->family->regex[p->n]; p->n++) {
        const char *text = p->family->regex[p->n];
        int code;
        PCRE2_SIZE at;
        p->regex[p->n] = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                       PCRE2_UTF | PCRE2_UCP, &code, &at, c);
        if (!p->regex[p->n])
            rc = code == PCRE2_ERROR_HEAP_FAILED
                     ? err_nomem(e)
                     : err_set(e, ERR_UNSUPPORTED, "pre-tokenizer: this PCRE2 refuses '%.60s' "
                               "at %zu (error %d)", text, (size_t)at, code);
        else /* without JIT the same matches are found, only slower */
            pcre2_jit_compile(p->regex[p->n], PCRE2_JIT_COMPLETE);
    }
    pcre2_compile_context_free(c);
    return rc;
}

int pretokenizer_open(struct pretokenizer **out, struct gguf_str pre, struct err *e)
{
    const struct family *f = find_family(pre);
    struct pretokenizer *p;

    *out = NULL;
    if (!f) {
        err_set(e, ERR_UNSUPPORTED, "pre-tokenizer '%.*s' is not known",
                pre.n < 80 ? (int)pre.n : 80, pre.s);
        err_hint(e, "token ids would be wrong, so the model is not run");
        return -1;
    }
    p = mem_calloc(1, sizeof *p);
    if (!p)
        return err_nomem(e);
    p->family = f;
    p->memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    p->matching = p->memory ? pcre2_match_context_create(p->memory) : NULL;
    p->stack = p->memory ? pcre2_jit_stack_create(32 << 10, 8 << 20, p->memory) : NULL;
    p->match = p->memory ? pcre2_match_data_create(1, p->memory) : NULL;
    if (!p->matching || !p->match) {
        pretokenizer_close(p);
        return err_nomem(e);
    }
    if (p->stack)
        pcre2_jit_stack_assign(p->matching, NULL, p->stack);
    if (compile(p, e) < 0) {
        pretokenizer_close(p);
        return -1;
    }
    *out = p;
    return 0;
}

void pretokenizer_close(struct pretokenizer *p)
{
    if (!p)
        return;
    for (int i = 0; i < REGEXES_MAX; i++)
        pcre2_code_free(p->regex[i]);
    pcre2_match_data_free(p->match);
    pcre2_jit_stack_free(p->stack);
    pcre2_match_context_free(p->matching);
    pcre2_general_context_free(p->memory);
    strbuf_release(&p->clean);
    mem_free(p->a.v);
    mem_free(p->b.v);
    mem_free(p);
}

int pretokenizer_adds_bos(const struct pretokenizer *p)
{
    return p->family->adds_bos;
}

int pretokenizer_prefers_whole(const struct pretokenizer *p)
{
    return p->family->prefers_whole;
}

/* Bytes of the well-formed character at s, 0 when there is none. */
static size_t char_bytes(const unsigned char *s, size_t n)
{
    unsigned c = s[0];
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (len == 3 && ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f)))
        return 0; /* overlong, surrogates */
    if (len == 4 && ((c == 0xf0 && s[1] < 0x90) || (c == 0xf4 && s[1] > 0x8f)))
        return 0; /* overlong, above U+10FFFF */
    return len;
}

/* The text for PCRE2: itself when well formed, else a copy with U+0001 for every stray byte, which
 * keeps all places the same. */
static const char *clean_text(struct pretokenizer *p, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len;

    strbuf_clear(&p->clean);
    for (size_t i = 0; i < n; i += len ? len : 1) {
        len = char_bytes(s + i, n - i);
        if (len)
            continue;
        if (!p->clean.len)
            strbuf_add(&p->clean, text, n);
        if (p->clean.failed)
            return NULL;
        p->clean.s[i] = 1;
    }
    return p->clean.len ? p->clean.s : text;
}

static int add_end(struct ends *l, size_t end)
{
    if (mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v) < 0)
        return -1;
    l->v[l->n++] = end;
    return 0;
}

/* Cuts text[from..to) by one regex; the piece is all that the regex can see. */
static int split_piece(struct pretokenizer *p, const pcre2_code *regex, const char *text,
                       size_t from, size_t to, struct ends *out, struct err *e)
{
    size_t at = 0, n = to - from;

    while (at < n) {
        const PCRE2_SIZE *place = pcre2_get_ovector_pointer(p->match);
        int rc = pcre2_match(regex, (PCRE2_SPTR)text + from, n, at, PCRE2_NO_UTF_CHECK, p->match,
                             p->matching);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc == PCRE2_ERROR_NOMEMORY)
            return err_nomem(e);
        if (rc < 0)
            return err_set(e, ERR_UNSUPPORTED, "pre-tokenizer: PCRE2 error %d at byte %zu of a "
                           "piece of %zu bytes", rc, at, n);
        if (place[0] > at && add_end(out, from + place[0]) < 0)
            return err_nomem(e);
        if (add_end(out, from + place[1]) < 0)
            return err_nomem(e);
        at = place[1];
    }
    return at < n && add_end(out, to) < 0 ? err_nomem(e) : 0;
}

int pretokenizer_split(struct pretokenizer *p, const char *text, size_t n, const size_t **ends,
                       size_t *count, struct err *e)
{
    struct ends *now = &p->a, *next = &p->b, *swap;
    const char *clean = clean_text(p, text, n);

    if (!clean)
        return err_nomem(e);
    now->n = 0;
    if (n && add_end(now, n) < 0)
        return err_nomem(e);
    for (int r = 0; r < p->n; r++) {
        size_t from = 0;
        next->n = 0;
        for (size_t i = 0; i < now->n; from = now->v[i++])
            if (split_piece(p, p->regex[r], clean, from, now->v[i], next, e) < 0)
                return -1;
        swap = now;
        now = next;
        next = swap;
    }
    *ends = now->v;
    *count = now->n;
    return 0;
}
