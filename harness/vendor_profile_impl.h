/* vendor_profile_impl.h -- what vendor_profile.c and vendor_profile_json.c share: a profile being
 * filled, in its own arena. */
#ifndef HARNESS_VENDOR_PROFILE_IMPL_H
#define HARNESS_VENDOR_PROFILE_IMPL_H

#include "harness/vendor_profile.h"

enum {
    STEPS_MAX = 64,
    WORDS_MAX = 64,
    CHANGES_MAX = 16, /* of two words each: with the longest row they fit into WORDS_MAX */
};

struct maker {
    struct vendor_profile *p;
    struct err *e;
    int failed; /* an allocation */
};
const char *profile_keep(struct maker *m, const char *s, size_t n);
const char *profile_keep_all(struct maker *m, const char *s); /* NULL for NULL */
void *profile_room(struct maker *m, size_t n, size_t size);   /* one more than n, zeroed */

#endif
