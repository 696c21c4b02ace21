/* SPDX-License-Identifier: Apache-2.0 */
/* Rules through the filter's door: what is refused and in which words, what is warned of, which packets stay,
 * and random trees of rules against a plain evaluation of each packet. */
#include <stdlib.h>

#include "base/address_text.h"
#include "base/checked.h"
#include "filter/filter.h"
#include "unit/filter/made_frames.h"

#define RULES(...)                                                                                           \
    .rules = (const struct capmill_filter_rule[]){__VA_ARGS__},                                              \
    .n_rules =                                                                                               \
        sizeof((const struct capmill_filter_rule[]){__VA_ARGS__}) / sizeof(struct capmill_filter_rule)
#define IS(field_, value_)                                                                                   \
    {                                                                                                        \
        CAPMILL_FILTER_##field_, false, value_, NULL                                                         \
    }
#define NOT(field_, value_)                                                                                  \
    {                                                                                                        \
        CAPMILL_FILTER_##field_, true, value_, NULL                                                          \
    }

static bool has_regexes(void)
{
    return strncmp(cm_filter_payload_feature(), "hyperscan: yes", 14) == 0;
}

static bool has_expressions(void)
{
    return strcmp(cm_filter_expression_feature(), "libpcap: yes") == 0;
}

/* --- refusals --- */

static void check_refusal(enum capmill_filter_field field, const char *value, const char *expected)
{
    const struct capmill_filter_rule rule = {field, false, value, "--flag"};
    const struct capmill_filter filter = {.rules = {.rules = &rule, .n_rules = 1}};
    const struct cm_filter_options options = {.rules = &filter};
    struct cm_filter *made = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_filter_create(&options, &made, &error) == CAPMILL_E_USAGE, "'%s' was taken", value);
    cm_check(made == NULL);
    cm_check_str(error.text, expected);
}

CM_TEST(filter_rules, refusals)
{
    static const struct {
        enum capmill_filter_field field;
        const char *value, *text;
    } cases[] = {
        {CAPMILL_FILTER_SRC_IP, "10.0.0.300",
         "--flag: '10.0.0.300' is no address: a number beyond 255 at column 8"},
        {CAPMILL_FILTER_SRC_IP, "10.0.0.1,10.0.0.300",
         "--flag: '10.0.0.300' is no address: a number beyond 255 at column 8"},
        {CAPMILL_FILTER_DST_IP, "", "--flag: '' is no address: expected an address at column 1"},
        {CAPMILL_FILTER_DST_IP, "10.0.0.1,", "--flag: '' is no address: expected an address at column 1"},
        {CAPMILL_FILTER_IP, "10.0.0.0/33",
         "--flag: '10.0.0.0/33' is no address: a prefix of more than 32 bits at column 10"},
        {CAPMILL_FILTER_IP, "10.0.0.1/8",
         "--flag: '10.0.0.1/8' has bits set beyond its prefix: 10.0.0.0/8 is the prefix"},
        {CAPMILL_FILTER_IP, "2001:db8::1/32",
         "--flag: '2001:db8::1/32' has bits set beyond its prefix: 2001:db8::/32 is the prefix"},
        {CAPMILL_FILTER_IP, "www.example.org",
         "--flag: 'www.example.org' is no address: expected a digit at column 1"},
        {CAPMILL_FILTER_PORT, "70000", "--flag: '70000' is no port: a number beyond 65535 at column 1"},
        {CAPMILL_FILTER_SRC_PORT, "80,443-70000",
         "--flag: '443-70000' is no port: a number beyond 65535 at column 5"},
        {CAPMILL_FILTER_DST_PORT, "20-10",
         "--flag: '20-10' is no port: the range ends before it begins at column 4"},
        {CAPMILL_FILTER_PROTO, "tpc",
         "--flag: 'tpc' is no protocol: a name that is not known; numbers from 0 to 255 are taken too at "
         "column 1"},
        {CAPMILL_FILTER_PROTO, "tcp,256", "--flag: '256' is no protocol: a number beyond 255 at column 1"},
        {CAPMILL_FILTER_FLOW_ID, "0123456789abcde",
         "--flag: '0123456789abcde' is no flow id: fewer than 16 hexadecimal digits at column 16"},
        {CAPMILL_FILTER_FROM, "yesterday", "--flag: 'yesterday' is no time: expected a digit at column 1"},
        {CAPMILL_FILTER_FROM, "-1", "--flag: '-1' is no time: expected a digit at column 1"},
        {CAPMILL_FILTER_TO, "2024-02-30",
         "--flag: '2024-02-30' is no time: this month has no such day at column 9"},
        {CAPMILL_FILTER_TCP_FLAGS, "SYN+ACL",
         "--flag: 'SYN+ACL' is no set of TCP flags: expected one of FIN, SYN, RST, PSH, ACK, URG, ECE, CWR "
         "at "
         "column 5"},
        {CAPMILL_FILTER_MIN_LEN, "1k", "--flag: '1k' is no length: expected nothing but digits at column 2"},
        {CAPMILL_FILTER_MAX_LEN, "99999999999999999999",
         "--flag: '99999999999999999999' is no length: the number is too large at column 1"},
        {CAPMILL_FILTER_PAYLOAD_BYTES, "abc",
         "--flag: 'abc' is no sequence of bytes: expected the second digit of a byte at column 4"},
        {CAPMILL_FILTER_PAYLOAD_BYTES, "", "--flag: nothing to look for"},
        {CAPMILL_FILTER_PAYLOAD_REGEX, "", "--flag: nothing to look for"},
        {(enum capmill_filter_field)99, "x", "--flag: there is no such kind of rule (99)"},
        {(enum capmill_filter_field)0, "x", "--flag: there is no such kind of rule (0)"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++)
        check_refusal(cases[i].field, cases[i].value, cases[i].text);
}

CM_TEST(filter_rules, regexes_refused)
{
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"a(b",
         "--flag: 'a(b' is refused by Hyperscan: Missing close parenthesis for group started at column 2"},
        {"(?=a)", "--flag: '(?=a)' is refused by Hyperscan: Zero-width assertions are not supported"},
        {"a*", "--flag: 'a*' matches the empty string, and so every payload"},
    };
    char *longest = malloc(4098);

    if (!has_regexes()) {
        free(longest);
        cm_skip("no Hyperscan in this build");
    }
    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++)
        check_refusal(CAPMILL_FILTER_PAYLOAD_REGEX, cases[i].value, cases[i].text);
    cm_check(longest != NULL);
    memset(longest, 'a', 4097);
    longest[4097] = 0;
    check_refusal(CAPMILL_FILTER_PAYLOAD_REGEX, longest,
                  "--flag: a pattern of 4097 characters; 4096 are the most");
    free(longest);
}

