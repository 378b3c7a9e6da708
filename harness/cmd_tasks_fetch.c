/* cmd_tasks_fetch.c -- `tasks fetch`: brings the data of tasks, or of a data set, from the hub. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/cmd_tasks_fetch.h"
#include "harness/dataset.h"
#include "harness/fetch_meter.h"
#include "harness/progress.h"
#include "harness/select.h"
#include "harness/source.h"
#include "tasks/task.h"

/* A file to fetch. */
struct wanted {
    char *file, *revision; /* below the data folder; NULL: as --revision says */
    struct origin origin;
};
struct fetching {
    struct context *c;
    struct hub hub;
    struct fetch_meter meter;
    char *dir;
    struct wanted *v;
    size_t n, cap;
    /* a data set whose splits are being listed */
    const char *id, *revision;
    int by_config;
};

/* ---- what is wanted -------------------------------------------------------------------------- */

static int add(struct fetching *f, const char *file, const struct origin *o, const char *revision,
               struct err *e)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->v[i].file, file) == 0)
            return 0;
    if (mem_grow(&f->v, &f->cap, f->n + 1, sizeof *f->v) < 0)
        return err_nomem(e);
    f->v[f->n] = (struct wanted){.file = mem_strdup(file), .origin = *o,
                                 .revision = revision ? mem_strdup(revision) : NULL};
    f->n++;
    return f->v[f->n - 1].file && (!revision || f->v[f->n - 1].revision) ? 0 : err_nomem(e);
}

static int add_task(struct fetching *f, const struct task_info *t, struct err *e)
{
    const char *files[2];
    int n = origin_files(t, files), examples = !args_flag(f->c->args, "no-examples");

    if (n == 0)
        context_note(f->c, "%s: needs no data", t->name);
    for (int i = 0; i < n && (i == 0 || examples); i++) {
        struct origin o;
        if (!origin_of(files[i], &o)) {
            err_set(e, ERR_NOTFOUND, "%s: no source of %s is known", t->name, files[i]);
            err_hint(e, "put it below a folder of --data or $DENSIMETER_DATA yourself");
            return -1;
        }
        if (add(f, files[i], &o, NULL, e) < 0)
            return -1;
    }
    return 0;
}

static int add_yaml(void *user, const char *file, const struct origin *o, struct err *e)
{
    return add(user, file, o, NULL, e);
}

/* ID/SPLIT.jsonl, or ID/CONFIG/SPLIT.jsonl for a configuration that was named: where task files
 * look for it. */
static int add_split(void *user, const char *config, const char *split, struct err *e)
{
    struct fetching *f = user;
    struct origin o = {.shape = SHAPE_LINES};
    struct strbuf file = STRBUF_INIT;
    int rc = -1;

    snprintf(o.dataset, sizeof o.dataset, "%s", f->id);
    snprintf(o.config, sizeof o.config, "%s", config);
    snprintf(o.split, sizeof o.split, "%s", split);
    strbuf_addf(&file, "%s/%s%s%s.jsonl", f->id, f->by_config ? config : "",
                f->by_config ? "/" : "", split);
    if (strlen(split) >= sizeof o.split || strlen(config) >= sizeof o.config)
        err_set(e, ERR_USAGE, "%s: the name of '%s' is too long", f->id, split);
    else if (strbuf_ok(&file, e) == 0)
        rc = add(f, file.s, &o, f->revision, e);
    strbuf_release(&file);
    return rc;
}

static int add_dataset(struct fetching *f, const char *word, struct err *e)
{
    const struct args *a = f->c->args;
    const char *config = args_str(a, "config"), *at = strchr(word, '@');
    char *id = mem_strndup(word, at ? (size_t)(at - word) : strlen(word));
    int rc = 0;

    if (!id)
        return err_nomem(e);
    f->id = id;
    f->revision = at ? at + 1 : NULL;
    f->by_config = config != NULL;
    if (!hub_id_is_safe(id) || (config && !name_is_safe(config)) || (at && !at[1]))
        rc = err_set(e, ERR_USAGE, "%s: malformed, wanted: OWNER/NAME[@REVISION]", word);
    for (int i = 0; i < args_count(a, "split") && rc == 0; i++)
        rc = !name_is_safe(args_word(a, "split", i))
                 ? err_set(e, ERR_USAGE, "option --split: '%s' is no split",
                           args_word(a, "split", i))
                 : add_split(f, config ? config : "", args_word(a, "split", i), e);
    if (rc == 0 && args_count(a, "split") == 0)
        rc = dataset_splits(&f->hub, id, config, add_split, f, e);
    mem_free(id);
    return rc;
}

