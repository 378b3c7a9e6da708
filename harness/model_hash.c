#include "harness/model_hash.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
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

/* --- hashes that were taken before -------------------------------------------------------- */

enum { NOTES = 64, SEAL = 16, RACY_S = 2, NOTES_BYTES = 1 << 16 };

static int put_inode_times(struct strbuf *b, const char *path, struct err *e)
{
    struct stat st;

    if (put_stat(b, path, e) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return err_errno(e, "%s", path);
    if (st.st_ctim.tv_sec > time(NULL) - RACY_S) /* a later change might have the same times */
        return err_set(e, ERR_INVALID, "%s: just changed", path);
    strbuf_addf(b, "%lld.%09ld\n", (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    return 0;
}

static int note_name(char name[SHA256_HEX], const char *path)
{
    struct strbuf b = STRBUF_INIT;
    int rc = hf_is_folder(path) ? put_folder(&b, path, put_inode_times, NULL)
                                : put_inode_times(&b, path, NULL);

    if (rc == 0)
        rc = strbuf_ok(&b, NULL);
    if (rc == 0)
        rc = sha256_bytes(name, strbuf_str(&b), b.len, NULL);
    strbuf_release(&b);
    return rc;
}

static int note_line(char line[2 * SHA256_HEX + SEAL + 2], const char *name, const char *hash)
{
    char seal[SHA256_HEX];
    int n = snprintf(line, 2 * SHA256_HEX, "%s %s", name, hash);

    if (sha256_bytes(seal, line, (size_t)n, NULL) < 0)
        return -1;
    sprintf(line + n, " %.*s\n", SEAL, seal);
    return 0;
}

/* Where the line of this name begins, or NULL. */
static const char *find_note(const struct strbuf *notes, const char *name)
{
    const char *at = strbuf_str(notes);

    while (at && *at) {
        if (strncmp(at, name, SHA256_HEX - 1) == 0 && at[SHA256_HEX - 1] == ' ')
            return at;
        at = strchr(at, '\n');
        at += at != NULL;
    }
    return NULL;
}

static int take_note(char hash[SHA256_HEX], const struct strbuf *notes, const char *name)
{
    const char *at = find_note(notes, name);
    char line[2 * SHA256_HEX + SEAL + 2];

    if (!at || strlen(at) < sizeof line - 1)
        return 0;
    memcpy(hash, at + SHA256_HEX, SHA256_HEX - 1);
    hash[SHA256_HEX - 1] = 0;
    return note_line(line, name, hash) == 0 && strncmp(at, line, strlen(line)) == 0;
}

/* The new line first, and of the others as many as there may be. */
static void write_note(const char *file, const struct strbuf *notes, const char *name,
                       const char *hash)
{
    struct strbuf b = STRBUF_INIT;
    char line[2 * SHA256_HEX + SEAL + 2], *folder = path_data_home("");
    const char *at = strbuf_str(notes);

    if (note_line(line, name, hash) == 0)
        strbuf_adds(&b, line);
    for (int n = 1; n < NOTES && *at; n++) {
        size_t len = strcspn(at, "\n");
        if (strncmp(at, name, SHA256_HEX - 1) != 0)
            strbuf_addf(&b, "%.*s\n", (int)len, at);
        at += len + (at[len] != 0);
    }
    if (folder && b.len && strbuf_ok(&b, NULL) == 0 && dir_make(folder, NULL) == 0)
        (void)file_write(file, b.s, b.len, NULL);
    mem_free(folder);
    strbuf_release(&b);
}

int model_hash_known(char hash[SHA256_HEX], const char *path, struct err *e)
{
    struct strbuf notes = STRBUF_INIT;
    char name[SHA256_HEX], *file = path_data_home("model_hashes");
    int rc = 0, is_named = file && note_name(name, path) == 0;

    if (is_named && file_exists(file) && file_read(&notes, file, NOTES_BYTES, NULL) < 0)
        strbuf_clear(&notes);
    if (!is_named || !take_note(hash, &notes, name)) {
        rc = model_hash(hash, path, e);
        if (rc == 0 && is_named)
            write_note(file, &notes, name, hash);
    }
    mem_free(file);
    strbuf_release(&notes);
    return rc;
}
