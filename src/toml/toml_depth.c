/* SPDX-License-Identifier: Apache-2.0 */
/* How deep a text nests, found without calling anything for each level: what keeps the parser's stack small.
 * Reads just enough of TOML for that: strings, comments, brackets, dots. */
#include "toml/toml_int.h"

struct reader {
    const char *text;
    size_t n, at;
    unsigned line;
    size_t line_at; /* where it begins */
};

static char peek(const struct reader *r, size_t ahead)
{
    return r->n - r->at > ahead ? r->text[r->at + ahead] : '\0';
}

static void skip_byte(struct reader *r)
{
    if (r->text[r->at++] == '\n') {
        r->line++;
        r->line_at = r->at;
    }
}

static bool at_three(const struct reader *r, char quote)
{
    return peek(r, 0) == quote && peek(r, 1) == quote && peek(r, 2) == quote;
}

/* From its first quote to behind its last. A string of one line ends with that line at the latest: it is a
 * mistake then, and no parser goes on. */
static void skip_string(struct reader *r)
{
    char quote = r->text[r->at];
    bool long_form = at_three(r, quote);

    r->at += long_form ? 3 : 1;
    while (r->at < r->n) {
        if (quote == '"' && r->text[r->at] == '\\' && r->n - r->at > 1) {
            skip_byte(r);
            skip_byte(r);
        } else if (!long_form && (r->text[r->at] == quote || r->text[r->at] == '\n')) {
            r->at += r->text[r->at] == quote;
            return;
        } else if (long_form && at_three(r, quote)) {
            r->at += 3;
            for (int extra = 0; extra < 2 && peek(r, 0) == quote; extra++)
                r->at++; /* one or two quotes may be the string's own last characters */
            return;
        } else {
            skip_byte(r);
        }
    }
}

static unsigned column_of(const struct reader *r)
{
    unsigned column = 1;

    for (size_t i = r->line_at; i < r->at; i++)
        column += ((unsigned char)r->text[i] & 0xc0) != 0x80;
    return column;
}

bool cm_toml_depth_ok(const char *text, size_t n, unsigned *line_ret, unsigned *column_ret)
{
    struct reader r = {.text = text, .n = n, .line = 1};
    unsigned around[CM_TOML_MAX_DEPTH + 2]; /* depth outside each open bracket */
    unsigned n_open = 0;
    unsigned header = 0, depth = 0; /* parts of the last [header]; depth inside the innermost bracket */
    unsigned dots = 0, key = 0;     /* of what is being read; parts of the key before the last = */
    bool in_header = false, line_begins = true;

    while (r.at < n) {
        char c = text[r.at];

        if (c == '"' || c == '\'') {
            skip_string(&r);
            line_begins = false;
            continue;
        }
        if (c == '#') {
            while (r.at < n && text[r.at] != '\n')
                r.at++;
            continue;
        }
        if (c == '\n' && n_open == 0) {
            line_begins = true;
            in_header = false;
            dots = key = 0;
            depth = header;
        } else if (c == '[' && n_open == 0 && (line_begins || in_header)) {
            in_header = true;
            dots = header = depth = 0;
        } else if (c == ']' && in_header) {
            header = dots + 1;
            in_header = false;
        } else if (c == '[' || c == '{') {
            around[n_open++] = depth;
            depth += key + 1;
            dots = key = 0;
        } else if ((c == ']' || c == '}') && n_open > 0) {
            depth = around[--n_open];
            dots = key = 0;
        } else if (c == '=') {
            key = dots + 1;
            dots = 0;
        } else if (c == ',') {
            dots = key = 0;
        } else if (c == '.') {
            dots++;
        }
        if (depth + dots + key > CM_TOML_MAX_DEPTH) {
            *line_ret = r.line;
            *column_ret = column_of(&r);
            return false;
        }
        line_begins = line_begins && (c == ' ' || c == '\t' || c == '\n');
        skip_byte(&r);
    }
    return true;
}
