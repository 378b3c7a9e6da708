/* bundle_audits.c -- what audits of a device found travels with its runs. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/bundle.h"
#include "harness/cheats.h"

#define AUDITS "audit/"
#define AUDIT_BYTES_MAX ((size_t)64 << 20)

/* The audit is of the device, the arithmetic and the model's file of one of the runs. */
static int is_of_a_run(const struct bundle *b, const struct cheat_report *a, struct err *e)
{
    struct bundle_run r;
    int got, found = 0;

    for (int i = 0; !found && (got = bundle_run_open(b, i, &r, e)) != 0; i++) {
        const struct run_row *row = got == 1 ? &r.row.v[0] : NULL;
        if (!row)
            return -1;
        found = row->device && strcmp(row->device, a->device) == 0 && row->numerics_id &&
                strcmp(row->numerics_id, a->numerics) == 0 && row->model.sha256 &&
                strcmp(row->model.sha256, a->model_sha256) == 0 &&
                (!*a->sha256 || strstr(row->settings, a->sha256));
        bundle_run_close(&r);
    }
    return found;
}

int bundle_add_audit(struct bundle *b, const char *path, struct err *e)
{
    struct strbuf bytes = STRBUF_INIT;
    struct cheat_report a = {0};
    char name[32];
    int n = 1, is_its, rc = -1;

    do
        snprintf(name, sizeof name, AUDITS "%d.json", n++);
    while (bundle_find(b, name));
    if (file_read(&bytes, path, AUDIT_BYTES_MAX, e) < 0 ||
        cheats_parse(&a, strbuf_str(&bytes), bytes.len, path, e) < 0)
        goto out;
    is_its = is_of_a_run(b, &a, e);
    if (is_its == 0)
        err_set(e, ERR_INVALID, "%s: it is of device %s, %s, and no run here is of that and its "
                "model", path, a.device, a.numerics);
    else if (is_its == 1)
        rc = bundle_put(b, name, &bytes, e);
out:
    cheat_report_release(&a);
    strbuf_release(&bytes);
    return rc;
}

static int check_audit(const struct bundle *b, const struct bundle_file *f, bundle_say *say,
                       void *user, struct err *e)
{
    struct strbuf line = STRBUF_INIT;
    struct cheat_report a = {0};
    int is_its, n = cheats_check(strbuf_str(&f->bytes), f->bytes.len, f->name, say, user, e);

    if (n < 0 || cheats_parse(&a, strbuf_str(&f->bytes), f->bytes.len, f->name, e) < 0)
        return -1;
    is_its = is_of_a_run(b, &a, e);
    if (is_its == 0) {
        strbuf_addf(&line, "%s: it is of device %s and a model that no run of the bundle has",
                    f->name, a.device);
        say(user, strbuf_str(&line));
        n++;
    }
    strbuf_release(&line);
    cheat_report_release(&a);
    return is_its < 0 ? -1 : n;
}

int bundle_check_audits(const struct bundle *b, bundle_say *say, void *user, int *audits,
                        struct err *e)
{
    int n = 0, found;

    *audits = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (strncmp(b->files[i].name, AUDITS, sizeof AUDITS - 1) != 0)
            continue;
        found = check_audit(b, &b->files[i], say, user, e);
        if (found < 0)
            return -1;
        n += found;
        ++*audits;
    }
    return n;
}
