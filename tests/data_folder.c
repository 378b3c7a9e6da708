#include "tests/data_folder.h"

#include <ftw.h>

#include "base/file.h"
#include "tests/test.h"

char data_folder[64];
const char *const data_folders[1] = {data_folder};

const char *data_path(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];

    if (!*data_folder) {
        strcpy(data_folder, "/tmp/densimeter-data-XXXXXX");
        assert_non_null(mkdtemp(data_folder));
    }
    snprintf(path, sizeof paths[0], "%s/%s", data_folder, name);
    return path;
}

void data_put(const char *name, const char *text)
{
    const char *path = data_path(name);
    char folder[256];

    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    assert_int_equal(dir_make(folder, NULL), 0);
    assert_int_equal(file_write(path, text, strlen(text), NULL), 0);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st, (void)kind, (void)f;
    return remove(path);
}

int data_folder_gone(void **state)
{
    (void)state;
    if (*data_folder)
        nftw(data_folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    *data_folder = 0;
    return 0;
}
