/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a filter text by the grammar of libpcap 1.10 and says what is wrong with it and where. It makes no
 * program: that is libpcap's part. It accepts what libpcap's own parser accepts, which is more than the manual
 * shows and less than looks reasonable: `host a or (b and c)` is right, `host a or ((b))` is not. */
#include <stdio.h>
#include <string.h>

#include "filter/expression_parser_int.h"

/* What may stand at a place. An address without words before it ("id" below) is right only after `and` and `or`,
 * after the words themselves, and in parentheses there. libpcap's parser decides between the two kinds of
 * parentheses by what comes first in them. */
enum place {
    PLACE_TERM,     /* a whole primitive or an arithmetic expression */
    PLACE_BOTH,     /* that, or an id */
    PLACE_GROUP,    /* first in parentheses of BOTH: that, or an id that is no parentheses itself */
    PLACE_ID,       /* an id alone */
    PLACE_ID_GROUP, /* first in parentheses of ID */
    PLACE_NUMBER,   /* a number, in parentheses or not */
};

/* What was read. */
enum found {
    FOUND_WRONG,
    FOUND_TERM,
    FOUND_ID,
    FOUND_NUMBER, /* still an id or part of an arithmetic expression */
    FOUND_ARITHMETIC,
};

static enum found read_operand(struct cm_expression_parser *parser, enum place place, bool in_group);

/* --- words --- */

static bool starts_primitive(enum cm_expression_kind kind)
{
    return kind >= CM_X_PROTOCOL && kind != CM_X_MASK;
}

static bool starts_value(enum cm_expression_kind kind)
{
    return kind >= CM_X_NUMBER && kind <= CM_X_ARCNET;
}

/* What joins primitives or turns one round is the last before the end. */
static bool lacks_primitive(struct cm_expression_parser *parser, const struct cm_expression_token *after)
{
    cm_expression_fault_set(&parser->reading->fault, after->start,
                            "'%.*s' needs a primitive after it, such as 'host 10.0.0.1' or 'tcp port 80'",
                            (int)(after->end - after->start), parser->text + after->start);
    return false;
}

/* --- primitives --- */

static void remember(struct cm_expression_parser *parser, uint32_t start, uint32_t words_start,
                     uint32_t words_end)
{
    struct cm_expression_reading *reading = parser->reading;

    if (reading->n_primitives < CM_EXPRESSION_PRIMITIVES)
        reading->primitives[reading->n_primitives++] =
            (struct cm_expression_primitive){start, parser->last.end, words_start, words_end};
}

static const char *value_wanted(const struct cm_expression_parser *parser)
{
    switch (parser->words.what) {
    case CM_X_NET:
        return "a network such as 10.0.0.0/8";
    case CM_X_PORT:
        return "a number from 0 to 65535 or a name";
    case CM_X_PORTRANGE:
        return "two ports such as 6000-6008";
    case CM_X_PROTO:
    case CM_X_PROTOCHAIN:
        return "a number or a name such as \\tcp";
    case CM_X_GATEWAY:
        return "the name of a host";
    default:
        return parser->words.protocol == CM_P_LINK ? "an address such as 00:11:22:33:44:55"
                                                   : "an address or the name of a host";
    }
}

/* An address, a port or a protocol, with the words in force. */
static bool read_value(struct cm_expression_parser *parser)
{
    struct cm_expression_token first = parser->token, second = {.kind = CM_X_END};
    const struct cm_expression_words *words = &parser->words;

    cm_x_advance(parser);
    if (first.kind == CM_X_IPV4 || first.kind == CM_X_IPV6) {
        struct cm_expression_token slash = parser->token;

        if (cm_x_is_symbol(parser, '/')) {
            cm_x_advance(parser);
            second = parser->token;
            if (!cm_x_read_number(parser, &slash, "the length of the prefix in bits", UINT32_MAX))
                return false;
        } else if (first.kind == CM_X_IPV4 && cm_x_accept(parser, CM_X_MASK)) {
            second = parser->token;
            if (!cm_x_accept(parser, CM_X_IPV4))
                return cm_x_lacks(parser, &slash, "a mask such as 255.255.0.0");
        }
    } else if (cm_x_is_symbol(parser, '/') && first.kind != CM_X_NUMBER) {
        return cm_expression_wrong_token(parser, &parser->token, "only an address can have a prefix");
    } else if (cm_x_is_symbol(parser, '/') && words->is_set && words->what == CM_X_NET) {
        return cm_x_wrong(parser,
                          "a prefix needs an address of two parts at least before the '%s', such as 10.0/16");
    } else if (cm_x_is_kind(parser, CM_X_MASK)) {
        return cm_x_wrong(parser, "'mask' needs an address of two parts at least before it, such as 10.0");
    }
    if (!cm_expression_check_value(parser, &first, &second))
        return false;
    if (words->is_set && words->end <= first.start)
        remember(parser, first.start, words->start, words->end);
    return true;
}

