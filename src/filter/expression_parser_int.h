/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the parser share: expression_grammar.c reads the text, with expression_fields.c for words of
 * their own, expression_arithmetic.c for what is calculated and expression_tokens.c for each token;
 * expression_check.c looks at the values in it. */
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

/* --- tokens: cm_x_, as short as their kinds, for all the files of the parser --- */

static inline void cm_x_advance(struct cm_expression_parser *parser)
{
    parser->last = parser->token;
    parser->token = cm_expression_lex(parser->text, parser->token.end);
}

static inline bool cm_x_is_symbol(const struct cm_expression_parser *parser, uint32_t symbol)
{
    return parser->token.kind == CM_X_SYMBOL && parser->token.value == symbol;
}

static inline bool cm_x_is_kind(const struct cm_expression_parser *parser, enum cm_expression_kind kind)
{
    return parser->token.kind == kind;
}

static inline bool cm_x_accept(struct cm_expression_parser *parser, enum cm_expression_kind kind)
{
    if (parser->token.kind != kind)
        return false;
    cm_x_advance(parser);
    return true;
}

/* cm_expression_wrong_token of the next. */
bool cm_x_wrong(struct cm_expression_parser *parser, const char *format);
/* The next token cannot stand where `after` was the last: what is missing there. */
bool cm_x_lacks(struct cm_expression_parser *parser, const struct cm_expression_token *after,
                const char *what);
/* A number without parentheses, which `after` needs. */
bool cm_x_read_number(struct cm_expression_parser *parser, const struct cm_expression_token *after,
                      const char *what, uint32_t most);
/* Into a parenthesis or bracket, if there may be one more, and out of it. */
bool cm_x_enter(struct cm_expression_parser *parser);
void cm_x_leave(struct cm_expression_parser *parser);

/* --- fields (expression_fields.c) --- */

/* `type`, `subtype` or `dir`, and what comes after it. */
bool cm_x_read_80211(struct cm_expression_parser *parser);
/* A primitive that begins with another word of its own: the next token. */
bool cm_x_read_word(struct cm_expression_parser *parser);

/* --- arithmetic (expression_arithmetic.c) --- */

bool cm_x_is_operator(const struct cm_expression_parser *parser);
bool cm_x_is_relation(const struct cm_expression_parser *parser);
/* [place] or [place:size] after a protocol. */
bool cm_x_read_index(struct cm_expression_parser *parser, const struct cm_expression_token *protocol);
/* One value: a number, len, bytes of a header, something in parentheses. */
bool cm_x_read_factor(struct cm_expression_parser *parser);
/* Operators and the values after them, as many as come. */
bool cm_x_read_operations(struct cm_expression_parser *parser);
/* A value and the operations on it. */
bool cm_x_read_arithmetic(struct cm_expression_parser *parser);

/* --- values (expression_check.c) --- */

/* enum cm_expression_protocol: whether `port` can follow. */
bool cm_expression_takes_ports(uint32_t protocol);

/* Whether what stands after the words can be an address, port or protocol there: `first` is it, `second` the
 * number after its '/' or the address after `mask` (kind END: none). */
bool cm_expression_check_value(struct cm_expression_parser *parser, const struct cm_expression_token *first,
                               const struct cm_expression_token *second);

#endif
