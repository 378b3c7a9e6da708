/* schema.h -- what the tables are, how they came to be, and what each column means. */
#ifndef RESULTS_SCHEMA_H
#define RESULTS_SCHEMA_H

#include "results/db.h"

#define SCHEMA_APPLICATION_ID 0x44454e53 /* "DENS": tells our files from other SQLite files */

/* Migrations in order; running row i turns version i into version i + 1. */
int schema_version(void);

/* The version of what is there, 0 for nothing; errors as schema_prepare. */
int schema_found(struct db *db, struct err *e);
/* In an empty database all tables as they were in that version. */
int schema_make(struct db *db, int version, struct err *e);

/* Creates or migrates (readonly = 0), or only checks that this program can read what is there.
 * ERR_FORMAT: another program's database, or a newer one (the text says which version). */
int schema_prepare(struct db *db, int readonly, struct err *e);

struct schema_doc {
    const char *table, *column, *help; /* column NULL: the table itself */
};
const struct schema_doc *schema_doc_at(int i); /* NULL after the last */

/* Tables, parents before children, and which rows of the attached database `source` belong to the
 * runs listed in temp.chosen(id): what is copied when runs move from file to file. */
struct schema_part {
    const char *table;
    const char *key; /* rows that runs share are told apart by it; NULL: every row is one run's */
    const char *where;
};
const struct schema_part *schema_part_at(int i);

#endif
