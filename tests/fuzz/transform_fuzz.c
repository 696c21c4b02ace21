/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a packet of any link type, through one of some transforms: the first two bytes of the input choose
 * the link type, the third the transform, the fourth how much longer the packet was on the wire; the rest is the
 * packet. What comes out has the length that was foretold, stays within memory of exactly that size, decodes, and
 * is the same a second time. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "fuzz/fuzz.h"
#include "transform/transform.h"
#include "wire/headers.h"

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

static const struct capmill_word same_version[] = {
    {"0.0.0.0/1=128.0.0.0/1", "fuzz"}, {"128.0.0.0/1=0.0.0.0/1", "fuzz"}, {"2000::/3=4000::/3", "fuzz"}};
static const struct capmill_word to_ipv6[] = {{"0.0.0.0/0=fd00::/96", "fuzz"}};
static const struct capmill_word both_ways[] = {
    {"10.0.0.0/8=2001:db8::/104", "fuzz"}, {"2001:db8::/96=0.0.0.0/0", "fuzz"}, {"::1=127.0.0.1", "fuzz"}};
static const struct capmill_word macs[] = {{"02:02:02:02:02:02=06:05:04:03:02:01", "fuzz"},
                                           {"00:00:00:00:00:00=ff:ff:ff:ff:ff:ff", "fuzz"}};
static const struct capmill_word vlans[] = {{"0=4094", "fuzz"}, {"100=5", "fuzz"}};
static const struct capmill_word ports[] = {{"0-32767=32768-65535", "fuzz"}};
static const struct capmill_truncate_rule rules[] = {
    {{"udp", "fuzz"}, {"0-40000", "fuzz"}, {"2", "fuzz"}, "fuzz"},
    {{"tcp", "fuzz"}, {NULL, NULL}, {"30", "fuzz"}, "fuzz"}};

#define MAP(rules_) .replace_ip = (rules_), .n_replace_ip = sizeof(rules_) / sizeof((rules_)[0])
#define OTHERS                                                                                               \
    .replace_mac = macs, .n_replace_mac = 2, .replace_vlan = vlans, .n_replace_vlan = 2,                     \
    .replace_port = ports, .n_replace_port = 1
#define CUT .truncate = rules, .n_truncate = 2, .max_payload_bytes = {"7", "fuzz"}

static const struct capmill_transform wishes[] = {
    {MAP(same_version)},
    {MAP(same_version), OTHERS},
    {MAP(to_ipv6)},
    {MAP(both_ways), OTHERS, .checksums = CAPMILL_CHECKSUMS_FIX},
    {MAP(both_ways), CUT},
    {CUT},
    {OTHERS, CUT, .checksums = CAPMILL_CHECKSUMS_KEEP},
    {.checksums = CAPMILL_CHECKSUMS_FIX},
    {MAP(both_ways), OTHERS, CUT, .anonymize = {"key", "fuzz"}},
    {.anonymize = {"key", "fuzz"}},
};
#define N_TRANSFORMS (sizeof(wishes) / sizeof(wishes[0]))

static struct cm_transform *transform_of(unsigned number)
{
    static struct cm_transform *transforms[N_TRANSFORMS]; /* made once: the loop is about packets */
    static const uint8_t key[CM_TRANSFORM_KEY_BYTES] = "any 32 bytes will do for this";
    struct cm_transform_options options = {.wishes = &wishes[number], .key = key};
    struct cm_error error = {0};

    if (transforms[number] == NULL &&
        cm_transform_create(&options, &transforms[number], &error) != CAPMILL_OK)
        require(error.status == CAPMILL_E_UNSUPPORTED); /* built without nettle */
    return transforms[number];
}

static void require_decodes(uint16_t link_type, const uint8_t *bytes, uint32_t caplen)
{
    struct cm_headers headers;

    cm_wire_decode(link_type, bytes, caplen, &headers);
    require(headers.l3_end <= caplen);
    require(headers.l4_offset == CM_NO_OFFSET || headers.l4_offset <= caplen);
    for (int depth = 0; depth < 16 && cm_wire_decode_inner(bytes, caplen, &headers, &headers); depth++)
        require(headers.l3_end <= caplen);
}

/* In memory of its own, with a byte in front so that no packet is without any. */
static uint8_t *run(const struct cm_transform *transform, const struct cm_transform_packet *packet,
                    struct cm_transform_result *result_ret)
{
    struct cm_transform_local *local = cm_transform_local_create(transform);
    uint32_t caplen = cm_transform_caplen(transform, packet);
    uint8_t *out = malloc((size_t)caplen + 1);

    require(local != NULL && out != NULL);
    require(cm_transform_packet(local, packet, out + 1, caplen, result_ret));
    require(result_ret->caplen == caplen);
    require(caplen <= packet->caplen + (cm_transform_grows(transform) ? CM_TRANSFORM_GROWTH_BYTES : 0));
    require(cm_transform_changes_lengths(transform) || caplen == packet->caplen);
    cm_transform_local_destroy(local);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct cm_transform_packet packet;
    struct cm_transform_result first, second;
    struct cm_transform *transform;
    uint8_t *copy, *once, *twice;

    if (n < 4)
        return 0;
    transform = transform_of(bytes[2] % N_TRANSFORMS);
    if (transform == NULL)
        return 0;
    packet.link_type = cm_load_be16(bytes);
    packet.caplen = (uint32_t)(n - 4);
    packet.origlen = packet.caplen + bytes[3];
    copy = malloc(n - 4 + 1);
    require(copy != NULL);
    memcpy(copy + 1, bytes + 4, n - 4);
    packet.data = copy + 1;
    once = run(transform, &packet, &first);
    twice = run(transform, &packet, &second);
    require(memcmp(packet.data, bytes + 4, packet.caplen) == 0);
    require(first.caplen == second.caplen && first.origlen == second.origlen);
    require(memcmp(once + 1, twice + 1, first.caplen) == 0);
    require_decodes(packet.link_type, once + 1, first.caplen);
    free(copy);
    free(once);
    free(twice);
    return 0;
}