static int add_word(struct fetching *f, const char *word, struct err *e)
{
    struct selection s = {0};
    int rc;

    if (strncmp(word, "hf:", 3) == 0)
        return add_dataset(f, word + 3, e);
    if (strchr(word, '/') && !task_is_file(word))
        return add_dataset(f, word, e);
    rc = select_word(&s, word, e);
    for (size_t i = 0; i < s.n && rc == 0; i++)
        rc = task_is_file(s.v[i]->name) ? origin_of_task_file(s.v[i]->name, add_yaml, f, e)
                                        : add_task(f, s.v[i], e);
    selection_release(&s);
    return rc;
}

/* ---- fetching -------------------------------------------------------------------------------- */

static void on_wait(void *user, long seconds)
{
    struct fetching *f = user;

    fetch_meter_end(&f->meter);
    context_note(f->c, "the server asks to wait %ld s", seconds);
}

static void on_licence(void *user, const char *what, const char *licence, const char *revision)
{
    struct fetching *f = user;

    fetch_meter_end(&f->meter);
    context_note(f->c, "%s: licence %s%s%.12s", what, licence ? licence : "unknown",
                 revision ? ", revision " : "", revision ? revision : "");
}

static void on_bytes(void *user, uint64_t done, uint64_t total)
{
    struct fetching *f = user;

    fetch_meter_bytes(&f->meter, done, total);
}

static void on_rows(void *user, int64_t done, int64_t total)
{
    const struct fetching *f = user;
    struct strbuf line = STRBUF_INIT;

    if (!f->c->progress)
        return;
    if (done < total) {
        progress_bar(&line, f->meter.name, (double)done / (double)total);
        strbuf_addf(&line, "%lld of %lld rows", (long long)done, (long long)total);
    }
    progress_put(f->c->log, &line);
    strbuf_release(&line);
}

static void put_json(struct json_out *o, const struct wanted *w, const struct dataset_landed *l)
{
    int hub = !w->origin.github;

    json_begin_object(o, NULL);
    json_put_str(o, "file", w->file);
    json_put_str(o, "path", l->path);
    json_put_str(o, "dataset", hub ? w->origin.dataset : w->origin.github);
    json_put_str(o, "config", hub && *l->config ? l->config : hub && *w->origin.config
                                                                  ? w->origin.config : NULL);
    json_put_str(o, "split", hub ? w->origin.split : NULL);
    json_put_str(o, "revision", *l->revision ? l->revision : NULL);
    json_put_str(o, "licence", l->licence);
    json_put_str(o, "via", *l->via ? l->via : NULL);
    json_put_str(o, "sha256", l->sha256);
    json_put_count(o, "records", l->records);
    json_put_int(o, "file_bytes", l->bytes);
    json_put_bool(o, "was_there", l->was_there);
    json_end_object(o);
}

static void put_row(struct table *t, const struct wanted *w, const struct dataset_landed *l)
{
    table_cell(t, "%s", w->file);
    table_int(t, l->records);
    table_int(t, l->bytes);
    table_cell(t, "%s", l->licence ? l->licence : "unknown");
    table_cell(t, "%.12s", *l->revision ? l->revision : "-");
    table_cell(t, "%s", l->was_there ? "was there" : l->via);
    table_cell(t, "%.12s", l->sha256);
}

static int fetch_all(struct fetching *f, struct err *e)
{
    static const struct column columns[] = {
        {"file", 0, 0}, {"records", 1, 0}, {"file_bytes", 1, 2}, {"licence", 0, 0},
        {"revision", 0, 1}, {"via", 0, 3}, {"sha256", 0, 4},
    };
    const struct args *a = f->c->args;
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "tasks.fetch");
    struct table t;
    int rc = 0;

    table_init(&t, columns, sizeof columns / sizeof columns[0], f->c->csv);
    json_put_str(&o, "dir", f->dir);
    json_begin_array(&o, "files");
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        const struct wanted *w = &f->v[i];
        const struct dataset_fetch d = {
            .hub = &f->hub, .dir = f->dir, .file = w->file, .origin = w->origin,
            .revision = w->revision ? w->revision : args_str(a, "revision"),
            .via = (enum via)args_choice(a, "via"), .force = args_flag(a, "force"),
            .on_licence = on_licence, .on_bytes = on_bytes, .on_rows = on_rows, .user = f};
        struct dataset_landed l;
        f->meter = (struct fetch_meter){.c = f->c, .name = w->file};
        rc = dataset_fetch(&d, &l, e);
        fetch_meter_end(&f->meter);
        if (rc == 0 && f->c->json)
            put_json(&o, w, &l);
        else if (rc == 0)
            put_row(&t, w, &l);
        dataset_landed_release(&l);
    }
    json_end_array(&o);
    if (rc == 0 && f->n > 0)
        rc = f->c->json ? context_json_end(f->c, &o, e) : context_table(f->c, &t, e);
    table_release(&t);
    strbuf_release(&b);
    return rc;
}

