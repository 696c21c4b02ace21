/* SPDX-License-Identifier: Apache-2.0 */
/* Community IDs equal the published baseline of the specification: its table and the tuples of its
 * captures. */
#include "flow/community_id.h"

#include <stdlib.h>

#include "unit/check.h"

struct vector {
    uint8_t protocol;
    const char *src, *dst; /* dotted IPv4, or eight groups of IPv6 */
    uint16_t src_port, dst_port;
    const char *expected;
};

/* ICMP: ports are type and code, or type and the type of the answer as the baseline prints them for pairs. */
static const struct vector vectors[] = {
    /* table "Default settings" */
    {6, "1.2.3.4", "5.6.7.8", 1122, 3344, "1:wCb3OG7yAFWelaUydu0D+125CLM="},
    {6, "5.6.7.8", "1.2.3.4", 3344, 1122, "1:wCb3OG7yAFWelaUydu0D+125CLM="},
    {17, "1.2.3.4", "5.6.7.8", 1122, 3344, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="},
    {17, "5.6.7.8", "1.2.3.4", 3344, 1122, "1:0Mu9InQx6z4ZiCZM/7HXi2WMhOg="},
    {132, "1.2.3.4", "5.6.7.8", 1122, 3344, "1:EKt4MsxuyaE6mL+hmrEkQ9csDD8="},
    {132, "5.6.7.8", "1.2.3.4", 3344, 1122, "1:EKt4MsxuyaE6mL+hmrEkQ9csDD8="},
    {1, "1.2.3.4", "5.6.7.8", 8, 0, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0="},
    {1, "5.6.7.8", "1.2.3.4", 0, 0, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0="},
    {1, "1.2.3.4", "5.6.7.8", 11, 0, "1:f/YiSyWqczrTgfUCZlBUnvHRcPk="},
    {58, "fe80:1:203:405:607:809:a0b:c0d", "fe80:1011:1213:1415:1617:1819:1a1b:1c1d", 128, 0,
     "1:0bf7hyMJUwt3fMED7z8LIfRpBeo="},
    {58, "fe80:1011:1213:1415:1617:1819:1a1b:1c1d", "fe80:1:203:405:607:809:a0b:c0d", 129, 0,
     "1:0bf7hyMJUwt3fMED7z8LIfRpBeo="},
    {58, "fe80:1:203:405:607:809:a0b:c0d", "fe80:1011:1213:1415:1617:1819:1a1b:1c1d", 146, 0,
     "1:fYC8+pz24E+EhANP1EZhpX0Dw10="},
    {46, "1.2.3.4", "5.6.7.8", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="},
    {46, "5.6.7.8", "1.2.3.4", 0, 0, "1:ikv3kmf89luf73WPz1jOs49S768="},
    {46, "fe80:1:203:405:607:809:a0b:c0d", "fe80:1011:1213:1415:1617:1819:1a1b:1c1d", 0, 0,
     "1:wQ/2mwrnXP4lmJcHdGL5ePjR+e0="},
    {46, "fe80:1011:1213:1415:1617:1819:1a1b:1c1d", "fe80:1:203:405:607:809:a0b:c0d", 0, 0,
     "1:wQ/2mwrnXP4lmJcHdGL5ePjR+e0="},
    /* baseline_deflt.json */
    {58, "fe80:0:0:0:200:86ff:fe05:80da", "fe80:0:0:0:260:97ff:fe07:69ea", 135, 0,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80:0:0:0:260:97ff:fe07:69ea", "fe80:0:0:0:200:86ff:fe05:80da", 136, 0,
     "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
    {58, "fe80:0:0:0:260:97ff:fe07:69ea", "fe80:0:0:0:200:86ff:fe05:80da", 135, 0,
     "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "fe80:0:0:0:200:86ff:fe05:80da", "fe80:0:0:0:260:97ff:fe07:69ea", 136, 0,
     "1:zavyT/cezQr1fmImYCwYnMXbgck="},
    {58, "3ffe:501:1800:2345:0:0:0:2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
     "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="},
    {58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
     "1:hLZd0XGWojozrvxqE0dWB1iM6R0="},
    {58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001:0:0:0:2", 128, 0,
     "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "3ffe:501:0:1001:0:0:0:2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0,
     "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="},
    {58, "fe80:0:0:0:200:86ff:fe05:80da", "ff02:0:0:0:0:0:0:2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0="},
    {58, "fe80:0:0:0:260:97ff:fe07:69ea", "ff02:0:0:0:0:0:0:1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00="},
    {1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
    {1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="},
    {6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03:0:0:0:1a", 63943, 25,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {6, "2607:f8b0:400c:c03:0:0:0:1a", "2001:470:e5bf:dead:4957:2174:e82c:4887", 25, 63943,
     "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
    {132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    {132, "192.168.170.56", "192.168.170.8", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="},
    {6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
    {17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
    {46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
    {46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="},
};

static uint8_t read_address(const char *text, uint8_t address[16])
{
    const bool v6 = strchr(text, ':') != NULL;
    char *at;

    for (unsigned i = 0; i < (v6 ? 8 : 4); i++) {
        unsigned long number = strtoul(text, &at, v6 ? 16 : 10);

        if (v6) {
            address[2 * i] = (uint8_t)(number >> 8);
            address[2 * i + 1] = (uint8_t)number;
        } else {
            address[i] = (uint8_t)number;
        }
        text = at + 1;
    }
    return v6 ? 6 : 4;
}

CM_TEST(community_id, equals_the_published_vectors)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        const bool icmp = vector->protocol == 1 || vector->protocol == 58;
        uint8_t src[16], dst[16];
        struct cm_community_tuple tuple = {.protocol = vector->protocol, .src = src, .dst = dst};
        char text[CM_COMMUNITY_ID_TEXT];

        tuple.ip_version = read_address(vector->src, src);
        read_address(vector->dst, dst);
        tuple.src_port = icmp ? 0 : vector->src_port;
        tuple.dst_port = icmp ? 0 : vector->dst_port;
        tuple.has_icmp = icmp;
        tuple.icmp_type = icmp ? (uint8_t)vector->src_port : 0;
        tuple.icmp_code = icmp ? (uint8_t)vector->dst_port : 0;
        cm_community_id(&tuple, text);
        cm_check_str(text, vector->expected);
    }
}

/* Any number of them, also one that is no multiple of how many are hashed together. */
CM_TEST(community_id, many_at_once_are_what_each_is_alone)
{
    enum { MANY = 11 };
    uint8_t addresses[2 * 16 + MANY];
    struct cm_community_tuple tuples[MANY];
    char texts[MANY][CM_COMMUNITY_ID_TEXT + 1], *texts_at[MANY], expected[CM_COMMUNITY_ID_TEXT];

    for (size_t i = 0; i < sizeof(addresses); i++)
        addresses[i] = (uint8_t)(i * 73 + 5);
    for (unsigned i = 0; i < MANY; i++) {
        tuples[i] = (struct cm_community_tuple){.ip_version = i % 2 ? 4 : 6,
                                                .protocol = i % 3 ? 6 : 1,
                                                .src = addresses + i,
                                                .dst = addresses + 16 + i,
                                                .src_port = (uint16_t)(i * 1000),
                                                .dst_port = 443};
        texts_at[i] = texts[i];
    }
    for (size_t n = 0; n <= MANY; n++) {
        memset(texts, '#', sizeof(texts));
        cm_community_ids(tuples, n, texts_at);
        for (size_t i = 0; i < MANY; i++) {
            cm_check_eq(texts[i][CM_COMMUNITY_ID_TEXT], '#');
            if (i >= n) {
                cm_check_eq(texts[i][0], '#');
                continue;
            }
            cm_community_id(&tuples[i], expected);
            cm_check_str(texts[i], expected);
        }
    }
}

CM_TEST(community_id, ports_decide_where_addresses_are_equal)
{
    const uint8_t address[4] = {127, 0, 0, 1};
    struct cm_community_tuple tuple = {.ip_version = 4, .protocol = 6, .src = address, .dst = address};
    char one[CM_COMMUNITY_ID_TEXT], other[CM_COMMUNITY_ID_TEXT];

    tuple.src_port = 80;
    tuple.dst_port = 40000;
    cm_community_id(&tuple, one);
    tuple.src_port = 40000;
    tuple.dst_port = 80;
    cm_community_id(&tuple, other);
    cm_check_str(one, other);
    tuple.src_port = 40001;
    cm_community_id(&tuple, other);
    cm_check(strcmp(one, other) != 0);
}

CM_TEST(community_id, ports_of_protocols_without_ports_do_not_count)
{
    const uint8_t src[4] = {1, 2, 3, 4}, dst[4] = {5, 6, 7, 8};
    struct cm_community_tuple tuple = {
        .ip_version = 4, .protocol = 46, .src = src, .dst = dst, .src_port = 99};
    char text[CM_COMMUNITY_ID_TEXT];

    cm_community_id(&tuple, text);
    cm_check_str(text, "1:ikv3kmf89luf73WPz1jOs49S768=");
}