/* `proto tcp` where `proto \tcp` is meant, and other words that cannot stand as names. */
static bool wrong_value(struct cm_expression_parser *parser)
{
    bool is_protocol = parser->words.what == CM_X_PROTO || parser->words.what == CM_X_PROTOCHAIN;

    if (is_protocol && cm_x_is_kind(parser, CM_X_PROTOCOL))
        return cm_x_wrong(
            parser,
            "'%s' is a word of the language: as the name of a protocol it is written with a \\ before it");
    return cm_x_lacks(parser, &parser->last, value_wanted(parser));
}

/* After the protocol and direction: what kind, then its value. */
static bool read_head(struct cm_expression_parser *parser, struct cm_expression_words words)
{
    struct cm_expression_token token = parser->token;

    if (token.kind == CM_X_DIRECTION) {
        uint32_t first = token.value;

        words.direction = first;
        cm_x_advance(parser);
        if ((first == CM_D_SRC || first == CM_D_DST) &&
            (cm_x_is_kind(parser, CM_X_AND) || cm_x_is_kind(parser, CM_X_OR))) {
            struct cm_expression_token joint = parser->token;

            cm_x_advance(parser);
            if (!cm_x_is_kind(parser, CM_X_DIRECTION) || parser->token.value + first != CM_D_SRC + CM_D_DST)
                return cm_x_lacks(parser, &joint, first == CM_D_SRC ? "'dst'" : "'src'");
            cm_x_advance(parser);
        }
        token = parser->token;
        if (token.kind == CM_X_PROTO || token.kind == CM_X_PROTOCHAIN || token.kind == CM_X_GATEWAY)
            return cm_x_wrong(parser, "'%s' goes with no direction");
    }
    switch (token.kind) {
    case CM_X_HOST:
    case CM_X_NET:
    case CM_X_PORT:
    case CM_X_PORTRANGE:
    case CM_X_PROTO:
    case CM_X_PROTOCHAIN:
    case CM_X_GATEWAY:
        words.what = token.kind;
        words.what_at = token.start;
        cm_x_advance(parser);
        break;
    default:
        words.what = CM_X_END;
        break;
    }
    words.is_set = true;
    words.end = parser->last.end;
    parser->words = words;
    /* Said here already where the words do not go together, whatever comes. */
    return read_operand(parser, PLACE_ID, false) != FOUND_WRONG;
}

/* What may follow a protocol, or stand without one. False in *is_whole_ret: nothing of it came. */
static bool read_qualified(struct cm_expression_parser *parser, struct cm_expression_words words,
                           bool *is_whole_ret)
{
    *is_whole_ret = true;
    switch (parser->token.kind) {
    case CM_X_DIRECTION:
    case CM_X_HOST:
    case CM_X_NET:
    case CM_X_PORT:
    case CM_X_PORTRANGE:
    case CM_X_PROTO:
    case CM_X_PROTOCHAIN:
    case CM_X_GATEWAY:
        return read_head(parser, words);
    case CM_X_TYPE:
    case CM_X_SUBTYPE:
    case CM_X_DIR:
        parser->words.is_set = false;
        return cm_x_read_80211(parser);
    case CM_X_CAST:
        parser->words.is_set = false;
        cm_x_advance(parser);
        return true;
    default:
        *is_whole_ret = false;
        return true;
    }
}

