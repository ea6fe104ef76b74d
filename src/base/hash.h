/* Hashes, by other people's libraries where one exists (xxHash, libcrypto). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include "base/str.h"

uint64_t hash_64(const void *p, size_t n); /* XXH3 */
struct hash128 {
    uint64_t lo, hi;
};
struct hash128 hash_128(const void *p, size_t n);
char *hash_md5_hex(const void *p, size_t n, char out[33]);
char *hash_sha256_hex(const void *p, size_t n, char out[65]);
uint32_t hash_crc32(const void *p, size_t n);

/* Java's String.hashCode over UTF-16 code units of UTF-8 text (JLS String). */
int32_t hash_java_string(struct str s);
/* The seed's StoreBasedPartitioner: Math.abs(storeId.hashCode() % n), storeId being the
 * text between "STORE_" and the last "_TXN_" of the key, else the second "_" part,
 * else "0". */
int32_t hash_store_partition(struct str key, int32_t n_partitions);

#endif
