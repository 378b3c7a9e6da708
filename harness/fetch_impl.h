/* fetch_impl.h -- between fetch.c and the two ways to get bytes; nobody else includes it. */
#ifndef HARNESS_FETCH_IMPL_H
#define HARNESS_FETCH_IMPL_H

#include "harness/fetch.h"
#include "harness/source.h"

/* The open PATH.part. */
struct sink {
    const struct fetch *f;
    int fd, locked;
    char *part, *tag;    /* PATH.part, PATH.part.tag */
    uint64_t size;       /* bytes in it */
    uint64_t total;      /* of the whole file; 0: unknown */
    int inherited;       /* begins with bytes of an earlier process */
    char stated[SHA256_HEX]; /* hash that the server states, or empty */
};

int sink_write(struct sink *s, const void *bytes, size_t n, struct err *e);
int sink_cut(struct sink *s, uint64_t size, struct err *e); /* keeps the first `size` bytes */
/* The whole file will have `total` bytes: -1 when that contradicts what is known, or when the disk
 * has no room. */
int sink_expect(struct sink *s, uint64_t total, struct err *e);
int sink_stopped(const struct sink *s);

/* Fills the sink from url, going on behind what it holds if the server agrees. */
int fetch_url(struct sink *s, const struct source *from, struct err *e);
/* Appends a wheel's member. */
int fetch_wheel(struct sink *s, const struct source *from, struct err *e);

#endif
