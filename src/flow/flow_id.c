/* SPDX-License-Identifier: Apache-2.0 */
/* The flow id. The only file of this room that XXH3 is compiled into. */
#include "flow/flow_id.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t cm_flow_id4(const struct cm_flow_key4 *key)
{
    uint8_t bytes[13];

    cm_store_be32(bytes, (uint32_t)(key->words[0] >> 32));
    cm_store_be16(bytes + 4, (uint16_t)(key->words[1] >> 48));
    cm_store_be32(bytes + 6, (uint32_t)key->words[0]);
    cm_store_be16(bytes + 10, (uint16_t)(key->words[1] >> 32));
    bytes[12] = (uint8_t)(key->words[1] >> CM_FLOW_KEY_SPARE_BITS);
    return XXH3_64bits(bytes, sizeof(bytes));
}

static unsigned put_endpoint(uint8_t *bytes, uint64_t first, uint64_t second, uint16_t port)
{
    if (cm_flow_words_are_mapped(first, second)) {
        cm_store_be32(bytes, (uint32_t)second);
        cm_store_be16(bytes + 4, port);
        return 6;
    }
    cm_store_be64(bytes, first);
    cm_store_be64(bytes + 8, second);
    cm_store_be16(bytes + 16, port);
    return 18;
}

uint64_t cm_flow_id(const struct cm_flow_key *key)
{
    uint8_t bytes[2 * 18 + 1];
    unsigned n;

    n = put_endpoint(bytes, key->words[0], key->words[1], (uint16_t)(key->words[4] >> 48));
    n += put_endpoint(bytes + n, key->words[2], key->words[3], (uint16_t)(key->words[4] >> 32));
    bytes[n++] = (uint8_t)(key->words[4] >> CM_FLOW_KEY_SPARE_BITS);
    return XXH3_64bits(bytes, n);
}

uint64_t cm_flow_address_hash(uint64_t first, uint64_t second)
{
    uint8_t bytes[16];

    cm_store_be64(bytes, first);
    cm_store_be64(bytes + 8, second);
    return XXH3_64bits(bytes, sizeof(bytes));
}
