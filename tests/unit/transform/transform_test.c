/* SPDX-License-Identifier: Apache-2.0 */
/* Address maps and truncation on packets of every kind; after each change sums are checked a second way. */
#include "unit/transform/make_transform.h"

static const uint8_t versions[] = {4, 6};
static const uint8_t transports[] = {6, 17, 132, 1, 58};

static uint64_t changed(struct wishes *wishes, const struct packet *packet, struct outcome *outcome,
                        const char *reason)
{
    struct cm_transform *transform = make_transform(wishes);
    uint64_t n;

    cm_check(transform != NULL);
    n = pass_once(transform, CM_LINK_ETHERNET, packet->bytes, packet->n, packet->n, outcome);
    cm_check_str(reason_of(transform), reason);
    cm_transform_destroy(transform);
    return n;
}

CM_TEST(transform, addresses_within_a_version_and_sums)
{
    for (unsigned v = 0; v < 2; v++)
        for (unsigned t = 0; t < sizeof(transports); t++)
            for (uint32_t n = 0; n < 50; n++) {
                struct wishes wishes = {0};
                struct packet packet = {0};
                struct outcome outcome;
                uint32_t ip = build(&packet, versions[v], transports[t], n);
                uint8_t expected[2048];

                memcpy(expected, packet.bytes, packet.n);
                wish_ip(&wishes, "10.0.0.0/31=192.168.7.0/31 10.0.0.2=172.16.0.9 2001:db8::1=fd00::77");
                cm_check_eq(changed(&wishes, &packet, &outcome, ""), 1);
                cm_check_eq(outcome.caplen, packet.n);
                cm_check_eq(outcome.origlen, packet.n);
                check_sums(outcome.bytes + ip);
                if (versions[v] == 4) {
                    memcpy(expected + ip + 12, "\xc0\xa8\x07\x01\xac\x10\x00\x09", 8);
                } else {
                    memset(expected + ip + 8, 0, 16);
                    expected[ip + 8] = 0xfd;
                    expected[ip + 23] = 0x77;
                }
                /* nothing but addresses and sums: put the right sums into the packet that is expected */
                memcpy(packet.bytes, expected, packet.n);
                seal(&packet, ip);
                cm_check_mem(outcome.bytes, packet.bytes, packet.n);
            }
}
