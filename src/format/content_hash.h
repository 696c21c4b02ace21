/* SPDX-License-Identifier: Apache-2.0 */
/* A hash by which the content of a file is known again: XXH3-64 with seed 0 over its length (8 bytes, little-endian)
 * and what is added. */
#ifndef CM_FORMAT_CONTENT_HASH_H
#define CM_FORMAT_CONTENT_HASH_H

#include <stddef.h>
#include <stdint.h>

struct cm_content_hash {
    _Alignas(64) unsigned char state[640]; /* the hash function's */
};

void cm_content_hash_begin(struct cm_content_hash *hash, uint64_t n_bytes);
void cm_content_hash_add(struct cm_content_hash *hash, const void *bytes, size_t n);
uint64_t cm_content_hash_end(struct cm_content_hash *hash);

#endif
