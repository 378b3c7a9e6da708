#include "tests/data_folder.h"

#include <ftw.h>

#include "base/file.h"
#include "tests/test.h"

char data_folder[64];
const char *const data_folders[1] = {data_folder};

void data_put(const char *name, const char *text)
{
    char path[256], *slash;

    if (!*data_folder) {
        strcpy(data_folder, "/tmp/densimeter-data-XXXXXX");
        assert_non_null(mkdtemp(data_folder));
    }
    snprintf(path, sizeof path, "%s/%s", data_folder, name);
    slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(dir_make(path, NULL), 0);
    *slash = '/';
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