static void check_group_refusal(struct capmill_filter_group group, const char *expected)
{
    const struct capmill_filter filter = {.rules = group};
    const struct cm_filter_options options = {.rules = &filter};
    struct cm_filter *made;
    struct cm_error error = {0};
    enum capmill_status status = cm_filter_create(&options, &made, &error);

    if (expected == NULL) {
        cm_check_that(status == CAPMILL_OK, "%s", error.text);
        cm_filter_destroy(made);
        return;
    }
    cm_check_eq(status, CAPMILL_E_USAGE);
    cm_check_str(error.text, expected);
}

CM_TEST(filter_rules, contradictions_refused)
{
    check_group_refusal((struct capmill_filter_group){RULES(IS(FROM, "2024-01-02"), IS(TO, "2024-01-01"))},
                        "from: '2024-01-02' is not before to '2024-01-01'");
    check_group_refusal((struct capmill_filter_group){RULES(IS(TO, "2024-01-01"), IS(FROM, "2024-01-01"))},
                        "from: '2024-01-01' is not before to '2024-01-01'");
    check_group_refusal((struct capmill_filter_group){RULES(IS(MIN_LEN, "200"), IS(MAX_LEN, "100"))},
                        "min_len: '200' is more than max_len '100'");
    check_group_refusal((struct capmill_filter_group){RULES(IS(MIN_LEN, "100"), IS(MAX_LEN, "100"))}, NULL);
    /* one side is enough: either too early or too late */
    check_group_refusal((struct capmill_filter_group){.op = CAPMILL_FILTER_OR,
                                                      RULES(IS(FROM, "2024-01-02"), IS(TO, "2024-01-01"))},
                        NULL);
    check_group_refusal((struct capmill_filter_group){RULES(NOT(FROM, "2024-01-02"), IS(TO, "2024-01-01"))},
                        NULL);
    /* of several the widest counts */
    check_group_refusal((struct capmill_filter_group){RULES(IS(FROM, "2024-01-02"), IS(TO, "2024-01-01"),
                                                            IS(FROM, "2023-01-01"))},
                        NULL);
}

CM_TEST(filter_rules, too_deep)
{
    struct capmill_filter_group groups[CAPMILL_FILTER_DEPTH + 2];

    memset(groups, 0, sizeof(groups));
    for (size_t i = 0; i + 1 < CM_ARRAY_COUNT(groups); i++) {
        groups[i].op = i % 2 ? CAPMILL_FILTER_NOT : CAPMILL_FILTER_OR;
        groups[i].groups = &groups[i + 1];
        groups[i].n_groups = 1;
        groups[i].origin = "a.toml:1:1 filter.rules";
    }
    groups[CAPMILL_FILTER_DEPTH + 1].origin = "a.toml:9:1 filter.rules";
    check_group_refusal(groups[1], NULL);
    check_group_refusal(groups[0], "a.toml:9:1 filter.rules: groups of rules more than 64 deep");
}

/* --- warnings --- */

struct told {
    unsigned n;
    char texts[4][512];
};

static void tell(void *context, const char *text)
{
    struct told *told = context;

    cm_check(told->n < 4);
    snprintf(told->texts[told->n++], sizeof(told->texts[0]), "%s", text);
}

static void check_warning(struct capmill_filter_group group, const char *expected)
{
    const struct capmill_filter filter = {.rules = group};
    struct told told = {0};
    const struct cm_filter_options options = {.rules = &filter, .warn = tell, .warn_context = &told};
    struct cm_filter *made;
    struct cm_error error = {0};

    cm_check_that(cm_filter_create(&options, &made, &error) == CAPMILL_OK, "%s", error.text);
    cm_filter_destroy(made);
    if (expected == NULL) {
        cm_check_that(told.n == 0, "%s", told.texts[0]);
        return;
    }
    cm_check_that(told.n > 0, "not told: %s", expected);
    cm_check_str(told.texts[0], expected);
    cm_check_eq(told.n, 1);
}

#define check_warns(expected, ...) check_warning((struct capmill_filter_group){RULES(__VA_ARGS__)}, expected)

