#include "tasks/code.h"

#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "base/sandbox.h"
#include "tasks/score.h"

static const char python[] = "/usr/bin/python3";
static const char *const command[] = {python, "-I", "-S", "-B", SANDBOX_SCRIPT, NULL};

/* The program is executed in an empty name space, as code_eval does; what it prints goes nowhere.
 * That it came to its end is told by a word that it cannot know. */
static const char before[] =
    "import os, sys\n"
    "def run(program, word):\n"
    "    out = os.dup(1)\n"
    "    sys.stdout = sys.stderr = open(os.devnull, 'w')\n"
    "    try:\n"
    "        exec(program.decode('utf-8', 'replace'), {})\n"
    "    except BaseException:\n"
    "        os._exit(1)\n"
    "    os.write(out, word)\n"
    "    os._exit(0)\n"
    "run(bytes.fromhex('";
static const char after[] = "'), b'%s')\n";

static void add_hex(struct strbuf *b, const char *s, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        strbuf_addc(b, digits[(unsigned char)s[i] >> 4]);
        strbuf_addc(b, digits[(unsigned char)s[i] & 15]);
    }
}

static int make_word(char word[33], struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char bytes[16];
    int rc = -1;

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return err_errno(e, "random numbers");
    add_hex(&b, bytes, sizeof bytes);
    if (strbuf_ok(&b, e) == 0) {
        memcpy(word, b.s, 33);
        rc = 0;
    }
    strbuf_release(&b);
    return rc;
}

int code_check(struct err *e)
{
    return sandbox_check(python, e);
}

int code_passes(const char *candidate, const char *test, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct sandbox_job j = {
        .argv = command,
        .limits = {.wall_s = 4 /* one of them for starting */, .memory_bytes = (size_t)1 << 30,
                   .disk_bytes = 16 << 20, .output_bytes = 4096, .cpu_s = 4, .threads = 16,
                   .files = 64}};
    struct sandbox_result r;
    char word[33];
    int rc = -1;

    if (make_word(word, e) < 0)
        return -1;
    strbuf_adds(&b, before);
    add_hex(&b, candidate, strlen(candidate));
    add_hex(&b, "\n", 1);
    add_hex(&b, test, strlen(test));
    strbuf_addf(&b, after, word);
    j.script = strbuf_str(&b);
    j.n_script = b.len;
    if (strbuf_ok(&b, e) == 0 && sandbox_run(&j, &r, e) == 0) {
        rc = r.how == SANDBOX_STATUS && r.code == 0 && strcmp(strbuf_str(&r.output), word) == 0;
        sandbox_result_release(&r);
    }
    strbuf_release(&b);
    return rc;
}

static char *candidate_of(const struct code_rules *rules, const struct doc *d, const char *reply,
                          struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *s;

    if (rules->with_prompt)
        strbuf_adds(&b, d->text);
    strbuf_adds(&b, reply ? reply : "");
    s = strbuf_take(&b);
    if (!s)
        err_nomem(e);
    strbuf_release(&b);
    return s;
}

int code_credit(const struct task *t, const struct doc *d, const struct reply_text *replies,
                struct verdict *out, struct err *e)
{
    const struct recipe *r = t->row->recipe;
    const struct code_rules *rules = r->code;
    int n = r->repeats ? r->repeats : 1, right = 0;

    for (int i = 0; i < n; i++) {
        char *candidate = candidate_of(rules, d, replies[i].text, e);
        int passes = candidate ? code_passes(candidate, d->targets[0], e) : -1;
        if (i == 0 && passes >= 0)
            out->prediction = mem_strdup(candidate);
        mem_free(candidate);
        if (passes < 0)
            return -1;
        right += passes;
    }
    if (!out->prediction)
        return err_nomem(e);
    for (int m = 0; rules->metrics[m]; m++) {
        struct credit *c = &out->credits[out->n];
        *c = (struct credit){rules->metrics[m], rules->filter,
                             score_pass_at(n, right, rules->k[m]), 1, NULL};
        out->n++;
        if (m == 0 && !(c->filtered = mem_strdup(out->prediction)))
            return err_nomem(e);
    }
    return 0;
}
