/* documents.h -- records of a file as JSON objects: JSON lines, a JSON array, CSV with a header
 * line or Parquet, told apart by how the name ends; the first three packed as well ("X.json.gz",
 * "X.zip#MEMBER", base/unpack.h).
 *
 * A column of a CSV file is of numbers when every field of it is one or empty.  Any of it may be a
 * stranger's: errors name the file and the place. */
#ifndef TASKS_DOCUMENTS_H
#define TASKS_DOCUMENTS_H

#include "base/json.h"

/* Appends the records to a list made after json_begin. */
int documents_read(cJSON *list, const char *path, struct err *e);

/* How the names of such files end, by preference; NULL behind the last. */
const char *documents_suffix(size_t i);

#endif
