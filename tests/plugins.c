#include "tests/plugins.h"

#include "base/file.h"
#include "tests/test.h"

/* build/MODE, in which this program's folder stands. */
static void build_folder(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    char *end;

    assert_true(n > 0);
    path[n] = 0;
    for (int i = 0; i < 2 && (end = strrchr(path, '/')) != NULL; i++)
        *end = 0;
}

const char *plugin_built(const char *source)
{
    static char path[1024];
    char folder[512];

    build_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/%.*s.so", folder, (int)strcspn(source, "."), source);
    if (!file_exists(path))
        fail_msg("%s is not built: make this test", path);
    return path;
}

const char *plugin_program(void)
{
    static char path[1024];
    char folder[512];

    build_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/densimeter", folder);
    if (access(path, X_OK) != 0) {
        print_message("          skipped: %s is not built\n", path);
        skip();
    }
    return path;
}
