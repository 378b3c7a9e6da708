#include "base/suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { LENGTH_MAX = 63 }; /* longer names are not typing mistakes of each other */

static int min_of(int a, int b)
{
    return a < b ? a : b;
}

static int same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Three rows of the usual table are enough: a swap looks two rows back. */
static int distance(const char *a, int n, const char *b, int m)
{
    int rows[3][LENGTH_MAX + 1];
    int *before = rows[0], *last = rows[1], *now = rows[2];

    for (int j = 0; j <= m; j++)
        last[j] = j;
    for (int i = 1; i <= n; i++) {
        int *free_row = before;
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int d = min_of(min_of(last[j], now[j - 1]) + 1,
                           last[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                d = min_of(d, before[j - 2] + 1);
            now[j] = d;
        }
        before = last;
        last = now;
        now = free_row;
    }
    return last[m];
}

static int is_far(int d, size_t n, size_t m)
{
    return 3 * d > (int)(n > m ? n : m) + 1;
}

void suggest_offer(struct suggest *s, const char *name)
{
    size_t n = strlen(s->typed), m = strlen(name);
    int is_start = n >= 3 && m > n && strncasecmp(s->typed, name, n) == 0;
    int d = is_start ? 1 : (int)(n > m ? n - m : m - n); /* at least */

    if (n == 0 || m == 0 || n > LENGTH_MAX || m > LENGTH_MAX)
        return;
    if (is_far(d, n, m) || (s->best && d >= s->distance))
        return;
    if (!is_start)
        d = distance(s->typed, (int)n, name, (int)m);
    if (is_far(d, n, m))
        return;
    if (!s->best || d < s->distance) {
        s->best = name;
        s->distance = d;
    }
}

const char *suggest_best(const struct suggest *s)
{
    return s->best;
}
