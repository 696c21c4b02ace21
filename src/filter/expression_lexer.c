/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a filter text into tokens exactly as libpcap 1.10 does: of all forms that match at a place the longest is
 * taken, and of equally long ones a keyword before a hardware address before a number before an IPv4 address
 * before a name. Not for what may follow what. */
#include <string.h>

#include "filter/expression_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name_end(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.';
}

static size_t n_hex(const char *text)
{
    size_t n = 0;

    while (is_hex(text[n]))
        n++;
    return n;
}

/* Each of these answers how many bytes from `text` on are of its form, 0 for none. */

static size_t number_length(const char *text)
{
    size_t n = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && is_hex(text[2]))
        return 2 + n_hex(text + 2);
    while (is_digit(text[n]))
        n++;
    return n;
}

/* Two to four numbers with points between them. */
static size_t ipv4_length(const char *text)
{
    size_t n = number_length(text), best = 0;

    for (int parts = 1; n > 0 && parts < 4 && text[n] == '.'; parts++) {
        size_t more = number_length(text + n + 1);

        if (more == 0)
            break;
        best = n += 1 + more;
    }
    return best;
}

/* Four numbers with points between them, as the end of an IPv6 address. */
static size_t quad_length(const char *text)
{
    size_t n = 0;

    for (int parts = 0; parts < 4; parts++) {
        size_t more;

        if (parts > 0 && text[n++] != '.')
            return 0;
        more = number_length(text + n);
        if (more == 0)
            return 0;
        n += more;
    }
    return n;
}

/* What may follow "::": up to `most` groups of hex digits, or fewer and four decimal numbers. */
static size_t ipv6_tail_length(const char *text, int before, int most)
{
    size_t n = 0, best = 0;

    for (int groups = 0; groups <= most; groups++) {
        size_t hex = n_hex(text + n), quad = before + groups <= 5 ? quad_length(text + n) : 0;

        if (quad > 0 && n + quad > best)
            best = n + quad;
        if (hex == 0 || groups == most)
            break;
        if (n + (hex > 4 ? 4 : hex) > best)
            best = n + (hex > 4 ? 4 : hex);
        if (hex > 4 || text[n + hex] != ':')
            break;
        n += hex + 1;
    }
    return best;
}

static size_t ipv6_length(const char *text)
{
    size_t n = 0, best = 0;

    if (text[0] == ':' && text[1] == ':')
        return 2 + ipv6_tail_length(text + 2, 0, 7);
    for (int groups = 1; groups <= 8; groups++) {
        size_t hex = n_hex(text + n), quad = groups == 7 ? quad_length(text + n) : 0;

        if (quad > best)
            best = n + quad;
        if (hex == 0)
            break;
        if (groups == 8 && n + (hex > 4 ? 4 : hex) > best)
            best = n + (hex > 4 ? 4 : hex);
        n += hex;
        if (hex > 4 || groups == 8 || text[n] != ':')
            break;
        if (text[n + 1] == ':' && groups <= 7) {
            size_t length = n + 2 + ipv6_tail_length(text + n + 2, groups, 7 - groups);

            if (length > best)
                best = length;
            break;
        }
        n++;
    }
    return best;
}

/* Six groups of one or two hex digits with one of : - . between them, three of four with points, or twelve. */
static size_t mac_length(const char *text)
{
    size_t n = 0, hex = n_hex(text), best = 0;

    if (hex >= 12)
        best = 12;
    if (hex == 4 && text[4] == '.' && n_hex(text + 5) == 4 && text[9] == '.' && n_hex(text + 10) >= 4)
        best = 14;
    for (int groups = 1; groups <= 6; groups++) {
        hex = n_hex(text + n);
        if (hex == 0)
            return best;
        if (groups == 6) {
            n += hex > 2 ? 2 : hex;
            return n > best ? n : best;
        }
        n += hex;
        if (hex > 2 || (text[n] != ':' && text[n] != '-' && text[n] != '.') ||
            (groups > 1 && text[n] != text[n_hex(text)]))
            return best;
        n++;
    }
    return best;
}

/* Two and more groups of one or two hex digits with colons, and a colon after the last: what libpcap takes for
 * a hardware address that went wrong. */
static size_t bogus_mac_length(const char *text)
{
    size_t n = 0, best = 0;

    for (int groups = 1;; groups++) {
        size_t hex = n_hex(text + n);

        if (hex == 0 || hex > 2 || text[n + hex] != ':')
            return best;
        n += hex;
        while (text[n] == ':')
            n++;
        if (groups >= 2)
            best = n;
    }
}

