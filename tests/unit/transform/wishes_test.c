/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal and warning, word for word. */
#include "unit/transform/make_transform.h"

static void check_of(void (*wish)(struct wishes *wishes, const char *text), const char *rules,
                     const char *text)
{
    struct wishes wishes = {0};

    wish(&wishes, rules);
    check_refused(&wishes, text);
}

static void check_warned(struct wishes *wishes, bool nothing_left, const char *text)
{
    struct cm_transform *transform = make_transform(wishes);

    cm_check_str(wishes->warnings, text);
    cm_check_eq(transform == NULL, nothing_left);
    cm_transform_destroy(transform);
}

CM_TEST(wishes, nothing_is_wished)
{
    struct wishes wishes = {0};

    check_warned(&wishes, true, "");
    wishes.transform.checksums = CAPMILL_CHECKSUMS_KEEP;
    check_warned(&wishes, true, "");
    wishes.transform.checksums = CAPMILL_CHECKSUMS_FIX;
    check_warned(&wishes, false, "");
}

CM_TEST(wishes, address_rules)
{
    check_of(wish_ip, "10.0.0.1", "--replace-ip: 10.0.0.1: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "=10.0.0.1", "--replace-ip: =10.0.0.1: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "10.0.0.1=", "--replace-ip: 10.0.0.1=: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "10.1.2.3/8=1.0.0.0/8",
             "--replace-ip: 10.1.2.3/8=1.0.0.0/8: 10.1.2.3/8 has bits beyond its prefix; the network is "
             "10.0.0.0/8");
    check_of(wish_ip, "10.0.0.0/8=1.0.0.7/8",
             "--replace-ip: 10.0.0.0/8=1.0.0.7/8: 1.0.0.7/8 has bits beyond its prefix; the network is "
             "1.0.0.0/8");
    check_of(wish_ip, "10.0.0.0/8=192.168.0.0/16",
             "--replace-ip: 10.0.0.0/8=192.168.0.0/16: 10.0.0.0/8 leaves 24 bits to hosts and 192.168.0.0/16 "
             "leaves 16; both sides must leave as many");
    check_of(wish_ip, "10.0.0.0/8=2001:db8::/32",
             "--replace-ip: 10.0.0.0/8=2001:db8::/32: 10.0.0.0/8 leaves 24 bits to hosts and 2001:db8::/32 "
             "leaves 96; both sides must leave as many");
    check_of(wish_ip, "10.0.0.0/8=1.0.0.0/8 10.1.0.0/16=2.2.0.0/16",
             "--replace-ip: 10.1.0.0/16=2.2.0.0/16: 10.1.0.0/16 overlaps 10.0.0.0/8 of 10.0.0.0/8=1.0.0.0/8");
    check_of(
        wish_ip, "9.0.0.0/8=1.0.0.0/8 10.1.0.0/16=2.2.0.0/16 10.0.0.0/8=11.0.0.0/8 12.0.0.0=1.1.1.1",
        "--replace-ip: 10.0.0.0/8=11.0.0.0/8: 10.0.0.0/8 overlaps 10.1.0.0/16 of 10.1.0.0/16=2.2.0.0/16");
    check_of(wish_ip, "10.0.0.1=1.1.1.1 10.0.0.1=1.1.1.1",
             "--replace-ip: 10.0.0.1=1.1.1.1: 10.0.0.1 is replaced already, by 10.0.0.1=1.1.1.1");
    check_of(wish_ip, "10.0.0.1=1.1.1.1 ::ffff:10.0.0.1=1.1.1.2",
             "--replace-ip: ::ffff:10.0.0.1=1.1.1.2: 10.0.0.1 is replaced already, by 10.0.0.1=1.1.1.1");
    check_of(
        wish_ip, "2001:db8::/32=fd00::/32 2001:db8:1::=::1",
        "--replace-ip: 2001:db8:1::=::1: 2001:db8:1:: overlaps 2001:db8::/32 of 2001:db8::/32=fd00::/32");
}

