/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the values of a filter text can be what they stand for: ports, prefixes, addresses, and whether the
 * words before them go with them. Only what holds for every link type; the rest is libpcap's to say. */
#include "filter/expression_parser_int.h"

/* An IPv4 address of one to four parts, from the left. False: a part is above 255. */
static bool read_ipv4(const char *text, const struct cm_expression_token *token, uint32_t *address_ret,
                      uint32_t *n_bits_ret)
{
    uint32_t part = 0, address = 0, n_bits = 8;

    for (uint32_t at = token->start; at < token->end; at++) {
        if (text[at] == '.') {
            address = address << 8 | part;
            n_bits += 8;
            part = 0;
        } else if (text[at] < '0' || text[at] > '9') {
            return false; /* libpcap reads no hexadecimal here */
        } else {
            part = part * 10 + (uint32_t)(text[at] - '0');
            if (part > 255)
                return false;
        }
    }
    *n_bits_ret = n_bits;
    *address_ret = (address << 8 | part) << (32 - n_bits);
    return true;
}

static bool wrong_bits(struct cm_expression_parser *parser, const struct cm_expression_token *token,
                       uint32_t network, uint32_t n_bits)
{
    cm_expression_fault_set(&parser->reading->fault, token->start,
                            "'%.*s' has bits set beyond its prefix: the network is %u.%u.%u.%u/%u",
                            (int)(token->end - token->start > 40 ? 40 : token->end - token->start),
                            parser->text + token->start, network >> 24, network >> 16 & 255,
                            network >> 8 & 255, network & 255, n_bits);
    return false;
}

static bool check_ipv4(struct cm_expression_parser *parser, const struct cm_expression_token *first,
                       const struct cm_expression_token *second)
{
    const struct cm_expression_words *words = &parser->words;
    uint32_t address, mask, n_bits, network;

    if (words->protocol == CM_P_DECNET && second->kind == CM_X_END)
        return true; /* an area and a node */
    if (!read_ipv4(parser->text, first, &address, &n_bits))
        return cm_expression_wrong_token(parser, first,
                                         "'%s' is no IPv4 address: each part is 0 to 255, in decimal");
    if (second->kind == CM_X_END)
        return true;
    if (!words->is_set || words->what != CM_X_NET)
        return cm_expression_wrong_token(parser, first, "a prefix needs 'net' before it: 'net %s/...'");
    if (second->kind == CM_X_NUMBER) {
        if (second->value > 32)
            return cm_expression_wrong_token(parser, second, "a prefix of IPv4 is 0 to 32 bits long, not %s");
        mask = second->value == 0 ? 0 : UINT32_MAX << (32 - second->value);
        network = address & mask;
        return network == address || wrong_bits(parser, first, network, second->value);
    }
    if (!read_ipv4(parser->text, second, &mask, &n_bits))
        return cm_expression_wrong_token(parser, second,
                                         "'%s' is no mask: each part is 0 to 255, in decimal");
    if ((address & ~mask) != 0)
        return cm_expression_wrong_token(parser, first, "'%s' has bits set that its mask leaves out");
    return true;
}

static bool check_ipv6(struct cm_expression_parser *parser, const struct cm_expression_token *first,
                       const struct cm_expression_token *second)
{
    const struct cm_expression_words *words = &parser->words;
    uint32_t n_bits = second->kind == CM_X_NUMBER ? second->value : 128;

    if (n_bits > 128)
        return cm_expression_wrong_token(parser, second, "a prefix of IPv6 is 0 to 128 bits long, not %s");
    if (!words->is_set)
        return cm_expression_wrong_token(parser, first, "'%s' needs 'host' or 'net' before it");
    if (words->what != CM_X_END && words->what != CM_X_HOST && words->what != CM_X_NET)
        return cm_expression_wrong_token(parser, first,
                                         "'%s' is an IPv6 address: only 'host' and 'net' take one");
    if (words->what != CM_X_NET && n_bits != 128)
        return cm_expression_wrong_token(parser, first, "a prefix needs 'net' before it: 'net %s/...'");
    return true;
}

/* Hosts and nets go with these protocols. */
static bool takes_hosts(uint32_t protocol)
{
    return protocol == CM_P_NONE || protocol == CM_P_IP || protocol == CM_P_ARP || protocol == CM_P_RARP ||
           protocol == CM_P_IPV6 || protocol == CM_P_LINK || protocol == CM_P_DECNET;
}

bool cm_expression_takes_ports(uint32_t protocol)
{
    return protocol == CM_P_NONE || protocol == CM_P_TCP || protocol == CM_P_UDP || protocol == CM_P_SCTP;
}

/* The word that says the protocol: the first of them. */
static struct cm_expression_token first_word(const struct cm_expression_parser *parser)
{
    return cm_expression_lex(parser->text, parser->words.start);
}