CM_TEST(filter_rules, warnings)
{
    check_warns(
        "from: '1700000000' is 1970-01-20T16:13:20.000000000Z, read as milliseconds since 1970: is it in "
        "seconds?",
        IS(FROM, "1700000000"));
    check_warns(NULL, IS(FROM, "1700000000000"));
    check_warns(NULL, IS(FROM, "1970-01-20T16:13:20Z"));
    check_warns("from: '0' has no effect: every packet matches it", IS(FROM, "0"));
    check_warns("from: '1970-01-01' excludes everything", NOT(FROM, "1970-01-01"));
    check_warns("to: '0' can match nothing", IS(TO, "0"));
    check_warns("min_len: '0' has no effect: every packet matches it", IS(MIN_LEN, "0"));
    check_warns("min_len: '4294967296' can match nothing", IS(MIN_LEN, "4294967296"));
    check_warns("max_len: '4294967295' has no effect: every packet matches it", IS(MAX_LEN, "4294967295"));
    check_warns("ip: '10.0.0.1' can match nothing: all of it is excluded", IS(IP, "10.0.0.1"),
                NOT(IP, "10.0.0.0/8"));
    check_warns("ip: '10.0.0.1' can match nothing: all of it is excluded", IS(IP, "10.0.0.1"),
                IS(IP, "11.0.0.1"), NOT(IP, "10.0.0.0/8"));
    check_warns("src_ip: '10.0.0.0/8' can match nothing: all of it is excluded", IS(SRC_IP, "10.0.0.0/8"),
                NOT(SRC_IP, "10.0.0.0/9,10.128.0.0/9"));
    check_warns("ip: '2001:db8::/33' can match nothing: all of it is excluded", IS(IP, "2001:db8::/33"),
                NOT(IP, "2001:db8::/32"));
    check_warns(NULL, IS(IP, "10.0.0.0/8"), NOT(IP, "10.0.0.1"));
    check_warns("port: '443' can match nothing: all of it is excluded", IS(PORT, "443"),
                NOT(PORT, "400-500"));
    check_warns("proto: 'tcp' can match nothing: all of it is excluded", IS(PROTO, "tcp"),
                NOT(PROTO, "tcp,udp"));
    check_warns("from: '2024-01-02' can match nothing: all of it is excluded", IS(FROM, "2024-01-02"),
                NOT(FROM, "2024-01-01"));
    check_warns("src_ip: '11.0.0.0/8' has no effect: nothing of it is asked for", IS(SRC_IP, "10.0.0.0/8"),
                NOT(SRC_IP, "11.0.0.0/8"));
    check_warns(NULL, IS(IP, "10.0.0.0/8"), NOT(IP, "11.0.0.0/8")); /* the other end of the packet */
    check_warns("port: '80' can match nothing: the protocols asked for beside it have no ports",
                IS(PROTO, "icmp"), IS(PORT, "80"));
    check_warns(NULL, IS(PROTO, "icmp,udp"), IS(PORT, "80"));
    check_warns(NULL, IS(PROTO, "ip6"), IS(PORT, "80"));
    check_warns("tcp_flags: 'SYN' can match nothing: TCP is not among the protocols asked for beside it",
                IS(PROTO, "udp"), IS(TCP_FLAGS, "SYN"));
    check_warns("ip: '10.0.0.1' can match nothing: the packets asked for beside it have no IP addresses",
                IS(PROTO, "arp"), IS(IP, "10.0.0.1"));
    check_warning(
        (struct capmill_filter_group){.op = CAPMILL_FILTER_OR, RULES(IS(PROTO, "icmp"), IS(PORT, "80"))},
        NULL);
    check_warning((struct capmill_filter_group){.op = CAPMILL_FILTER_NOT},
                  "the filter keeps no packet: its rules exclude everything");
}

/* --- what stays --- */

static struct cm_filter *make_filter(const struct capmill_filter_group *group, bool unidirectional)
{
    const struct capmill_filter filter = {.rules = *group};
    const struct cm_filter_options options = {.rules = &filter, .unidirectional = unidirectional};
    struct cm_filter *made;
    struct cm_error error = {0};

    cm_check_that(cm_filter_create(&options, &made, &error) == CAPMILL_OK, "%s", error.text);
    return made;
}