static size_t name_length(const char *text)
{
    size_t n = 0, best = 0;

    if (!is_name_end(text[0]) || text[0] == '.')
        return 0;
    for (; is_name_end(text[n]) || text[n] == '-' || text[n] == '_'; n++)
        if (is_name_end(text[n]))
            best = n + 1;
    return best;
}

static size_t escaped_length(const char *text)
{
    size_t n = text[0] == '\\' ? 1 + strcspn(text + 1, " !()\n\t") : 0;

    return n > 1 ? n : 0;
}

/* A number in decimal, octal or hex, as C writes it. */
static void set_number(const char *text, struct cm_expression_token *token)
{
    uint32_t base = 10;
    uint64_t value = 0;
    uint32_t at = token->start;

    if (text[at] == '0' && at + 1 < token->end) {
        base = text[at + 1] == 'x' || text[at + 1] == 'X' ? 16 : 8;
        at += base == 16 ? 2 : 1;
    }
    for (; at < token->end; at++) {
        char c = text[at];
        uint32_t digit = is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;

        if (digit >= base) {
            token->wrong = "begins with 0, so it is octal and has no digit 8 or 9";
            return;
        }
        value = value * base + digit;
        if (value > UINT32_MAX) {
            token->wrong = "does not fit into 32 bits";
            return;
        }
    }
    token->value = (uint32_t)value;
}

static void set_symbol(const char *text, struct cm_expression_token *token)
{
    static const struct {
        char text[3];
        enum cm_expression_kind kind;
        uint32_t value;
    } pairs[] = {{"&&", CM_X_AND, 0},           {"||", CM_X_OR, 0},
                 {">=", CM_X_SYMBOL, CM_X_GEQ}, {"<=", CM_X_SYMBOL, CM_X_LEQ},
                 {"!=", CM_X_SYMBOL, CM_X_NEQ}, {"==", CM_X_SYMBOL, '='},
                 {"<<", CM_X_SYMBOL, CM_X_LSH}, {">>", CM_X_SYMBOL, CM_X_RSH}};

    token->end = token->start + 1;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (memcmp(text, pairs[i].text, 2) == 0) {
            token->kind = pairs[i].kind;
            token->value = pairs[i].value;
            token->end++;
            return;
        }
    token->kind = strchr("+-*/%:[]!<>()&|^=", text[0]) != NULL ? CM_X_SYMBOL : CM_X_WRONG;
    token->value = (unsigned char)text[0];
    if (text[0] == '!')
        token->kind = CM_X_NOT;
    while (token->kind == CM_X_WRONG && ((unsigned char)text[token->end - token->start] & 0xc0) == 0x80)
        token->end++; /* the rest of a character of several bytes */
}

struct cm_expression_token cm_expression_lex(const char *text, uint32_t at)
{
    struct cm_expression_token token = {.kind = CM_X_END};
    const struct cm_expression_word *word;
    /* in the order in which they win where they are equally long */
    static const enum cm_expression_kind kinds[] = {CM_X_MAC,  CM_X_NUMBER, CM_X_IPV4,
                                                    CM_X_IPV6, CM_X_WRONG,  CM_X_NAME};
    size_t lengths[6], name, best = 0;

    at += (uint32_t)strspn(text + at, " \r\n\t");
    token.start = token.end = at;
    text += at;
    if (text[0] == '\0')
        return token;
    name = name_length(text);
    lengths[0] = mac_length(text);
    lengths[1] = number_length(text);
    lengths[2] = ipv4_length(text);
    lengths[3] = ipv6_length(text);
    lengths[4] = bogus_mac_length(text);
    lengths[5] = name > 0 ? name : escaped_length(text);
    for (size_t i = 0; i < 6; i++)
        if (lengths[i] > best) {
            best = lengths[i];
            token.kind = kinds[i];
        }
    token.end = at + (uint32_t)best;
    if (text[0] == '$' && is_hex(text[1])) {
        token.kind = CM_X_ARCNET;
        token.end = at + (is_hex(text[2]) ? 3u : 2u);
    } else if (best == 0) {
        set_symbol(text, &token);
    } else if (name == best && (word = cm_expression_word_find(text, name)) != NULL) {
        token.kind = word->kind;
        token.value = word->value;
    } else if (token.kind == CM_X_NUMBER) {
        set_number(text - at, &token);
    } else if (token.kind == CM_X_WRONG) {
        token.kind = CM_X_MAC;
        token.wrong = "is no hardware address: six pairs of hex digits such as 00:11:22:33:44:55";
    }
    return token;
}
