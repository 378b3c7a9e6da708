/* bundle_sign.c -- the manifest, and Ed25519 over it by OpenSSL's libcrypto. */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "harness/bundle.h"

enum { KEY_BYTES = 32, SIGNATURE_BYTES = 64 };
#define ALGORITHM "ed25519"
#define MANIFEST_SCHEMA "densimeter.bundle/1"

/* --- the manifest ---------------------------------------------------------------------------- */

static int is_listed(const char *name)
{
    return strcmp(name, BUNDLE_MANIFEST) != 0 && strcmp(name, BUNDLE_SIGNATURE) != 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bundle_file *)a)->name, ((const struct bundle_file *)b)->name);
}

int bundle_seal(struct bundle *b, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    char hex[SHA256_HEX];
    int rc = -1;

    o.pretty = 1;
    qsort(b->files, b->n, sizeof *b->files, by_name);
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", MANIFEST_SCHEMA);
    json_begin_array(&o, "files");
    for (size_t i = 0; i < b->n; i++) {
        const struct bundle_file *f = &b->files[i];
        if (!is_listed(f->name))
            continue;
        if (sha256_bytes(hex, strbuf_str(&f->bytes), f->bytes.len, e) < 0)
            goto out;
        json_begin_object(&o, NULL);
        json_put_str(&o, "name", f->name);
        json_put_int(&o, "bytes", (int64_t)f->bytes.len);
        json_put_str(&o, "sha256", hex);
        json_end_object(&o);
    }
    json_end_array(&o);
    json_end_object(&o);
    strbuf_addc(&text, '\n');
    rc = bundle_put(b, BUNDLE_MANIFEST, &text, e);
out:
    strbuf_release(&text);
    return rc;
}

static cJSON *parse(const struct bundle *b, const char *name, struct err *e)
{
    const struct bundle_file *f = bundle_find(b, name);

    if (!f) {
        err_set(e, ERR_FORMAT, "%s is missing", name);
        return NULL;
    }
    return json_parse(strbuf_str(&f->bytes), f->bytes.len, name, e);
}

static int check_listed(const struct bundle *b, const cJSON *x, struct err *e)
{
    const char *name = json_str(x, "name"), *hash = json_str(x, "sha256");
    const cJSON *bytes = json_get(x, "bytes");
    const struct bundle_file *f;
    char hex[SHA256_HEX];

    if (!name || !hash || !cJSON_IsNumber(bytes))
        return err_set(e, ERR_FORMAT, "%s: a file without name, bytes or sha256", BUNDLE_MANIFEST);
    f = bundle_find(b, name);
    if (!f)
        return err_set(e, ERR_FORMAT, "%.96s is in the manifest and not in the bundle", name);
    if (sha256_bytes(hex, strbuf_str(&f->bytes), f->bytes.len, e) < 0)
        return -1;
    if (bytes->valuedouble != (double)f->bytes.len)
        return err_set(e, ERR_FORMAT, "%s has %zu bytes, the manifest says %.0f", f->name,
                       f->bytes.len, bytes->valuedouble);
    if (strcmp(hex, hash) != 0)
        return err_set(e, ERR_FORMAT, "%s is not the file of the manifest: its SHA-256 differs",
                       f->name);
    return 0;
}

int bundle_check_manifest(const struct bundle *b, struct err *e)
{
    cJSON *m = parse(b, BUNDLE_MANIFEST, e);
    const cJSON *files = json_get(m, "files"), *x;
    const char *schema = json_str(m, "schema");
    int rc = -1, listed;

    if (!m)
        return -1;
    if (!schema || strcmp(schema, MANIFEST_SCHEMA) != 0 || !cJSON_IsArray(files)) {
        err_set(e, ERR_FORMAT, "%s: not a " MANIFEST_SCHEMA, BUNDLE_MANIFEST);
        goto out;
    }
    cJSON_ArrayForEach(x, files)
        if (check_listed(b, x, e) < 0)
            goto out;
    for (size_t i = 0; i < b->n; i++) {
        listed = !is_listed(b->files[i].name);
        cJSON_ArrayForEach(x, files)
            listed += strcmp(json_str(x, "name"), b->files[i].name) == 0;
        if (listed != 1) {
            err_set(e, ERR_FORMAT, "%s is %s the manifest", b->files[i].name,
                    listed ? "twice in" : "not in");
            goto out;
        }
    }
    rc = 0;
out:
    json_free(m);
    return rc;
}

/* --- keys and signatures --------------------------------------------------------------------- */

