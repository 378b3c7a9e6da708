/* usage.h -- everything that explains the command table: help, man page, shell completions.
 *
 * All of it goes to a strbuf, derived from the rows alone. */
#ifndef HARNESS_USAGE_H
#define HARNESS_USAGE_H

#include "base/strbuf.h"
#include "harness/command.h"
#include "harness/version.h"

void usage_overview(struct strbuf *b, const struct command *table);
void usage_command(struct strbuf *b, const struct command *c);
void usage_man(struct strbuf *b, const struct command *table); /* roff, section 1 */
void usage_completions(struct strbuf *b, const struct command *table, const char *shell);

#endif
