/* bits.h -- the stored items of a bank of facts to bits of knowledge (knowledge.h does the
 * counting). */
#ifndef HARNESS_BITS_H
#define HARNESS_BITS_H

#include "base/err.h"
#include "results/store.h"

struct bits;
struct facts;
/* bank: the one that asked; must outlive b. */
int bits_open(struct bits **out, const struct facts *bank, struct err *e);
void bits_close(struct bits *b);
int bits_add(struct bits *b, const struct store_item *it, struct err *e);

/* Appends knowledge_bits, bits_per_fact, knowledge_share, bits_per_mparam and bits_per_mbyte with
 * their intervals to values[*n..max), and bits_per_fact of every language, domain and band, whose
 * name is the filter (it stays the bank's until bits_close).  Nothing when no item was added. */
int bits_values(struct bits *b, const struct store_model *model, struct store_value *values,
                int *n, int max, struct err *e);

#endif