/* What follows a value that was read: operators, a relation and the other side of it. */
static enum found read_relation(struct cm_expression_parser *parser, enum found found, enum place place,
                                bool in_group)
{
    if (cm_x_is_operator(parser)) {
        found = FOUND_ARITHMETIC;
        if (!cm_x_read_operations(parser))
            return FOUND_WRONG;
    }
    if (cm_x_is_relation(parser)) {
        cm_x_advance(parser);
        parser->words.is_set = false;
        return cm_x_read_arithmetic(parser) ? FOUND_TERM : FOUND_WRONG;
    }
    if (in_group && cm_x_is_symbol(parser, ')'))
        return found;
    if (found == FOUND_NUMBER && place != PLACE_TERM) { /* an id it is */
        struct cm_expression_token none = {.kind = CM_X_END};

        return cm_expression_check_value(parser, &parser->number, &none) ? found : FOUND_WRONG;
    }
    if (found == FOUND_NUMBER && !cm_x_is_kind(parser, CM_X_WRONG))
        return cm_x_wrong(
                   parser,
                   cm_x_is_kind(parser, CM_X_END)
                       ? "a number is no primitive: 'host', 'port' or the like is missing before it, or a "
                         "comparison after it"
                       : "a number is no primitive: a comparison such as '> 0' is missing before '%s'"),
               FOUND_WRONG;
    if (cm_x_is_kind(parser, CM_X_WRONG))
        return cm_x_wrong(parser, "'%s' has no meaning in a filter expression"), FOUND_WRONG;
    return cm_x_wrong(parser,
                      cm_x_is_kind(parser, CM_X_END)
                          ? "a value is no primitive: a comparison such as '> 0' is missing after it"
                          : "a value is no primitive: a comparison such as '> 0' is missing before '%s'"),
           FOUND_WRONG;
}

/* --- putting them together --- */