/* What the parser of addresses says is its own matter; the place in the whole wish is ours. */
CM_TEST(wishes, places_of_mistakes)
{
    struct wishes left = {0}, right = {0};
    struct cm_transform *transform;
    struct cm_error error = {0};
    static const char left_start[] = "--replace-ip: 10.0.0.x=1.2.3.4: at 8: ";
    static const char right_start[] = "--replace-ip: 10.0.0.1=1.2.3.999: at 16: ";

    wish_ip(&left, "10.0.0.x=1.2.3.4");
    cm_check_eq(try_wishes(&left, &transform, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, left_start, strlen(left_start)) == 0, "%s", error.text);
    memset(&error, 0, sizeof(error));
    wish_ip(&right, "10.0.0.1=1.2.3.999");
    cm_check_eq(try_wishes(&right, &transform, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, right_start, strlen(right_start)) == 0, "%s", error.text);
}

CM_TEST(wishes, hardware_addresses)
{
    check_of(wish_mac, "00:11:22:33:44:55",
             "--replace-mac: 00:11:22:33:44:55: expected OLD=NEW, as in 00:11:22:33:44:55=02:00:00:00:00:01");
    check_of(wish_mac, "00:11:22:33:44:55=1:2:3:4:5:6 ",
             "--replace-mac: 00:11:22:33:44:55=1:2:3:4:5:6: at 20: expected a hexadecimal digit");
    check_of(wish_mac, "00:11:22:33:44:55=00:11:22:33:44:56 00-11-22-33-44-55=00:11:22:33:44:57",
             "--replace-mac: 00-11-22-33-44-55=00:11:22:33:44:57: 00-11-22-33-44-55 is replaced already");
}

CM_TEST(wishes, vlans)
{
    check_of(wish_vlan, "100", "--replace-vlan: 100: expected OLD=NEW, as in 100=200");
    check_of(wish_vlan, "100=4095", "--replace-vlan: 100=4095: 4095 is no VLAN; they go from 0 to 4094");
    check_of(wish_vlan, "x=5", "--replace-vlan: x=5: x is no VLAN; they go from 0 to 4094");
    check_of(wish_vlan, "100000000000=5",
             "--replace-vlan: 100000000000=5: 100000000000 is no VLAN; they go from 0 to 4094");
    check_of(wish_vlan, "1=5 1=6", "--replace-vlan: 1=6: 1 is replaced already");
}

CM_TEST(wishes, ports)
{
    check_of(wish_port, "80",
             "--replace-port: 80: expected OLD=NEW, as in 80=8080 or tcp:1000-1999=2000-2999");
    check_of(wish_port, "80=70000", "--replace-port: 80=70000: 70000 is no port; they go from 0 to 65535");
    check_of(wish_port, "http=80", "--replace-port: http=80: http is no port; they go from 0 to 65535");
    check_of(wish_port, "icmp:80=81",
             "--replace-port: icmp:80=81: icmp has no ports that are known; expected tcp, udp, sctp, dccp or "
             "udplite");
    check_of(wish_port, "20-10=30-20", "--replace-port: 20-10=30-20: the range 20-10 ends before it begins");
    check_of(wish_port, "10-19=30-40",
             "--replace-port: 10-19=30-40: 10 ports cannot become 11; both ranges must be as long");
    check_of(wish_port, "10-19=30",
             "--replace-port: 10-19=30: 10 ports cannot become 1; both ranges must be as long");
    check_of(wish_port, "tcp:80=81 70-90=170-190",
             "--replace-port: 70-90=170-190: tcp port 80 is replaced already, by tcp:80=81");
    check_of(wish_port, "1-=2", "--replace-port: 1-=2:  is no port; they go from 0 to 65535");
}

static void check_times(const char *start, const char *offset, const char *scale, const char *text)
{
    struct wishes wishes = {0};

    wishes.transform.timestamp_start = (struct capmill_word){start, "--timestamp-start"};
    wishes.transform.time_offset = (struct capmill_word){offset, "--time-offset"};
    wishes.transform.time_scale = (struct capmill_word){scale, "--time-scale"};
    check_refused(&wishes, text);
}

