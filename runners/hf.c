#include "runners/hf.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/hf_build.h"

enum { CONFIG_MAX = 16 << 20 };

int hf_is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void close_hf(void *self)
{
    struct hf *h = self;

    if (!h)
        return;
    for (size_t i = 0; i < h->n_blocks; i++)
        mem_free(h->blocks[i]);
    mem_free(h->blocks);
    mem_free(h->recipes);
    mem_free(h->sources);
    mem_free(h->put);
    mem_free(h->tensors);
    gguf_writer_release(&h->w);
    arena_release(&h->arena);
    safetensors_close(h->files);
    json_free(h->config);
    mem_free(h->config_path);
    mem_free(h);
}

static int fill_hf(void *self, struct gguf_tensor *t, size_t n, struct err *e)
{
    return hf_tensors_fill(self, t, n, e);
}

/* Models that see or hear keep what describes their language in a part of its own. */
static const cJSON *language_part(const cJSON *config)
{
    static const char *const names[] = {"text_config", "llm_config", "language_config"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (cJSON_IsObject(json_get(config, names[i])))
            return json_get(config, names[i]);
    return config;
}

static int take_config(struct hf *h, struct err *e)
{
    if (!cJSON_IsObject(h->config))
        return err_set(e, ERR_FORMAT, "%s: not an object", h->config_path);
    h->text = language_part(h->config);
    h->family = hf_family_find(h->config, h->text, h->config_path, e);
    return h->family ? 0 : -1;
}

static int read_config(struct hf *h, struct err *e)
{
    if (!file_exists(h->config_path))
        return err_set(e, ERR_NOTFOUND, "%s: no config.json: not a Hugging Face model", h->folder);
    h->config = json_read_python(h->config_path, CONFIG_MAX, e);
    return h->config ? take_config(h, e) : -1;
}

static void read_ahead_hf(const void *self, const volatile int *stop)
{
    safetensors_read_ahead(((const struct hf *)self)->files, stop);
}

/* What the gguf takes over is no longer h's, whatever comes of it. */
static int assemble(struct gguf **out, struct hf *h, struct err *e)
{
    struct gguf_origin o = {
        .self = h, .close = close_hf, .fill = fill_hf, .read_ahead = read_ahead_hf,
        .keys = &h->w.keys, .n_keys = h->w.n_keys,
        .tensors = h->tensors, .n_tensors = h->n_tensors,
        .file_bytes = safetensors_bytes(h->files),
    };

    h->tensors = NULL;
    return gguf_assemble(out, h->folder, &o, e);
}

static struct hf *new_hf(const char *folder, struct err *e)
{
    struct hf *h = mem_calloc(1, sizeof *h);

    if (h) {
        h->folder = arena_strdup(&h->arena, folder);
        h->config_path = path_join(folder, "config.json");
    }
    if (!h || !h->folder || !h->config_path) {
        close_hf(h);
        err_nomem(e);
        return NULL;
    }
    return h;
}

static int build(struct hf *h, struct err *e)
{
    return hf_keys_write(h, e) < 0 || hf_sources_read(h, e) < 0 ? -1 : hf_tensors_map(h, e);
}

int hf_open(struct gguf **out, const char *folder, struct err *e)
{
    struct hf *h = new_hf(folder, e);

    *out = NULL;
    if (!h)
        return -1;
    if (read_config(h, e) == 0 && safetensors_open(&h->files, folder, e) == 0 && build(h, e) == 0)
        return assemble(out, h, e);
    close_hf(h);
    return -1;
}

int hf_open_bytes(struct gguf **out, const char *config, size_t n_config, const void *weights,
                  size_t n_weights, const char *name, struct err *e)
{
    struct hf *h = new_hf(name, e);

    *out = NULL;
    if (!h)
        return -1;
    h->config = json_parse(config, n_config, h->config_path, e);
    if (h->config && take_config(h, e) == 0 &&
        safetensors_open_bytes(&h->files, weights, n_weights, name, e) == 0 && build(h, e) == 0)
        return assemble(out, h, e);
    close_hf(h);
    return -1;
}

int model_file_open(struct gguf **out, const char *path, struct err *e)
{
    return hf_is_folder(path) ? hf_open(out, path, e) : gguf_open(out, path, e);
}

/* ---- the files of a folder ------------------------------------------------------------------- */

static int is_part(const char *name)
{
    static const char *const names[] = {
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "special_tokens_map.json",
        "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja",
        "chat_template.json", "model.safetensors.index.json",
    };
    size_t n = strlen(name), k = strlen(".safetensors");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return n > k && strcmp(name + n - k, ".safetensors") == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int hf_files_list(struct hf_files *out, const char *folder, struct err *e)
{
    DIR *d = opendir(folder);
    struct dirent *f;

    *out = (struct hf_files){0};
    if (!d)
        return err_errno(e, "%s", folder);
    while ((f = readdir(d)) != NULL) {
        if (!is_part(f->d_name))
            continue;
        if (mem_grow(&out->v, &out->cap, out->n + 1, sizeof *out->v) < 0 ||
            !(out->v[out->n] = path_join(folder, f->d_name))) {
            closedir(d);
            hf_files_free(out);
            return err_nomem(e);
        }
        out->n++;
    }
    closedir(d);
    if (out->n)
        qsort(out->v, out->n, sizeof *out->v, by_text);
    return 0;
}

void hf_files_free(struct hf_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        mem_free(f->v[i]);
    mem_free(f->v);
    *f = (struct hf_files){0};
}
