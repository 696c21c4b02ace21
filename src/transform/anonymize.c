/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudonyms of addresses that keep prefixes: Crypto-PAn (Xu, Fan, Ammar, Moon: "Prefix-preserving IP address
 * anonymization", ICNP 2002), for IPv4 exactly as its published implementation, for IPv6 the same over 128
 * bits. AES and HMAC are nettle's. Its twin without nettle is anonymize_absent.c. */
#include <nettle/aes.h>
#include <nettle/hmac.h>
#include <nettle/version.h>
#include <stdlib.h>

#include "base/wipe.h"
#include "transform/transform_int.h"

#define STRING_OF(x) #x
#define TEXT_OF(x)   STRING_OF(x)

/* Bits of an IPv4 address whose pseudonym is kept for all values: 128 KiB, filled in milliseconds, and half of
 * the ciphers for an address are saved. */
#define KEPT_BITS 16

struct cm_anonymizer {
    struct aes128_ctx aes;
    struct hmac_sha256_ctx hmac;
    uint8_t pad[16];
    uint16_t kept[1u << KEPT_BITS]; /* what the first bits are to be changed by */
};

/* Each bit of the result says whether the address's bit at that place is turned over: the first bit of the
 * cipher of the pad with the address's bits before that place put over its own. */
static uint32_t cipher_ipv4(const struct cm_anonymizer *anonymizer, uint32_t address, unsigned first,
                            unsigned end)
{
    uint8_t blocks[32][16];
    uint32_t pad = cm_load_be32(anonymizer->pad), turned = 0;
    unsigned n = end - first;

    for (unsigned i = 0; i < n; i++) {
        unsigned bit = first + i;
        uint32_t mask = bit == 0 ? 0 : UINT32_MAX << (32 - bit);

        memcpy(blocks[i], anonymizer->pad, 16);
        cm_store_be32(blocks[i], (address & mask) | (pad & ~mask));
    }
    aes128_encrypt(&anonymizer->aes, n * 16u, blocks[0], blocks[0]);
    for (unsigned i = 0; i < n; i++)
        turned |= (uint32_t)(blocks[i][0] >> 7) << (31 - first - i);
    return turned;
}

enum capmill_status cm_anonymizer_create(const uint8_t key[CM_TRANSFORM_KEY_BYTES], const char *origin,
                                         struct cm_anonymizer **anonymizer_ret, struct cm_error *error)
{
    struct cm_anonymizer *anonymizer = calloc(1, sizeof(*anonymizer));

    *anonymizer_ret = anonymizer;
    if (anonymizer == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "%s: no memory for pseudonyms", origin);
    aes128_set_encrypt_key(&anonymizer->aes, key);
    aes128_encrypt(&anonymizer->aes, 16, anonymizer->pad, key + 16);
    hmac_sha256_set_key(&anonymizer->hmac, CM_TRANSFORM_KEY_BYTES, key);
    /* a bit depends on the bits before it alone: each is found once and shared by all that begin so */
    for (unsigned bit = 0; bit < KEPT_BITS; bit++)
        for (uint32_t start = 0; start < 1u << bit; start++) {
            uint32_t prefix = bit == 0 ? 0 : start << (KEPT_BITS - bit);
            uint32_t turned = cipher_ipv4(anonymizer, prefix << (32 - KEPT_BITS), bit, bit + 1);

            if (turned != 0)
                for (uint32_t i = 0; i < 1u << (KEPT_BITS - bit); i++)
                    anonymizer->kept[prefix + i] |= (uint16_t)(turned >> (32 - KEPT_BITS));
        }
    return CAPMILL_OK;
}

void cm_anonymizer_destroy(struct cm_anonymizer *anonymizer)
{
    if (anonymizer == NULL)
        return;
    cm_wipe(anonymizer, sizeof(*anonymizer));
    free(anonymizer);
}

void cm_anonymizer_ipv4(const struct cm_anonymizer *anonymizer, uint8_t address[4])
{
    uint32_t number = cm_load_be32(address);
    uint32_t turned = (uint32_t)anonymizer->kept[number >> (32 - KEPT_BITS)] << (32 - KEPT_BITS);

    cm_store_be32(address, number ^ (turned | cipher_ipv4(anonymizer, number, KEPT_BITS, 32)));
}

void cm_anonymizer_ipv6(const struct cm_anonymizer *anonymizer, uint8_t address[16])
{
    uint8_t blocks[128][16];
    uint64_t number[2] = {cm_load_be64(address), cm_load_be64(address + 8)};
    uint64_t pad[2] = {cm_load_be64(anonymizer->pad), cm_load_be64(anonymizer->pad + 8)};

    if (cm_ipv6_is_mapped(address)) {
        cm_anonymizer_ipv4(anonymizer, address + 12);
        return;
    }
    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t high = bit >= 64 ? UINT64_MAX : bit == 0 ? 0 : UINT64_MAX << (64 - bit);
        uint64_t low = bit <= 64 ? 0 : UINT64_MAX << (128 - bit);

        cm_store_be64(blocks[bit], (number[0] & high) | (pad[0] & ~high));
        cm_store_be64(blocks[bit] + 8, (number[1] & low) | (pad[1] & ~low));
    }
    aes128_encrypt(&anonymizer->aes, sizeof(blocks), blocks[0], blocks[0]);
    for (unsigned bit = 0; bit < 128; bit++)
        number[bit / 64] ^= (uint64_t)(blocks[bit][0] >> 7) << (63 - bit % 64);
    cm_store_be64(address, number[0]);
    cm_store_be64(address + 8, number[1]);
}

uint64_t cm_anonymizer_name(const struct cm_anonymizer *anonymizer, const char *name, size_t n)
{
    struct hmac_sha256_ctx hmac = anonymizer->hmac;
    uint8_t digest[8];

    for (size_t i = 0; i < n; i++) { /* names of hosts do not differ by case */
        uint8_t c = (uint8_t)name[i];

        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        hmac_sha256_update(&hmac, 1, &c);
    }
    hmac_sha256_digest(&hmac, sizeof(digest), digest);
    cm_wipe(&hmac, sizeof(hmac)); /* it begins with what the key made of it */
    return cm_load_be64(digest);
}

const char *cm_transform_anonymize_feature(void)
{
    return "nettle: yes (" TEXT_OF(NETTLE_VERSION_MAJOR) "." TEXT_OF(NETTLE_VERSION_MINOR) ")";
}
