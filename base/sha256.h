/* sha256.h -- SHA-256 by OpenSSL's libcrypto, as lower-case hex. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#include "base/err.h"

#define SHA256_HEX 65 /* 64 digits and a terminator */

int sha256_bytes(char hex[SHA256_HEX], const void *bytes, size_t n, struct err *e);
int sha256_file(char hex[SHA256_HEX], const char *path, struct err *e);

/* What git calls a file with these bytes: SHA-1 over a header and them.  Good against damage, which
 * is what it is compared for; not against malice. */
#define GIT_SHA1_HEX 41
int git_sha1_file(char hex[GIT_SHA1_HEX], const char *path, struct err *e);

/* Piecewise; final frees s, also after a failed update; NULL is fine. */
struct sha256;
int sha256_begin(struct sha256 **out, struct err *e);
int sha256_update(struct sha256 *s, const void *bytes, size_t n, struct err *e);
int sha256_final(struct sha256 *s, char hex[SHA256_HEX], struct err *e);

#endif
