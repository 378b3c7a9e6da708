/* hf_base64.h -- base 64 (RFC 4648) back to bytes, for maps inside JSON. */
#ifndef RUNNERS_HF_BASE64_H
#define RUNNERS_HF_BASE64_H

#include "base/strbuf.h"

/* Appends; -1: not base 64. */
int base64_decode(struct strbuf *out, const char *s, size_t n);

#endif
