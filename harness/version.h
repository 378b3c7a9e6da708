/* version.h -- what `densimeter --version` tells. */
#ifndef HARNESS_VERSION_H
#define HARNESS_VERSION_H

#include "base/strbuf.h"

#define DENSIMETER_VERSION "0.1.0"

/* Version, commit, compiler and the ids of the arithmetics, a line each.  The commit is known to
 * the program alone: tests are not linked again for every commit. */
void version_text(struct strbuf *b, const char *commit);

#ifdef __clang__
#define DENSIMETER_COMPILER "clang " __clang_version__
#else
#define DENSIMETER_COMPILER "gcc " __VERSION__
#endif

#endif
