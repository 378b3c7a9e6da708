/* byte_level.h -- bytes as printable characters, as GPT-2 writes its tokens (engine.md 4.3, 2). */
#ifndef RUNNERS_BYTE_LEVEL_H
#define RUNNERS_BYTE_LEVEL_H

#include "base/strbuf.h"

void byte_level_put(struct strbuf *b, unsigned char byte); /* the character that shows it */
/* Appends what the characters of a token's text stand for; a character that shows no byte stands
 * for itself. */
void byte_level_decode(struct strbuf *out, const char *text, size_t n);

#endif
