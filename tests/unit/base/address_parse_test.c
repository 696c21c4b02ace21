/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, prefixes and hardware addresses from text: what is taken, what is refused and where. */
#include "base/address_parse.h"

#include <stdlib.h>

#include "base/address_text.h"
#include "base/checked.h"
#include "unit/check.h"

/* The text in memory that ends where it ends, so that the address sanitizer sees any read past it. */
static char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + (*text == 0));

    cm_check(copy != NULL);
    memcpy(copy, text, strlen(text));
    return copy;
}

static const char *address_words(const struct cm_address *address, char text_ret[CM_IPV6_TEXT_BYTES])
{
    for (unsigned i = address->version == 4 ? 4 : 16; i < 16; i++)
        cm_check_eq(address->bytes[i], 0);
    if (address->version == 4)
        cm_ipv4_text(address->bytes, text_ret);
    else
        cm_ipv6_text(address->bytes, text_ret);
    return text_ret;
}

struct taken {
    const char *text, *canonical;
};

struct refused {
    const char *text;
    size_t at;
    const char *what;
};

CM_TEST(address_parse, addresses_taken)
{
    static const struct taken cases[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"10.20.30.40", "10.20.30.40"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::a", "2001:db8::a"},
        {"2001:0db8:0000:0000:0000:0000:0000:000a", "2001:db8::a"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2::7:8", "1:2::7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::1.2.3.4", "::102:304"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
        {"::FFFF:a00:1", "10.0.0.1"},
        {"0:0:0:0:0:ffff:10.0.0.1", "10.0.0.1"},
        {"::ffff:0:10.0.0.1", "::ffff:0:a00:1"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        char *text = exact(cases[i].text), canonical[CM_IPV6_TEXT_BYTES];
        struct cm_address address;
        struct cm_text_fault fault = {0, NULL};

        cm_check_that(cm_address_parse(text, strlen(cases[i].text), &address, &fault), "%s: %s at %zu",
                      cases[i].text, fault.what, fault.at);
        cm_check_str(address_words(&address, canonical), cases[i].canonical);
        free(text);
    }
}

CM_TEST(address_parse, addresses_refused)
{
    static const struct refused cases[] = {
        {"", 0, "expected an address"},
        {"10.0.0.300", 7, "a number beyond 255"},
        {"10.0.0.99999999999999999999", 7, "a number beyond 255"},
        {"10.0.0", 6, "expected four numbers with points between them"},
        {"10", 2, "expected four numbers with points between them"},
        {"10..0.1", 3, "expected a digit"},
        {"10.0.0.", 7, "expected a digit"},
        {"10.0.0.1.", 8, "expected the end of the address"},
        {"10.0.0.1.5", 8, "expected the end of the address"},
        {"10.0.0.01", 7, "a number with a leading zero"},
        {"10.0.00.1", 5, "a number with a leading zero"},
        {" 10.0.0.1", 0, "expected a digit"},
        {"10.0.0.1 ", 8, "expected the end of the address"},
        {"10.0.0.-1", 7, "expected a digit"},
        {"0x0a.0.0.1", 1, "expected four numbers with points between them"},
        {"example.org", 0, "expected a digit"},
        {"10.0.0.0/8", 8, "expected the end of the address"},
        {":", 0, "expected a hexadecimal digit"},
        {":1", 0, "expected a hexadecimal digit"},
        {"1:", 2, "expected a hexadecimal digit"},
        {"::1:", 4, "expected a hexadecimal digit"},
        {":::", 2, "expected the end of the address"},
        {"1:::2", 3, "expected the end of the address"},
        {"1::2::3", 4, "a second ::"},
        {"1:2:3:4:5:6:7", 13, "fewer than eight groups, and no ::"},
        {"1:2:3:4:5:6:7:8:9", 16, "more than eight groups"},
        {"1:2:3:4:5:6:7:8::", 15, "more than eight groups"},
        {"1:2:3:4:5:6:7::8", 15, "more than eight groups"},
        {"::1:2:3:4:5:6:7:8", 16, "more than eight groups"},
        {"12345::", 0, "a group of more than four hexadecimal digits"},
        {"1::g", 3, "expected the end of the address"},
        {"g::1", 0, "expected a hexadecimal digit"},
        {"1:g::", 2, "expected a hexadecimal digit"},
        {"::ffff:10.0.0.256", 14, "a number beyond 255"},
        {"::10.0.0", 8, "expected four numbers with points between them"},
        {"::10.0.0.1:5", 10, "expected the end of the address"},
        {"1:2:3:4:5:6:7:10.0.0.1", 14, "more than eight groups"},
        {"1:2:3:4:5::10.0.0.1:", 19, "expected the end of the address"},
        {"1:2:3:4:5:6::10.0.0.1", 13, "more than eight groups"},
        {"fe80::1%eth0", 7, "a zone, which no packet carries"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        char *text = exact(cases[i].text);
        struct cm_address address = {.version = 99};
        struct cm_text_fault fault = {999, "nothing"};

        cm_check_that(!cm_address_parse(text, strlen(cases[i].text), &address, &fault), "%s was taken",
                      cases[i].text);
        cm_check_that(fault.at == cases[i].at && strcmp(fault.what, cases[i].what) == 0, "%s: %s at %zu",
                      cases[i].text, fault.what, fault.at);
        cm_check_eq(address.version, 99);
        cm_check(!cm_address_parse(text, strlen(cases[i].text), &address, NULL));
        free(text);
    }
}

CM_TEST(address_parse, a_part_of_a_text)
{
    struct cm_address address;

    cm_check(cm_address_parse("10.0.0.255", 8, &address, NULL));
    cm_check_eq(address.bytes[3], 2);
    cm_check(cm_address_parse("::12", 2, &address, NULL));
    cm_check_eq(address.bytes[15], 0);
}

CM_TEST(address_parse, prefixes_taken)
{
    static const struct taken cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},       {"10.0.0.1", "10.0.0.1"},
        {"10.0.0.1/32", "10.0.0.1"},        {"0.0.0.0/0", "0.0.0.0/0"},
        {"10.128.0.0/9", "10.128.0.0/9"},   {"2001:db8::/32", "2001:db8::/32"},
        {"2001:db8::1/128", "2001:db8::1"}, {"::/0", "::/0"},
        {"8000::/1", "8000::/1"},           {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.0.0.1", "10.0.0.1"},    {"::ffff:10.0.0.1/128", "10.0.0.1"},
        {"::ffff:0:0/96", "0.0.0.0/0"},     {"::fffe:0:0/95", "::fffe:0:0/95"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        char *text = exact(cases[i].text), canonical[CM_PREFIX_TEXT_BYTES];
        struct cm_prefix prefix;
        struct cm_text_fault fault = {0, NULL};

        cm_check_that(cm_prefix_parse(text, strlen(cases[i].text), &prefix, &fault), "%s: %s at %zu",
                      cases[i].text, fault.what, fault.at);
        cm_check_eq(cm_prefix_text(&prefix, canonical), strlen(cases[i].canonical));
        cm_check_str(canonical, cases[i].canonical);
        free(text);
    }
}

CM_TEST(address_parse, prefixes_refused)
{
    static const struct refused cases[] = {
        {"", 0, "expected an address"},
        {"10.0.0.0/", 9, "expected a digit"},
        {"10.0.0.0/33", 9, "a prefix of more than 32 bits"},
        {"10.0.0.0/-1", 9, "expected a digit"},
        {"10.0.0.0/08", 9, "a number with a leading zero"},
        {"10.0.0.0/8/8", 10, "expected the end of the prefix"},
        {"10.0.0.0/255.0.0.0", 9, "a prefix of more than 32 bits"},
        {"10.0.0.0/24.0", 11, "expected the end of the prefix"},
        {"10.0.0.1x", 8, "expected / or the end"},
        {"10/8", 2, "expected four numbers with points between them"},
        {"/8", 0, "expected a digit"},
        {"2001:db8::/129", 11, "a prefix of more than 128 bits"},
        {"fe80::%1/64", 6, "a zone, which no packet carries"},
    };
    static const struct taken beyond[] = {
        {"10.0.0.1/8", "10.0.0.0/8"},
        {"10.255.0.0/9", "10.128.0.0/9"},
        {"1.2.3.4/0", "0.0.0.0/0"},
        {"2001:db8::1/64", "2001:db8::/64"},
        {"ffff:ffff::/3", "e000::/3"},
        {"::ffff:10.1.0.0/104", "10.0.0.0/8"},
        {"::ffff:10.0.0.0/95", "::fffe:0:0/95"},
        {"10.0.0.3/31", "10.0.0.2/31"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        char *text = exact(cases[i].text);
        struct cm_prefix prefix = {.n_bits = 99};
        struct cm_text_fault fault = {999, "nothing"};

        cm_check_that(!cm_prefix_parse(text, strlen(cases[i].text), &prefix, &fault), "%s was taken",
                      cases[i].text);
        cm_check_that(fault.at == cases[i].at && strcmp(fault.what, cases[i].what) == 0, "%s: %s at %zu",
                      cases[i].text, fault.what, fault.at);
        cm_check_eq(prefix.n_bits, 99);
        free(text);
    }
    for (size_t i = 0; i < CM_ARRAY_COUNT(beyond); i++) {
        char canonical[CM_PREFIX_TEXT_BYTES];
        struct cm_prefix prefix;
        struct cm_text_fault fault = {0, NULL};

        cm_check(!cm_prefix_parse(beyond[i].text, strlen(beyond[i].text), &prefix, &fault));
        cm_check(fault.what == cm_prefix_beyond);
        cm_check_eq(beyond[i].text[fault.at - 1], '/');
        cm_prefix_text(&prefix, canonical);
        cm_check_str(canonical, beyond[i].canonical);
    }
}

CM_TEST(address_parse, hardware_addresses)
{
    static const uint8_t expected[6] = {0x00, 0x1a, 0xff, 0x2b, 0x3c, 0xd4};
    static const char *const taken[] = {"00:1a:ff:2b:3c:d4", "00:1A:FF:2B:3C:D4", "00-1a-ff-2b-3c-d4"};
    static const char between[] = "expected six pairs of hexadecimal digits with : or - between them";
    static const struct refused cases[] = {
        {"", 0, "expected a hexadecimal digit"},
        {"00:1a:ff:2b:3c", 14, between},
        {"00:1a:ff:2b:3c:", 15, "expected a hexadecimal digit"},
        {"00:1a:ff:2b:3c:d", 16, "expected a hexadecimal digit"},
        {"00:1a:ff:2b:3c:d4:55", 17, "expected the end of the address"},
        {"00:1a-ff:2b:3c:d4", 5, between},
        {"00-1a:ff-2b-3c-d4", 5, between},
        {"001aff2b3cd4", 2, between},
        {"0:1a:ff:2b:3c:d4", 1, "expected a hexadecimal digit"},
        {"00:1g:ff:2b:3c:d4", 4, "expected a hexadecimal digit"},
    };
    uint8_t mac[6];

    for (size_t i = 0; i < CM_ARRAY_COUNT(taken); i++) {
        memset(mac, 0xee, sizeof(mac));
        cm_check(cm_mac_parse(taken[i], strlen(taken[i]), mac, NULL));
        cm_check_mem(mac, expected, 6);
    }
    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct cm_text_fault fault = {999, "nothing"};

        cm_check_that(!cm_mac_parse(cases[i].text, strlen(cases[i].text), mac, &fault), "%s was taken",
                      cases[i].text);
        cm_check_that(fault.at == cases[i].at && strcmp(fault.what, cases[i].what) == 0, "%s: %s at %zu",
                      cases[i].text, fault.what, fault.at);
        cm_check_mem(mac, expected, 6);
    }
}

/* Whatever is drawn: the text of an address is read back as that address. */
CM_TEST(address_parse, reads_back_what_is_written)
{
    uint64_t state = 5;

    for (int round = 0; round < 20000; round++) {
        struct cm_prefix prefix, back;
        char text[CM_PREFIX_TEXT_BYTES];
        size_t n;

        memset(&prefix, 0, sizeof(prefix));
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        prefix.address.version = state >> 33 & 1 ? 4 : 6;
        prefix.n_bits = (uint8_t)((state >> 34) % (prefix.address.version == 4 ? 33 : 129));
        for (unsigned bit = 0; bit < prefix.n_bits; bit++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            if ((state >> 40 & 3) == 0) /* mostly zeros: runs of them are what :: is about */
                prefix.address.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        }
        n = cm_prefix_text(&prefix, text);
        cm_check_that(cm_prefix_parse(text, n, &back, NULL), "%s was refused", text);
        cm_check_mem(&back, &prefix, sizeof(prefix));
    }
}
