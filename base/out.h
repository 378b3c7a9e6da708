/* out.h -- a file that is written piece by piece: what is put into b goes to it at each flush, and
 * it appears under its name at the end, whole or not at all.  path "-" is stdout; what is no file
 * (a terminal, a pipe) is written to as it is. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"

struct out_file {
    FILE *f;
    char *path, *tmp; /* tmp NULL: stdout, or no file */
    struct strbuf b;
};
int out_open(struct out_file *o, const char *path, struct err *e);
int out_flush(struct out_file *o, struct err *e);
int out_finish(struct out_file *o, struct err *e); /* flush, fsync, rename */
void out_close(struct out_file *o);                /* without out_finish: nothing is left */

#endif
