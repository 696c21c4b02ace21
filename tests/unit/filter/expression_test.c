/* SPDX-License-Identifier: Apache-2.0 */
/* Filter expressions: what is right is taken, what is wrong is refused with these words and this column. The
 * reader alone, but for the last tests, which need libpcap. */
#include "filter/expression.h"

#include <stdlib.h>

#include "filter/bpf_program.h"
#include "filter/expression_int.h"
#include "unit/check.h"
#include "unit/filter/expression_list.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char *const right[] = {
#define X(expression) expression,
    CM_RIGHT_EXPRESSIONS(X)
#undef X
};

/* The column counts characters from 0. */
static const struct {
    const char *text;
    size_t column;
    const char *message;
} wrong[] = {
    {"host 10.0.0.1 and", 14, "'and' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"tcp and and udp", 4, "'and' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"and tcp", 0, "'and' needs a primitive before it"},
    {"tcp or", 4, "'or' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"not", 0, "'not' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"tcp and not", 8, "'not' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"tcp port", 4, "'port' needs a number from 0 to 65535 or a name after it"},
    {"tcp port and udp", 9, "'port' needs a number from 0 to 65535 or a name after it, not 'and'"},
    {"port", 0, "'port' needs a number from 0 to 65535 or a name after it"},
    {"port 70000", 5, "port 70000 is out of range: 0 to 65535"},
    {"port 80 or 70000", 11, "port 70000 is out of range: 0 to 65535"},
    {"portrange 70000", 10, "port 70000 is out of range: 0 to 65535"},
    {"port 80-70000", 5, "'80-70000' is out of range: ports are 0 to 65535"},
    {"portrange 1-99999", 10, "'1-99999' is out of range: ports are 0 to 65535"},
    {"port 10.0.0.1", 5, "'10.0.0.1' is no port: a number from 0 to 65535 or a name"},
    {"port ::1", 5, "'::1' is an IPv6 address: only 'host' and 'net' take one"},
    {"icmp port 80", 0, "'icmp' has no ports: only tcp, udp and sctp can stand before 'port'"},
    {"ip port 80", 0, "'ip' has no ports: only tcp, udp and sctp can stand before 'port'"},
    {"ether port 80", 0, "'ether' has no ports: only tcp, udp and sctp can stand before 'port'"},
    {"tcp 80", 4, "'port' is missing between 'tcp' and '80'"},
    {"tcp http", 4, "'and', 'or' or a word such as 'port' is missing between 'tcp' and 'http'"},
    {"ip 10.0.0.1", 3, "'host' is missing between 'ip' and '10.0.0.1'"},
    {"ether 00:11:22:33:44:55", 6, "'host' is missing between 'ether' and '00:11:22:33:44:55'"},
    {"host", 0, "'host' needs an address or the name of a host after it"},
    {"host and tcp", 5, "'host' needs an address or the name of a host after it, not 'and'"},
    {"host (10.0.0.1", 5, "this '(' is never closed"},
    {"host 10.0.0.256", 5, "'10.0.0.256' is no IPv4 address: each part is 0 to 255, in decimal"},
    {"host 10.0.0.1/8", 5, "a prefix needs 'net' before it: 'net 10.0.0.1/...'"},
    {"10.0.0.1", 0, "'10.0.0.1' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"80", 2,
     "a number is no primitive: 'host', 'port' or the like is missing before it, or a comparison after it"},
    {"http", 0, "'http' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"tcp and 80", 8, "'80' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"tcp and 10.0.0.1", 8,
     "'10.0.0.1' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"host 10.0.0.1 and (tcp or 10.0.0.2)", 26,
     "'10.0.0.2' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"net", 0, "'net' needs a network such as 10.0.0.0/8 after it"},
    {"net 10.0.0.1/8", 4, "'10.0.0.1' has bits set beyond its prefix: the network is 10.0.0.0/8"},
    {"net 10.0.0.0/33", 13, "a prefix of IPv4 is 0 to 32 bits long, not 33"},
    {"net 10/8", 6, "a prefix needs an address of two parts at least before the '/', such as 10.0/16"},
    {"net 10.0.0.0/", 12, "'/' needs the length of the prefix in bits after it"},
    {"net 10.0.0.0 mask", 13, "'mask' needs a mask such as 255.255.0.0 after it"},
    {"net 10.0.0.1 mask 255.0.0.0", 4, "'10.0.0.1' has bits set that its mask leaves out"},
    {"net 10.0.0.0 mask 255.0.0.256", 18, "'255.0.0.256' is no mask: each part is 0 to 255, in decimal"},
    {"net 10 mask 255.0.0.0", 7, "'mask' needs an address of two parts at least before it, such as 10.0"},
    {"net 2001:db8::/129", 15, "a prefix of IPv6 is 0 to 128 bits long, not 129"},
    {"host 2001:db8::/32", 5, "a prefix needs 'net' before it: 'net 2001:db8::/...'"},
    {"tcp host 10.0.0.1", 0, "'tcp' cannot stand before a host or net: join the two with 'and'"},
    {"udp net 10.0.0.0/8", 0, "'udp' cannot stand before a host or net: join the two with 'and'"},
    {"host 00:11:22:33:44:55", 5,
     "'00:11:22:33:44:55' is a hardware address: it needs 'ether host' before it"},
    {"ether host 10.0.0.1", 11,
     "'10.0.0.1' is no hardware address: six pairs of hex digits such as 00:11:22:33:44:55"},
    {"ether host 00:11:22:33:44", 11,
     "'00:11:22:33:' is no hardware address: six pairs of hex digits such as 00:11:22:33:44:55"},
    {"ether host 00:11:22:33:44:zz", 11,
     "'00:11:22:33:44:' is no hardware address: six pairs of hex digits such as 00:11:22:33:44:55"},
    {"ether net 00:11:22:33:44:55", 10,
     "'00:11:22:33:44:55' is a hardware address: it needs 'ether host' before it"},
    {"proto tcp", 6,
     "'tcp' is a word of the language: as the name of a protocol it is written with a \\ before it"},
    {"ip proto tcp", 9,
     "'tcp' is a word of the language: as the name of a protocol it is written with a \\ before it"},
    {"ip proto", 3, "'proto' needs a number or a name such as \\tcp after it"},
    {"ip proto 10.0.0.1", 9, "'10.0.0.1' is no protocol: a number or a name such as \\tcp"},
    {"src", 0, "'src' needs an address or the name of a host after it"},
    {"src or tcp", 7, "'or' needs 'dst' after it, not 'tcp'"},
    {"src or src 10.0.0.1", 7, "'or' needs 'dst' after it, not 'src'"},
    {"src and", 4, "'and' needs 'dst' after it"},
    {"src proto 6", 4, "'proto' goes with no direction"},
    {"src gateway foo", 4, "'gateway' goes with no direction"},
    {"gateway 10.0.0.1", 8, "'gateway' takes the name of a host, not '10.0.0.1'"},
    {"(tcp", 0, "this '(' is never closed"},
    {"tcp)", 3, "this ')' closes nothing"},
    {"tcp and (udp or icmp", 8, "this '(' is never closed"},
    {"()", 1, "there is nothing between these parentheses"},
    {"host ((10.0.0.1))", 7, "'10.0.0.1' stands in one pair of parentheses too many"},
    {"host 10.0.0.1 and ((10.0.0.2))", 20,
     "'10.0.0.2' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"tcp udp", 4, "'and' or 'or' is missing before 'udp'"},
    {"tcp port 80 udp", 12, "'and' or 'or' is missing before 'udp'"},
    {"host 10.0.0.1 host 10.0.0.2", 14, "'and' or 'or' is missing before 'host'"},
    {"tcp & udp", 4, "'&' joins no primitives: 'and' or 'or' does"},
    {"tcp | udp", 4, "'|' joins no primitives: 'and' or 'or' does"},
    {"tcp = 6", 4, "'=' cannot stand here: 'and', 'or' or the end was expected"},
    {"tcp, udp", 3, "',' has no meaning in a filter expression"},
    {"tcp; udp", 3, "';' has no meaning in a filter expression"},
    {"tcp port \"80\"", 9, "'\"' has no meaning in a filter expression"},
    {"tcp and é", 8, "'é' has no meaning in a filter expression"},
    {"host é and tcp §", 5, "'é' has no meaning in a filter expression"},
    {"vlan 4096", 5, "vlan 4096 is out of range: 0 to 4095"},
    {"vlan 5000 and tcp", 5, "vlan 5000 is out of range: 0 to 4095"},
    {"vlan tcp", 5, "'and' or 'or' is missing before 'tcp'"},
    {"mpls 1048576", 5, "mpls 1048576 is out of range: 0 to 1048575"},
    {"pppoes 65536", 7, "pppoes 65536 is out of range: 0 to 65535"},
    {"geneve 16777216", 7, "geneve 16777216 is out of range: 0 to 16777215"},
    {"vlan (100", 5, "this '(' is never closed"},
    {"less", 0, "'less' needs a length in bytes after it"},
    {"less tcp", 5, "'less' needs a length in bytes after it, not 'tcp'"},
    {"greater 0x", 8, "'greater' needs a length in bytes after it, not '0x'"},
    {"less 99999999999", 5, "'99999999999' does not fit into 32 bits"},
    {"len", 3, "a value is no primitive: a comparison such as '> 0' is missing after it"},
    {"len >", 4, "'>' needs a number, 'len' or bytes of a header such as ip[8] after it"},
    {"len > and", 6, "'>' needs a number, 'len' or bytes of a header such as ip[8] after it, not 'and'"},
    {"len > tcp", 6, "'tcp' needs the place of a byte in brackets after it"},
    {"tcp[13", 3, "this '[' is never closed"},
    {"tcp[13]", 7, "a value is no primitive: a comparison such as '> 0' is missing after it"},
    {"tcp[]", 4, "'[' needs a number, 'len' or bytes of a header such as ip[8] after it, not ']'"},
    {"tcp[13:3] = 1", 7, "1, 2 or 4 bytes can be read at once, not 3"},
    {"tcp[13:] = 1", 7, "':' needs 1, 2 or 4, the number of bytes after it, not ']'"},
    {"tcp[13:x] = 1", 7, "':' needs 1, 2 or 4, the number of bytes after it, not 'x'"},
    {"tcp[0:2] = foo", 11,
     "'foo' is no number: between an operator and a number there must be blanks where they could be read as "
     "a name"},
    {"tcp[0] & = 1", 9, "'&' needs a number, 'len' or bytes of a header such as ip[8] after it, not '='"},
    {"tcp[0] = 1 &", 11, "'&' needs a number, 'len' or bytes of a header such as ip[8] after it"},
    {"stp[0] = 1", 0, "the bytes of 'stp' cannot be asked for"},
    {"ip[0] = 09", 8, "'09' begins with 0, so it is octal and has no digit 8 or 9"},
    {"ip[0] = 0x1ffffffff", 8, "'0x1ffffffff' does not fit into 32 bits"},
    {"len-1 > 5", 0, "'len-1' is no primitive: 'host', 'net', 'port' or the like is missing before it"},
    {"1 + 2", 5, "a value is no primitive: a comparison such as '> 0' is missing after it"},
    {"(1 + 2)", 7, "a value is no primitive: a comparison such as '> 0' is missing after it"},
    {"(5)", 3,
     "a number is no primitive: 'host', 'port' or the like is missing before it, or a comparison after it"},
    {"ip[ip = 1", 6, "'ip' needs the place of a byte in brackets after it, not '='"},
    {"ip[ip[0] = 1", 9, "']' is missing before '='"},
    {"type", 0, "'type' needs 'mgt', 'ctl' or 'data' after it"},
    {"type foo", 5, "'foo' is no type of an 802.11 frame: 'mgt', 'ctl' or 'data'"},
    {"type 3", 5, "3 is no type of an 802.11 frame: 0, 4 or 8"},
    {"type mgt subtype foo", 17, "'foo' is no subtype of 802.11 frames of this type"},
    {"type mgt subtype 3", 17, "3 is no subtype of an 802.11 frame: a multiple of 16 up to 240"},
    {"type 12 subtype beacon", 16,
     "there are no names for the subtypes of this type: 'beacon' cannot be one"},
    {"subtype", 0, "'subtype' needs a frame's subtype such as 'beacon' after it"},
    {"subtype 5", 8, "'subtype' takes a name such as 'beacon'; a number only after 'type'"},
    {"subtype foo", 8, "'foo' is no subtype of an 802.11 frame"},
    {"dir", 0, "'dir' needs 'nods', 'tods', 'fromds', 'dstods' or a number after it"},
    {"dir up", 4, "'up' is no direction: 'nods', 'tods', 'fromds' or 'dstods'"},
    {"llc foo", 4, "'foo' is no kind of LLC frame: such as 'i', 's', 'u', 'rr', 'xid'"},
    {"reason foo", 7, "'foo' is no reason of pf: such as 'match', 'fragment', 'state-limit'"},
    {"action foo", 7, "'foo' is no action of pf: such as 'pass', 'block', 'nat'"},
    {"action 5", 7, "'action' needs an action such as 'pass' or 'block' after it, not '5'"},
    {"ifname", 0, "'ifname' needs a name after it"},
    {"ifname 5", 7, "'ifname' needs a name after it, not '5'"},
    {"rnr foo", 4, "'rnr' needs the number of a rule after it, not 'foo'"},
    {"ifindex", 0, "'ifindex' needs the number of an interface after it"},
    {"vpi", 0, "'vpi' needs a number after it"},
    {"vpi (1 and 2)", 7, "only 'or' and numbers can stand in these parentheses, not 'and'"},
    {"vpi (1", 4, "this '(' is never closed"},
    {"sio 256", 4, "sio 256 is out of range: 0 to 255"},
    {"opc 16384", 4, "opc 16384 is out of range: 0 to 16383"},
    {"sls 16", 4, "sls 16 is out of range: 0 to 15"},
    {"byte 0", 0, "'byte' needs a place and then one of = < > & | after it"},
    {"byte 0 = x", 9, "'=' needs a number after it, not 'x'"},
    {"tcp prt 80", 4, "'and', 'or' or a word such as 'port' is missing between 'tcp' and 'prt'"},
    {"TCP", 0, "'TCP' is written in small letters: 'tcp'"},
    {"tcp PORT 80", 4, "'PORT' is written in small letters: 'port'"},
    {"tcp port 80 AND udp", 12, "'AND' is written in small letters: 'and'"},
    {"$", 0, "'$' has no meaning in a filter expression"},
    {"$zz", 0, "'$' has no meaning in a filter expression"},
    {"\\", 0, "'\\' has no meaning in a filter expression"},
    {"ip proto \\", 9, "'\\' has no meaning in a filter expression"},
    {"!", 0, "'!' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'"},
    {"tcp !", 4, "'and' or 'or' is missing before '!'"},
    {"tcp src or dst", 11, "'dst' needs an address or the name of a host after it"},
    {"mask 255.0.0.0", 0, "'mask' begins no primitive"},
    {"host 10.0.0.1 mask 255.0.0.0", 5, "a prefix needs 'net' before it: 'net 10.0.0.1/...'"},
    {"tcp portrange 80-", 16, "'-' cannot stand here: 'and', 'or' or the end was expected"},
    {"tcp portrange -80", 14, "'portrange' needs two ports such as 6000-6008 after it, not '-'"},
};

static struct cm_expression_reading reading;

CM_TEST(expression, right_ones_are_taken)
{
    for (size_t i = 0; i < N(right); i++)
        cm_check_that(cm_expression_read(right[i], &reading), "%s: %s", right[i], reading.fault.text);
    cm_check(N(right) >= 250);
}

CM_TEST(expression, wrong_ones_are_refused_with_their_column)
{
    char expected[2048];

    for (size_t i = 0; i < N(wrong); i++) {
        struct cm_error error = {0};

        cm_check_that(!cm_expression_read(wrong[i].text, &reading), "%s is taken", wrong[i].text);
        cm_check_eq(cm_expression_fault_tell(&error, "--filter", wrong[i].text, &reading.fault),
                    CAPMILL_E_USAGE);
        snprintf(expected, sizeof(expected), "--filter: %s\n  %s\n  %*s^", wrong[i].message, wrong[i].text,
                 (int)wrong[i].column, "");
        cm_check_str(error.text, expected);
    }
    cm_check(N(wrong) >= 80);
}

static void check_tell(const char *text, const char *expected)
{
    struct cm_error error = {0};

    cm_check(!cm_expression_read(text, &reading));
    cm_expression_fault_tell(&error, "filter.toml:3:1", text, &reading.fault);
    cm_check_str(error.text, expected);
}

CM_TEST(expression, long_texts_are_shown_in_part)
{
    check_tell(
        "host 10.0.0.1 and tcp port 80 and udp port 53 and net 192.168.0.0/16 and port 99999 and not icmp",
        "filter.toml:3:1: port 99999 is out of range: 0 to 65535\n"
        "  ... and udp port 53 and net 192.168.0.0/16 and port 99999 and not icmp\n"
        "                                                      ^");
    check_tell("vlan 5000 and host 10.0.0.1 and tcp port 80 and udp port 53 and net 192.168.0.0/16 and icmp",
               "filter.toml:3:1: vlan 5000 is out of range: 0 to 4095\n"
               "  vlan 5000 and host 10.0.0.1 and tcp port 80 and udp port 53 and net...\n"
               "       ^");
    check_tell(
        "host 10.0.0.1 and tcp port 80 and udp port 53 and vlan 5000 and net 192.168.0.0/16 and icmp and arp",
        "filter.toml:3:1: vlan 5000 is out of range: 0 to 4095\n"
        "  ...ort 80 and udp port 53 and vlan 5000 and net 192.168.0.0/16 and ...\n"
        "                                     ^");
}

/* The path of a configuration file, long as it may be; then line and column, which must be seen. The longest
 * part of a text beside it, of characters of four bytes, is still whole, and its caret is there. */
CM_TEST(expression, long_origins_leave_room_for_the_caret)
{
    static const char clef[] = "\xf0\x9d\x84\x9e", place[] = ":1234:56";
    char path[1200], text[4 * 200 + 1], expected[1200], line[300];
    struct cm_error error = {0};
    struct cm_expression_fault fault = {.is_set = true, .at = 4 * 100};
    size_t n = 0;

    memset(path, 'p', 290);
    strcpy(path + 290, place);
    snprintf(expected, sizeof(expected), "%s: '$' has no meaning in a filter expression\n  tcp $\n      ^",
             path);
    cm_check(!cm_expression_read("tcp $", &reading));
    cm_expression_fault_tell(&error, path, "tcp $", &reading.fault);
    cm_check_str(error.text, expected);

    memset(path, 'p', 1000); /* too long: its end is shown */
    strcpy(path + 1000, place);
    for (size_t i = 0; i < 200; i++)
        memcpy(text + 4 * i, clef, 5);
    memset(fault.text, 'f', sizeof(fault.text) - 1);
    for (size_t i = 0; i < 64; i++, n += 4)
        memcpy(line + n, clef, 5);
    snprintf(expected, sizeof(expected), "...%s: %s\n  ...%s...\n  %*s^", path + strlen(path) - 300,
             fault.text, line, 35, "");
    error = (struct cm_error){0};
    cm_expression_fault_tell(&error, path, text, &fault);
    cm_check_str(error.text, expected);

    for (size_t i = 0; i < 250; i++) /* not cut within a character: one byte less of it */
        memcpy(path + 4 * i, clef, 5);
    strcpy(path + 1000, place + 1);
    error = (struct cm_error){0};
    cm_expression_fault_tell(&error, path, "tcp $", &reading.fault);
    cm_check_that(strncmp(error.text, "...\xf0\x9d\x84\x9e\xf0", 8) == 0, "%s", error.text);
    cm_check(strstr(error.text, "1234:56: '$' has") != NULL);
    cm_check_eq(error.text[strlen(error.text) - 1], '^');
}

CM_TEST(expression, columns_count_characters)
{
    check_tell("host m\xc3\xbcller and tcp",
               "filter.toml:3:1: '\xc3\xbc' has no meaning in a filter expression\n"
               "  host m\xc3\xbcller and tcp\n"
               "        ^");
    check_tell("host \\m\xc3\xbcller and vlan\t5000",
               "filter.toml:3:1: vlan 5000 is out of range: 0 to 4095\n"
               "  host \\m\xc3\xbcller and vlan 5000\n"
               "                        ^");
    check_tell("tcp \xff\x01", "filter.toml:3:1: '\xff' has no meaning in a filter expression\n"
                               "  tcp ??\n"
                               "      ^");
}

/* What would take our stack or libpcap's time is refused with a sentence. */
CM_TEST(expression, depth_and_length_are_bounded)
{
    static char text[200001];

    memset(text, '(', 60000);
    cm_check(!cm_expression_read(text, &reading));
    cm_check_str(reading.fault.text,
                 "there are more than 500 parentheses and brackets within each other here");
    cm_check_eq(reading.fault.at, 500);
    memset(text, '(', 200000);
    cm_check(!cm_expression_read(text, &reading));
    cm_check_str(reading.fault.text, "the expression is longer than 65536 bytes");
    memset(text, 0, sizeof(text));
    for (size_t i = 0; i < 10000; i++)
        memcpy(text + 3 * i, "ip[", 3);
    cm_check(!cm_expression_read(text, &reading));
    memset(text, '!', 60000);
    memcpy(text + 60000, "tcp", 4);
    cm_check(cm_expression_read(text, &reading));
    memset(text, '(', 500);
    memcpy(text + 500, "tcp", 3);
    memset(text + 503, ')', 500);
    text[1003] = '\0';
    cm_check(cm_expression_read(text, &reading));
}

/* libpcap's compiler would take minutes; this one is told where it is too much. */
CM_TEST(expression, primitives_are_bounded)
{
    static char text[20000];
    size_t n = 0;

    for (unsigned i = 0; i < 500; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%sport %u", i == 0 ? "" : " or ", i);
    cm_check(cm_expression_read(text, &reading));
    snprintf(text + n, sizeof(text) - n, " or tcp");
    cm_check(!cm_expression_read(text, &reading));
    cm_check_eq(reading.fault.at, n + 1);
    cm_check_str(reading.fault.text,
                 "there are more than 500 primitives up to here, which is too much for libpcap");
}

static struct cm_expression *create(const char *text)
{
    struct cm_expression *expression;
    struct cm_error error = {0};

    if (cm_expression_create(text, "--filter", &expression, &error) == CAPMILL_E_UNSUPPORTED)
        cm_skip("no libpcap");
    cm_check_that(expression != NULL, "%s", error.text);
    return expression;
}

static void check_refused(const char *text, const char *expected)
{
    struct cm_expression *expression;
    struct cm_error error = {0};

    if (cm_expression_create(text, "--filter", &expression, &error) == CAPMILL_E_UNSUPPORTED)
        cm_skip("no libpcap");
    cm_check_eq(error.status, CAPMILL_E_USAGE);
    cm_check(expression == NULL);
    cm_check_str(error.text, expected);
}

CM_TEST(expression, right_ones_compile)
{
    for (size_t i = 0; i < N(right); i++)
        cm_expression_destroy(create(right[i]));
    cm_expression_destroy(NULL);
}

/* libpcap's reasons, under the primitive that they are about. */
CM_TEST(expression, what_libpcap_refuses_has_a_column_too)
{
    check_refused("tcp or udp port no-such-port", "--filter: unknown port 'no-such-port'\n"
                                                  "  tcp or udp port no-such-port\n"
                                                  "                  ^");
    check_refused("tcp and ip proto \\nosuch", "--filter: unknown ip proto 'nosuch'\n"
                                               "  tcp and ip proto \\nosuch\n"
                                               "                   ^");
    check_refused("net 2001:db8::1/32", "--filter: non-network bits set in \"2001:db8::1/32\"\n"
                                        "  net 2001:db8::1/32\n"
                                        "      ^");
    check_refused("ip and ip[0] / 0 = 1", "--filter: division by zero\n"
                                          "  ip and ip[0] / 0 = 1\n"
                                          "         ^");
    check_refused("tcp or ip6 host 10.0.0.1", "--filter: 'ip6' modifier applied to ip host\n"
                                              "  tcp or ip6 host 10.0.0.1\n"
                                              "                  ^");
}

/* Which way a packet went: a cooked capture says it, Ethernet does not, as `tcpdump -r` has it. */
CM_TEST(expression, link_types_have_their_own_programs)
{
    struct cm_expression *expression = create("inbound");
    struct cm_error error = {0};

    cm_check(cm_expression_program(expression, 113, &error) != NULL);
    cm_check(cm_expression_program(expression, 113, &error) == cm_expression_program(expression, 113, NULL));
    cm_check(cm_expression_program(expression, 1, &error) == NULL);
    cm_check_str(error.text,
                 "--filter: a capture of link type 1 does not say which way or by which interface a "
                 "packet went\n  inbound\n  ^");
    cm_expression_destroy(expression);
    expression = create("ether host 00:11:22:33:44:55");
    cm_check(cm_expression_program(expression, 1, NULL) != NULL);
    error.status = CAPMILL_OK;
    cm_check(cm_expression_program(expression, 101, &error) == NULL);
    cm_expression_destroy(expression);
}

/* Radiotap headers have no fixed length: libpcap does not find out that nothing can match, and `tcpdump -r` takes
 * the expression for such a file, but for no file of Ethernet. */
CM_TEST(expression, rejections_are_of_the_link_type)
{
    struct cm_expression *expression = create("tcp and arp");
    struct cm_error error = {0};

    cm_check(cm_expression_program(expression, 127, &error) != NULL);
    cm_check_eq(error.status, CAPMILL_OK);
    cm_check(cm_expression_program(expression, 1, &error) == NULL);
    cm_check_eq(error.status, CAPMILL_E_USAGE);
    cm_check_str(error.text,
                 "--filter: the expression rejects all packets of link type 1\n  tcp and arp\n  ^");
    error = (struct cm_error){0};
    cm_check(cm_expression_program(expression, 101, &error) == NULL);
    cm_expression_destroy(expression);
    check_refused("1 = 2", "--filter: the expression rejects all packets\n  1 = 2\n  ^");
}

/* LINKTYPE_RAW is 101 in files and another number in libpcap's functions. */
CM_TEST(expression, programs_are_of_the_link_type)
{
    uint8_t frame[14 + 20] = {[12] = 8, [14] = 0x45, [14 + 9] = 17};
    struct cm_expression *expression = create("udp");
    const struct cm_bpf_program *ethernet = cm_expression_program(expression, 1, NULL),
                                *raw = cm_expression_program(expression, 101, NULL);

    cm_check(cm_bpf_program_run(ethernet, frame, sizeof(frame), sizeof(frame)) != 0);
    cm_check(cm_bpf_program_run(ethernet, frame + 14, 20, 20) == 0);
    cm_check(cm_bpf_program_run(raw, frame + 14, 20, 20) != 0);
    cm_check(cm_bpf_program_run(raw, frame, sizeof(frame), sizeof(frame)) == 0);
    cm_expression_destroy(expression);
}

/* The number of IPv6 behind a loopback header is the capturing system's, not this one's. */
CM_TEST(expression, loopback_of_every_system)
{
    static const uint8_t families[] = {24 /* NetBSD, OpenBSD */, 28 /* FreeBSD */, 30 /* Darwin */};
    struct cm_expression *expression = create("ip6");
    const struct cm_bpf_program *null = cm_expression_program(expression, 0, NULL),
                                *loop = cm_expression_program(expression, 108, NULL);
    uint8_t frame[44] = {[4] = 0x60};
    uint32_t family;

    for (size_t i = 0; i < N(families); i++) {
        /* of any machine's byte order in one, of the network's in the other */
        memcpy(frame, (uint8_t[]){families[i], 0, 0, 0}, 4);
        cm_check_that(cm_bpf_program_run(null, frame, sizeof(frame), sizeof(frame)) != 0, "%u", families[i]);
        memcpy(frame, (uint8_t[]){0, 0, 0, families[i]}, 4);
        cm_check_that(cm_bpf_program_run(null, frame, sizeof(frame), sizeof(frame)) != 0, "%u", families[i]);
        cm_check_that(cm_bpf_program_run(loop, frame, sizeof(frame), sizeof(frame)) != 0, "%u", families[i]);
    }
    family = 2; /* IPv4 */
    memcpy(frame, &family, 4);
    cm_check(cm_bpf_program_run(null, frame, sizeof(frame), sizeof(frame)) == 0);
    cm_expression_destroy(expression);
}

/* The one word that is ours: a range after `port`. */
CM_TEST(expression, port_takes_ranges)
{
    static const char *const same[][2] = {
        {"port 80-90", "portrange 80-90"},
        {"tcp src port 80-90 and dst port 5", "tcp src portrange 80-90 and dst port 5"},
        {"port (80 or 100-200)", "portrange (80 or 100-200)"},
        {"port 1 or port 80-90 or 443", "port 1 or portrange 80-90 or 443"},
        {"not udp dst port 5-6", "not udp dst portrange 5-6"},
    };
    uint8_t frame[14 + 20 + 4] = {[12] = 8, [14] = 0x45, [14 + 9] = 6};

    for (size_t i = 0; i < N(same); i++) {
        struct cm_expression *one = create(same[i][0]), *other = create(same[i][1]);

        for (unsigned ports = 0; ports < 250 * 250; ports++) {
            frame[35] = (uint8_t)(ports / 250);
            frame[37] = (uint8_t)(ports % 250);
            frame[23] = ports % 3 ? 6 : 17;
            cm_check_eq(cm_bpf_program_run(cm_expression_program(one, 1, NULL), frame, sizeof(frame), 60),
                        cm_bpf_program_run(cm_expression_program(other, 1, NULL), frame, sizeof(frame), 60));
        }
        cm_expression_destroy(one);
        cm_expression_destroy(other);
    }
}