CM_TEST(wishes, times)
{
    static const char scale[] =
        "expected a number or a fraction of up to nine digits before and after the point, "
        "as in 0.5 or 3/2";
    static const char *const bad_scales[] = {"x",     "",           "1.", ".5", "1/x", "1/", "1.0000000001",
                                             "3/2/1", "99999999999"};
    char text[256];

    check_times("-5", NULL, NULL, "--timestamp-start: -5: times before 1970 cannot be written");
    check_times("99999999999999999", NULL, NULL,
                "--timestamp-start: 99999999999999999: times end in the year 2554");
    check_times(NULL, "x", NULL, "--time-offset: x: at 1: expected a digit");
    check_times(NULL, "-", NULL, "--time-offset: -: at 2: expected a digit");
    check_times(NULL, "--5s", NULL, "--time-offset: --5s: at 2: expected a digit");
    check_times(NULL, "5y", NULL,
                "--time-offset: 5y: at 2: expected one of ns, us, ms, s, m, h, d or the end");
    check_times(NULL, NULL, "0",
                "--time-scale: 0: all packets would have one time; the scale must be above 0");
    check_times(NULL, NULL, "0.0",
                "--time-scale: 0.0: all packets would have one time; the scale must be above 0");
    check_times(NULL, NULL, "-1", "--time-scale: -1: time cannot run backwards");
    check_times(NULL, NULL, "1/0", "--time-scale: 1/0: the fraction divides by 0");
    for (size_t i = 0; i < sizeof(bad_scales) / sizeof(bad_scales[0]); i++) {
        snprintf(text, sizeof(text), "--time-scale: %s: %s", bad_scales[i], scale);
        check_times(NULL, NULL, bad_scales[i], text);
    }
}

CM_TEST(wishes, a_start_that_is_no_time)
{
    struct wishes wishes = {0};
    struct cm_transform *transform;
    struct cm_error error = {0};

    wishes.transform.timestamp_start = (struct capmill_word){"2024-13-01", "--timestamp-start"};
    cm_check_eq(try_wishes(&wishes, &transform, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, "--timestamp-start: 2024-13-01: at ", 34) == 0, "%s", error.text);
}

static void check_truncate(struct capmill_truncate_rule rule, const char *text)
{
    struct wishes wishes = {0};

    rule.origin = "c.toml:3:1 [[transform.truncate]]";
    wishes.transform.truncate = &rule;
    wishes.transform.n_truncate = 1;
    check_refused(&wishes, text);
}

