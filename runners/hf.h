/* hf.h -- a Hugging Face folder as a model: config.json to keys, safetensors to tensors by
 * canonical name.
 *
 * The folder becomes a gguf in memory.  Tensors point into the mapped files wherever the
 * checkpoint's layout is a gguf's, too; nothing is written to disk.  What has another layout
 * (interleaved qkv, transposed matrices, packed 4-bit codes, norm weights that lack their 1) is
 * made in memory when gguf_fill is called, row by row.  The names, keys and changes are those of
 * llama.cpp's converter, so that a folder and the file made from it are the same model to the rest
 * of the engine, with one exception: rows of q and k are not permuted, and the key
 * densimeter.rope.halves says so. */
#ifndef RUNNERS_HF_H
#define RUNNERS_HF_H

#include <stddef.h>

#include "base/err.h"
#include "runners/gguf.h"

int hf_is_folder(const char *path); /* a folder, or nothing that is there */
int hf_open(struct gguf **out, const char *folder, struct err *e);
/* The same of one file of weights and a config that are in memory; weights are the caller's and
 * must outlive the gguf.  `name` stands for the folder. */
int hf_open_bytes(struct gguf **out, const char *config, size_t n_config, const void *weights,
                  size_t n_weights, const char *name, struct err *e);

/* A MODEL of the command line: a .gguf (the first of a split set is enough) or a folder. */
int model_file_open(struct gguf **out, const char *path, struct err *e);

/* What makes a folder the model that it is: the paths of its weights, config and tokenizer files,
 * in an order that depends on their names only.  hf_files_free takes what it gave. */
struct hf_files {
    char **v;
    size_t n, cap;
};
int hf_files_list(struct hf_files *out, const char *folder, struct err *e);
void hf_files_free(struct hf_files *f);

#endif
