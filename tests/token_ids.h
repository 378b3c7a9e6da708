/* token_ids.h -- the ids of a text, as a text with a blank between two of them. */
#ifndef TESTS_TOKEN_IDS_H
#define TESTS_TOKEN_IDS_H

#include "runners/tokenizer.h"

/* flags: as tokenizer_encode's */
void ids_are(struct tokenizer *t, const char *text, size_t n, int flags, const char *wanted);

#endif
