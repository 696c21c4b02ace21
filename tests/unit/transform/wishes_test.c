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
    check_of(wish_ip, "10.0.0.1",
             "--replace-ip: '10.0.0.1' is no rule: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "=10.0.0.1",
             "--replace-ip: '=10.0.0.1' is no rule: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "10.0.0.1=",
             "--replace-ip: '10.0.0.1=' is no rule: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_of(wish_ip, "10.1.2.3/8=1.0.0.0/8",
             "--replace-ip: '10.1.2.3/8=1.0.0.0/8' is no rule: 10.1.2.3/8 has bits set beyond its prefix: "
             "10.0.0.0/8 is the prefix");
    check_of(wish_ip, "10.0.0.0/8=1.0.0.7/8",
             "--replace-ip: '10.0.0.0/8=1.0.0.7/8' is no rule: 1.0.0.7/8 has bits set beyond its prefix: "
             "1.0.0.0/8 is the prefix");
    check_of(wish_ip, "10.0.0.0/8=192.168.0.0/16",
             "--replace-ip: '10.0.0.0/8=192.168.0.0/16' is no rule: 10.0.0.0/8 leaves 24 bits to hosts and "
             "192.168.0.0/16 leaves 16; both sides must leave as many");
    check_of(wish_ip, "10.0.0.0/8=2001:db8::/32",
             "--replace-ip: '10.0.0.0/8=2001:db8::/32' is no rule: 10.0.0.0/8 leaves 24 bits to hosts and "
             "2001:db8::/32 leaves 96; both sides must leave as many");
    check_of(wish_ip, "10.0.0.0/8=1.0.0.0/8 10.1.0.0/16=2.2.0.0/16",
             "--replace-ip: '10.1.0.0/16=2.2.0.0/16' replaces 10.1.0.0/16, which overlaps 10.0.0.0/8 of "
             "'10.0.0.0/8=1.0.0.0/8' before it");
    check_of(wish_ip, "9.0.0.0/8=1.0.0.0/8 10.1.0.0/16=2.2.0.0/16 10.0.0.0/8=11.0.0.0/8 12.0.0.0=1.1.1.1",
             "--replace-ip: '10.0.0.0/8=11.0.0.0/8' replaces 10.0.0.0/8, which overlaps 10.1.0.0/16 of "
             "'10.1.0.0/16=2.2.0.0/16' before it");
    check_of(wish_ip, "10.0.0.1=1.1.1.1 10.0.0.1=1.1.1.1",
             "--replace-ip: '10.0.0.1=1.1.1.1' replaces 10.0.0.1, as does '10.0.0.1=1.1.1.1' before it");
    check_of(
        wish_ip, "10.0.0.1=1.1.1.1 ::ffff:10.0.0.1=1.1.1.2",
        "--replace-ip: '::ffff:10.0.0.1=1.1.1.2' replaces 10.0.0.1, as does '10.0.0.1=1.1.1.1' before it");
    check_of(wish_ip, "2001:db8::/32=fd00::/32 2001:db8:1::=::1",
             "--replace-ip: '2001:db8:1::=::1' replaces 2001:db8:1::, which overlaps 2001:db8::/32 of "
             "'2001:db8::/32=fd00::/32' before it");
}

/* What the parser of addresses says is its own matter; the place in the whole wish is ours. */
CM_TEST(wishes, places_of_mistakes)
{
    struct wishes left = {0}, right = {0};
    struct cm_transform *transform;
    struct cm_error error = {0};
    static const char left_start[] = "--replace-ip: '10.0.0.x=1.2.3.4' is no rule: ";
    static const char left_end[] = " at column 8", right_end[] = " at column 16";
    static const char right_start[] = "--replace-ip: '10.0.0.1=1.2.3.999' is no rule: ";

    wish_ip(&left, "10.0.0.x=1.2.3.4");
    cm_check_eq(try_wishes(&left, &transform, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, left_start, strlen(left_start)) == 0, "%s", error.text);
    cm_check_str(error.text + strlen(error.text) - strlen(left_end), left_end);
    memset(&error, 0, sizeof(error));
    wish_ip(&right, "10.0.0.1=1.2.3.999");
    cm_check_eq(try_wishes(&right, &transform, &error), CAPMILL_E_USAGE);
    cm_check_that(strncmp(error.text, right_start, strlen(right_start)) == 0, "%s", error.text);
    cm_check_str(error.text + strlen(error.text) - strlen(right_end), right_end);
}

