#include "harness/model_hash.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "runners/hf.h"

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
    strbuf_addf(b, "%s  %s\n", hex, path_base(path));
    return 0;
}

/* Every file that makes the model, by name, with what `put` says of it. */
static int put_folder(struct strbuf *b, const char *folder,
                      int (*put)(struct strbuf *b, const char *path, struct err *e), struct err *e)
{
    struct hf_files files;
    int rc = hf_files_list(&files, folder, e);

    if (rc == 0 && files.n == 0)
        rc = err_set(e, ERR_NOTFOUND, "%s: no config.json: not a Hugging Face model", folder);
    for (size_t i = 0; i < files.n && rc == 0; i++)
        rc = put(b, files.v[i], e);
    hf_files_free(&files);
    return rc;
}

int model_stamp(char stamp[SHA256_HEX], const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = hf_is_folder(path) ? put_folder(&b, path, put_stat, e) : put_stat(&b, path, e);

    if (rc == 0)
        rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = sha256_bytes(stamp, strbuf_str(&b), b.len, e);
    strbuf_release(&b);
    return rc;
}

int model_hash(char hash[SHA256_HEX], const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (!hf_is_folder(path))
        return sha256_file(hash, path, e);
    rc = put_folder(&b, path, put_hash, e);
    if (rc == 0)
        rc = strbuf_ok(&b, e);
    if (rc == 0)
        rc = sha256_bytes(hash, strbuf_str(&b), b.len, e);
    strbuf_release(&b);
    return rc;
}
