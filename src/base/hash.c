/* Hashes: thin calls into xxHash, libcrypto and zlib, and Java's String.hashCode, which
 * decides the partition of a store. Pure functions. */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

#include "base/err.h"
#include "base/text.h"

uint64_t hash_64(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

struct hash128 hash_128(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (struct hash128){h.low64, h.high64};
}

/* The library looks an algorithm up by name each time unless it was fetched. */
static char *digest_hex(EVP_MD **kind, const char *name, const void *p, size_t n,
                        char *out)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (!*kind)
        *kind = EVP_MD_fetch(NULL, name, NULL);
    BUG_ON(!*kind);
    static EVP_MD_CTX *ctx; /* one for all: making it takes longer than a short text */
    if (!ctx)
        ctx = EVP_MD_CTX_new();
    int ok = ctx && EVP_DigestInit_ex2(ctx, *kind, NULL) &&
             EVP_DigestUpdate(ctx, p, n) && EVP_DigestFinal_ex(ctx, md, &len);
    BUG_ON(!ok);
    for (unsigned int i = 0; i < len; i++) {
        out[2 * i] = hex[md[i] >> 4];
        out[2 * i + 1] = hex[md[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

char *hash_md5_hex(const void *p, size_t n, char out[33])
{
    static EVP_MD *md5;
    return digest_hex(&md5, "MD5", p, n, out);
}

char *hash_sha256_hex(const void *p, size_t n, char out[65])
{
    static EVP_MD *sha256;
    return digest_hex(&sha256, "SHA256", p, n, out);
}

uint32_t hash_crc32(const void *p, size_t n)
{
    return (uint32_t)crc32_z(0, p, n);
}

int32_t hash_java_string(struct str s)
{
    uint32_t h = 0;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = (unsigned char)s.p[i];
        int len = 1;
        if (cp >= 0x80 && !(len = text_decode(s.p + i, s.n - i, &cp))) {
            cp = 0xFFFD;
            len = 1;
        }
        if (cp >= 0x10000) {
            h = 31 * h + (0xD800 + ((cp - 0x10000) >> 10));
            cp = 0xDC00 + ((cp - 0x10000) & 0x3FF);
        }
        h = 31 * h + cp;
        i += (size_t)len;
    }
    int32_t out;
    memcpy(&out, &h, sizeof out);
    return out;
}

static struct str store_of(struct str key)
{
    if (key.n >= 6 && memcmp(key.p, "STORE_", 6) == 0)
        for (size_t at = key.n; at-- > 6;)
            if (key.n - at >= 5 && memcmp(key.p + at, "_TXN_", 5) == 0)
                return (struct str){key.p + 6, at - 6};
    /* As Java's key.split("_")[1]: trailing empty parts do not count. */
    while (key.n && key.p[key.n - 1] == '_')
        key.n--;
    const char *first = key.n ? memchr(key.p, '_', key.n) : NULL;
    if (!first)
        return STR("0");
    struct str rest = {first + 1, (size_t)(key.p + key.n - first - 1)};
    const char *end = memchr(rest.p, '_', rest.n);
    if (end)
        rest.n = (size_t)(end - rest.p);
    return rest;
}

int32_t hash_store_partition(struct str key, int32_t n_partitions)
{
    if (n_partitions <= 0)
        return 0;
    return abs(hash_java_string(store_of(key)) % n_partitions);
}
