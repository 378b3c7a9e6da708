/* ifeval.h -- whether a text does what it was told to: the 25 verifiable instructions of IFEval
 * (Zhou et al. 2023, table 1), private to tasks/.
 *
 * Each is checked as lm-eval 0.4.11 checks it, but for what its libraries learned from data: the
 * end of a sentence (rules below, not the trained Punkt model) and the language of a text (scripts
 * and the commonest words, not langdetect's n-gram profiles).  Of 1,029 texts in 31 languages 1,015
 * had langdetect's language (it takes short Chinese for Korean) and 1,020 the number of sentences
 * that Punkt finds with the same abbreviations. */
#ifndef TASKS_IFEVAL_H
#define TASKS_IFEVAL_H

#include "base/json.h"
#include "base/strbuf.h"
#include "tasks/recipe.h"

/* 1 when the text follows instruction `id` with its arguments, 0 when not, -1 on error; one that
 * is all white space follows nothing.  ERR_FORMAT for an instruction or arguments unknown. */
int ifeval_follows(const struct answer *a, const char *id, const cJSON *arguments,
                   const char *text, struct err *e);
/* The same of any of the text's eight forms without its first line, last line, asterisks. */
int ifeval_follows_loosely(const struct answer *a, const char *id, const cJSON *arguments,
                           const char *text, struct err *e);
/* Why it cannot be checked at all: 0 when it can. */
int ifeval_check(const struct answer *a, const char *id, const cJSON *arguments, struct err *e);

/* ifeval_text.c: pure, any thread. */

/* len(re.findall(r"\w+", s)) */
int text_words(const char *s);
/* How many sentences NLTK's English Punkt finds (sentences.c).  *failed becomes 1
 * without memory. */
int text_sentences(const char *s, int *failed);
/* Words all in capitals, cut as the Penn Treebank's tokenizer does (punctuation and
 * clitics apart). */
int text_capital_words(const char *s);
int text_is_upper(const char *s, size_t n); /* str.isupper() */
int text_is_lower(const char *s, size_t n);
/* ISO 639-1 of what the text is most likely written in; NULL: it has no letters; "?": unknown.
 * *failed becomes 1 without memory. */
const char *text_language(const char *s, int *failed);

#endif
