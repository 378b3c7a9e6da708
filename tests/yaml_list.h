/* yaml_list.h -- lists of a task file, written in a test: "f" is the file's name. */
#ifndef TESTS_YAML_LIST_H
#define TESTS_YAML_LIST_H

#include "base/strbuf.h"
#include "tasks/yamldoc.h"

struct ynode *yaml_of(struct arena *a, const char *yaml);
/* "[" open one,one,... close "]" with n of them */
void yaml_repeat(struct strbuf *b, const char *open, const char *one, const char *close, int n);
/* error: how it begins */
void refused_as(const struct err *e, const char *yaml, const char *error, const char *hint);

#endif
