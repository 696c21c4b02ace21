/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms from wishes written short, packets through them between guard bytes, and sums computed a second way. */
#ifndef CM_TESTS_TRANSFORM_MAKE_H
#define CM_TESTS_TRANSFORM_MAKE_H

#include <stdarg.h>

#include "base/endian.h"
#include "transform/transform.h"
#include "unit/wire/packet_bytes.h"

/* The wishes of one test. Rules of a kind are given as "A=B C=D". */
struct wishes {
    struct capmill_transform transform;
    struct capmill_word words[64];
    char texts[2048];
    size_t n_words, n_text;
    const uint8_t *key;
    char warnings[2048];
};

static inline const struct capmill_word *wish_words(struct wishes *wishes, const char *text,
                                                    const char *origin, size_t *n_ret)
{
    const struct capmill_word *first = &wishes->words[wishes->n_words];
    size_t n = strlen(text) + 1;
    char *at = memcpy(wishes->texts + wishes->n_text, text, n);

    wishes->n_text += n;
    *n_ret = 0;
    while (*at != 0) {
        size_t length = strcspn(at, " ");
        char *next = at[length] == 0 ? at + length : at + length + 1;

        at[length] = 0;
        wishes->words[wishes->n_words++] = (struct capmill_word){at, origin};
        ++*n_ret;
        at = next;
    }
    return first;
}

static inline void wish_ip(struct wishes *wishes, const char *text)
{
    wishes->transform.replace_ip = wish_words(wishes, text, "--replace-ip", &wishes->transform.n_replace_ip);
}

static inline void wish_mac(struct wishes *wishes, const char *text)
{
    wishes->transform.replace_mac =
        wish_words(wishes, text, "--replace-mac", &wishes->transform.n_replace_mac);
}

static inline void wish_vlan(struct wishes *wishes, const char *text)
{
    wishes->transform.replace_vlan =
        wish_words(wishes, text, "--replace-vlan", &wishes->transform.n_replace_vlan);
}

static inline void wish_port(struct wishes *wishes, const char *text)
{
    wishes->transform.replace_port =
        wish_words(wishes, text, "--replace-port", &wishes->transform.n_replace_port);
}

static inline void wish_key(struct wishes *wishes, const uint8_t *key)
{
    wishes->transform.anonymize = (struct capmill_word){"key", "--anonymize"};
    wishes->key = key;
}

static inline void hear_warning(void *context, const char *text)
{
    struct wishes *wishes = context;

    strncat(wishes->warnings, text, sizeof(wishes->warnings) - strlen(wishes->warnings) - 2);
    strcat(wishes->warnings, "\n");
}

static inline enum capmill_status try_wishes(struct wishes *wishes, struct cm_transform **transform_ret,
                                             struct cm_error *error)
{
    struct cm_transform_options options = {&wishes->transform, wishes->key, hear_warning, wishes};

    return cm_transform_create(&options, transform_ret, error);
}

static inline struct cm_transform *make_transform(struct wishes *wishes)
{
    struct cm_transform *transform;
    struct cm_error error = {0};

    try_wishes(wishes, &transform, &error);
    cm_check_that(error.status == CAPMILL_OK, "%s", error.text);
    return transform;
}

static inline void check_refused(struct wishes *wishes, const char *text)
{
    struct cm_transform *transform;
    struct cm_error error = {0};

    cm_check_eq(try_wishes(wishes, &transform, &error), CAPMILL_E_USAGE);
    cm_check_str(error.text, text);
    cm_check(transform == NULL);
}

/* --- sums, by adding one 16-bit word after the other --- */

