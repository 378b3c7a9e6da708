#include "harness/item_text.h"

#include "base/mem.h"
#include "base/strbuf.h"

char *item_text(const struct task *t, int i, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct item it;
    const struct query *q;
    char *text;

    if (task_item(t, i, &it, e) < 0)
        return NULL;
    q = &it.queries[it.gold_index >= 0 && it.gold_index < it.n_queries ? it.gold_index : 0];
    strbuf_adds(&b, q->context);
    strbuf_adds(&b, q->continuation);
    if (q->kind == QUERY_GENERATE && it.gold)
        strbuf_addf(&b, " %s", it.gold);
    item_release(&it);
    text = strbuf_take(&b);
    if (!text)
        err_nomem(e);
    return text;
}