static void put_hex(char *to, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int get_hex(unsigned char *to, const char *s, size_t n)
{
    if (!s || strlen(s) != 2 * n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int high = digit(s[2 * i]), low = digit(s[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

static int crypto_fail(const char *what, struct err *e)
{
    ERR_clear_error();
    return err_set(e, ERR_INVALID, "%s", what);
}

static int public_hex(EVP_PKEY *key, char hex[BUNDLE_KEY_HEX], struct err *e)
{
    unsigned char bytes[KEY_BYTES];
    size_t n = sizeof bytes;

    if (EVP_PKEY_get_raw_public_key(key, bytes, &n) != 1 || n != KEY_BYTES)
        return crypto_fail("not an Ed25519 key", e);
    put_hex(hex, bytes, n);
    return 0;
}

static int write_key(EVP_PKEY *key, const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = -1;
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f) {
        if (fd >= 0)
            close(fd);
        return err_errno(e, "%s", path);
    }
    if (PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fflush(f) == 0 &&
        fsync(fd) == 0)
        rc = 0;
    if (fclose(f) != 0 || rc < 0) {
        unlink(path);
        return err_set(e, ERR_IO, "%s: the key could not be written", path);
    }
    return 0;
}

int bundle_new_key(const char *path, char public[BUNDLE_KEY_HEX], struct err *e)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    int rc = -1;

    if (!key)
        return crypto_fail("no Ed25519 key could be made", e);
    if (public_hex(key, public, e) == 0)
        rc = write_key(key, path, e);
    EVP_PKEY_free(key);
    return rc;
}

static EVP_PKEY *read_key(const char *path, struct err *e)
{
    FILE *f = fopen(path, "rbe");
    EVP_PKEY *key;

    if (!f) {
        err_errno(e, "%s", path);
        return NULL;
    }
    key = PEM_read_PrivateKey(f, NULL, NULL, (void *)""); /* never asks for a pass phrase */
    fclose(f);
    if (!key) {
        ERR_clear_error();
        err_set(e, ERR_FORMAT, "%s: not a private key (PEM, without a pass phrase)", path);
    }
    return key;
}

static int sign(EVP_PKEY *key, const struct bundle_file *m, unsigned char out[SIGNATURE_BYTES])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t n = SIGNATURE_BYTES;
    int ok = c && EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestSign(c, out, &n, (const unsigned char *)m->bytes.s, m->bytes.len) == 1 &&
             n == SIGNATURE_BYTES;

    EVP_MD_CTX_free(c);
    return ok ? 0 : -1;
}

int bundle_sign(struct bundle *b, const char *path, struct err *e)
{
    const struct bundle_file *m = bundle_find(b, BUNDLE_MANIFEST);
    EVP_PKEY *key = read_key(path, e);
    char public[BUNDLE_KEY_HEX], hex[2 * SIGNATURE_BYTES + 1];
    unsigned char bytes[SIGNATURE_BYTES];
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    int rc = -1;

    if (!key)
        return -1;
    if (!m) {
        err_set(e, ERR_FORMAT, "%s is missing", BUNDLE_MANIFEST);
        goto out;
    }
    if (public_hex(key, public, e) < 0)
        goto out;
    if (sign(key, m, bytes) < 0) {
        crypto_fail("the manifest could not be signed", e);
        goto out;
    }
    put_hex(hex, bytes, SIGNATURE_BYTES);
    json_begin_object(&o, NULL);
    json_put_str(&o, "algorithm", ALGORITHM);
    json_put_str(&o, "public_key", public);
    json_put_str(&o, "signature", hex);
    json_end_object(&o);
    strbuf_addc(&text, '\n');
    rc = bundle_put(b, BUNDLE_SIGNATURE, &text, e);
out:
    EVP_PKEY_free(key);
    strbuf_release(&text);
    return rc;
}

static int fits(const unsigned char key_bytes[KEY_BYTES], const unsigned char *signature,
                const struct bundle_file *m)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key_bytes, KEY_BYTES);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int ok = key && c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestVerify(c, signature, SIGNATURE_BYTES, (const unsigned char *)m->bytes.s,
                              m->bytes.len) == 1;

    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

int bundle_signer(const struct bundle *b, char public[BUNDLE_KEY_HEX], struct err *e)
{
    const struct bundle_file *m = bundle_find(b, BUNDLE_MANIFEST);
    unsigned char key[KEY_BYTES], signature[SIGNATURE_BYTES];
    const char *algorithm;
    cJSON *s;
    int rc = -1;

    if (!bundle_find(b, BUNDLE_SIGNATURE))
        return 0;
    s = parse(b, BUNDLE_SIGNATURE, e);
    if (!s)
        return -1;
    algorithm = json_str(s, "algorithm");
    if (!algorithm || strcmp(algorithm, ALGORITHM) != 0 ||
        get_hex(key, json_str(s, "public_key"), KEY_BYTES) < 0 ||
        get_hex(signature, json_str(s, "signature"), SIGNATURE_BYTES) < 0) {
        err_set(e, ERR_FORMAT, "%s: no Ed25519 key and signature in hex", BUNDLE_SIGNATURE);
    } else if (!m || !fits(key, signature, m)) {
        err_set(e, ERR_FORMAT, "%s does not fit the manifest: one of them was changed",
                BUNDLE_SIGNATURE);
    } else {
        put_hex(public, key, KEY_BYTES);
        rc = 1;
    }
    json_free(s);
    return rc;
}