static void run_operator(const struct cm_operator *operator_, struct cm_batch *batch)
{
    struct cm_error error = {0};
    void *local = NULL;

    cm_check_that(operator_->open(operator_->shared, 0, &local, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(operator_->process(operator_->shared, local, batch, &error) == CAPMILL_OK, "%s",
                  error.text);
    operator_->close(operator_->shared, local);
}

/* As a run does it: early, decode, late. */
static void run_filter(struct cm_filter *filter, struct made_frames *made)
{
    struct cm_operator operator_;

    made->batch.headers = NULL;
    if (filter != NULL && cm_filter_early(filter, &operator_))
        run_operator(&operator_, &made->batch);
    made_frames_decode(made);
    if (filter != NULL && cm_filter_late(filter, &operator_))
        run_operator(&operator_, &made->batch);
}

/* A little capture that rules are tried on:
 *  0 TCP 10.0.0.1:1000 > 10.0.0.2:443 SYN          1 TCP 10.0.0.2:443 > 10.0.0.1:1000 SYN+ACK
 *  2 UDP 10.0.0.1:53 > 192.0.2.1:5353 VLAN          3 UDP 2001:db8::1:53 > 2001:db8::2:80
 *  4 TCP ::ffff:10.0.0.1:80 > ::ffff:10.0.0.9:81    5 ICMP 10.0.0.1 > 10.0.0.2
 *  6 ARP                                            7 UDP later fragment 10.0.0.1 > 10.0.0.2
 *  8 ICMPv6 2001:db8::1 > 2001:db8::2               9 LLDP */
#define SAMPLE 10u
static void make_sample(struct made_frame frames[SAMPLE])
{
    static const uint8_t a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2}, c[4] = {192, 0, 2, 1};
    static const uint8_t a6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1}, b6[16] = {0x20, 1, 0x0d, 0xb8, [15] = 2};
    static const uint8_t mapped_a[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
    static const uint8_t mapped_d[16] = {[10] = 0xff, 0xff, 10, 0, 0, 9};
    const struct made_frame made[SAMPLE] = {
        {.ip_version = 4, .protocol = 6, .src_port = 1000, .dst_port = 443, .tcp_flags = 0x02},
        {.ip_version = 4, .protocol = 6, .src_port = 443, .dst_port = 1000, .tcp_flags = 0x12},
        {.ip_version = 4, .protocol = 17, .src_port = 53, .dst_port = 5353, .n_tags = 1},
        {.ip_version = 6, .protocol = 17, .src_port = 53, .dst_port = 80},
        {.ip_version = 6, .protocol = 6, .src_port = 80, .dst_port = 81},
        {.ip_version = 4, .protocol = 1},
        {.eth_type = 0x0806},
        {.ip_version = 4, .protocol = 17, .is_later_fragment = true, .n_payload = 8},
        {.ip_version = 6, .protocol = 58},
        {.eth_type = 0x88cc},
    };
    static const struct {
        const uint8_t *src, *dst;
    } ends[SAMPLE] = {{a, b}, {b, a},       {a, c}, {a6, b6}, {mapped_a, mapped_d},
                      {a, b}, {NULL, NULL}, {a, b}, {a6, b6}, {NULL, NULL}};

    memcpy(frames, made, sizeof(made));
    for (unsigned i = 0; i < SAMPLE; i++) {
        const size_t n = frames[i].ip_version == 4 ? 4 : 16;

        frames[i].link_type = 1;
        frames[i].time_ns = DRAWN_START_NS + i * UINT64_C(1000000000);
        if (frames[i].ip_version == 0)
            continue;
        memcpy(frames[i].src, ends[i].src, n);
        memcpy(frames[i].dst, ends[i].dst, n);
    }
    memcpy(frames[0].payload, "GET /index", 10);
    frames[0].n_payload = 10;
    frames[0].n_padding = 4;
    memcpy(frames[2].payload, "\xde\xad\xbe\xef", 4);
    frames[2].n_payload = 4;
}

static void check_keeps(const struct capmill_filter_group *group, const char *expected)
{
    struct made_frames *made = made_frames_create();
    struct made_frame frames[SAMPLE];
    struct cm_filter *filter = make_filter(group, false);
    char kept[SAMPLE + 1];
    uint32_t n = 0;

    make_sample(frames);
    made_frames_fill(made, frames, SAMPLE);
    run_filter(filter, made);
    for (; n < cm_batch_n_selected(&made->batch); n++)
        kept[n] = (char)('0' + cm_batch_selected(&made->batch, n));
    kept[n] = 0;
    cm_filter_destroy(filter);
    made_frames_destroy(made);
    cm_check_str(kept, expected);
}

#define keeps(expected, ...) check_keeps(&(const struct capmill_filter_group){RULES(__VA_ARGS__)}, expected)

CM_TEST(filter_rules, each_type)
{
    keeps("014", IS(PROTO, "tcp"));
    keeps("012347", IS(PROTO, "tcp,17"));
    keeps("58", IS(PROTO, "icmp,icmp6"));
    keeps("6", IS(PROTO, "arp"));
    keeps("01257", IS(PROTO, "ip"));
    keeps("348", IS(PROTO, "ip6"));
    keeps("02457", IS(SRC_IP, "10.0.0.1"));
    keeps("1", IS(DST_IP, "10.0.0.1"));
    keeps("012457", IS(IP, "10.0.0.1"));
    keeps("012457", IS(IP, "::ffff:10.0.0.1"));
    keeps("012457", IS(IP, "10.0.0.0/30"));
    keeps("4", IS(DST_IP, "10.0.0.8/29"));
    keeps("38", IS(IP, "2001:db8::/32"));
    keeps("348", IS(IP, "::/0"));
    keeps("012457", IS(IP, "0.0.0.0/0"));
    keeps("238", IS(DST_IP, "192.0.2.0/24,2001:db8::2"));
    keeps("1", IS(SRC_PORT, "443"));
    keeps("0", IS(DST_PORT, "443"));
    keeps("01", IS(PORT, "443"));
    keeps("0134", IS(PORT, "80,443"));
    keeps("23", IS(PORT, "50-60"));
    keeps("01234", IS(PORT, "0-65535"));
    keeps("01", IS(TCP_FLAGS, "SYN"));
    keeps("1", IS(TCP_FLAGS, "SYN+ACK"));
    keeps("0", IS(TCP_FLAGS, "SYN:exact"));
    keeps("01", IS(TCP_FLAGS, "SYN+FIN:any"));
    keeps("4", IS(TCP_FLAGS, "NONE"));
    keeps("3456789", IS(FROM, "1700000003000"));
    keeps("012", IS(TO, "2023-11-14T22:13:23Z"));
    keeps("12", IS(FROM, "1700000001000"), IS(TO, "1700000003000"));
    keeps("0348", IS(MIN_LEN, "62"));
    keeps("125679", IS(MAX_LEN, "54"));
    keeps("0", IS(PAYLOAD_BYTES, "47 45 54"));
    keeps("02", IS(PAYLOAD_BYTES, "474554"), IS(PAYLOAD_BYTES, "de:ad"));
    keeps("", IS(PAYLOAD_BYTES, "6161")); /* the padding is no payload */
    if (has_expressions())
        keeps("0348", IS(EXPRESSION, "greater 62"));
}

CM_TEST(filter_rules, groups)
{
    const struct capmill_filter_group tcp_or_arp = {
        .op = CAPMILL_FILTER_OR, RULES(IS(PROTO, "arp"), IS(TCP_FLAGS, "ACK"), IS(PORT, "53"))};
    const struct capmill_filter_group not_v6 = {.op = CAPMILL_FILTER_NOT, RULES(IS(PROTO, "ip6"))};
    const struct capmill_filter_group empty = {.op = CAPMILL_FILTER_AND};
    const struct capmill_filter_group empty_or = {.op = CAPMILL_FILTER_OR};
    const struct capmill_filter_group nothing = {.op = CAPMILL_FILTER_NOT};
    const struct capmill_filter_group both[2] = {tcp_or_arp, not_v6};
    const struct capmill_filter_group with_nothing[2] = {tcp_or_arp, nothing};
    struct capmill_filter_group group;

    keeps("01", IS(PROTO, "tcp"), IS(PORT, "443"));
    keeps("0", IS(PROTO, "tcp"), NOT(TCP_FLAGS, "ACK"), IS(IP, "10.0.0.2"));
    keeps("23456789", NOT(PORT, "443")); /* packets without ports stay */
    keeps("356789", NOT(PORT, "443"), NOT(PROTO, "tcp"), NOT(IP, "192.0.2.1"));
    keeps("69", NOT(IP, "10.0.0.0/8"), NOT(IP, "2001:db8::/32"));
    keeps("25", IS(IP, "10.0.0.1"), NOT(PROTO, "tcp"), NOT(MIN_LEN, "58"), IS(MAX_LEN, "54"),
          NOT(FROM, "1700000006000"));
    check_keeps(&tcp_or_arp, "1236");
    check_keeps(&not_v6, "0125679");
    check_keeps(&empty, "0123456789");
    check_keeps(&empty_or, "0123456789");
    check_keeps(&nothing, "");
    group = (struct capmill_filter_group){.op = CAPMILL_FILTER_AND, .groups = both, .n_groups = 2};
    check_keeps(&group, "126");
    group.op = CAPMILL_FILTER_OR;
    check_keeps(&group, "01235679");
    group.op = CAPMILL_FILTER_NOT;
    check_keeps(&group, "0345789");
    group = (struct capmill_filter_group){.op = CAPMILL_FILTER_OR, .groups = with_nothing, .n_groups = 2};
    check_keeps(&group, "1236");
    group.op = CAPMILL_FILTER_AND;
    check_keeps(&group, "");
    group.op = CAPMILL_FILTER_NOT;
    check_keeps(&group, "0123456789");
    /* one type with an exclusion, beside another type */
    group = (struct capmill_filter_group){.op = CAPMILL_FILTER_OR,
                                          RULES(IS(PROTO, "arp"), IS(PORT, "443"), NOT(PORT, "1000"))};
    check_keeps(&group, "6");
    if (!has_expressions())
        return;
    group = (struct capmill_filter_group){.op = CAPMILL_FILTER_OR,
                                          RULES(IS(PROTO, "arp"), IS(EXPRESSION, "greater 62"))};
    check_keeps(&group, "03468");
    group = (struct capmill_filter_group){
        .op = CAPMILL_FILTER_NOT, RULES(IS(EXPRESSION, "greater 1000"), IS(EXPRESSION, "greater 62"))};
    check_keeps(&group, "125679");
}

CM_TEST(filter_rules, nothing_to_do_is_no_filter)
{
    const struct capmill_filter_group empty = {.op = CAPMILL_FILTER_AND};
    const struct capmill_filter_group inside[2] = {empty, {.op = CAPMILL_FILTER_OR}};
    const struct capmill_filter_group outside = {.op = CAPMILL_FILTER_AND, .groups = inside, .n_groups = 2};

    cm_check(make_filter(&empty, false) == NULL);
    cm_check(make_filter(&outside, false) == NULL);
    cm_filter_destroy(NULL);
}

CM_TEST(filter_rules, early_and_late)
{
    const struct capmill_filter_group early = {RULES(IS(FROM, "1700000000000"), IS(MIN_LEN, "60"))};
    const struct capmill_filter_group late = {RULES(IS(PROTO, "tcp"))};
    const struct capmill_filter_group both = {RULES(IS(PROTO, "tcp"), IS(EXPRESSION, "greater 60"))};
    const struct capmill_filter_group either = {.op = CAPMILL_FILTER_OR,
                                                RULES(IS(PROTO, "tcp"), IS(MIN_LEN, "60"))};
    const struct {
        const struct capmill_filter_group *group;
        bool early, late;
    } cases[] = {{&early, true, false}, {&late, false, true}, {&both, true, true}, {&either, false, true}};

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct cm_filter *filter;
        struct cm_operator operator_;

        if (cases[i].group == &both && !has_expressions())
            continue;
        filter = make_filter(cases[i].group, false);
        cm_check_eq(cm_filter_early(filter, &operator_), cases[i].early);
        cm_check_eq(cm_filter_late(filter, &operator_), cases[i].late);
        cm_filter_destroy(filter);
    }
}

