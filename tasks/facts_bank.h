/* facts_bank.h -- the bank of facts in memory: rows as read, checked for form only.
 *
 * For facts*.c alone; everybody else reads facts.h.  All strings belong to the parsed lines. */
#ifndef TASKS_FACTS_BANK_H
#define TASKS_FACTS_BANK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/sha256.h"
#include "tasks/facts.h"

#define FACTS_LANGUAGES 2
#define FACTS_BANDS 3
#define FACTS_ALIASES 6    /* at most, a row */
#define FACTS_TEXT_MAX 160 /* bytes of a subject, an answer or an alias */

struct facts_language {
    const char *name;
    const char *delimiter; /* between a phrasing and its answer */
};
extern const struct facts_language facts_languages[FACTS_LANGUAGES];
extern const char *const facts_bands[FACTS_BANDS];

struct relation {
    const char *name, *domain, *source_kind, *licence;
    const char *templates[FACTS_LANGUAGES][FACTS_TEMPLATES]; /* NULL: not asked in that language */
    const char *neutral[FACTS_LANGUAGES];
    int first, count; /* its facts are neighbours */
    int line;         /* of the header, counted from the first of the whole bank */
};

struct fact {
    int relation, language, band, line;
    const char *id, *subject, *answer;
    const char *aliases[FACTS_ALIASES], *also[FACTS_ALIASES]; /* also: right, but not asked for */
    int n_aliases, n_also;
    int new_answer; /* no earlier fact of the relation and language has this answer */
};

struct facts {
    struct relation *relations;
    struct fact *facts;
    cJSON **lines; /* where the strings live */
    int n_relations, n_facts, n_lines;
    size_t relations_cap, facts_cap, lines_cap;
    uint64_t seed;
    char sha256[SHA256_HEX];
};

/* The line within the relation's file, for messages. */
int facts_line(const struct facts *f, const struct fact *fact);

/* "{s}" replaced by the subject, in capitals where it opens an English sentence; mem_free. */
char *facts_phrase(const char *template, const char *subject);

/* Row indices of the candidates of fact i, itself first; returns how many. */
int facts_candidates(const struct facts *f, int i, int out[FACTS_CANDIDATES]);

/* 1 when b could pass for an answer of a: its answer or an alias is, begins or continues a right
 * answer of a's subject, an alias of it, or one that a names under "also". */
int facts_clash(const struct facts *f, int a, int b);

/* A hash of strings joined by zero bytes, seeded; the last argument is NULL. */
uint64_t facts_hash(uint64_t seed, ...);

#endif
