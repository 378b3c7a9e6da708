#include "tests/tex_pairs.h"

#include "tests/test.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static void fill(struct strbuf *b, const char *template, int x, int y, int z)
{
    const struct { char name; int value; } numbers[] = {
        {'A', x}, {'B', y}, {'C', z}, {'P', x * y}, {'Q', x + y}, {'D', x - y}, {'S', x * x * z},
        {'N', 1000 * x + y}, {'R', y + z}, {'M', x * (y + z) + y},
    };

    strbuf_clear(b);
    for (; *template; template++) {
        int known = 0;
        for (int i = 0; i < LENGTH(numbers) && !known; i++)
            if (*template == '<' && template[1] == numbers[i].name && template[2] == '>') {
                strbuf_addf(b, "%d", numbers[i].value);
                template += 2;
                known = 1;
            }
        if (!known)
            strbuf_addc(b, *template);
    }
}

struct tex_forms tex_forms(struct cases *c, const char *const *forms, int most)
{
    static const int roots[] = {2, 3, 5, 7};
    struct tex_forms f = {.forms = forms};

    f.x = 1 + cases_below(c, 9);
    f.y = 1 + cases_below(c, 9);
    f.z = roots[cases_below(c, LENGTH(roots))];
    while (f.n < most && forms[f.n])
        f.n++;
    return f;
}

void tex_form(struct cases *c, const struct tex_forms *f, struct strbuf *out)
{
    fill(out, f->forms[cases_below(c, f->n)], f->x, f->y, f->z);
}

void tex_soup(struct cases *c, const char *const *pieces, int n_pieces, struct strbuf *a,
              struct strbuf *b)
{
    int v[6], n = 1 + cases_below(c, LENGTH(v)), at, other;

    for (int i = 0; i < n; i++)
        v[i] = cases_below(c, n_pieces);
    other = cases_below(c, n_pieces);
    at = cases_below(c, n);
    if (cases_below(c, 2))
        other = v[at];
    strbuf_clear(a);
    strbuf_clear(b);
    for (int i = 0; i < n; i++) {
        strbuf_adds(a, pieces[v[i]]);
        strbuf_adds(b, pieces[i == at ? other : v[i]]);
    }
}

void tex_judge(void (*draw)(struct cases *c, struct strbuf *a, struct strbuf *b), uint64_t seed,
               int n, int (*same)(const void *user, const char *a, const char *b),
               const void *user, const uint64_t *want, const int *differ)
{
    struct cases c = {seed};
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    char verdicts[TEX_BLOCK];

    for (int i = 0; i < n; i++) {
        int is;
        draw(&c, &a, &b);
        is = same(user, strbuf_str(&a), strbuf_str(&b));
        verdicts[i % TEX_BLOCK] = (char)('0' + (*differ == i ? !is : is));
        differ += *differ == i;
        if (i % TEX_BLOCK == TEX_BLOCK - 1 &&
            cases_hash(CASES_HASH, verdicts, TEX_BLOCK) != want[i / TEX_BLOCK])
            fail_msg("pairs %d to %d differ", i - TEX_BLOCK + 1, i);
    }
    assert_int_equal(*differ, -1);
    strbuf_release(&a);
    strbuf_release(&b);
}