static uint32_t halved(void *context, const struct cm_packet *packet)
{
    ++*(unsigned *)context;
    return packet->caplen / 2;
}

CM_TEST(filter_rules, lengths_as_they_will_be_written)
{
    const struct capmill_filter filter = {.rules = {RULES(IS(MIN_LEN, "31"), IS(PROTO, "tcp,udp"))}};
    unsigned n_calls = 0;
    const struct cm_filter_options options = {
        .rules = &filter, .written_caplen = halved, .length_context = &n_calls};
    struct made_frames *made = made_frames_create();
    struct made_frame frames[SAMPLE];
    struct cm_filter *made_filter;
    struct cm_operator operator_;

    cm_check(cm_filter_create(&options, &made_filter, NULL) == CAPMILL_OK);
    cm_check(!cm_filter_early(made_filter, &operator_)); /* asking costs: after the protocol */
    make_sample(frames);
    made_frames_fill(made, frames, SAMPLE);
    run_filter(made_filter, made);
    cm_check_eq(n_calls, 6);
    cm_check_eq(made->batch.n_selected, 3);
    cm_filter_destroy(made_filter);
    made_frames_destroy(made);
}

/* Packets of two link types in turn, of which one cannot have a program: told once, never matched. */
CM_TEST(filter_rules, link_types_without_a_program)
{
    struct made_frame frames[SAMPLE];

    if (!has_expressions())
        cm_skip("no libpcap in this build");
    for (unsigned negate = 0; negate < 2; negate++) {
        const struct capmill_filter_rule rule = {CAPMILL_FILTER_EXPRESSION, negate != 0, "greater 62",
                                                 "--filter"};
        const struct capmill_filter words = {.rules = {.rules = &rule, .n_rules = 1}};
        struct told told = {0};
        const struct cm_filter_options options = {.rules = &words, .warn = tell, .warn_context = &told};
        struct made_frames *made = made_frames_create();
        struct cm_filter *filter;

        cm_check(cm_filter_create(&options, &filter, NULL) == CAPMILL_OK);
        make_sample(frames);
        frames[3].link_type = frames[4].link_type = 65000;
        for (unsigned round = 0; round < 3; round++) {
            const char *kept = negate == 0 ? "08" : "12345679";

            made_frames_fill(made, frames, SAMPLE);
            run_filter(filter, made);
            cm_check_eq(cm_batch_n_selected(&made->batch), strlen(kept));
            for (uint32_t i = 0; i < cm_batch_n_selected(&made->batch); i++)
                cm_check_eq(cm_batch_selected(&made->batch, i), kept[i] - '0');
        }
        cm_check_that(told.n == 1, "told %u times", told.n);
        cm_check(cm_filter_check_link(filter, 1, NULL) == CAPMILL_OK);
        cm_check(cm_filter_check_link(filter, 65000, NULL) == CAPMILL_E_USAGE);
        cm_filter_destroy(filter);
        made_frames_destroy(made);
    }
}

