/* model_hash.h -- is a model still the file, or the folder of files, that it was?
 *
 * The hash is of the content, as stored with every run: a file's SHA-256; of a Hugging Face folder
 * the SHA-256 of what sha256sum prints for the files that make the model (hf_files_list).  The
 * stamp is what the system tells without reading (device, inode, size, time of change); while it
 * stays, the content need not be read again. */
#ifndef HARNESS_MODEL_HASH_H
#define HARNESS_MODEL_HASH_H

#include "base/err.h"
#include "base/sha256.h"

/* model_hash, or what it was when the files had this stamp and the same times of their inodes:
 * those nobody sets back.  The last 64 hashes are in $XDG_DATA_HOME/densimeter/model_hashes, each
 * sealed; a file changed within the last two seconds is not noted.  A help, never a condition. */
int model_hash_known(char hash[SHA256_HEX], const char *path, struct err *e);
int model_stamp(char stamp[SHA256_HEX], const char *path, struct err *e);
int model_hash(char hash[SHA256_HEX], const char *path, struct err *e);

#endif
