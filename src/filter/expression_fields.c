/* SPDX-License-Identifier: Apache-2.0 */
/* Primitives that begin with a word of their own and take no address: tags and labels, lengths and bytes, frames
 * of 802.11 and LLC, fields of pf, ATM and SS7. */
#include "filter/expression_parser_int.h"

/* A number, in as many parentheses as one likes. */
static bool read_wrapped_number(struct cm_expression_parser *parser, const struct cm_expression_token *after,
                                uint32_t most)
{
    struct cm_expression_token open[1] = {parser->token};
    uint32_t n_open = 0;

    for (; cm_x_is_symbol(parser, '('); n_open++)
        cm_x_advance(parser);
    if (n_open > CM_EXPRESSION_MAX_DEPTH)
        return cm_expression_wrong_token(parser, open, "more than 500 parentheses begin here");
    if (!cm_x_read_number(parser, after, "a number", most))
        return false;
    for (; n_open > 0; n_open--) {
        if (!cm_x_is_symbol(parser, ')'))
            return cm_x_is_kind(parser, CM_X_END)
                       ? cm_expression_wrong_token(parser, open, "this '%s' is never closed")
                       : cm_x_wrong(parser, "')' is missing before '%s'");
        cm_x_advance(parser);
    }
    return true;
}

static bool read_name_of(struct cm_expression_parser *parser, const enum cm_expression_names *tables,
                         size_t n_tables, const char *what)
{
    for (size_t i = 0; i < n_tables; i++)
        if (cm_expression_name_find(
                tables[i], parser->text + parser->token.start + (parser->text[parser->token.start] == '\\'),
                parser->token.end - parser->token.start - (parser->text[parser->token.start] == '\\')) >= 0) {
            cm_x_advance(parser);
            return true;
        }
    return cm_x_wrong(parser, what);
}

bool cm_x_read_80211(struct cm_expression_parser *parser)
{
    static const enum cm_expression_names types[] = {CM_NAMES_80211_TYPE},
                                          directions[] = {CM_NAMES_80211_DIR};
    static const enum cm_expression_names subtypes[] = {CM_NAMES_80211_MANAGEMENT, CM_NAMES_80211_CONTROL,
                                                        CM_NAMES_80211_DATA};
    struct cm_expression_token word = parser->token;
    int type = -1;

    cm_x_advance(parser);
    if (parser->token.wrong != NULL ||
        (!cm_x_is_kind(parser, CM_X_NAME) && !cm_x_is_kind(parser, CM_X_NUMBER)))
        return cm_x_lacks(parser, &word,
                          word.kind == CM_X_TYPE      ? "'mgt', 'ctl' or 'data'"
                          : word.kind == CM_X_SUBTYPE ? "a frame's subtype such as 'beacon'"
                                                      : "'nods', 'tods', 'fromds', 'dstods' or a number");
    if (word.kind == CM_X_DIR)
        return cm_x_accept(parser, CM_X_NUMBER) ||
               read_name_of(parser, directions, 1,
                            "'%s' is no direction: 'nods', 'tods', 'fromds' or 'dstods'");
    if (word.kind == CM_X_SUBTYPE) {
        if (cm_x_is_kind(parser, CM_X_NUMBER))
            return cm_x_wrong(parser, "'subtype' takes a name such as 'beacon'; a number only after 'type'");
        return read_name_of(parser, subtypes, 3, "'%s' is no subtype of an 802.11 frame");
    }
    if (cm_x_is_kind(parser, CM_X_NUMBER)) {
        if ((parser->token.value & ~0x0cu) != 0)
            return cm_x_wrong(parser, "%s is no type of an 802.11 frame: 0, 4 or 8");
        type = (int)(parser->token.value >> 2);
        cm_x_advance(parser);
    } else {
        uint32_t at = parser->token.start;

        if (!read_name_of(parser, types, 1, "'%s' is no type of an 802.11 frame: 'mgt', 'ctl' or 'data'"))
            return false;
        at += parser->text[at] == '\\';
        type = (parser->text[at] | 0x20) == 'm' ? 0 : (parser->text[at] | 0x20) == 'c' ? 1 : 2;
    }
    word = parser->token;
    if (!cm_x_accept(parser, CM_X_SUBTYPE))
        return true;
    if (cm_x_is_kind(parser, CM_X_NUMBER) && parser->token.wrong == NULL) {
        if ((parser->token.value & ~0xf0u) != 0)
            return cm_x_wrong(parser, "%s is no subtype of an 802.11 frame: a multiple of 16 up to 240");
        cm_x_advance(parser);
        return true;
    }
    if (!cm_x_is_kind(parser, CM_X_NAME))
        return cm_x_lacks(parser, &word, "a frame's subtype such as 'beacon'");
    if (type > 2)
        return cm_x_wrong(parser, "there are no names for the subtypes of this type: '%s' cannot be one");
    return read_name_of(parser, subtypes + type, 1, "'%s' is no subtype of 802.11 frames of this type");
}

static bool read_llc(struct cm_expression_parser *parser)
{
    static const enum cm_expression_names names[] = {CM_NAMES_LLC};

    cm_x_advance(parser);
    if (cm_x_is_kind(parser, CM_X_NAME))
        return read_name_of(parser, names, 1,
                            "'%s' is no kind of LLC frame: such as 'i', 's', 'u', 'rr', 'xid'");
    if (cm_x_is_kind(parser, CM_X_PF_NUMBER) && parser->token.value == 0)
        cm_x_advance(parser); /* the LLC frame and not the word of pf */
    return true;
}