/* A name that would be a word of the language, were it in small letters. False: it would not. */
static bool wrong_case(struct cm_expression_parser *parser)
{
    char small[CM_EXPRESSION_SHOWN];
    uint32_t n = parser->token.end - parser->token.start;

    if (!cm_x_is_kind(parser, CM_X_NAME) || n >= sizeof(small))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        char c = parser->text[parser->token.start + i];

        small[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    small[n] = '\0';
    if (cm_expression_word_find(small, n) == NULL)
        return false;
    cm_expression_fault_set(&parser->reading->fault, parser->token.start,
                            "'%.*s' is written in small letters: '%s'", (int)n,
                            parser->text + parser->token.start, small);
    return true;
}

static bool is_joint(const struct cm_expression_parser *parser)
{
    return cm_x_is_kind(parser, CM_X_AND) || cm_x_is_kind(parser, CM_X_OR);
}

/* What came after a whole primitive and is neither a joint nor an end. */
static bool wrong_after(struct cm_expression_parser *parser)
{
    enum cm_expression_kind kind = parser->token.kind;

    if (wrong_case(parser))
        return false;
    if (parser->last.kind == CM_X_NAME && parser->last.start == parser->bare_at &&
        (starts_primitive(kind) || starts_value(kind)))
        return cm_expression_wrong_token(parser, &parser->last, "'%s' begins no primitive");
    if (kind == CM_X_WRONG)
        return cm_x_wrong(parser, strchr("&|", parser->text[parser->token.start]) != NULL
                                      ? "'%s' joins no primitives: 'and' or 'or' does"
                                      : "'%s' has no meaning in a filter expression");
    if (starts_primitive(kind) || starts_value(kind) || kind == CM_X_NOT || cm_x_is_symbol(parser, '('))
        return cm_x_wrong(parser, "'and' or 'or' is missing before '%s'");
    if (cm_x_is_symbol(parser, '&') || cm_x_is_symbol(parser, '|'))
        return cm_x_wrong(parser, "'%s' joins no primitives: 'and' or 'or' does");
    return cm_x_wrong(parser, "'%s' cannot stand here: 'and', 'or' or the end was expected");
}

/* The rest of a list after its first member: joints and members. */
static bool read_list(struct cm_expression_parser *parser, enum place place)
{
    while (is_joint(parser)) {
        struct cm_expression_token joint = parser->token;

        cm_x_advance(parser);
        if (++parser->reading->n_read >= CM_EXPRESSION_MAX_PRIMITIVES) {
            cm_expression_fault_set(
                &parser->reading->fault, joint.start,
                "there are more than %u primitives up to here, which is too much for libpcap",
                CM_EXPRESSION_MAX_PRIMITIVES);
            return false;
        }
        if (cm_x_is_kind(parser, CM_X_END) || cm_x_is_symbol(parser, ')') || is_joint(parser))
            return lacks_primitive(parser, &joint);
        if (read_operand(parser, place, false) == FOUND_WRONG)
            return false;
    }
    return true;
}

/* Between parentheses, from the first on to after the last. */
static enum found read_group(struct cm_expression_parser *parser, enum place place)
{
    struct cm_expression_token open = parser->token;
    enum found found;

    if (!cm_x_enter(parser))
        return FOUND_WRONG;
    cm_x_advance(parser);
    if (cm_x_is_symbol(parser, ')'))
        return cm_x_wrong(parser, "there is nothing between these parentheses"), FOUND_WRONG;
    if (cm_x_is_kind(parser, CM_X_END))
        return cm_expression_wrong_token(parser, &open, "this '%s' is never closed"), FOUND_WRONG;
    found = read_operand(parser, place, true);
    if (found == FOUND_WRONG)
        return FOUND_WRONG;
    if (found == FOUND_TERM) {
        if (!read_list(parser, PLACE_BOTH))
            return FOUND_WRONG;
    } else if (found == FOUND_ID || (found == FOUND_NUMBER && is_joint(parser) && place != PLACE_NUMBER)) {
        found = FOUND_ID;
        if (!read_list(parser, PLACE_ID))
            return FOUND_WRONG;
    }
    if (cm_x_is_kind(parser, CM_X_END))
        return cm_expression_wrong_token(parser, &open, "this '%s' is never closed"), FOUND_WRONG;
    if (!cm_x_is_symbol(parser, ')'))
        return wrong_after(parser), FOUND_WRONG;
    cm_x_advance(parser);
    cm_x_leave(parser);
    return found;
}

static const enum place inside[] = {
    [PLACE_TERM] = PLACE_TERM,   [PLACE_BOTH] = PLACE_GROUP,      [PLACE_GROUP] = PLACE_TERM,
    [PLACE_ID] = PLACE_ID_GROUP, [PLACE_ID_GROUP] = PLACE_NUMBER, [PLACE_NUMBER] = PLACE_NUMBER,
};

static bool takes_terms(enum place place)
{
    return place == PLACE_TERM || place == PLACE_BOTH || place == PLACE_GROUP;
}

static bool wrong_operand(struct cm_expression_parser *parser, enum place place)
{
    if (takes_terms(place) && wrong_case(parser))
        return false;
    if (parser->token.wrong != NULL)
        return cm_expression_wrong_itself(parser, &parser->token);
    if (cm_x_is_kind(parser, CM_X_WRONG))
        return cm_x_wrong(parser, "'%s' has no meaning in a filter expression");
    if (!takes_terms(place)) {
        if (place == PLACE_NUMBER && starts_value(parser->token.kind))
            return cm_x_wrong(parser, "'%s' stands in one pair of parentheses too many");
        if (parser->words.is_set && parser->words.end <= parser->token.start)
            return wrong_value(parser);
        return cm_x_wrong(parser, "a primitive was expected, not '%s'");
    }
    if (starts_value(parser->token.kind))
        return cm_x_wrong(parser,
                          "'%s' is no primitive: 'host', 'net', 'port' or the like is missing before it");
    if (is_joint(parser))
        return cm_x_wrong(parser, "'%s' needs a primitive before it");
    if (cm_x_is_symbol(parser, ')'))
        return cm_x_wrong(parser, "this '%s' closes nothing");
    return cm_x_wrong(parser, "'%s' begins no primitive");
}

/* A primitive that begins with a protocol or a word, or a value of an arithmetic expression. */
static enum found read_term(struct cm_expression_parser *parser, enum place place, bool in_group)
{
    struct cm_expression_token first = parser->token;
    struct cm_expression_words words = {.start = first.start};
    bool is_whole;

    if (first.kind == CM_X_LEN || cm_x_is_symbol(parser, '-')) {
        return cm_x_read_factor(parser) ? read_relation(parser, FOUND_ARITHMETIC, place, in_group)
                                        : FOUND_WRONG;
    }
    if (first.kind == CM_X_PROTOCOL) {
        cm_x_advance(parser);
        if (cm_x_is_symbol(parser, '[')) {
            if (!cm_x_read_index(parser, &first))
                return FOUND_WRONG;
            return read_relation(parser, FOUND_ARITHMETIC, place, in_group);
        }
        words.protocol = first.value;
        if (!read_qualified(parser, words, &is_whole))
            return FOUND_WRONG;
        if (!is_whole)
            parser->words.is_set = false;
        if (!is_whole && starts_value(parser->token.kind) && parser->token.wrong == NULL) {
            char format[128];

            if (wrong_case(parser))
                return FOUND_WRONG;
            snprintf(format, sizeof(format), "%s'%s' is missing between '%.*s' and '%%s'",
                     cm_x_is_kind(parser, CM_X_NAME) ? "'and', 'or' or a word such as " : "",
                     cm_expression_takes_ports(first.value) ? "port" : "host", (int)(first.end - first.start),
                     parser->text + first.start);
            return cm_x_wrong(parser, format), FOUND_WRONG;
        }
        return FOUND_TERM;
    }
    if (!starts_primitive(first.kind))
        return wrong_operand(parser, place), FOUND_WRONG;
    if (!read_qualified(parser, words, &is_whole))
        return FOUND_WRONG;
    if (!is_whole) {
        parser->words.is_set = false;
        if (!cm_x_read_word(parser))
            return FOUND_WRONG;
    }
    return FOUND_TERM;
}

/* An address or the like, or a number that may be the beginning of an arithmetic expression. */
static enum found read_id(struct cm_expression_parser *parser, enum place place, bool in_group)
{
    bool is_number = cm_x_is_kind(parser, CM_X_NUMBER);

    if (takes_terms(place)) {
        if (!parser->words.is_set && wrong_case(parser))
            return FOUND_WRONG;
        parser->bare_at = parser->token.start;
    }
    if (!is_number || !takes_terms(place))
        return !read_value(parser) ? FOUND_WRONG : is_number ? FOUND_NUMBER : FOUND_ID;
    parser->number = parser->token;
    cm_x_advance(parser);
    return read_relation(parser, FOUND_NUMBER, place, in_group);
}

static bool starts_id(const struct cm_expression_token *token, enum place place)
{
    if (token->kind == CM_X_NUMBER)
        return token->wrong == NULL;
    return starts_value(token->kind) && place != PLACE_TERM && place != PLACE_NUMBER;
}

static enum found read_operand(struct cm_expression_parser *parser, enum place place, bool in_group)
{
    struct cm_expression_token last = parser->token;
    struct cm_expression_words words;
    bool is_not = false, is_group;
    enum found found;
    uint32_t start;

    for (; cm_x_is_kind(parser, CM_X_NOT) && place != PLACE_NUMBER; is_not = true) {
        last = parser->token;
        cm_x_advance(parser);
        place = place == PLACE_GROUP ? PLACE_BOTH : place == PLACE_ID_GROUP ? PLACE_ID : place;
        in_group = false;
    }
    if (is_not && (cm_x_is_kind(parser, CM_X_END) || cm_x_is_symbol(parser, ')') || is_joint(parser)))
        return lacks_primitive(parser, &last), FOUND_WRONG;
    start = parser->token.start;
    is_group = cm_x_is_symbol(parser, '(');
    if (is_group) {
        words = parser->words;
        found = read_group(parser, inside[place]);
        if (found == FOUND_TERM)
            parser->words = words; /* what was said inside is not taken over */
        if ((found == FOUND_NUMBER || found == FOUND_ARITHMETIC) && takes_terms(place)) {
            found = read_relation(parser, found, place, in_group);
            is_group = found != FOUND_TERM;
        }
    } else if (starts_id(&parser->token, place)) {
        found = read_id(parser, place, in_group);
    } else if (takes_terms(place)) {
        found = read_term(parser, place, in_group);
    } else {
        return wrong_operand(parser, place), FOUND_WRONG;
    }
    if (found == FOUND_TERM && !is_group)
        remember(parser, start, 0, 0);
    return is_not && found == FOUND_NUMBER ? FOUND_ID : found;
}

bool cm_expression_read(const char *text, struct cm_expression_reading *reading)
{
    struct cm_expression_parser parser = {.text = text, .reading = reading, .bare_at = UINT32_MAX};
    size_t n = strnlen(text, CM_EXPRESSION_MAX_BYTES + 1);

    memset(reading, 0, sizeof(*reading));
    reading->bound_at = UINT32_MAX;
    if (n > CM_EXPRESSION_MAX_BYTES) {
        cm_expression_fault_set(&reading->fault, CM_EXPRESSION_MAX_BYTES,
                                "the expression is longer than %u bytes", CM_EXPRESSION_MAX_BYTES);
        return false;
    }
    parser.token = cm_expression_lex(text, 0);
    if (cm_x_is_kind(&parser, CM_X_END))
        return true; /* every packet, as libpcap has it */
    if (read_operand(&parser, PLACE_TERM, false) == FOUND_WRONG || !read_list(&parser, PLACE_BOTH))
        return false;
    if (cm_x_is_kind(&parser, CM_X_END))
        return true;
    if (cm_x_is_symbol(&parser, ')'))
        return cm_x_wrong(&parser, "this '%s' closes nothing");
    return wrong_after(&parser);
}
