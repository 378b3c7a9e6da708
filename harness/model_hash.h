/* model_hash.h -- is a model still the file, or the folder of files, that it was?
 *
 * The hash is of the content: a file's SHA-256, as stored with every run, or "folder:" and one over
 * the names and hashes of a folder's files.  The stamp is what the system tells without reading
 * (device, inode, size, time of change); while it stays, the content need not be read again. */
#ifndef HARNESS_MODEL_HASH_H
#define HARNESS_MODEL_HASH_H

#include "base/err.h"
#include "base/sha256.h"

#define MODEL_FOLDER "folder:"
#define MODEL_HASH_SIZE (SHA256_HEX + sizeof MODEL_FOLDER)

int model_stamp(char stamp[SHA256_HEX], const char *path, struct err *e);
int model_hash(char hash[MODEL_HASH_SIZE], const char *path, struct err *e);

#endif
