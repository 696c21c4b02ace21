/* SPDX-License-Identifier: Apache-2.0 */
/* The filter language inside: its words, its tokens, and what reading a text yields. Only the expression_ and
 * pcap_ files of this room include it. */
#ifndef CM_FILTER_EXPRESSION_INT_H
#define CM_FILTER_EXPRESSION_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The longest text that is read. libpcap's compiler takes time and stack that grow with it, the time as its
 * square. */
#define CM_EXPRESSION_MAX_BYTES 65536u
/* Parentheses, and brackets within brackets: our parser calls itself for each. */
#define CM_EXPRESSION_MAX_DEPTH 500u

enum cm_expression_kind {
    CM_X_END,
    CM_X_WRONG, /* no token of the language */
    CM_X_NUMBER,
    CM_X_NAME,
    CM_X_IPV4, /* one with a point at least: 10.1 */
    CM_X_IPV6,
    CM_X_MAC,
    CM_X_ARCNET, /* $1f */
    CM_X_SYMBOL, /* value: the character, or below */
    CM_X_AND,
    CM_X_OR,
    CM_X_NOT,
    CM_X_PROTOCOL,  /* value: enum cm_expression_protocol */
    CM_X_DIRECTION, /* src, dst, addr1 ...: value: enum cm_expression_direction */
    CM_X_HOST,
    CM_X_NET,
    CM_X_MASK,
    CM_X_PORT,
    CM_X_PORTRANGE,
    CM_X_PROTO,
    CM_X_PROTOCHAIN,
    CM_X_GATEWAY,
    CM_X_TYPE,
    CM_X_SUBTYPE,
    CM_X_DIR,
    CM_X_LENGTH_LIMIT, /* less, greater */
    CM_X_BYTE,
    CM_X_CAST,  /* broadcast, multicast */
    CM_X_BOUND, /* inbound, outbound */
    CM_X_LEN,
    CM_X_IFINDEX,
    CM_X_VLAN,
    CM_X_MPLS,
    CM_X_PPPOED,
    CM_X_PPPOES,
    CM_X_GENEVE,
    CM_X_LLC,
    CM_X_ATM_TYPE,
    CM_X_ATM_FIELD,
    CM_X_PF_NAME,   /* ifname, rset */
    CM_X_PF_NUMBER, /* rnr, srnr */
    CM_X_PF_REASON,
    CM_X_PF_ACTION,
    CM_X_MTP2_TYPE,
    CM_X_MTP3_FIELD, /* value: the greatest that libpcap takes */
};

/* Symbols of two characters; the others stand for themselves. */
enum { CM_X_GEQ = 256, CM_X_LEQ, CM_X_NEQ, CM_X_LSH, CM_X_RSH };

enum cm_expression_protocol {
    CM_P_NONE,
    CM_P_LINK,
    CM_P_IP,
    CM_P_ARP,
    CM_P_RARP,
    CM_P_SCTP,
    CM_P_TCP,
    CM_P_UDP,
    CM_P_ICMP,
    CM_P_IGMP,
    CM_P_IGRP,
    CM_P_PIM,
    CM_P_VRRP,
    CM_P_CARP,
    CM_P_ATALK,
    CM_P_AARP,
    CM_P_DECNET,
    CM_P_LAT,
    CM_P_SCA,
    CM_P_MOPRC,
    CM_P_MOPDL,
    CM_P_IPV6,
    CM_P_ICMPV6,
    CM_P_AH,
    CM_P_ESP,
    CM_P_ISO,
    CM_P_ESIS,
    CM_P_ISIS,
    CM_P_ISIS_PART, /* l1, l2, iih, lsp, snp, csnp, psnp */
    CM_P_CLNP,
    CM_P_STP,
    CM_P_IPX,
    CM_P_NETBEUI,
    CM_P_RADIO,
};

enum cm_expression_direction { CM_D_NONE, CM_D_SRC, CM_D_DST, CM_D_ADDRESS };

struct cm_expression_token {
    enum cm_expression_kind kind;
    uint32_t start, end; /* bytes of the text */
    uint32_t value;      /* NUMBER: it; a keyword: what its kind says */
    const char *wrong;   /* what is wrong with it, where something is: a static text */
};

struct cm_expression_word {
    const char *text;
    enum cm_expression_kind kind;
    uint32_t value;
};

/* What is wrong and where. */
struct cm_expression_fault {
    bool is_set;
    uint32_t at; /* byte of the text; its length: at the end */
    char text[320];
};

/* A part of the text that means something by itself, perhaps with words from further left. */
struct cm_expression_primitive {
    uint32_t start, end;
    uint32_t words_start, words_end; /* "src host" of the primitive whose words it takes over; else empty */
};

/* More are refused: libpcap's compiler takes seconds for them. */
#define CM_EXPRESSION_MAX_PRIMITIVES 500u

#define CM_EXPRESSION_PRIMITIVES 256 /* remembered; a fault in one beyond is shown without its column */

struct cm_expression_reading {
    struct cm_expression_fault fault;
    struct cm_expression_primitive primitives[CM_EXPRESSION_PRIMITIVES];
    uint32_t n_primitives;
    uint32_t n_read; /* of all, those not remembered too */
    /* `port` words (bytes of the text) that mean portrange: some port after them is one of the form A-B */
    uint32_t ranges[CM_EXPRESSION_PRIMITIVES];
    uint32_t n_ranges;
    uint32_t bound_at; /* an `inbound`, `outbound` or `ifindex`; UINT32_MAX: none */
};

/* The words of the language and their tables (expression_words.c). NULL: no such word. */
const struct cm_expression_word *cm_expression_word_find(const char *text, size_t n);
enum cm_expression_names {
    CM_NAMES_80211_TYPE,
    CM_NAMES_80211_MANAGEMENT,
    CM_NAMES_80211_CONTROL,
    CM_NAMES_80211_DATA,
    CM_NAMES_80211_DIR,
    CM_NAMES_LLC,
    CM_NAMES_PF_REASON,
    CM_NAMES_PF_ACTION,
};
/* The number of a name in a table, whatever its case; -1: it is not there. */
int cm_expression_name_find(enum cm_expression_names names, const char *text, size_t n);

/* The token at a byte (expression_lexer.c). */
struct cm_expression_token cm_expression_lex(const char *text, uint32_t at);

/* Read the text; false: see reading->fault (expression_grammar.c). */
bool cm_expression_read(const char *text, struct cm_expression_reading *reading);

/* Where a text comes from, as it is shown (expression_message.c): whole, or its end where it is longer than a
 * message has room for. Of a configuration file that is where line and column stand. */
#define CM_EXPRESSION_ORIGIN_BYTES 304
const char *cm_expression_origin(char shown[CM_EXPRESSION_ORIGIN_BYTES], const char *origin);
/* The three-line message of a fault (expression_message.c). */
enum capmill_status cm_expression_fault_tell(struct cm_error *error, const char *origin, const char *text,
                                             const struct cm_expression_fault *fault);
/* printf into a fault, which keeps the first. */
void cm_expression_fault_set(struct cm_expression_fault *fault, uint32_t at, const char *format, ...)
    CM_PRINTF(3, 4);

#endif