/* --- random rules against a plain evaluation --- */

#define RULES_MAX  6u
#define GROUPS_MAX 3u

struct random_rule {
    uint8_t address[16];
    unsigned version, n_bits;
    unsigned first, last; /* ports, lengths, protocols */
    uint64_t time_ns, flow_id;
    unsigned mask, mode; /* TCP flags; payload patterns */
    char text[80];
};

struct random_group {
    struct capmill_filter_rule rules[RULES_MAX];
    struct random_rule known[RULES_MAX];
    struct capmill_filter_group groups[GROUPS_MAX];
    struct random_group *inside[GROUPS_MAX];
};

static const char *const patterns[] = {"a.b", "^ab", "[c-d]{4}", "c$", "bad|dab"};
static const char *const byte_patterns[] = {"61 62", "0x0a", "64:64:61", "616161"};

static bool has_text(const uint8_t *p, uint32_t n, const char *text)
{
    const size_t k = strlen(text);

    for (uint32_t i = 0; i + k <= n; i++)
        if (memcmp(p + i, text, k) == 0)
            return true;
    return false;
}

static bool pattern_matches(unsigned number, const uint8_t *p, uint32_t n)
{
    switch (number) {
    case 0:
        for (uint32_t i = 0; i + 3 <= n; i++)
            if (p[i] == 'a' && p[i + 2] == 'b')
                return true;
        return false;
    case 1:
        return n >= 2 && memcmp(p, "ab", 2) == 0;
    case 2:
        for (uint32_t i = 0, run = 0; i < n; i++)
            if ((run = p[i] == 'c' || p[i] == 'd' ? run + 1 : 0) == 4)
                return true;
        return false;
    case 3:
        return (n >= 1 && p[n - 1] == 'c') || (n >= 2 && p[n - 2] == 'c' && p[n - 1] == '\n');
    default:
        return has_text(p, n, "bad") || has_text(p, n, "dab");
    }
}

static uint64_t frame_flow_id(const struct made_frame *frame);

