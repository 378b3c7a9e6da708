/* analyzer.h -- what clang's analyzer cannot see from one file (`make lint` includes it first): an
 * error is -1, so that "rc = p ? 0 : err_nomem(e)" is followed, and what cJSON finds to be of a kind
 * is there. */
#include <cJSON.h>

#include "base/err.h"

#define err_nomem(e) (err_nomem(e), -1)
#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_errno(...) (err_errno(__VA_ARGS__), -1)
#define err_prefix(...) (err_prefix(__VA_ARGS__), -1)
#define cJSON_IsArray(v) ((v) && cJSON_IsArray(v))
#define cJSON_IsObject(v) ((v) && cJSON_IsObject(v))
#define cJSON_IsString(v) ((v) && cJSON_IsString(v))
#define cJSON_IsNumber(v) ((v) && cJSON_IsNumber(v))
#define cJSON_IsTrue(v) ((v) && cJSON_IsTrue(v))
#define cJSON_IsBool(v) ((v) && cJSON_IsBool(v))

/* What a test asserts holds behind it. */
#ifdef ANALYZED_TEST
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void _fail(const char *const file, const int line) __attribute__((noreturn));
void _skip(const char *const file, const int line) __attribute__((noreturn));
#define _assert_true(x, ...) ((x) ? (void)0 : _fail("", 0))
#define _assert_int_equal(a, b, ...) ((a) == (b) ? (void)0 : _fail("", 0))
#endif