static bool check_port(struct cm_expression_parser *parser, const struct cm_expression_token *token)
{
    struct cm_expression_token protocol = first_word(parser);

    if (!cm_expression_takes_ports(parser->words.protocol))
        return cm_expression_wrong_token(parser, &protocol,
                                         "'%s' has no ports: only tcp, udp and sctp can stand before 'port'");
    if (token->kind == CM_X_NUMBER && token->value > 65535)
        return cm_expression_wrong_token(parser, token, "port %s is out of range: 0 to 65535");
    return true;
}

/* Both ends of A-B, where it is of that form; false where it is not. */
static bool read_range(const char *text, const struct cm_expression_token *token, bool *is_right_ret)
{
    uint32_t value = 0, n_dashes = 0, n_digits = 0;

    *is_right_ret = true;
    for (uint32_t at = token->start; at <= token->end; at++) {
        if (at == token->end || text[at] == '-') {
            if (n_digits == 0 || (n_dashes += at < token->end) > 1)
                return false;
            value = n_digits = 0;
        } else if (text[at] < '0' || text[at] > '9') {
            return false;
        } else {
            n_digits++;
            value = value > 65535 ? value : value * 10 + (uint32_t)(text[at] - '0');
            *is_right_ret &= value <= 65535;
        }
    }
    return n_dashes == 1;
}

static bool check_port_name(struct cm_expression_parser *parser, const struct cm_expression_token *token)
{
    struct cm_expression_reading *reading = parser->reading;
    uint32_t at = parser->words.what_at;
    bool is_right;

    if (!read_range(parser->text, token, &is_right))
        return check_port(parser, token);
    if (!is_right)
        return cm_expression_wrong_token(parser, token, "'%s' is out of range: ports are 0 to 65535");
    if (parser->words.what == CM_X_PORT &&
        (reading->n_ranges == 0 || reading->ranges[reading->n_ranges - 1] != at)) {
        if (reading->n_ranges == CM_EXPRESSION_PRIMITIVES)
            return cm_expression_wrong_token(parser, token,
                                             "'%s' is one range of ports too many: say 'portrange'");
        reading->ranges[reading->n_ranges++] = at;
    }
    return check_port(parser, token);
}

static bool check_hosts(struct cm_expression_parser *parser, const struct cm_expression_token *token)
{
    const struct cm_expression_words *words = &parser->words;
    struct cm_expression_token protocol = first_word(parser);
    bool is_mac = token->kind == CM_X_MAC;

    if (is_mac && (words->protocol != CM_P_LINK || words->what == CM_X_NET))
        return cm_expression_wrong_token(parser, token,
                                         "'%s' is a hardware address: it needs 'ether host' before it");
    if (!takes_hosts(words->protocol))
        return cm_expression_wrong_token(parser, &protocol,
                                         "'%s' cannot stand before a host or net: join the two with 'and'");
    if (words->protocol == CM_P_LINK && (token->kind == CM_X_NUMBER || token->kind == CM_X_IPV4))
        return cm_expression_wrong_token(parser, token,
                                         "'%s' is no hardware address: six pairs of hex digits such as "
                                         "00:11:22:33:44:55");
    return true;
}

bool cm_expression_check_value(struct cm_expression_parser *parser, const struct cm_expression_token *first,
                               const struct cm_expression_token *second)
{
    const struct cm_expression_words *words = &parser->words;

    if (first->wrong != NULL)
        return cm_expression_wrong_itself(parser, first);
    if (second->wrong != NULL)
        return cm_expression_wrong_token(parser, second, "'%s' is no length of a prefix");
    if (!words->is_set && first->kind != CM_X_ARCNET && first->kind != CM_X_MAC)
        return cm_expression_wrong_token(
            parser, first, "'%s' is no primitive: 'host', 'net', 'port' or the like is missing before it");
    if (first->kind == CM_X_MAC && !words->is_set)
        return cm_expression_wrong_token(parser, first,
                                         "'%s' is a hardware address: it needs 'ether host' before it");
    if (first->kind == CM_X_IPV4 && !check_ipv4(parser, first, second))
        return false;
    if (first->kind == CM_X_IPV6 && !check_ipv6(parser, first, second))
        return false;
    switch (words->what) {
    case CM_X_PORT:
    case CM_X_PORTRANGE:
        if (first->kind == CM_X_IPV4 || first->kind == CM_X_MAC)
            return cm_expression_wrong_token(parser, first,
                                             "'%s' is no port: a number from 0 to 65535 or a name");
        return first->kind == CM_X_NAME ? check_port_name(parser, first) : check_port(parser, first);
    case CM_X_PROTO:
    case CM_X_PROTOCHAIN:
        if (first->kind == CM_X_IPV4 || first->kind == CM_X_MAC)
            return cm_expression_wrong_token(parser, first,
                                             "'%s' is no protocol: a number or a name such as \\tcp");
        return true;
    case CM_X_GATEWAY:
        if (first->kind != CM_X_NAME && first->kind != CM_X_ARCNET)
            return cm_expression_wrong_token(parser, first, "'gateway' takes the name of a host, not '%s'");
        return true;
    default:
        return first->kind == CM_X_ARCNET || check_hosts(parser, first);
    }
}
