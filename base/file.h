/* file.h -- files as byte ranges: mapped, read whole, read by line, written by rename. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/strbuf.h"

/* A file mapped read only.  An empty file maps to bytes = "" and len = 0. */
struct file_map {
    const uint8_t *bytes;
    size_t len;
};
#define FILE_MAP_NONE ((struct file_map){0})
int file_map(struct file_map *out, const char *path, struct err *e);
void file_unmap(struct file_map *m);
/* Brings a mapping's pages into memory, as fast as their file can be read: page by page, as they
 * are touched, is slower.  Those that nobody touches are not counted as this process's.  *stop
 * non-zero (or NULL: never) ends it.  A hint: nothing when they are there already, or the kernel
 * cannot (before Linux 5.14). */
void file_read_ahead(const struct file_map *m, const volatile int *stop);

/* Appends the whole file to b; refuses files over `max` bytes (ERR_FORMAT).  "-" is stdin. */
int file_read(struct strbuf *b, const char *path, size_t max, struct err *e);

/* Writes bytes to path so that a reader sees the old file or the new one, never a part: a
 * temporary file beside it, fsync, rename.  What is no file (a terminal, a pipe, /dev/stdout) is
 * written to as it is. */
int file_write(const char *path, const void *bytes, size_t n, struct err *e);

/* Lines of up to 64 MiB without their "\n" (and without a "\r" before it).  next returns 1 with a
 * line, 0 at the end, -1 on error.  The line is the reader's until the next call;
 * n counts from 1. */
struct line_reader {
    const char *path;
    FILE *f;
    struct strbuf line; /* may hold zero bytes: whoever reads the line refuses them */
    size_t n;
    int owned;
};
int lines_open(struct line_reader *r, const char *path, struct err *e); /* "-" is stdin */
int lines_next(struct line_reader *r, struct err *e);
void lines_close(struct line_reader *r);

int file_exists(const char *path);
/* There, but neither file nor folder: a rename would put a file in the place of a device. */
int file_is_special(const char *path);
int64_t file_size(const char *path); /* -1 when it cannot be told */
int dir_make(const char *path, struct err *e); /* with parents; existing is fine */
char *path_join(const char *dir, const char *name); /* mem_free; NULL when out of memory */
const char *path_base(const char *path);        /* after the last '/' */

/* $XDG_DATA_HOME/densimeter/name, with ~/.local/share for an unset variable; mem_free. */
char *path_data_home(const char *name);
/* The same of $XDG_CACHE_HOME and ~/.cache. */
char *path_cache_home(const char *name);

#endif