static inline uint32_t slow_sum(const uint8_t *bytes, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? bytes[i] * 256u : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static inline uint32_t slow_crc32c(const uint8_t *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        uint8_t byte = i >= 8 && i < 12 ? 0 : bytes[i]; /* the field itself counts as 0 */

        crc ^= byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static inline uint32_t slow_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t n)
{
    uint32_t sum = (ip[0] >> 4 == 4 ? slow_sum(ip + 12, 8, 0) : slow_sum(ip + 8, 32, 0)) + protocol + n;

    return (sum & 0xffff) + (sum >> 16);
}

/* The network packet at `ip`, without options and extension headers, and the transport packet that fills it. */
static inline void check_sums(const uint8_t *ip)
{
    bool v4 = ip[0] >> 4 == 4;
    const uint8_t *l4 = ip + (v4 ? (ip[0] & 15) * 4 : 40);
    uint32_t n = v4 ? cm_load_be16(ip + 2) - (ip[0] & 15) * 4u : cm_load_be16(ip + 4);
    uint8_t protocol = v4 ? ip[9] : ip[6];

    if (v4)
        cm_check_eq(slow_sum(ip, (ip[0] & 15) * 4u, 0), 0xffff);
    switch (protocol) {
    case 1:
        cm_check_eq(slow_sum(l4, n, 0), 0xffff);
        break;
    case 17:
        if (v4 && cm_load_be16(l4 + 6) == 0)
            break;
        cm_check(cm_load_be16(l4 + 6) != 0);
        n = cm_load_be16(l4 + 4);
        cm_check_eq(slow_sum(l4, n, slow_pseudo(ip, protocol, n)), 0xffff);
        break;
    case 6:
    case 58:
        cm_check_eq(slow_sum(l4, n, slow_pseudo(ip, protocol, n)), 0xffff);
        break;
    case 132:
        cm_check_eq(cm_load_le32(l4 + 8), slow_crc32c(l4, n));
        break;
    default:
        cm_check_that(false, "protocol %u is not summed here", protocol);
    }
}

/* --- packets through transforms --- */

struct outcome {
    uint8_t bytes[4096];
    uint32_t caplen, origlen;
};

#define GUARD 0xa5

static inline void pass(struct cm_transform_local *local, const struct cm_transform *transform,
                        uint16_t link_type, const uint8_t *bytes, uint32_t caplen, uint32_t origlen,
                        struct outcome *outcome)
{
    struct cm_transform_packet packet = {NULL, caplen, origlen, link_type};
    struct cm_transform_result result;
    uint8_t *data = malloc(caplen + 1), *out, *before;
    uint32_t written;

    memcpy(data + 1, bytes, caplen);
    packet.data = data + 1;
    written = cm_transform_caplen(transform, &packet);
    cm_check(written <= caplen + CM_TRANSFORM_GROWTH_BYTES);
    cm_check(written <= sizeof(outcome->bytes));
    /* as much room as was asked for, for the sanitizer to guard; and bytes in front */
    out = malloc(written + 8);
    memset(out, GUARD, 8);
    before = out;
    cm_check(cm_transform_packet(local, &packet, out + 8, written, &result));
    for (int i = 0; i < 8; i++)
        cm_check_eq(before[i], GUARD);
    cm_check_eq(result.caplen, written);
    cm_check_mem(data + 1, bytes, caplen);
    memcpy(outcome->bytes, out + 8, written);
    outcome->caplen = result.caplen;
    outcome->origlen = result.origlen;
    free(data);
    free(out);
}

/* One packet, whole, through its own local. Answers how many packets were counted as changed. */
static inline uint64_t pass_once(struct cm_transform *transform, uint16_t link_type, const uint8_t *bytes,
                                 uint32_t caplen, uint32_t origlen, struct outcome *outcome)
{
    struct cm_transform_local *local = cm_transform_local_create(transform);
    uint64_t before = cm_transform_changed(transform);

    cm_check(local != NULL);
    pass(local, transform, link_type, bytes, caplen, origlen, outcome);
    cm_transform_local_destroy(local);
    return cm_transform_changed(transform) - before;
}

/* The one reason that was counted, once; "" for none. */
static inline const char *reason_of(struct cm_transform *transform)
{
    const struct cm_transform_count *counts;
    size_t n = cm_transform_counts(transform, &counts);

    cm_check(n <= 1);
    return n == 0 ? "" : counts[0].what;
}

/* --- packets made short --- */

static inline void put_bytes(struct packet *packet, const void *bytes, uint32_t n)
{
    memcpy(packet->bytes + packet->n, bytes, n);
    packet->n += n;
}

/* Fills in all sums of an IP packet without options at `ip`. */
static inline void seal(struct packet *packet, uint32_t ip)
{
    uint8_t *p = packet->bytes + ip;
    bool v4 = p[0] >> 4 == 4;
    uint8_t *l4 = p + (v4 ? (p[0] & 15) * 4 : 40), protocol = v4 ? p[9] : p[6];
    uint32_t n = packet->n - (uint32_t)(l4 - packet->bytes), at = 0;

    if (v4) {
        close_ipv4(packet, ip);
        cm_store_be16(p + 10, 0);
        cm_store_be16(p + 10, (uint16_t)~slow_sum(p, (p[0] & 15) * 4u, 0));
    } else {
        close_ipv6(packet, ip);
    }
    switch (protocol) {
    case 6:
        at = 16;
        break;
    case 17:
        at = 6;
        cm_store_be16(l4 + 4, (uint16_t)n);
        break;
    case 1:
    case 58:
        at = 2;
        break;
    case 132:
        cm_store_u32_as(l4 + 8, slow_crc32c(l4, n), false);
        break;
    default:
        break;
    }
    if (at != 0) {
        cm_store_be16(l4 + at, 0);
        cm_store_be16(l4 + at, (uint16_t)~slow_sum(l4, n, protocol == 1 ? 0 : slow_pseudo(p, protocol, n)));
    }
}

/* Ethernet, IP of `version`, `protocol` with ports 1000 and 2000 where it has some, `n` bytes of payload. */
static inline uint32_t build(struct packet *packet, uint8_t version, uint8_t protocol, uint32_t n)
{
    uint32_t ip;

    put_ethernet(packet, version == 4 ? 0x0800 : 0x86dd);
    ip = version == 4 ? put_ipv4(packet, protocol) : put_ipv6(packet, protocol);
    if (protocol == 6) {
        put_tcp(packet, 1000, 2000, 0x10);
    } else if (protocol == 17) {
        put_udp(packet, 1000, 2000, 0);
    } else if (protocol == 132) {
        put16(packet, 1000);
        put16(packet, 2000);
        fill(packet, 7, 8);
    } else {
        put8(packet, protocol == 58 ? 128 : 8);
        fill(packet, 0, 7);
    }
    for (uint32_t i = 0; i < n; i++)
        put8(packet, i * 37 + 11);
    seal(packet, ip);
    return ip;
}

#endif