static void draw_rule(uint64_t *state, struct capmill_filter_rule *rule, struct random_rule *known,
                      const struct made_frame *frames, uint32_t n_frames)
{
    static const char *const flag_names[8] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    static const char *const modes[3] = {"", ":any", ":exact"};
    char address[CM_IPV6_TEXT_BYTES];
    size_t n = 0;

    memset(known, 0, sizeof(*known));
    do {
        rule->field = (enum capmill_filter_field)(1 + made_below(state, CAPMILL_FILTER_FIELDS));
    } while ((rule->field == CAPMILL_FILTER_PAYLOAD_REGEX && !has_regexes()) ||
             (rule->field == CAPMILL_FILTER_EXPRESSION && !has_expressions()));
    rule->negate = made_below(state, 4) == 0;
    rule->value = known->text;
    rule->origin = "random";
    switch (rule->field) {
    case CAPMILL_FILTER_PROTO:
        known->first = (const uint8_t[]){6, 17, 1, 58, 132}[made_below(state, 5)];
        snprintf(known->text, sizeof(known->text), "%u", known->first);
        break;
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        known->version = made_below(state, 3) == 0 ? 6 : 4;
        memset(known->address, 0, sizeof(known->address));
        made_draw_address(state, (uint8_t)known->version, known->address);
        if (known->version == 6 && known->address[10] == 0xff) { /* mapped: an IPv4 rule */
            memmove(known->address, known->address + 12, 4);
            memset(known->address + 4, 0, 12);
            known->version = 4;
        }
        known->n_bits = made_below(state, 2) == 0 ? known->version == 4 ? 32 : 128
                                                  : made_below(state, known->version == 4 ? 33 : 129);
        for (unsigned bit = known->n_bits; bit < 128; bit++)
            known->address[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
        if (known->version == 4)
            cm_ipv4_text(known->address, address);
        else
            cm_ipv6_text(known->address, address);
        snprintf(known->text, sizeof(known->text), "%s/%u", address, known->n_bits);
        break;
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        known->first = made_below(state, 2) == 0 ? 80 : 1000 + made_below(state, 6);
        known->last = known->first + (made_below(state, 2) == 0 ? 0 : made_below(state, 400));
        snprintf(known->text, sizeof(known->text), "%u-%u", known->first, known->last);
        break;
    case CAPMILL_FILTER_FLOW_ID:
        known->flow_id = frame_flow_id(&frames[made_below(state, n_frames)]);
        snprintf(known->text, sizeof(known->text), "%016" PRIx64, known->flow_id);
        break;
    case CAPMILL_FILTER_FROM: /* always before each TO */
    case CAPMILL_FILTER_TO:
        known->time_ns =
            DRAWN_START_NS +
            (made_below(state, 500) + (rule->field == CAPMILL_FILTER_TO ? 500u : 0u)) * UINT64_C(1000000);
        known->time_ns += rule->field == CAPMILL_FILTER_TO ? 1000000 : 0;
        snprintf(known->text, sizeof(known->text), "%" PRIu64, known->time_ns / 1000000);
        break;
    case CAPMILL_FILTER_TCP_FLAGS:
        known->mask = 1 + made_below(state, 255);
        known->mask &= 1 + made_below(state, 255);
        known->mask |= known->mask == 0;
        known->mode = made_below(state, 3);
        for (unsigned i = 0; i < 8; i++)
            if (known->mask >> i & 1)
                n += (size_t)snprintf(known->text + n, sizeof(known->text) - n, "%s%s", n > 0 ? "+" : "",
                                      flag_names[i]);
        snprintf(known->text + n, sizeof(known->text) - n, "%s", modes[known->mode]);
        break;
    case CAPMILL_FILTER_MIN_LEN:
    case CAPMILL_FILTER_MAX_LEN:
        known->first = 40 + made_below(state, 30) + (rule->field == CAPMILL_FILTER_MAX_LEN ? 30 : 0);
        snprintf(known->text, sizeof(known->text), "%u", known->first);
        break;
    case CAPMILL_FILTER_PAYLOAD_BYTES:
        known->mode = made_below(state, CM_ARRAY_COUNT(byte_patterns));
        snprintf(known->text, sizeof(known->text), "%s", byte_patterns[known->mode]);
        break;
    case CAPMILL_FILTER_PAYLOAD_REGEX:
        known->mode = made_below(state, CM_ARRAY_COUNT(patterns));
        snprintf(known->text, sizeof(known->text), "%s", patterns[known->mode]);
        break;
    case CAPMILL_FILTER_EXPRESSION:
        known->first = 40 + made_below(state, 60);
        snprintf(known->text, sizeof(known->text), "greater %u", known->first);
        break;
    }
}

static void draw_group(uint64_t *state, unsigned level, struct capmill_filter_group *group,
                       struct random_group *random, const struct made_frame *frames, uint32_t n_frames)
{
    memset(group, 0, sizeof(*group));
    group->op = (enum capmill_filter_op)made_below(state, 3);
    group->n_rules = made_below(state, RULES_MAX + 1);
    group->rules = random->rules;
    group->groups = random->groups;
    for (size_t i = 0; i < group->n_rules; i++)
        draw_rule(state, &random->rules[i], &random->known[i], frames, n_frames);
    if (level < 3)
        group->n_groups = made_below(state, GROUPS_MAX + 1);
    for (size_t i = 0; i < group->n_groups; i++) {
        random->inside[i] = calloc(1, sizeof(*random));
        cm_check(random->inside[i] != NULL);
        draw_group(state, level + 1, &random->groups[i], random->inside[i], frames, n_frames);
    }
}

static void free_inside(struct random_group *random)
{
    for (unsigned i = 0; i < GROUPS_MAX; i++) {
        if (random->inside[i] == NULL)
            continue;
        free_inside(random->inside[i]);
        free(random->inside[i]);
        random->inside[i] = NULL;
    }
}

static bool address_matches(const struct made_frame *frame, const uint8_t *address,
                            const struct random_rule *known)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    const uint8_t *p = address;

    if (known->version == 4 && frame->ip_version == 6) {
        if (memcmp(address, mapped, 12) != 0)
            return false;
        p = address + 12;
    } else if (known->version != frame->ip_version) {
        return false;
    }
    for (unsigned bit = 0; bit < known->n_bits; bit++)
        if (((p[bit / 8] ^ known->address[bit / 8]) >> (7 - bit % 8) & 1) != 0)
            return false;
    return true;
}

/* By the definition of design and flow_id.h, from the frame's plain fields. */
#define XXH_INLINE_ALL
#include "xxhash.h"

static unsigned endpoint(const struct made_frame *frame, const uint8_t address[16], uint16_t port,
                         uint8_t bytes[18])
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    unsigned n = 16;

    if (frame->ip_version == 4)
        memcpy(bytes, address, n = 4);
    else if (memcmp(address, mapped, 12) == 0)
        memcpy(bytes, address + 12, n = 4);
    else
        memcpy(bytes, address, 16);
    made_put16(bytes + n, port);
    return n + 2;
}

static bool ports_captured(const struct made_frame *frame)
{
    return made_has_ports(frame) && made_caplen(frame) >= made_l4_at(frame) + 4;
}

static uint64_t frame_flow_id(const struct made_frame *frame)
{
    const bool ports = frame->ip_version != 0 && ports_captured(frame);
    uint8_t src[18], dst[18], all[37];
    unsigned n_src, n_dst;
    bool swapped;
    int order;

    if (frame->ip_version == 0)
        return 0;
    n_src = endpoint(frame, frame->src, ports ? frame->src_port : 0, src);
    n_dst = endpoint(frame, frame->dst, ports ? frame->dst_port : 0, dst);
    order = memcmp(src, dst, n_src < n_dst ? n_src : n_dst);
    swapped = order > 0 || (order == 0 && n_src > n_dst);
    memcpy(all, swapped ? dst : src, swapped ? n_dst : n_src);
    memcpy(all + (swapped ? n_dst : n_src), swapped ? src : dst, swapped ? n_src : n_dst);
    all[n_src + n_dst] = frame->protocol;
    return XXH3_64bits(all, n_src + n_dst + 1);
}