CM_TEST(wishes, hardware_addresses)
{
    check_of(wish_mac, "00:11:22:33:44:55",
             "--replace-mac: '00:11:22:33:44:55' is no rule: expected OLD=NEW, as in "
             "00:11:22:33:44:55=02:00:00:00:00:01");
    check_of(wish_mac, "00:11:22:33:44:55=1:2:3:4:5:6 ",
             "--replace-mac: '00:11:22:33:44:55=1:2:3:4:5:6' is no rule: expected a hexadecimal digit at "
             "column 20");
    check_of(wish_mac, "00:11:22:33:44:55=00:11:22:33:44:56 00-11-22-33-44-55=00:11:22:33:44:57",
             "--replace-mac: '00-11-22-33-44-55=00:11:22:33:44:57' replaces 00-11-22-33-44-55, as does a "
             "rule before it");
}

CM_TEST(wishes, vlans)
{
    check_of(wish_vlan, "100", "--replace-vlan: '100' is no rule: expected OLD=NEW, as in 100=200");
    check_of(wish_vlan, "100=4095",
             "--replace-vlan: '100=4095' is no rule: a number beyond 4094 at column 5");
    check_of(wish_vlan, "x=5", "--replace-vlan: 'x=5' is no rule: expected a digit at column 1");
    check_of(wish_vlan, "100000000000=5",
             "--replace-vlan: '100000000000=5' is no rule: a number beyond 4094 at column 1");
    check_of(wish_vlan, "1=5 1=6", "--replace-vlan: '1=6' replaces 1, as does a rule before it");
}

