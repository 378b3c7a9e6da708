#include "tests/plugins.h"

#include "base/file.h"
#include "tests/test.h"
#include "tests/weights.h"

static char folder[256];

static void remove_them(void)
{
    folder_remove(folder);
}

const char *plugin_compiler(void)
{
    const char *cc = getenv("CC");

    if (getenv("EMULATOR") && (!cc || !cc[0])) {
        print_message("          skipped: $CC does not say what compiles for the emulator\n");
        skip();
    }
    return cc && cc[0] ? cc : "cc";
}

const char *plugin_built(const char *source)
{
    static char path[512];
    char command[1024];

    if (!folder[0]) {
        folder_make(folder);
        atexit(remove_them);
    }
    snprintf(path, sizeof path, "%s/%.*s.so", folder, (int)strcspn(path_base(source), "."),
             path_base(source));
    snprintf(command, sizeof command,
             "%s -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -shared -fPIC %s "
             "-I. -o %s %s -lm",
             plugin_compiler(),
             strstr(source, "/v1/") ? "-Itests/plugins/v1" : "-Iinclude", path, source);
    if (!file_exists(path) && system(command) != 0)
        fail_msg("%s does not compile", source);
    return path;
}

const char *plugin_program(void)
{
    static char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 20);
    char *end;

    assert_true(n > 0);
    path[n] = 0;
    for (int i = 0; i < 2 && (end = strrchr(path, '/')) != NULL; i++)
        *end = 0;
    strcat(path, "/densimeter");
    if (access(path, X_OK) != 0) {
        print_message("          skipped: %s is not built\n", path);
        skip();
    }
    return path;
}
