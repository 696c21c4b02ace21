/* SPDX-License-Identifier: Apache-2.0 */
/* Flow keys and flow ids are what the documentation fixes, byte for byte. */
#include "flow/key.h"

#include "flow/flow_id.h"
#include "unit/flow/made_packets.h"

static struct made_packet packet4(const uint8_t src[4], uint16_t src_port, const uint8_t dst[4],
                                  uint16_t dst_port)
{
    struct made_packet packet = {.ip_version = 4, .protocol = 6, .src_port = src_port, .dst_port = dst_port};

    packet.header_flags = CM_HEADERS_ADDRESSES | CM_HEADERS_PORTS;
    memcpy(packet.src, src, 4);
    memcpy(packet.dst, dst, 4);
    return packet;
}

static enum cm_flow_family key_of(const struct made_packet *packet, bool unidirectional,
                                  struct cm_flow_key *key, enum cm_flow_direction *direction)
{
    struct made_batch *made = made_batch_create();
    enum cm_flow_family family;

    made_batch_put(made, packet);
    family = cm_flow_key_make(&made->batch.packets[0], &made->headers[0], unidirectional, key, direction);
    free(made);
    return family;
}

CM_TEST(flow_key, flow_id_of_known_bytes)
{
    /* XXH3_64bits of libxxhash 0.8.1 over the 13 bytes 01020304 0462 05060708 0d10 06, and over the
     * 37 bytes 20..2f 0d10 40..4f 0462 06 */
    const uint8_t a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8};
    struct made_packet packet = packet4(b, 3344, a, 1122);
    enum cm_flow_direction direction;
    struct cm_flow_key key;

    cm_check_eq(key_of(&packet, false, &key, &direction), CM_FLOW_IPV4);
    cm_check_eq(direction, CM_FLOW_FROM_HIGH);
    cm_check(cm_flow_id(&key) == UINT64_C(0x7079a1b4c928fe7d));
    packet.ip_version = 6;
    for (unsigned i = 0; i < 16; i++) {
        packet.src[i] = (uint8_t)(0x20 + i);
        packet.dst[i] = (uint8_t)(0x40 + i);
    }
    cm_check_eq(key_of(&packet, false, &key, &direction), CM_FLOW_IPV6);
    cm_check_eq(direction, CM_FLOW_FROM_LOW);
    cm_check(cm_flow_id(&key) == UINT64_C(0x3b27961502da6b2b));
}

CM_TEST(flow_key, both_ways_are_one_flow_unless_unidirectional)
{
    const uint8_t a[4] = {200, 0, 0, 1}, b[4] = {10, 0, 0, 1};
    struct made_packet there = packet4(a, 1, b, 2), back = packet4(b, 2, a, 1);
    enum cm_flow_direction there_way, back_way;
    struct cm_flow_key there_key, back_key;

    key_of(&there, false, &there_key, &there_way);
    key_of(&back, false, &back_key, &back_way);
    cm_check_mem(&there_key, &back_key, sizeof(there_key));
    cm_check_eq(there_way, CM_FLOW_FROM_HIGH);
    cm_check_eq(back_way, CM_FLOW_FROM_LOW);
    key_of(&there, true, &there_key, &there_way);
    key_of(&back, true, &back_key, &back_way);
    cm_check(memcmp(&there_key, &back_key, sizeof(there_key)) != 0);
    cm_check_eq(there_way, CM_FLOW_FROM_LOW);
    cm_check_eq(back_way, CM_FLOW_FROM_LOW);
    cm_check(cm_flow_id(&there_key) != cm_flow_id(&back_key));
}

CM_TEST(flow_key, ports_order_the_endpoints_of_one_address)
{
    const uint8_t a[4] = {127, 0, 0, 1};
    struct made_packet packet = packet4(a, 0x0200, a, 0x01ff);
    struct cm_flow_endpoints endpoints;
    enum cm_flow_direction direction;
    struct cm_flow_key key;

    key_of(&packet, false, &key, &direction);
    cm_flow_key_split(&key, &endpoints);
    cm_check_eq(direction, CM_FLOW_FROM_HIGH);
    cm_check_eq(endpoints.low_port, 0x01ff);
    cm_check_eq(endpoints.high_port, 0x0200);
    cm_check_eq(endpoints.ip_version, 4);
    cm_check_eq(endpoints.protocol, 6);
    cm_check_mem(endpoints.low, a, 4);
}

CM_TEST(flow_key, packets_without_addresses_have_none)
{
    struct made_packet packet = {.ip_version = 4, .protocol = 6, .header_flags = CM_HEADERS_CUT};
    enum cm_flow_direction direction;
    struct cm_flow_key key;

    cm_check_eq(key_of(&packet, false, &key, &direction), CM_FLOW_NONE);
    packet.ip_version = 0;
    cm_check_eq(key_of(&packet, false, &key, &direction), CM_FLOW_NONE);
}

/* The random packets hold IPv4, IPv6, mapped and half mapped pairs whose first bytes agree. */
CM_TEST(flow_key, random_packets_agree_with_the_model)
{
    struct made_packet *packets = made_capture(20000, 1, 40, 3);
    size_t n_seen[7] = {0}, n_half_mapped = 0;

    for (unsigned unidirectional = 0; unidirectional < 2; unidirectional++) {
        for (size_t i = 0; i < 20000; i++) {
            enum cm_flow_direction direction = CM_FLOW_FROM_LOW;
            struct cm_flow_key key, wide;
            struct cm_flow_key4 narrow;
            struct model_flow flow;
            bool any = model_flow_of(&packets[i], unidirectional != 0, &flow);
            enum cm_flow_family family = key_of(&packets[i], unidirectional != 0, &key, &direction);

            n_seen[family]++;
            cm_check_eq(family != CM_FLOW_NONE, any);
            if (!any)
                continue;
            cm_check_eq(direction == CM_FLOW_FROM_HIGH, flow.first_from_high);
            cm_check(cm_flow_id(&key) == flow.flow_id);
            cm_check_eq(key.words[4] & ((1u << CM_FLOW_KEY_SPARE_BITS) - 1), 0);
            cm_check_eq(family == CM_FLOW_IPV4, flow.n_bytes_hashed == 13);
            n_half_mapped += flow.n_bytes_hashed == 25;
            if (family == CM_FLOW_IPV4) {
                cm_flow_key_narrow(&key, &narrow);
                cm_check(cm_flow_id4(&narrow) == flow.flow_id);
                cm_flow_key_widen(&narrow, &wide);
                cm_check_mem(&wide, &key, sizeof(key));
            }
        }
    }
    cm_check(n_seen[0] > 100 && n_seen[4] > 1000 && n_seen[6] > 1000 && n_half_mapped > 100);
    free(packets);
}
