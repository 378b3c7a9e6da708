#include "tests/weights.h"

#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/mem.h"

void weights_add(struct weights *w, const char *name, const char *type, const char *shape,
                 const void *bytes, size_t n)
{
    strbuf_addf(&w->header,
                "%s\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%zu,%zu]}",
                w->header.len ? "," : "{", name, type, shape, w->data.len, w->data.len + n);
    strbuf_add(&w->data, bytes, n);
}

static void add_head(struct strbuf *image, const char *header, size_t n)
{
    for (int i = 0; i < 8; i++)
        strbuf_addc(image, (char)(n >> (8 * i)));
    strbuf_add(image, header, n);
}

void weights_finish(struct weights *w, struct strbuf *image)
{
    strbuf_addc(&w->header, '}');
    while (w->header.len % 8)
        strbuf_addc(&w->header, ' ');
    add_head(image, strbuf_str(&w->header), w->header.len);
    strbuf_add(image, strbuf_str(&w->data), w->data.len);
    strbuf_release(&w->header);
    strbuf_release(&w->data);
    assert_int_equal(strbuf_ok(image, NULL), 0);
}

void weights_raw(struct strbuf *image, const char *header, size_t n)
{
    add_head(image, header, strlen(header));
    for (size_t i = 0; i < n; i++)
        strbuf_addc(image, 0);
}

void folder_make(char dir[256])
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, 256, "%s/densimeter-XXXXXX", tmp && strlen(tmp) < 200 ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
}

void folder_put(const char *dir, const char *name, const void *bytes, size_t n)
{
    char *path = path_join(dir, name);
    struct err e = ERR_NONE;

    assert_non_null(path);
    if (file_write(path, bytes, n, &e) < 0)
        fail_msg("%s", e.text);
    mem_free(path);
}

void folder_remove(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *f;

    while (d && (f = readdir(d))) {
        char *path = f->d_name[0] == '.' ? NULL : path_join(dir, f->d_name);
        if (path)
            unlink(path);
        mem_free(path);
    }
    if (d)
        closedir(d);
    rmdir(dir);
}
