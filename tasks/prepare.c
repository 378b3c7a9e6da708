#include "tasks/prepare.h"

#include <string.h>

#include "tasks/pytext.h"

size_t prepare_context_bytes(const char *context, size_t n)
{
    return py_rstrip(context, n).n;
}

size_t prepare_drop_score(size_t n_context, size_t n_continuation, size_t max_length)
{
    size_t n = n_context + n_continuation;

    return n > max_length + 1 ? n - (max_length + 1) : 0;
}

size_t prepare_drop_generate(size_t n_prompt, size_t max_new, size_t max_length)
{
    size_t room = max_length > max_new ? max_length - max_new : 0;

    return n_prompt > room ? n_prompt - room : 0;
}

int prepare_rolling(size_t n, size_t max_length, size_t context_len, struct window *w)
{
    size_t predicted = w->end ? w->end - 1 : 0, fresh, most;

    if (predicted >= n)
        return 0;
    most = w->end ? max_length - context_len + 1 : max_length;
    fresh = n - predicted < most ? n - predicted : most;
    w->given = predicted + 1;
    w->end = w->given + fresh;
    w->begin = w->end - 1 > max_length ? w->end - 1 - max_length : 0;
    return 1;
}

int prepare_disjoint(size_t n, size_t size, size_t scored_from, struct window *w)
{
    size_t begin = w->end;

    if (n < size || begin > n - size)
        return 0;
    *w = (struct window){begin, begin + scored_from, begin + size};
    return 1;
}

size_t prepare_cut(const char *text, size_t n, const char *const *until, int n_until)
{
    for (int i = 0; i < n_until; i++) {
        const char *hit = *until[i] ? memmem(text, n, until[i], strlen(until[i])) : NULL;
        if (hit)
            n = (size_t)(hit - text);
    }
    return n;
}