/* ---- where everything comes from ------------------------------------------------------------- */

static void list_one(struct json_out *o, struct table *t, const char *task, const char *file,
                     int json)
{
    struct origin from;
    int known = origin_of(file, &from);

    if (json) {
        json_begin_object(o, NULL);
        json_put_str(o, "task", task);
        json_put_str(o, "file", file);
        json_put_str(o, "dataset", known && *from.dataset ? from.dataset : NULL);
        json_put_str(o, "config", known && *from.config ? from.config : NULL);
        json_put_str(o, "split", known && *from.split ? from.split : NULL);
        json_put_str(o, "github", known ? from.github : NULL);
        json_put_str(o, "path", known ? from.path : NULL);
        json_put_str(o, "sha256", known ? from.sha256 : NULL);
        json_end_object(o);
        return;
    }
    table_cell(t, "%s", task);
    table_cell(t, "%s", file);
    table_cell(t, "%s", !known ? "unknown" : from.github ? from.github : from.dataset);
    table_cell(t, "%s", !known || from.github ? "-" : *from.config ? from.config : "the only one");
    table_cell(t, "%s", !known || from.github ? "-" : from.split);
}

static int list_origins(const struct context *c, struct err *e)
{
    static const struct column columns[] = {
        {"task", 0, 0}, {"file", 0, 0}, {"from", 0, 1}, {"config", 0, 2}, {"split", 0, 3}};
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "tasks.fetch");
    const struct task_info *info;
    struct table t;
    int rc;

    table_init(&t, columns, 5, c->csv);
    json_begin_array(&o, "sources");
    for (int i = 0; (info = task_info_at(i)) != NULL; i++) {
        const char *files[2];
        int n = origin_files(info, files);
        for (int k = 0; k < n; k++)
            list_one(&o, &t, info->name, files[k], c->json);
    }
    json_end_array(&o);
    rc = c->json ? context_json_end(c, &o, e) : context_table(c, &t, e);
    table_release(&t);
    strbuf_release(&b);
    return rc;
}

int tasks_fetch(struct context *c, struct err *e)
{
    struct fetching f = {.c = c, .hub = {.stop = c->stop, .on_wait = on_wait}};
    int rc = -1;

    if (args_flag(c->args, "list") && args_n(c->args) > 1)
        return err_set(e, ERR_USAGE,
                       "tasks fetch --list: it takes no name; without it '%s' is fetched",
                       args_at(c->args, 1));
    if (args_flag(c->args, "list"))
        return list_origins(c, e);
    if (args_n(c->args) < 2) {
        err_set(e, ERR_USAGE, "tasks fetch: TASK or DATASET is missing");
        err_hint(e, "'densimeter tasks fetch --list' shows where the data of tasks comes from");
        return -1;
    }
    f.hub.user = &f;
    f.meter.c = c;
    f.dir = args_count(c->args, "data") ? mem_strdup(args_word(c->args, "data", 0))
                                        : path_data_home("data");
    if (!f.dir) {
        err_nomem(e);
        goto out;
    }
    if (hub_open(&f.hub, e) < 0)
        goto out;
    rc = 0;
    for (int i = 1; i < args_n(c->args) && rc == 0; i++)
        rc = add_word(&f, args_at(c->args, i), e);
    if (rc == 0)
        rc = fetch_all(&f, e);
out:
    for (size_t i = 0; i < f.n; i++) {
        mem_free(f.v[i].file);
        mem_free(f.v[i].revision);
    }
    mem_free(f.v);
    mem_free(f.dir);
    hub_close(&f.hub);
    return rc;
}
