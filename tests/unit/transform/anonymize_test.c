/* SPDX-License-Identifier: Apache-2.0 */
/* Crypto-PAn against the values that were published with it (the first four) and against a second implementation,
 * in Python over another AES (the others); and what makes it one: prefixes are kept. */
#include "base/address_parse.h"
#include "base/address_text.h"
#include "unit/transform/make_transform.h"

static const uint8_t sample_key[CM_TRANSFORM_KEY_BYTES] = {
    21,  34,  23,  141, 51,  164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
    216, 152, 143, 131, 121, 121, 101, 39,  98, 87, 76, 45, 42, 132, 34,  2};

static struct cm_transform *anonymizing(struct wishes *wishes)
{
    if (strcmp(cm_transform_anonymize_feature(), "nettle: no") == 0)
        cm_skip("built without nettle");
    wish_key(wishes, sample_key);
    return make_transform(wishes);
}

static const struct {
    const char *from, *to;
} pairs[] = {
    {"128.11.68.132", "135.242.180.132"},
    {"129.118.74.4", "134.136.186.123"},
    {"130.132.252.244", "133.68.164.234"},
    {"141.223.7.43", "141.167.8.160"},
    {"0.0.0.0", "120.255.240.1"},
    {"255.255.255.255", "206.120.97.255"},
    {"10.0.0.1", "117.15.0.1"},
    {"10.0.0.2", "117.15.0.2"},
    {"192.168.1.1", "252.103.242.114"},
    {"224.0.0.1", "223.207.15.140"},
    {"::", "78ff:f001:9fc0:20df:8380:b1f1:704:ec"},
    {"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
    {"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
    {"2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"},
    {"fe80::1234:5678:9abc:def0", "cf7f:c0e:1fc3:da1c:1dab:29e7:9a23:c10c"},
    {"ff02::1", "cef2:fc0c:1fff:dffe:ff8f:de7f:10f9:3f01"},
    {"2001:db8:8000::1", "4401:2bc:803c:1e1d:e3ff:118f:1004:e31d"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ce78:61ff:387e:8078:38c4:407:c3bf:f781"},
};

CM_TEST(anonymize, published_and_recomputed_values)
{
    struct wishes wishes = {0};
    struct cm_transform *transform = anonymizing(&wishes);

    cm_check(cm_transform_anonymizes(transform));
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct cm_address from, to;

        cm_check(cm_address_parse(pairs[i].from, strlen(pairs[i].from), &from, NULL));
        cm_check(cm_address_parse(pairs[i].to, strlen(pairs[i].to), &to, NULL));
        if (from.version == 4)
            cm_transform_ipv4(transform, from.bytes);
        else
            cm_transform_ipv6(transform, from.bytes);
        cm_check_mem(from.bytes, to.bytes, 16);
    }
    cm_transform_destroy(transform);
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, unsigned n)
{
    unsigned bits = 0;

    while (bits < n && !((a[bits / 8] ^ b[bits / 8]) & (0x80 >> bits % 8)))
        bits++;
    return bits;
}

CM_TEST(anonymize, prefixes_stay_as_long_as_they_were)
{
    struct wishes wishes = {0};
    struct cm_transform *transform = anonymizing(&wishes);
    uint32_t state = 7;

    for (int i = 0; i < 2000; i++) {
        unsigned width = i % 2 ? 128 : 32, n_common;
        uint8_t a[16], b[16];

        for (unsigned j = 0; j < 16; j++) {
            state = state * 1664525u + 1013904223u;
            a[j] = (uint8_t)(state >> 24);
            b[j] = (uint8_t)(state >> 16);
        }
        n_common = state >> 8 & (width - 1);
        for (unsigned bit = 0; bit < n_common; bit++)
            b[bit / 8] = (uint8_t)((b[bit / 8] & ~(0x80 >> bit % 8)) | (a[bit / 8] & (0x80 >> bit % 8)));
        n_common = common_bits(a, b, width);
        if (width == 32) {
            cm_transform_ipv4(transform, a);
            cm_transform_ipv4(transform, b);
        } else {
            cm_transform_ipv6(transform, a);
            cm_transform_ipv6(transform, b);
        }
        cm_check_eq(common_bits(a, b, width), n_common);
    }
    cm_transform_destroy(transform);
}

/* Packets go through a cache, the door for single addresses does not. */
CM_TEST(anonymize, packets_get_what_single_addresses_get)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    struct cm_transform_local *local;

    wish_ip(&wishes, "10.0.3.0/24=192.0.2.0/24 2001:db8::300/120=fd00::/120");
    transform = anonymizing(&wishes);
    local = cm_transform_local_create(transform);
    for (uint32_t i = 0; i < 40000; i++) {
        uint8_t version = i % 3 ? 4 : 6;
        struct packet packet = {0};
        struct outcome outcome;
        uint32_t ip = build(&packet, version, 6, 3), at = ip + (version == 4 ? 12 : 8),
                 n = version == 4 ? 4 : 16;
        uint32_t number = i * 2654435761u >> (i % 2 ? 20 : 8);

        memcpy(packet.bytes + at + n - 3,
               (uint8_t[]){(uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}, 3);
        seal(&packet, ip);
        pass(local, transform, CM_LINK_ETHERNET, packet.bytes, packet.n, packet.n, &outcome);
        check_sums(outcome.bytes + ip);
        for (unsigned side = 0; side < 2; side++) {
            uint8_t *address = packet.bytes + at + side * n;

            if (version == 4)
                cm_transform_ipv4(transform, address);
            else
                cm_transform_ipv6(transform, address);
            cm_check_mem(outcome.bytes + at + side * n, address, n);
        }
    }
    cm_transform_local_destroy(local);
    cm_check_eq(cm_transform_changed(transform), 40000);
    cm_transform_destroy(transform);
}

CM_TEST(anonymize, ipv4_inside_ipv6_is_the_ipv4_address)
{
    struct wishes wishes = {0};
    struct cm_transform *transform = anonymizing(&wishes);
    uint8_t address[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 128, 11, 68, 132};

    cm_transform_ipv6(transform, address);
    cm_check_mem(address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x87\xf2\xb4\x84", 16);
    cm_transform_destroy(transform);
}

/* What is there of an address that was cut is not left in the clear; the rest of the packet is as it would be. */
CM_TEST(anonymize, cut_headers)
{
    for (unsigned v = 4; v <= 6; v += 2)
        for (uint32_t caplen = 14; caplen < 14 + 40; caplen++) {
            struct wishes wishes = {0};
            struct cm_transform *transform = anonymizing(&wishes);
            struct packet packet = {0};
            struct outcome whole, cut;
            uint32_t header = v == 4 ? 20 : 40, sums = v == 4 ? 14 + 10 : 0;

            build(&packet, (uint8_t)v, 17, 30);
            pass_once(transform, CM_LINK_ETHERNET, packet.bytes, packet.n, packet.n, &whole);
            pass_once(transform, CM_LINK_ETHERNET, packet.bytes, caplen, packet.n, &cut);
            if (caplen < 14 + header) {
                for (uint32_t i = 0; i < caplen; i++)
                    if (i != sums && i != sums + 1)
                        cm_check_eq(cut.bytes[i], whole.bytes[i]);
                cm_check_str(reason_of(transform), "headers cut by the captured length");
            } else {
                /* half of a sum can only stay */
                cm_check_mem(cut.bytes, whole.bytes, caplen == 14 + header + 7 ? caplen - 1 : caplen);
                cm_check_str(reason_of(transform), "");
            }
            cm_transform_destroy(transform);
        }
}

CM_TEST(anonymize, names)
{
    struct wishes wishes = {0}, plain = {0};
    struct cm_transform *transform = anonymizing(&wishes);
    char a[CM_TRANSFORM_NAME_BYTES], b[CM_TRANSFORM_NAME_BYTES];

    cm_transform_name(transform, "www.example.org", 15, a);
    cm_transform_name(transform, "WWW.example.ORG", 15, b);
    cm_check_str(a, b);
    cm_check_eq(strlen(a), 5 + 16);
    cm_check(strncmp(a, "host-", 5) == 0 && strspn(a + 5, "0123456789abcdef") == 16);
    /* HMAC-SHA256 of the name under the key, by another implementation */
    cm_check_str(a, "host-69865ab296d4d030");
    cm_transform_name(transform, "www.example.com", 15, b);
    cm_check(strcmp(a, b) != 0);
    cm_transform_destroy(transform);
    wish_vlan(&plain, "1=2");
    transform = make_transform(&plain);
    cm_check(!cm_transform_anonymizes(transform));
    cm_transform_name(transform, "www.example.org", 15, a);
    cm_check_str(a, "www.example.org");
    cm_transform_destroy(transform);
}