CM_TEST(wishes, ports)
{
    check_of(wish_port, "80",
             "--replace-port: '80' is no rule: expected OLD=NEW, as in 80=8080 or tcp:1000-1999=2000-2999");
    check_of(wish_port, "80=70000",
             "--replace-port: '80=70000' is no rule: a number beyond 65535 at column 4");
    check_of(wish_port, "http=80", "--replace-port: 'http=80' is no rule: expected a digit at column 1");
    check_of(wish_port, "icmp:80=81",
             "--replace-port: 'icmp:80=81' is no rule: icmp has no ports that are known; expected tcp, udp, "
             "sctp, dccp or udplite");
    check_of(wish_port, "20-10=30-20",
             "--replace-port: '20-10=30-20' is no rule: the range ends before it begins at column 4");
    check_of(
        wish_port, "10-19=30-40",
        "--replace-port: '10-19=30-40' is no rule: 10 ports cannot become 11; both ranges must be as long");
    check_of(wish_port, "10-19=30",
             "--replace-port: '10-19=30' is no rule: 10 ports cannot become 1; both ranges must be as long");
    check_of(wish_port, "tcp:80=81 70-90=170-190",
             "--replace-port: '70-90=170-190' replaces tcp port 80, as does 'tcp:80=81' before it");
    check_of(wish_port, "1-=2", "--replace-port: '1-=2' is no rule: expected a digit at column 3");
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
        "expected a number or a fraction of up to nine digits before and after the point, as in 0.5 or 3/2";
    static const char *const bad_scales[] = {"x",     "",           "1.", ".5", "1/x", "1/", "1.0000000001",
                                             "3/2/1", "99999999999"};
    char text[256];

    check_times("-5", NULL, NULL, "--timestamp-start: '-5' is no time: those before 1970 cannot be written");
    check_times("99999999999999999", NULL, NULL,
                "--timestamp-start: '99999999999999999' is no time: they end in the year 2554");
    check_times(NULL, "x", NULL, "--time-offset: 'x' is no duration: expected a digit at column 1");
    check_times(NULL, "-", NULL, "--time-offset: '-' is no duration: expected a digit at column 2");
    check_times(NULL, "--5s", NULL, "--time-offset: '--5s' is no duration: expected a digit at column 2");
    check_times(
        NULL, "5y", NULL,
        "--time-offset: '5y' is no duration: expected one of ns, us, ms, s, m, h, d or the end at column 2");
    check_times(NULL, NULL, "0",
                "--time-scale: '0' is no scale: all packets would have one time; it must be above 0");
    check_times(NULL, NULL, "0.0",
                "--time-scale: '0.0' is no scale: all packets would have one time; it must be above 0");
    check_times(NULL, NULL, "-1", "--time-scale: '-1' is no scale: time cannot run backwards");
    check_times(NULL, NULL, "1/0", "--time-scale: '1/0' is no scale: it divides by 0");
    for (size_t i = 0; i < sizeof(bad_scales) / sizeof(bad_scales[0]); i++) {
        snprintf(text, sizeof(text), "--time-scale: '%s' is no scale: %s", bad_scales[i], scale);
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
    cm_check_that(strncmp(error.text, "--timestamp-start: '2024-13-01' is no time: ", 44) == 0, "%s",
                  error.text);
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
    check_refused(&wishes,
                  "--max-payload-bytes: '12Q' is no size: expected K, M, G, T or the end at column 3");
    wishes.transform.max_payload_bytes.value = "-1";
    check_refused(&wishes, "--max-payload-bytes: '-1' is no size: expected a digit at column 1");
    check_truncate((struct capmill_truncate_rule){.protocol = {"tcp", "p"}},
                   "c.toml:3:1 [[transform.truncate]]: a rule of truncation needs max_payload_bytes, how "
                   "much payload stays");
    check_truncate(
        (struct capmill_truncate_rule){.protocol = {"tpc", "p"}, .max_payload_bytes = {"1", "m"}},
        "p: 'tpc' is no protocol: a name that is not known; numbers from 0 to 255 are taken too at column 1");
    check_truncate((struct capmill_truncate_rule){.protocol = {"256", "p"}, .max_payload_bytes = {"1", "m"}},
                   "p: '256' is no protocol: a number beyond 255 at column 1");
    check_truncate((struct capmill_truncate_rule){.port = {"65536", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: '65536' is no port: a number beyond 65535 at column 1");
    check_truncate((struct capmill_truncate_rule){.port = {"9-", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: '9-' is no port: expected a digit at column 3");
    check_truncate((struct capmill_truncate_rule){.port = {"9-8", "q"}, .max_payload_bytes = {"1", "m"}},
                   "q: '9-8' is no port: the range ends before it begins at column 3");
    check_truncate((struct capmill_truncate_rule){.max_payload_bytes = {"x", "m"}},
                   "m: 'x' is no size: expected a digit at column 1");
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
                 "--replace-ip: '10.0.0.1=10.0.0.1' has no effect\n"
                 "--replace-mac: '00:11:22:33:44:55=00-11-22-33-44-55' has no effect\n"
                 "--replace-vlan: '5=5' has no effect\n"
                 "--replace-port: 'TCP:5-6=5-6' has no effect\n");
    times.transform.time_offset = (struct capmill_word){"-0s", "--time-offset"};
    times.transform.time_scale = (struct capmill_word){"3/3", "--time-scale"};
    check_warned(&times, true, "--time-offset: '-0s' has no effect\n--time-scale: '3/3' has no effect\n");
    truncate.transform.truncate = rules;
    truncate.transform.n_truncate = 3;
    truncate.transform.max_payload_bytes = (struct capmill_word){"9", "--max-payload-bytes"};
    check_warned(&truncate, false,
                 "r1: 'icmp' can match nothing: this protocol has no ports\n"
                 "r3: has no effect: a rule before it matches every packet\n"
                 "--max-payload-bytes: '9' has no effect: a rule of truncation matches every packet\n");
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
        "transform: 'x' is no scale: expected a number or a fraction of up to nine digits before and "
        "after the point, as in 0.5 or 3/2");
}