CM_TEST(wishes, truncation)
{
    struct wishes wishes = {0};

    wishes.transform.max_payload_bytes = (struct capmill_word){"12Q", "--max-payload-bytes"};
    check_refused(&wishes, "--max-payload-bytes: 12Q: at 3: expected K, M, G, T or the end");
    wishes.transform.max_payload_bytes.value = "-1";
    check_refused(&wishes, "--max-payload-bytes: -1: at 1: expected a digit");
    check_truncate(
        (struct capmill_truncate_rule){.protocol = {"tcp", "p"}},
        "c.toml:3:1 [[transform.truncate]]: a rule of truncation needs max_payload_bytes, how much "
        "payload stays");
    check_truncate((struct capmill_truncate_rule){.protocol = {"tpc", "p"}, .max_payload_bytes = {"1", "m"}},
                   "p: tpc: at 1: a name that is not known; numbers from 0 to 255 are taken too");
    check_truncate((struct capmill_truncate_rule){.protocol = {"256", "p"}, .max_payload_bytes = {"1", "m"}},
                   "p: 256: at 1: a number beyond 255");
    check_truncate((struct capmill_truncate_rule){.port = {"65536", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: 65536: no port; expected a number from 0 to 65535, or two with '-'");
    check_truncate((struct capmill_truncate_rule){.port = {"9-", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: 9-: no port; expected a number from 0 to 65535, or two with '-'");
    check_truncate((struct capmill_truncate_rule){.port = {"9-8", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: 9-8: the range ends before it begins");
    check_truncate((struct capmill_truncate_rule){.max_payload_bytes = {"x", "m"}},
                   "m: x: at 1: expected a digit");
}

CM_TEST(wishes, of_no_effect)
{
    struct wishes wishes = {0}, times = {0}, truncate = {0};
    const struct capmill_truncate_rule rules[] = {
        {{"icmp", "p1"}, {"5", "q1"}, {"1", "m1"}, "r1"},
        {{NULL, NULL}, {NULL, NULL}, {"1", "m2"}, "r2"},
        {{"tcp", "p3"}, {NULL, NULL}, {"1", "m3"}, "r3"},
    };

    wish_ip(&wishes, "10.0.0.1=10.0.0.1 ::/0=::/0");
    wish_mac(&wishes, "00:11:22:33:44:55=00-11-22-33-44-55");
    wish_vlan(&wishes, "5=5");
    wish_port(&wishes, "TCP:5-6=5-6");
    wishes.transform.n_replace_ip = 1; /* the second overlaps the first */
    check_warned(&wishes, true,
                 "--replace-ip: 10.0.0.1=10.0.0.1: is of no effect\n"
                 "--replace-mac: 00:11:22:33:44:55=00-11-22-33-44-55: is of no effect\n"
                 "--replace-vlan: 5=5: is of no effect\n"
                 "--replace-port: TCP:5-6=5-6: is of no effect\n");
    times.transform.time_offset = (struct capmill_word){"-0s", "--time-offset"};
    times.transform.time_scale = (struct capmill_word){"3/3", "--time-scale"};
    check_warned(&times, true, "--time-offset: -0s: is of no effect\n--time-scale: 3/3: is of no effect\n");
    truncate.transform.truncate = rules;
    truncate.transform.n_truncate = 3;
    truncate.transform.max_payload_bytes = (struct capmill_word){"9", "--max-payload-bytes"};
    check_warned(&truncate, false,
                 "r1: icmp: matches nothing, for this protocol has no ports\n"
                 "r3: is of no effect, for a rule before it matches every packet\n"
                 "--max-payload-bytes: 9: is of no effect, for a rule of truncation matches every packet\n");
}

/* Words of programs need not say where they stood. */
CM_TEST(wishes, without_an_origin)
{
    const struct capmill_word words[] = {{"10.0.0.1=10.0.0.1", NULL},
                                         {"00:11:22:33:44:55=00-11-22-33-44-55", NULL},
                                         {"5=5", NULL},
                                         {"tcp:5=5", NULL}};
    const struct capmill_truncate_rule rules[] = {{{"icmp", NULL}, {"5", NULL}, {"1", NULL}, NULL},
                                                  {.max_payload_bytes = {"1", NULL}},
                                                  {.max_payload_bytes = {"1", NULL}}};
    struct wishes wishes = {.transform = {.replace_ip = words,
                                          .n_replace_ip = 1,
                                          .replace_mac = words + 1,
                                          .n_replace_mac = 1,
                                          .replace_vlan = words + 2,
                                          .n_replace_vlan = 1,
                                          .replace_port = words + 3,
                                          .n_replace_port = 1,
                                          .time_offset = {"0", NULL},
                                          .time_scale = {"1", NULL},
                                          .max_payload_bytes = {"9", NULL},
                                          .truncate = rules,
                                          .n_truncate = 3}};
    const char *line = wishes.warnings;
    struct cm_transform *transform;
    struct cm_error error = {0};

    cm_transform_destroy(make_transform(&wishes));
    for (unsigned i = 0; i < 9; i++) {
        cm_check_that(strncmp(line, "transform: ", 11) == 0, "%s", line);
        line = strchr(line, '\n') + 1;
    }
    cm_check_eq(*line, 0);
    wishes.transform.anonymize.value = "key";
    cm_check_eq(try_wishes(&wishes, &transform, &error), CAPMILL_E_INTERNAL);
    cm_check_str(error.text, "transform: the key was not read");
    wishes.transform.time_scale.value = "x";
    wishes.transform.n_truncate = 0;
    check_refused(
        &wishes,
        "transform: x: expected a number or a fraction of up to nine digits before and after the point, "
        "as in 0.5 or 3/2");
}
