/* mem.h -- every allocation of the project, so that a test can make each of them fail.
 *
 * Threads: the counters are atomic; any thread may allocate and free.  Sizes are checked for
 * overflow.  Freed with mem_free only. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t bytes);              /* uninitialised; NULL when refused, not for 0 */
void *mem_calloc(size_t n, size_t size);    /* zeroed */
void *mem_realloc(void *p, size_t bytes);   /* on failure p stays valid */
void *mem_aligned(size_t align, size_t bytes); /* align: a power of two up to 4096; zeroed */
void mem_free(void *p);                     /* NULL is fine; aligned blocks too */

char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n); /* exactly n bytes and a terminator */

/* Grows *items (of item_size bytes each) so that at least `need` fit; *cap is updated.  Doubles. */
int mem_grow(void *items, size_t *cap, size_t need, size_t item_size);

/* Tests: refuse the nth allocation from now on (0 = the next one), once; -1 = never. */
void mem_fail_at(long nth);
long mem_live(void); /* blocks that are allocated and not freed */

#endif