static bool rule_matches(const struct capmill_filter_rule *rule, const struct random_rule *known,
                         const struct made_frame *frame)
{
    const bool is_ip = frame->ip_version != 0, ports = is_ip && ports_captured(frame);
    const bool src_port = ports && frame->src_port >= known->first && frame->src_port <= known->last;
    const bool dst_port = ports && frame->dst_port >= known->first && frame->dst_port <= known->last;
    const bool src_ip = is_ip && address_matches(frame, frame->src, known);
    const bool dst_ip = is_ip && address_matches(frame, frame->dst, known);
    const uint32_t payload_at = is_ip ? made_l4_at(frame) + made_transport_bytes(frame) : 0;
    uint32_t n_payload = 0;
    unsigned flags;

    if (is_ip && made_transport_bytes(frame) > 0 && made_caplen(frame) > payload_at)
        n_payload = (uint32_t)cm_min_u64(frame->n_payload, made_caplen(frame) - payload_at);
    switch (rule->field) {
    case CAPMILL_FILTER_PROTO:
        return is_ip && frame->protocol == known->first;
    case CAPMILL_FILTER_SRC_IP:
        return src_ip;
    case CAPMILL_FILTER_DST_IP:
        return dst_ip;
    case CAPMILL_FILTER_IP:
        return src_ip || dst_ip;
    case CAPMILL_FILTER_SRC_PORT:
        return src_port;
    case CAPMILL_FILTER_DST_PORT:
        return dst_port;
    case CAPMILL_FILTER_PORT:
        return src_port || dst_port;
    case CAPMILL_FILTER_FLOW_ID:
        return is_ip && frame_flow_id(frame) == known->flow_id;
    case CAPMILL_FILTER_FROM:
        return frame->time_ns >= known->time_ns;
    case CAPMILL_FILTER_TO:
        return frame->time_ns < known->time_ns;
    case CAPMILL_FILTER_TCP_FLAGS:
        if (!is_ip || frame->protocol != 6 || !ports || made_caplen(frame) < made_l4_at(frame) + 14)
            return false;
        flags = frame->tcp_flags;
        return known->mode == 0   ? (flags & known->mask) == known->mask
               : known->mode == 1 ? (flags & known->mask) != 0
                                  : flags == known->mask;
    case CAPMILL_FILTER_MIN_LEN:
        return made_caplen(frame) >= known->first;
    case CAPMILL_FILTER_MAX_LEN:
        return made_caplen(frame) <= known->first;
    case CAPMILL_FILTER_PAYLOAD_BYTES:
        return has_text(frame->payload, n_payload,
                        (const char *const[]){"ab", "\n", "dda", "aaa"}[known->mode]);
    case CAPMILL_FILTER_PAYLOAD_REGEX:
        return pattern_matches(known->mode, frame->payload, n_payload);
    case CAPMILL_FILTER_EXPRESSION:
        return made_length(frame) >= known->first;
    }
    return false;
}

/* The header's sentence, word for word. */
static bool group_matches(const struct capmill_filter_group *group, const struct random_group *random,
                          const struct made_frame *frame)
{
    bool all = true, any = false;

    for (unsigned field = 1; field <= CAPMILL_FILTER_FIELDS; field++) {
        bool used = false, asked = false, found = false, excluded = false;

        for (size_t i = 0; i < group->n_rules; i++) {
            bool matches;

            if (group->rules[i].field != field)
                continue;
            used = true;
            matches = rule_matches(&group->rules[i], &random->known[i], frame);
            if (group->rules[i].negate)
                excluded |= matches;
            else
                asked = true, found |= matches;
        }
        if (used) {
            all &= (!asked || found) && !excluded;
            any |= (!asked || found) && !excluded;
        }
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        const bool matches = group_matches(&group->groups[i], random->inside[i], frame);

        all &= matches;
        any |= matches;
    }
    if (group->n_rules + group->n_groups == 0)
        any = true;
    return group->op == CAPMILL_FILTER_AND ? all : group->op == CAPMILL_FILTER_OR ? any : !all;
}

static void check_random(uint64_t *state, uint32_t n_frames, struct made_frames *made,
                         struct made_frame *frames)
{
    struct random_group random = {0};
    struct capmill_filter_group group;
    struct cm_filter *filter;
    bool was_all;
    uint16_t before[CM_BATCH_CAPACITY];
    uint32_t n_before = 0, n_expected = 0, n;

    for (uint32_t i = 0; i < n_frames; i++)
        made_draw(state, &frames[i]);
    draw_group(state, 0, &group, &random, frames, n_frames > 0 ? n_frames : 1);
    made_frames_fill(made, frames, n_frames);
    was_all = made_below(state, 2) == 0;
    for (uint32_t i = 0; i < n_frames; i++)
        if (was_all || made_below(state, 3) > 0)
            before[n_before++] = (uint16_t)i;
    made->batch.selected_all = was_all;
    if (!was_all) {
        memcpy(made->batch.selection, before, n_before * sizeof(*before));
        made->batch.n_selected = n_before;
    } else {
        memset(made->batch.selection, 0xab, sizeof(made->batch.selection));
    }
    filter = make_filter(&group, false);
    run_filter(filter, made);
    n = cm_batch_n_selected(&made->batch);
    for (uint32_t i = 0; i < n_before; i++) {
        const bool expected = group_matches(&group, &random, &frames[before[i]]);
        const bool kept = n_expected < n && cm_batch_selected(&made->batch, n_expected) == before[i];

        cm_check_that(kept == expected, "packet %u of %u: kept %d, expected %d (first rule %d '%s')",
                      before[i], n_frames, kept, expected, group.n_rules > 0 ? (int)group.rules[0].field : 0,
                      group.n_rules > 0 ? group.rules[0].value : "");
        n_expected += expected;
    }
    cm_check_eq(n, n_expected);
    if (was_all && n == n_frames) { /* nothing was touched */
        cm_check(made->batch.selected_all);
        for (unsigned i = 0; i < CM_BATCH_CAPACITY; i++)
            cm_check_eq(made->batch.selection[i], 0xabab);
    }
    cm_filter_destroy(filter);
    free_inside(&random);
}

CM_TEST(filter_rules, random_rules_as_a_plain_evaluation)
{
    struct made_frames *made = made_frames_create();
    struct made_frame *frames = calloc(CM_BATCH_CAPACITY, sizeof(*frames));
    uint64_t state = 11;

    cm_check(frames != NULL);
    for (int round = 0; round < 3000; round++)
        check_random(&state, made_below(&state, 20), made, frames);
    for (int round = 0; round < 60; round++)
        check_random(&state, CM_BATCH_CAPACITY, made, frames);
    check_random(&state, 0, made, frames);
    free(frames);
    made_frames_destroy(made);
}
