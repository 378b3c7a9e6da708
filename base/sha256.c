#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/file.h"

/* struct sha256 is never defined: the handle is libcrypto's context under our name. */
static EVP_MD_CTX *ctx_of(struct sha256 *s)
{
    return (EVP_MD_CTX *)s;
}

int sha256_begin(struct sha256 **out, struct err *e)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    *out = NULL;
    if (!c)
        return err_nomem(e);
    if (EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(c);
        return err_set(e, ERR_UNSUPPORTED, "libcrypto offers no SHA-256");
    }
    *out = (struct sha256 *)c;
    return 0;
}

int sha256_update(struct sha256 *s, const void *bytes, size_t n, struct err *e)
{
    if (EVP_DigestUpdate(ctx_of(s), bytes, n) != 1)
        return err_set(e, ERR_UNSUPPORTED, "SHA-256 failed");
    return 0;
}

int sha256_final(struct sha256 *s, char hex[SHA256_HEX], struct err *e)
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    int ok;

    hex[0] = 0;
    if (!s)
        return 0;
    ok = EVP_DigestFinal_ex(ctx_of(s), md, &n) == 1 && n == 32;
    EVP_MD_CTX_free(ctx_of(s));
    if (!ok)
        return err_set(e, ERR_UNSUPPORTED, "SHA-256 failed");
    for (unsigned int i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    return 0;
}

int sha256_bytes(char hex[SHA256_HEX], const void *bytes, size_t n, struct err *e)
{
    struct sha256 *s;

    if (sha256_begin(&s, e) < 0)
        return -1;
    if (sha256_update(s, bytes, n, e) < 0) {
        sha256_final(s, hex, NULL);
        return -1;
    }
    return sha256_final(s, hex, e);
}

int sha256_file(char hex[SHA256_HEX], const char *path, struct err *e)
{
    FILE *f = fopen(path, "rbe");
    struct sha256 *s = NULL;
    char chunk[1 << 16];
    size_t n;
    int rc = -1;

    hex[0] = 0;
    if (!f)
        return err_errno(e, "%s", path);
    if (sha256_begin(&s, e) < 0)
        goto out;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        if (sha256_update(s, chunk, n, e) < 0)
            goto out;
    if (ferror(f)) {
        err_errno(e, "%s", path);
        goto out;
    }
    rc = sha256_final(s, hex, e);
    s = NULL;
out:
    if (s) {
        sha256_final(s, hex, NULL);
        hex[0] = 0;
    }
    fclose(f);
    return rc;
}

int git_sha1_file(char hex[GIT_SHA1_HEX], const char *path, struct err *e)
{
    struct file_map m = FILE_MAP_NONE;
    EVP_MD_CTX *c = NULL;
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    char head[32];
    int rc = -1, k;

    hex[0] = 0;
    if (file_map(&m, path, e) < 0)
        return -1;
    k = snprintf(head, sizeof head, "blob %zu", m.len) + 1; /* its zero byte counts */
    c = EVP_MD_CTX_new();
    if (!c)
        err_nomem(e);
    else if (EVP_DigestInit_ex(c, EVP_sha1(), NULL) != 1 ||
             EVP_DigestUpdate(c, head, (size_t)k) != 1 ||
             EVP_DigestUpdate(c, m.bytes, m.len) != 1 || EVP_DigestFinal_ex(c, md, &n) != 1 ||
             n != 20)
        err_set(e, ERR_UNSUPPORTED, "libcrypto offers no SHA-1");
    else
        rc = 0;
    for (unsigned int i = 0; rc == 0 && i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", md[i]);
    EVP_MD_CTX_free(c);
    file_unmap(&m);
    return rc;
}
