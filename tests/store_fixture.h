/* store_fixture.h -- a folder that goes away, and a run of two tasks to store in it. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <sys/types.h>

#include "base/err.h"
#include "results/store.h"

struct store *store_in_memory(void);
void close_clean(struct store *s); /* no defect, and nothing is held */
struct store_run *begun(struct store *s, const struct store_run_spec *spec);
void field_text_is(const char *is, const char *wanted); /* NULL: a text that is unknown */
void field_number_is(double is, double wanted);         /* NAN: likewise */

extern char fixture_dir[64];
int fixture_folder(void **state); /* set up and tear down of a group */
int fixture_folder_gone(void **state);
const char *in_dir(const char *name); /* a path in the folder; four at a time */

struct store_run_spec spec_of(const char *settings);
int add_item(struct store_run *r, const char *task, int doc_id, struct err *e);
void fill_run_of(struct store *s, const char *settings, char id[RUN_ID_SIZE]);
void check_is_clean(struct store *s);
void exec_sql(const char *path, const char *sql); /* waits for no disk */
void print_defect(void *user, const char *defect); /* prints, and ++*(int *)user */
void count_defect(void *user, const char *defect); /* ++*(int *)user */

/* cmocka catches signals to report them; a child that did the same would run the tests again. */
pid_t fixture_fork(void);
/* Runs f in a child; 0 when it returned 0. */
int in_child(int (*f)(const char *path), const char *path);
#define CHILD_SKIPS 77
#define CHILD_FAILS(text) (fprintf(stderr, "          child: %s\n", text), 1)

#endif
