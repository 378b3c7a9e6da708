/* origin.h -- where the files that tasks read come from, and what a record of it looks like here.
 *
 * A row names a split of a data set on the Hugging Face hub, or a file of a GitHub repository at a
 * commit with its SHA-256.  Facts only: nothing here opens a connection. */
#ifndef TASKS_ORIGIN_H
#define TASKS_ORIGIN_H

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "tasks/task.h"

enum origin_shape {
    SHAPE_LINES,      /* JSON lines of the records as they are */
    SHAPE_TABLE,      /* CSV with a header line */
    SHAPE_MMLU,       /* CSV without one: question, four options, the right one's letter */
    SHAPE_PARAGRAPHS, /* the member "text" line by line; an empty one was " \n" */
    SHAPE_TRIVIA,     /* JSON lines of question, answer and aliases */
    SHAPE_FILE,       /* the hub's file as it is: no records */
};

struct origin {
    char dataset[96], config[96], split[32]; /* config "": the only one; dataset "": not the hub */
    /* the file of the repository that has the split, "X.zip#MEMBER" for one inside an archive; "":
     * it is called as the split is */
    char hub[128];
    enum origin_shape shape;
    const char *github, *path; /* OWNER/REPO/COMMIT and the file in it; NULL: the hub */
    const char *sha256;        /* of the file here; NULL: not known beforehand */
    const char *licence;       /* of what is not on the hub, which says so itself */
};
/* 1 and *out for a file below a data folder ("arc_easy/test.jsonl"), 0 when it has no row. */
int origin_of(const char *file, struct origin *out);

/* The files that a task reads, its examples' last: how many, at most 2. */
int origin_files(const struct task_info *t, const char *files[2]);

/* The same for a task file of lm-eval, FILE.yaml or GROUP.yaml:TASK, which names data set and
 * splits: calls each with the file that is looked for and its origin.  Scenarios need none. */
int origin_of_task_file(const char *word,
                        int (*each)(void *user, const char *file, const struct origin *o,
                                    struct err *e),
                        void *user, struct err *e);

/* Appends a record in the shape that is wanted; `where` names it in errors, `first` is 1 for the
 * first of a file.  ERR_FORMAT when a member is missing or is not what it has to be. */
int origin_put(enum origin_shape shape, const cJSON *record, int first, const char *where,
               struct strbuf *out, struct err *e);

/* Files at fixed addresses: origin_pinned.c. */
struct origin_pinned {
    const char *file, *repo, *path, *sha256, *licence;
};
extern const struct origin_pinned origin_pinned[];
extern const int n_origin_pinned;

#endif
