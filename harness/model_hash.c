#include "harness/model_hash.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"

static int put_stat(struct strbuf *b, const char *path, struct err *e)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return err_errno(e, "%s", path);
    strbuf_addf(b, "%llu %llu %lld %lld.%09ld\n", (unsigned long long)st.st_dev,
                (unsigned long long)st.st_ino, (long long)st.st_size,
                (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    return 0;
}

static int put_hash(struct strbuf *b, const char *path, struct err *e)
{
    char hex[SHA256_HEX];

    if (sha256_file(hex, path, e) < 0)
        return -1;
    strbuf_addf(b, "%s\n", hex);
    return 0;
}

static int is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Every plain file of the folder by name, with what `put` says of it. */
static int put_folder(struct strbuf *b, const char *folder,
                      int (*put)(struct strbuf *b, const char *path, struct err *e), struct err *e)
{
    struct dirent **v = NULL;
    int n = scandir(folder, &v, NULL, alphasort), rc = n < 0 ? err_errno(e, "%s", folder) : 0;

    for (int i = 0; i < n; i++) {
        struct stat st;
        char *path = rc == 0 ? path_join(folder, v[i]->d_name) : NULL;
        if (rc == 0 && !path)
            rc = err_nomem(e);
        if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            strbuf_addf(b, "%s ", v[i]->d_name);
            rc = put(b, path, e);
        }
        mem_free(path);
        free(v[i]); /* scandir's own */
    }
    free(v);
    return rc;
}

int model_stamp(char stamp[SHA256_HEX], const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = is_folder(path) ? put_folder(&b, path, put_stat, e) : put_stat(&b, path, e);

    if (rc == 0)
        rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = sha256_bytes(stamp, strbuf_str(&b), b.len, e);
    strbuf_release(&b);
    return rc;
}

int model_hash(char hash[MODEL_HASH_SIZE], const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char hex[SHA256_HEX];
    int rc;

    if (!is_folder(path))
        return sha256_file(hash, path, e);
    rc = put_folder(&b, path, put_hash, e);
    if (rc == 0)
        rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = sha256_bytes(hex, strbuf_str(&b), b.len, e);
    if (rc == 0)
        snprintf(hash, MODEL_HASH_SIZE, MODEL_FOLDER "%s", hex);
    strbuf_release(&b);
    return rc;
}
