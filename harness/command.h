/* command.h -- a command and its options as rows of tables.
 *
 * argv is parsed, --help, the man page and the shell completions are printed from the same rows
 * (usage.h), so that what is offered and what is accepted cannot differ.  A command is a row in
 * main.c, a file cmd_NAME.c with its function and its option rows, and a test.
 *
 * Accessors name an option by its long name; asking for one that is in no row of the command is our
 * own mistake and asserted. */
#ifndef HARNESS_COMMAND_H
#define HARNESS_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum option_kind {
    OPTION_FLAG,   /* --json */
    OPTION_COUNT,  /* -v -v: how often */
    OPTION_INT,    /* --limit 20; low..high */
    OPTION_SIZE,   /* --kv-memory 512M: bytes, with k, M or G (powers of 1024); low..high */
    OPTION_NUMBER, /* --temperature 0.7; low..high */
    OPTION_TEXT,   /* --out FILE */
    OPTION_CHOICE, /* --numerics exact|fast: one of `value` */
    OPTION_INTS,   /* -p 128,512: a comma list of integers, each in low..high */
    OPTION_TEXTS,  /* --data DIR, again and again: every one counts */
    OPTION_WORDS,  /* --tasks a,b: a comma list of words; may be repeated */
};

struct option {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *value;    /* "N", "FILE"; for a choice its words: "exact|fast" */
    const char *fallback; /* what holds when it is not given, as typed; NULL: nothing */
    double low, high;     /* both 0: any */
    const char *help;     /* one line; the fallback is added by the printer */
};

struct context;
struct command {
    const char *section; /* heading in `help`; NULL ends the table */
    const char *name;
    /* 0..3: the exit status; -1: e says what is wrong. */
    int (*run)(struct context *c, struct err *e);
    const struct option *options; /* NULL: only the common ones */
    const char *operands;         /* "MODEL [TEXT]"; "" for none */
    int min_operands, max_operands; /* -1: any number */
    const char *words;   /* "check|backup": what the first operand may be; NULL: anything */
    int lists;           /* offers --csv */
    const char *help;    /* one line */
    const char *details; /* paragraphs for --help and the man page, or NULL */
};

/* Rows every command has: --help, --json, --quiet, --no-color, --db, --data. */
extern const struct option common_options[];
extern const struct option csv_option[]; /* --csv, for commands that list */

const struct command *command_find(const struct command *table, const char *name);

/* What was typed.  Texts point into argv; argv must outlive the args. */
struct args;
/* argv[0] is the program.  Finds the command (NULL with *out filled when only common options were
 * given) and checks every word; ERR_USAGE otherwise, with a hint when a name is near another. */
int args_parse(struct args **out, const struct command *table, int argc, char **argv,
               struct err *e);
void args_free(struct args *a);

const struct command *args_command(const struct args *a); /* NULL: none was typed */
int args_n(const struct args *a);                         /* operands */
const char *args_at(const struct args *a, int i);         /* NULL beyond the last */

int args_given(const struct args *a, const char *option); /* times typed */
int args_flag(const struct args *a, const char *option);
int64_t args_int(const struct args *a, const char *option); /* INT and SIZE */
double args_num(const struct args *a, const char *option);
const char *args_str(const struct args *a, const char *option); /* TEXT and CHOICE; may be NULL */
int args_choice(const struct args *a, const char *option);      /* index of the word */

/* Lists (INTS, TEXTS, WORDS): how many entries, and entry i.  A fallback is a list of one. */
int args_count(const struct args *a, const char *option);
const char *args_word(const struct args *a, const char *option, int i);
void args_ints(const struct args *a, const char *option, int64_t *out); /* all args_count of them */

/* Calls f with each word of "a|b|c"; the words are copied into a buffer that f must not keep. */
void words_each(const char *words, void (*f)(void *user, const char *word), void *user);
int words_index(const char *words, const char *word); /* -1: not one of them */

#endif
