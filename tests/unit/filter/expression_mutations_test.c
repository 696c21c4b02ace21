/* SPDX-License-Identifier: Apache-2.0 */
/* Right expressions with words and characters changed, against libpcap: what it compiles for some link type our
 * reader takes, and what it calls a syntax error our reader refuses.
 *
 * usage: filter_expression_mutations_test [COUNT [SEED]]
 *
 * Exit status: 0 as libpcap, 1 not, 77 without libpcap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/expression_int.h"
#include "filter/pcap_compiler_int.h"
#include "unit/filter/expression_list.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

#define DEFAULT_COUNT 300000
#define TEXT_BYTES    512u /* libpcap takes long for long ones */
#define DIFFERENCES   20u  /* shown */

static const char *const right[] = {
#define X(expression) expression,
    CM_RIGHT_EXPRESSIONS(X)
#undef X
};

/* Put where nobody expects them. None is the name of a host. */
static const char *const pieces[] = {
    "and",       "or",        "not",        "!",         "&&",
    "||",        "(",         ")",          "[",         "]",
    ":",         "1",         "0",          "-",         "+",
    "*",         "/",         "&",          "|",         "^",
    "<<",        ">>",        "=",          "==",        "!=",
    "<",         ">",         "<=",         ">=",        "%",
    "host",      "net",       "port",       "mask",      "src",
    "dst",       "ip",        "ip6",        "tcp",       "udp",
    "ether",     "arp",       "proto",      "\\tcp",     "80",
    "0x10",      "08",        "80-90",      "len",       "vlan",
    "mpls",      "10.0",      "10.0.0.1",   "::1",       "00:11:22:33:44:55",
    "type",      "subtype",   "mgt",        "portrange", "protochain",
    "gateway",   "broadcast", "inbound",    "less",      "byte",
    "llc",       "dir",       "vpi",        "opc",       "iso",
    "$1f",       "[0] = 1",   "[1:2] != 0", "lat",       "stp",
    "isis",      "sio",       "reason",     "rnr",       "4294967296",
    "0xg",       "1.2.3",     "256",        "70000",     "10.0.0.0/8",
    "fe80::/10", "tcpflags",  "tcp-syn",    "icmp-echo",
};

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20) % below;
}

/* Put `n` bytes in place of those from start to end. One that would be too long stays as it is. */
static void replace(char *text, size_t start, size_t end, const char *with, size_t n)
{
    size_t length = strlen(text);

    if (length - (end - start) + n >= TEXT_BYTES)
        return;
    memmove(text + start + n, text + end, length - end + 1);
    memcpy(text + start, with, n);
}

/* A token of the text, or its end. */
static struct cm_expression_token draw_token(const char *text)
{
    struct cm_expression_token token = cm_expression_lex(text, 0), drawn = token;
    uint32_t n = 1;

    for (; token.kind != CM_X_END; n++) {
        token = cm_expression_lex(text, token.end);
        if (draw(n + 1) == 0)
            drawn = token;
    }
    return drawn;
}

static void put_piece(char *text, size_t start, size_t end)
{
    char piece[32];
    int n = snprintf(piece, sizeof(piece), " %s ", pieces[draw(N(pieces))]);

    replace(text, start, end, piece, (size_t)n);
}

static void mutate(char *text)
{
    static const char characters[] = " ()[]!&|=<>:/-.,\\$0189afxz";
    struct cm_expression_token token = draw_token(text), other = draw_token(text);
    const char *another = right[draw(N(right))];
    char copy[TEXT_BYTES];
    size_t length = strlen(text), at = length == 0 ? 0 : draw((uint32_t)length);

    switch (draw(9)) {
    case 0:
        replace(text, token.start, token.end, "", 0);
        break;
    case 1:
        put_piece(text, token.start, token.start);
        break;
    case 2:
        put_piece(text, token.start, token.end);
        break;
    case 3: /* one word in place of another */
        memcpy(copy, text + other.start, other.end - other.start);
        replace(text, token.start, token.end, copy, other.end - other.start);
        break;
    case 4:
        replace(text, at, at + (length > 0), characters + draw(sizeof(characters) - 1), 1);
        break;
    case 5:
        replace(text, at, at + (length > 0), "", 0);
        break;
    case 6:
        if (other.start <= token.start) {
            replace(text, token.end, token.end, ")", 1);
            replace(text, other.start, other.start, "(", 1);
        }
        break;
    case 7: /* the end of another expression */
        other = draw_token(another);
        replace(text, token.start, length, another + other.start, strlen(another + other.start));
        break;
    default:
        snprintf(copy, sizeof(copy), " %s %s", draw(2) == 0 ? "and" : "or", another);
        replace(text, length, length, copy, strlen(copy));
        break;
    }
}

/* Whether libpcap would look up a name other than in files of this system: where a host may be meant. */
static bool names_a_host(const char *text)
{
    struct cm_expression_token token = cm_expression_lex(text, 0), before = {.kind = CM_X_END};

    for (; token.kind != CM_X_END; token = cm_expression_lex(text, token.end)) {
        if (token.kind == CM_X_NAME) {
            switch (before.kind) {
            case CM_X_PORT:
            case CM_X_PROTO:
            case CM_X_TYPE:
            case CM_X_SUBTYPE:
            case CM_X_DIR:
            case CM_X_LLC:
            case CM_X_PF_NAME:
            case CM_X_PF_REASON:
            case CM_X_PF_ACTION:
                break;
            default:
                return true;
            }
        }
        before = token;
    }
    return false;
}

/* Returns how much is not as libpcap has it: 0 or 1. */
static unsigned compare(const char *text, unsigned long counts[3])
{
    static const uint16_t link_types[] = {1, 101, 127, 113, 117, 123, 140, 10, 7};
    static struct cm_expression_reading reading;
    char reason[CM_PCAP_REASON_BYTES] = "";
    bool is_read = cm_expression_read(text, &reading), is_compiled = false, is_syntax = false;

    for (size_t i = 0; i < N(link_types) && !is_compiled && !is_syntax; i++) {
        struct cm_pcap_code code;

        is_compiled = cm_pcap_compile(text, link_types[i], &code, reason);
        if (is_compiled)
            free(code.instructions);
        else
            is_syntax = strstr(reason, "syntax error") != NULL;
    }
    counts[is_compiled ? 0 : is_syntax ? 1 : 2]++;
    /* `port A-B`, which libpcap has not, is the one word of ours */
    if (is_compiled && !is_read) {
        printf("compiled by libpcap, refused here: %s\n  %s\n", text, reading.fault.text);
        return 1;
    }
    if (is_syntax && is_read && reading.n_ranges == 0) {
        printf("a syntax error to libpcap, taken here: %s\n", text);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_COUNT, counts[3] = {0};
    unsigned n_different = 0;

    if (!cm_pcap_compiler_is_there()) {
        printf("without libpcap\n");
        return 77;
    }
    state = 88172645463325252u + (argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
    for (unsigned long i = 0; i < count && n_different < DIFFERENCES; i++) {
        char text[TEXT_BYTES];

        snprintf(text, sizeof(text), "%s", right[draw(N(right))]);
        for (uint32_t n = 1 + draw(3); n > 0; n--)
            mutate(text);
        if (!names_a_host(text))
            n_different += compare(text, counts);
    }
    printf("%lu compiled, %lu syntax errors, %lu refused for another reason; %u different\n", counts[0],
           counts[1], counts[2], n_different);
    if (count >= DEFAULT_COUNT && (counts[0] < count / 20 || counts[1] < count / 20)) {
        printf("too few of a kind to show anything\n");
        return 1;
    }
    return n_different > 0;
}
