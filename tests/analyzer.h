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
