/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the parser share: expression_grammar.c reads the text, expression_check.c looks at the
 * values in it. */
#ifndef CM_FILTER_EXPRESSION_PARSER_INT_H
#define CM_FILTER_EXPRESSION_PARSER_INT_H

#include "filter/expression_int.h"

/* What is said before a host, net, port or protocol; a bare name after `and` or `or` takes it over. */
struct cm_expression_words {
    bool is_set; /* false: the primitive before had no such words */
    uint32_t protocol;
    uint32_t direction;
    enum cm_expression_kind what; /* HOST, NET, PORT, PORTRANGE, PROTO, PROTOCHAIN, GATEWAY; END: not said */
    uint32_t start, end;          /* of the words */
    uint32_t what_at;             /* of the word for `what` */
};

struct cm_expression_parser {
    const char *text;
    struct cm_expression_token token;  /* the next to be looked at */
    struct cm_expression_token last;   /* the one before it */
    struct cm_expression_token number; /* the last that may turn out to be an id or a value */
    uint32_t depth;
    uint32_t bare_at;                 /* the last name or address that stood without words before it */
    struct cm_expression_words words; /* in force */
    struct cm_expression_reading *reading;
};

/* A token as it is shown: whole, or its beginning. */
#define CM_EXPRESSION_SHOWN 48
void cm_expression_show(char shown[CM_EXPRESSION_SHOWN], const char *text,
                        const struct cm_expression_token *token);

/* Each records what is wrong and answers false. The format may show the token as %s. */
bool cm_expression_wrong_token(struct cm_expression_parser *parser, const struct cm_expression_token *token,
                               const char *format);
/* What the lexer found wrong with the token. */
bool cm_expression_wrong_itself(struct cm_expression_parser *parser, const struct cm_expression_token *token);

/* enum cm_expression_protocol: whether `port` can follow. */
bool cm_expression_takes_ports(uint32_t protocol);

/* Whether what stands after the words can be an address, port or protocol there: `first` is it, `second` the
 * number after its '/' or the address after `mask` (kind END: none). */
bool cm_expression_check_value(struct cm_expression_parser *parser, const struct cm_expression_token *first,
                               const struct cm_expression_token *second);

#endif
