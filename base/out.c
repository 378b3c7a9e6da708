#include "base/out.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

int out_open(struct out_file *o, const char *path, struct err *e)
{
    struct strbuf tmp = STRBUF_INIT;
    int special = file_is_special(path);

    *o = (struct out_file){0};
    if (strcmp(path, "-") == 0) {
        o->f = stdout;
        return 0;
    }
    if (!special)
        strbuf_addf(&tmp, "%s.tmp%ld", path, (long)getpid());
    o->path = mem_strdup(path);
    o->tmp = special ? NULL : strbuf_take(&tmp);
    if (!o->path || (!o->tmp && !special)) {
        mem_free(o->tmp);
        o->tmp = NULL;
        out_close(o);
        return err_nomem(e);
    }
    o->f = fopen(special ? path : o->tmp, "wbe");
    if (!o->f) {
        err_errno(e, "%s", path);
        mem_free(o->tmp);
        o->tmp = NULL;
        out_close(o);
        return -1;
    }
    return 0;
}

int out_flush(struct out_file *o, struct err *e)
{
    if (strbuf_ok(&o->b, e) < 0)
        return -1;
    if (o->b.len && fwrite(o->b.s, 1, o->b.len, o->f) != o->b.len)
        return err_errno(e, "%s", o->path ? o->path : "stdout");
    strbuf_clear(&o->b);
    return 0;
}

int out_finish(struct out_file *o, struct err *e)
{
    const char *name = o->path ? o->path : "stdout";

    if (out_flush(o, e) < 0)
        return -1;
    if (fflush(o->f) != 0 || (o->tmp && fsync(fileno(o->f)) < 0))
        return err_errno(e, "%s", name);
    if (o->tmp && rename(o->tmp, o->path) < 0)
        return err_errno(e, "%s", name);
    mem_free(o->tmp);
    o->tmp = NULL;
    return 0;
}

void out_close(struct out_file *o)
{
    if (o->f && o->f != stdout)
        fclose(o->f);
    if (o->tmp) {
        unlink(o->tmp);
        mem_free(o->tmp);
    }
    mem_free(o->path);
    strbuf_release(&o->b);
    *o = (struct out_file){0};
}
