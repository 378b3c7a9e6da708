/* world.h -- small invented worlds whose whole content is known to the bit.
 *
 * After Allen-Zhu and Li's synthetic biographies (arXiv 2404.05405, section 2): people with
 * invented names, and for each of six relations one of 16 invented values, drawn evenly and
 * independently, so that a fact is worth 4 bits and the world 24 bits a person.  Every fact can be
 * told with three predicates.  A second kind of world is arithmetic: its "people" are the 1,024
 * pairs of 32 by 32 invented numerals, its one relation their sum modulo 16, so that whoever has
 * found the rule knows facts it never saw.
 *
 * A world is a function of its options: the same everywhere.  It knows no tokens: what is said in
 * it are word numbers, 0 .. world_words.  Read only once opened, for any thread. */
#ifndef TASKS_WORLD_H
#define TASKS_WORLD_H

#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

#define WORLD_VALUES 16
#define WORLD_PHRASINGS 3
#define WORLD_LONGEST 14 /* words of a document: a name, predicates and values */

enum world_kind { WORLD_PEOPLE, WORLD_SUMS };

#define WORLD_VERSION 1 /* of how worlds are drawn and told */

struct world_opts {
    enum world_kind kind;
    uint64_t seed;       /* of names and words */
    uint64_t facts_seed; /* of what is true in it */
    int people;          /* at most 1,600; sums: at most 1,024 */
};

/* The world that a task of this name asks about; NULL: none. */
const struct world_opts *world_named(const char *task);

struct world;
int world_open(struct world **out, const struct world_opts *o, struct err *e);
void world_close(struct world *w);

int world_words(const struct world *w);
const char *world_word(const struct world *w, int i); /* "Kovabe"; the world's */

/* Everything about one person, relations in an order and predicates as draw decides: words[0..n),
 * and which of them are values.  Returns n <= WORLD_LONGEST. */
int world_document(const struct world *w, int person, uint64_t draw, int *words,
                   unsigned char *is_value);

/* The bank that asks for every fact, as facts_parse reads it, appended.  The first half of the
 * people are the band "head", the others "tail". */
void world_bank(const struct world *w, struct strbuf *out);

#endif
