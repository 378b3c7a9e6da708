/* arch.h -- the architecture table: which keys, which layers, which operations of each.
 *
 * A new model family is a row in arch.c (and, rarely, a new op kind with its kernel): nothing else
 * may need to change.  Sources: the model papers and files; ../spec architectures text by name. */
#ifndef RUNNERS_ARCH_H
#define RUNNERS_ARCH_H

#include "base/err.h"

struct gguf;
struct model;

/* Whether a file's architecture has a row: 0, or -1 and why not.  Reads nothing but its keys. */
int arch_check(const struct gguf *file, struct err *e);
/* Reads the hyper-parameters of m->file and fills m->arch_name, m->hp and m->program. */
int arch_build(struct model *m, struct err *e);

#endif
