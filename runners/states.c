#include "runners/states.h"

#include "base/mem.h"

int states_open(struct states *s, struct kv *slots, int context, struct err *e)
{
    *s = (struct states){.slots = slots, .now = NO_SLOT};
    if (slots->n == 0)
        return 0;
    s->saved = mem_alloc((size_t)slots->n * sizeof *s->saved);
    s->points = mem_alloc(((size_t)context + 1) * sizeof *s->points);
    if (s->saved && s->points)
        return 0;
    states_release(s);
    return err_nomem(e);
}

void states_release(struct states *s)
{
    mem_free(s->saved);
    mem_free(s->points);
    mem_free(s->copies);
    *s = (struct states){.now = NO_SLOT};
}

void states_reset(struct states *s)
{
    s->now = NO_SLOT;
    s->n_saved = s->n_points = 0;
    s->n_copies = 0;
}

static int add_copy(struct states *s, slot_no dst, slot_no src, int row, struct err *e)
{
    if (mem_grow(&s->copies, &s->cap_copies, s->n_copies + 1, sizeof *s->copies) < 0)
        return err_nomem(e);
    s->copies[s->n_copies++] = (struct state_copy){.dst = dst, .src = src, .before_row = row};
    return 0;
}

/* What losing saved point i costs each path that branches there. */
static int cost(const struct states *s, int i)
{
    return s->saved[i].position - (i ? s->saved[i - 1].position : 0);
}

static int cheapest(const struct states *s)
{
    int best = 0;

    for (int i = 1; i < s->n_saved; i++)
        if (cost(s, i) <= cost(s, best))
            best = i;
    return best;
}

static slot_no forget(struct states *s, int i)
{
    slot_no slot = s->saved[i].slot;

    s->n_saved--;
    for (; i < s->n_saved; i++)
        s->saved[i] = s->saved[i + 1];
    return slot;
}

/* NO_SLOT: the point costs less than any that would have to go for it. */
static slot_no slot_for(struct states *s, int position)
{
    slot_no slot = kv_take(s->slots);
    int below = s->n_saved ? s->saved[s->n_saved - 1].position : 0, i;

    if (slot >= 0 || s->n_saved == 0)
        return slot;
    i = cheapest(s);
    return cost(s, i) < position - below ? forget(s, i) : NO_SLOT;
}

static int save(struct states *s, int position, int row, struct err *e)
{
    slot_no slot = slot_for(s, position);

    if (slot < 0)
        return 0;
    s->saved[s->n_saved++] = (struct saved_state){slot, position};
    return add_copy(s, slot, s->now, row, e);
}

int states_turn(struct states *s, const struct trie *t, int path)
{
    int shared = path < t->n ? t->paths[path].shared : 0, start = 0;

    if (s->slots->n == 0)
        return shared;
    while (s->n_saved && s->saved[s->n_saved - 1].position > shared)
        kv_unref(s->slots, s->saved[--s->n_saved].slot);
    if (path == t->n && s->now >= 0) {
        kv_unref(s->slots, s->now);
        s->now = NO_SLOT;
    }
    if (path == t->n || shared == t->paths[path].n || (s->now >= 0 && s->position == shared))
        return shared;
    if (s->n_saved)
        start = s->saved[s->n_saved - 1].position;
    s->recomputed += (uint64_t)(shared - start);
    return start;
}

int states_may_enter(const struct states *s)
{
    return s->slots->n == 0 || s->now >= 0 || s->n_saved > 0 || s->slots->n_free > 0;
}

/* Later paths leave this one where their smallest share so far ends. */
static void find_points(struct states *s, const struct trie *t, int path, int position)
{
    s->n_points = 0;
    for (int i = path + 1; i < t->n && t->paths[i].shared >= position; i = t->paths[i].turn)
        s->points[s->n_points++] = t->paths[i].shared;
}

int states_enter(struct states *s, const struct trie *t, int path, int position, int row,
                 struct err *e)
{
    int top = s->n_saved - 1, is_last;

    if (s->slots->n == 0)
        return 0;
    find_points(s, t, path, position);
    if (s->now >= 0 && s->position == position)
        return 0;
    s->position = position;
    is_last = top >= 0 && !(s->n_points && s->points[s->n_points - 1] == position);
    if (position > 0 && is_last) {
        if (s->now >= 0)
            kv_unref(s->slots, s->now);
        s->now = forget(s, top);
        return 0;
    }
    if (s->now < 0)
        s->now = kv_take(s->slots);
    if (s->now < 0) {
        int i = cheapest(s);
        s->now = forget(s, i);
        if (position > 0 && i == top) /* what the path starts from is where it runs on */
            return 0;
    }
    return add_copy(s, s->now, position > 0 ? s->saved[s->n_saved - 1].slot : NO_SLOT, row, e);
}

int states_pass(struct states *s, int from, int n, int row, struct err *e)
{
    if (s->slots->n == 0)
        return 0;
    for (; s->n_points && s->points[s->n_points - 1] < from + n; s->n_points--) {
        int p = s->points[s->n_points - 1];
        int is_saved = s->n_saved && s->saved[s->n_saved - 1].position == p;
        if (p > 0 && !is_saved && save(s, p, row + p - from, e) < 0)
            return -1;
    }
    s->position = from + n;
    return 0;
}

int states_hand_over(struct states *s, int is_shared, int row, slot_no *out, struct err *e)
{
    *out = s->now;
    if (s->slots->n == 0)
        return 0;
    if (is_shared && save(s, s->position, row, e) < 0)
        return -1;
    s->now = NO_SLOT;
    return 0;
}