static bool read_pf(struct cm_expression_parser *parser)
{
    static const enum cm_expression_names reasons[] = {CM_NAMES_PF_REASON}, actions[] = {CM_NAMES_PF_ACTION};
    struct cm_expression_token word = parser->token;

    cm_x_advance(parser);
    switch (word.kind) {
    case CM_X_PF_NAME:
        return cm_x_accept(parser, CM_X_NAME) || cm_x_lacks(parser, &word, "a name");
    case CM_X_PF_NUMBER:
        return cm_x_read_number(parser, &word, "the number of a rule", UINT32_MAX);
    case CM_X_PF_REASON:
        if (cm_x_is_kind(parser, CM_X_NUMBER))
            return cm_x_read_number(parser, &word, "a reason", UINT32_MAX);
        if (!cm_x_is_kind(parser, CM_X_NAME))
            return cm_x_lacks(parser, &word, "a reason such as 'match' or a number");
        return read_name_of(parser, reasons, 1,
                            "'%s' is no reason of pf: such as 'match', 'fragment', 'state-limit'");
    default:
        if (!cm_x_is_kind(parser, CM_X_NAME))
            return cm_x_lacks(parser, &word, "an action such as 'pass' or 'block'");
        return read_name_of(parser, actions, 1, "'%s' is no action of pf: such as 'pass', 'block', 'nat'");
    }
}

/* vpi, vci, sio, opc and the like: a number, a comparison, or numbers in parentheses joined by `or`. */
static bool read_field(struct cm_expression_parser *parser)
{
    struct cm_expression_token word = parser->token, open;
    uint32_t most = word.kind == CM_X_MTP3_FIELD ? word.value : UINT32_MAX;

    cm_x_advance(parser);
    open = parser->token;
    if (cm_x_is_symbol(parser, '>') || cm_x_is_symbol(parser, '<') || cm_x_is_symbol(parser, '=') ||
        cm_x_is_symbol(parser, CM_X_GEQ) || cm_x_is_symbol(parser, CM_X_LEQ) ||
        cm_x_is_symbol(parser, CM_X_NEQ)) {
        cm_x_advance(parser);
        return cm_x_read_number(parser, &open, "a number", most);
    }
    if (!cm_x_is_symbol(parser, '('))
        return cm_x_read_number(parser, &word, "a number", most);
    do {
        struct cm_expression_token before = parser->token;

        cm_x_advance(parser);
        if (!cm_x_read_number(parser, &before, "a number", most))
            return false;
    } while (cm_x_is_kind(parser, CM_X_OR));
    if (cm_x_is_kind(parser, CM_X_END))
        return cm_expression_wrong_token(parser, &open, "this '%s' is never closed");
    if (!cm_x_is_symbol(parser, ')'))
        return cm_x_wrong(parser, "only 'or' and numbers can stand in these parentheses, not '%s'");
    cm_x_advance(parser);
    return true;
}

static bool read_byte(struct cm_expression_parser *parser)
{
    struct cm_expression_token word = parser->token, sign;

    cm_x_advance(parser);
    if (!cm_x_read_number(parser, &word, "the place of a byte", UINT32_MAX))
        return false;
    sign = parser->token;
    if (!cm_x_is_symbol(parser, '&') && !cm_x_is_symbol(parser, '|') && !cm_x_is_symbol(parser, '<') &&
        !cm_x_is_symbol(parser, '>') && !cm_x_is_symbol(parser, '='))
        return cm_x_lacks(parser, &word, "a place and then one of = < > & |");
    cm_x_advance(parser);
    return cm_x_read_number(parser, &sign, "a number", UINT32_MAX);
}

/* Primitives that begin with a word of their own. */
bool cm_x_read_word(struct cm_expression_parser *parser)
{
    struct cm_expression_token word = parser->token;

    switch (word.kind) {
    case CM_X_LENGTH_LIMIT:
        cm_x_advance(parser);
        return cm_x_read_number(parser, &word, "a length in bytes", UINT32_MAX);
    case CM_X_BYTE:
        return read_byte(parser);
    case CM_X_BOUND:
    case CM_X_IFINDEX:
        if (parser->reading->bound_at == UINT32_MAX)
            parser->reading->bound_at = word.start;
        cm_x_advance(parser);
        return word.kind == CM_X_BOUND ||
               cm_x_read_number(parser, &word, "the number of an interface", UINT32_MAX);
    case CM_X_VLAN:
    case CM_X_MPLS:
    case CM_X_PPPOES:
    case CM_X_GENEVE:
        cm_x_advance(parser);
        return (!cm_x_is_kind(parser, CM_X_NUMBER) && !cm_x_is_symbol(parser, '(')) ||
               read_wrapped_number(parser, &word, word.value);
    case CM_X_LLC:
        return read_llc(parser);
    case CM_X_PF_NAME:
    case CM_X_PF_NUMBER:
    case CM_X_PF_REASON:
    case CM_X_PF_ACTION:
        return read_pf(parser);
    case CM_X_ATM_FIELD:
    case CM_X_MTP3_FIELD:
        return read_field(parser);
    default: /* pppoed, kinds of ATM and of MTP2 */
        cm_x_advance(parser);
        return true;
    }
}
