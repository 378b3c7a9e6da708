/* load.h -- data files to documents: one function per kind of file, private to tasks/.
 *
 * Files are hostile: every error names file and line, nothing is taken before it is checked.  On
 * failure *out is empty. */
#ifndef TASKS_LOAD_H
#define TASKS_LOAD_H

#include "tasks/recipe.h"

int load_jsonl(struct docs *out, const char *path, const struct recipe *r, struct err *e);
int load_csv(struct docs *out, const char *path, const struct recipe *r, struct err *e);
/* One JSON value: an array of records, or an object that keeps it under "examples". */
int load_json(struct docs *out, const char *path, const struct recipe *r, struct err *e);

/* What a row asks of a file that recipe r reads: all of its documents, or those of the row's
 * subject, without any an error.  docs_release, also on failure. */
int load_row(struct docs *docs, const char *path, const struct task_row *row,
             const struct recipe *r, struct err *e);

/* WikiText as one file: a document begins at each heading of the first level ("= Title ="). */
int load_wikitext(struct docs *out, const char *path, const struct recipe *r, struct err *e);
/* The first 60,000 characters of a plain text as one document. */
int load_text(struct docs *out, const char *path, const struct recipe *r, struct err *e);
/* Texts with <|endoftext|> between them; white space at their ends is not part of them. */
int load_stories(struct docs *out, const char *path, const struct recipe *r, struct err *e);
/* Our own short text, a document per paragraph; path is not looked at. */
int load_prose(struct docs *out, const char *path, const struct recipe *r, struct err *e);

/* Appends a whole file; what is not UTF-8 or holds a zero byte is refused. */
int load_whole(struct strbuf *b, const char *path, struct err *e);

/* The parsers behind them, for texts in memory. */
int parse_csv(struct docs *out, const char *bytes, size_t n, const char *name,
              const struct recipe *r, struct err *e);
int parse_wikitext(struct docs *out, const char *bytes, size_t n, struct err *e);

/* A JSON text as a document; at the end of *out. */
int parse_record(struct docs *out, const char *bytes, size_t n, const char *where,
                 const struct recipe *r, struct err *e);

#endif
