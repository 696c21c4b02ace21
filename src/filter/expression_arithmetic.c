/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a filter text: numbers, the length of the packet, bytes of headers, and operators between
 * them. The relation that makes a primitive of two of them is the grammar's. */
#include <string.h>

#include "filter/expression_parser_int.h"

/* Whether libpcap can read bytes of the protocol. */
static bool indexes(uint32_t protocol)
{
    switch (protocol) {
    case CM_P_AARP:
    case CM_P_AH:
    case CM_P_ESP:
    case CM_P_ISO:
    case CM_P_ESIS:
    case CM_P_ISIS:
    case CM_P_ISIS_PART:
    case CM_P_CLNP:
    case CM_P_STP:
    case CM_P_IPX:
    case CM_P_NETBEUI:
        return false;
    default:
        return true;
    }
}

bool cm_x_read_index(struct cm_expression_parser *parser, const struct cm_expression_token *protocol)
{
    struct cm_expression_token open = parser->token;

    if (!cm_x_enter(parser))
        return false;
    if (!indexes(protocol->value))
        return cm_expression_wrong_token(parser, protocol, "the bytes of '%s' cannot be asked for");
    cm_x_advance(parser);
    if (!cm_x_read_arithmetic(parser))
        return false;
    if (cm_x_is_symbol(parser, ':')) {
        struct cm_expression_token colon = parser->token;

        cm_x_advance(parser);
        if (cm_x_is_kind(parser, CM_X_NUMBER) && parser->token.wrong == NULL && parser->token.value != 1 &&
            parser->token.value != 2 && parser->token.value != 4)
            return cm_x_wrong(parser, "1, 2 or 4 bytes can be read at once, not %s");
        if (!cm_x_read_number(parser, &colon, "1, 2 or 4, the number of bytes", 4))
            return false;
    }
    if (cm_x_is_kind(parser, CM_X_END))
        return cm_expression_wrong_token(parser, &open, "this '%s' is never closed");
    if (!cm_x_is_symbol(parser, ']'))
        return cm_x_wrong(parser, "']' is missing before '%s'");
    cm_x_advance(parser);
    cm_x_leave(parser);
    return true;
}

bool cm_x_is_operator(const struct cm_expression_parser *parser)
{
    return parser->token.kind == CM_X_SYMBOL &&
           (parser->token.value == CM_X_LSH || parser->token.value == CM_X_RSH ||
            (parser->token.value < 256 && strchr("+-*/%&|^", (int)parser->token.value) != NULL));
}

bool cm_x_is_relation(const struct cm_expression_parser *parser)
{
    return cm_x_is_symbol(parser, '>') || cm_x_is_symbol(parser, '<') || cm_x_is_symbol(parser, '=') ||
           cm_x_is_symbol(parser, CM_X_GEQ) || cm_x_is_symbol(parser, CM_X_LEQ) ||
           cm_x_is_symbol(parser, CM_X_NEQ);
}

bool cm_x_read_factor(struct cm_expression_parser *parser)
{
    struct cm_expression_token token = parser->token;

    while (cm_x_is_symbol(parser, '-'))
        cm_x_advance(parser);
    token = parser->token;
    if (cm_x_is_symbol(parser, '(')) {
        if (!cm_x_enter(parser))
            return false;
        cm_x_advance(parser);
        if (!cm_x_read_arithmetic(parser))
            return false;
        if (cm_x_is_kind(parser, CM_X_END))
            return cm_expression_wrong_token(parser, &token, "this '%s' is never closed");
        if (!cm_x_is_symbol(parser, ')'))
            return cm_x_wrong(parser, "')' is missing before '%s'");
        cm_x_advance(parser);
        cm_x_leave(parser);
        return true;
    }
    if (token.wrong == NULL && (cm_x_accept(parser, CM_X_NUMBER) || cm_x_accept(parser, CM_X_LEN)))
        return true;
    if (cm_x_accept(parser, CM_X_PROTOCOL)) {
        if (!cm_x_is_symbol(parser, '['))
            return cm_x_lacks(parser, &token, "the place of a byte in brackets");
        return cm_x_read_index(parser, &token);
    }
    if (cm_x_is_kind(parser, CM_X_NAME) && parser->token.wrong == NULL)
        return cm_x_wrong(parser,
                          "'%s' is no number: between an operator and a number there must be blanks where "
                          "they could be read as a name");
    return cm_x_lacks(parser, &parser->last, "a number, 'len' or bytes of a header such as ip[8]");
}

bool cm_x_read_operations(struct cm_expression_parser *parser)
{
    while (cm_x_is_operator(parser)) {
        cm_x_advance(parser);
        if (!cm_x_read_factor(parser))
            return false;
    }
    return true;
}

bool cm_x_read_arithmetic(struct cm_expression_parser *parser)
{
    return cm_x_read_factor(parser) && cm_x_read_operations(parser);
}
