/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the parser ask of the next token, and what they say where another was needed. */
#include <stdio.h>
#include <string.h>

#include "filter/expression_parser_int.h"

void cm_expression_show(char shown[CM_EXPRESSION_SHOWN], const char *text,
                        const struct cm_expression_token *token)
{
    uint32_t length = token->end - token->start;
    const char *rest = "";

    if (length >= CM_EXPRESSION_SHOWN) {
        length = CM_EXPRESSION_SHOWN - 4;
        while (length > 0 && ((unsigned char)text[token->start + length] & 0xc0) == 0x80)
            length--; /* not in the middle of a character */
        rest = "...";
    }
    snprintf(shown, CM_EXPRESSION_SHOWN, "%.*s%s", (int)length, text + token->start, rest);
}

bool cm_expression_wrong_token(struct cm_expression_parser *parser, const struct cm_expression_token *token,
                               const char *format)
{
    char shown[CM_EXPRESSION_SHOWN], text[256];
    const char *at = strstr(format, "%s");

    cm_expression_show(shown, parser->text, token);
    if (at != NULL)
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - format), format, shown, at + 2);
    else
        snprintf(text, sizeof(text), "%s", format);
    cm_expression_fault_set(&parser->reading->fault, token->start, "%s", text);
    return false;
}

bool cm_expression_wrong_itself(struct cm_expression_parser *parser, const struct cm_expression_token *token)
{
    char format[128];

    snprintf(format, sizeof(format), "'%%s' %s", token->wrong);
    return cm_expression_wrong_token(parser, token, format);
}

bool cm_x_wrong(struct cm_expression_parser *parser, const char *format)
{
    return cm_expression_wrong_token(parser, &parser->token, format);
}

bool cm_x_lacks(struct cm_expression_parser *parser, const struct cm_expression_token *after,
                const char *what)
{
    char last[CM_EXPRESSION_SHOWN], here[CM_EXPRESSION_SHOWN];

    if (parser->token.wrong != NULL)
        return cm_expression_wrong_itself(parser, &parser->token);
    cm_expression_show(last, parser->text, after);
    cm_expression_show(here, parser->text, &parser->token);
    if (cm_x_is_kind(parser, CM_X_WRONG))
        return cm_x_wrong(parser, "'%s' has no meaning in a filter expression");
    if (cm_x_is_kind(parser, CM_X_END))
        cm_expression_fault_set(&parser->reading->fault, after->start, "'%s' needs %s after it", last, what);
    else
        cm_expression_fault_set(&parser->reading->fault, parser->token.start,
                                "'%s' needs %s after it, not '%s'", last, what, here);
    return false;
}

bool cm_x_read_number(struct cm_expression_parser *parser, const struct cm_expression_token *after,
                      const char *what, uint32_t most)
{
    if (!cm_x_is_kind(parser, CM_X_NUMBER) || parser->token.wrong != NULL)
        return cm_x_lacks(parser, after, what);
    if (parser->token.value > most) {
        char format[96];

        snprintf(format, sizeof(format), "%.*s %%s is out of range: 0 to %u",
                 (int)(after->end - after->start), parser->text + after->start, most);
        return cm_x_wrong(parser, format);
    }
    cm_x_advance(parser);
    return true;
}

bool cm_x_enter(struct cm_expression_parser *parser)
{
    if (++parser->depth > CM_EXPRESSION_MAX_DEPTH)
        return cm_x_wrong(parser, "there are more than 500 parentheses and brackets within each other here");
    return true;
}

void cm_x_leave(struct cm_expression_parser *parser)
{
    parser->depth--;
}
