/* lab.h -- a folder with small models, task files, a plan and a database of a few runs; and command
 * lines of densimeter, run in this process over them. */
#ifndef TESTS_LAB_H
#define TESTS_LAB_H

#include <signal.h>
#include <stdio.h>

#include "base/err.h"

/* The current folder becomes it, and $DENSIMETER_DB and $DENSIMETER_MODELS lie in it.  tiny.gguf,
 * other.gguf, hybrid.gguf, brief.gguf (64 tokens); words.json, numbers.json, judged.json,
 * letters.json, lm/all.yaml, lm/bell.yaml; plan.json; the runs first, second, bench1 and bench2;
 * nights.db; first.tar, .json, .csv, .db, .lm. */
int lab_set_up(void **state);
int lab_tear_down(void **state);

extern volatile sig_atomic_t lab_stop; /* what Ctrl-C sets */
extern int lab_watched; /* as if the log were a terminal */

/* The status of a command line without the program's name, as main.c would have it; -1: e.  Words
 * are parted by single spaces. */
int lab_run(const char *line, FILE *out, FILE *log, struct err *e);
void lab_do(const char *line); /* it must end with 0; what it prints is nobody's */
/* What a plan's cells start: the test's program in the place of densimeter. */
int lab_as_program(int argc, char **argv);

void lab_write(const char *path, const char *text);

#endif
