/* SPDX-License-Identifier: Apache-2.0 */
/* TOML text to a tree with places, and what is said of text that is none. */
#include <stdlib.h>

#include "toml/toml.h"
#include "toml/toml_int.h"
#include "unit/check.h"

static struct cm_toml_value *parse(const char *text)
{
    struct cm_error error = {0};
    struct cm_toml_value *root = cm_toml_parse(text, strlen(text), "job.toml", &error);

    cm_check_that(root != NULL, "refused: %s", error.text);
    return root;
}

static void check_place(const struct cm_toml_value *value, unsigned key_line, unsigned key_column,
                        unsigned line, unsigned column)
{
    cm_check(value != NULL);
    cm_check_eq(value->key_line, key_line);
    cm_check_eq(value->key_column, key_column);
    cm_check_eq(value->line, line);
    cm_check_eq(value->column, column);
}

static void check_refused(const char *text, size_t n, const char *expected)
{
    struct cm_error error = {0};
    struct cm_toml_value *root = cm_toml_parse(text, n, "job.toml", &error);

    cm_check_that(root == NULL, "accepted: %s", text);
    cm_check_eq(error.status, CAPMILL_E_USAGE);
    cm_check_that(strstr(error.text, expected) != NULL, "\"%s\" lacks \"%s\"", error.text, expected);
}

static void check_wrong(const char *text, const char *expected)
{
    check_refused(text, strlen(text), expected);
}

CM_TEST(toml, keys_and_values_have_their_places)
{
    struct cm_toml_value *root = parse("command = \"sort\" # comment\n\n[filter]\n  port = [80, 443]\n");
    const struct cm_toml_value *filter = cm_toml_get(root, "filter");
    const struct cm_toml_value *port;

    check_place(cm_toml_get(root, "command"), 1, 1, 1, 11);
    check_place(filter, 3, 2, 3, 1);
    port = cm_toml_get(filter, "port");
    check_place(port, 4, 3, 4, 10);
    cm_check_eq(port->n_items, 2);
    cm_check_eq(port->items[1].line, 4);
    cm_check_eq(port->items[1].column, 15);
    cm_check(port->items[1].key == NULL);
    cm_check(cm_toml_get(root, "absent") == NULL);
    cm_toml_free(root);
}

CM_TEST(toml, columns_count_characters_not_bytes)
{
    struct cm_toml_value *root = parse("\"\xc3\xa4\xe2\x82\xac\" = 7\n");

    check_place(&root->items[0], 1, 1, 1, 8);
    cm_toml_free(root);
    check_wrong("a = \"\xc3\xa4\xc3\xa4\" x\n", "job.toml:1:10: ");
}

CM_TEST(toml, every_type_has_its_value_and_its_text)
{
    struct cm_toml_value *root = parse("string = 'a\\b'\ninteger = 0x1_0\nreal = -0.1\nbig = 1e300\n"
                                       "yes = true\ndate = 2024-02-29\ntime = 07:32:00.5\n"
                                       "local = 2024-02-29T07:32:00\noffset = 2024-02-29 07:32:00.25-01:30\n"
                                       "zulu = 2024-02-29T07:32:00Z\narray = []\ntable = {}\n");
    static const struct {
        const char *key;
        enum cm_toml_type type;
        const char *text;
    } rows[] = {{"string", CM_TOML_STRING, "a\\b"},
                {"integer", CM_TOML_INTEGER, "16"},
                {"real", CM_TOML_FLOAT, "-0.1"},
                {"big", CM_TOML_FLOAT, "1e+300"},
                {"yes", CM_TOML_BOOLEAN, NULL},
                {"date", CM_TOML_DATE_TIME, "2024-02-29"},
                {"time", CM_TOML_DATE_TIME, "07:32:00.500000000"},
                {"local", CM_TOML_DATE_TIME, "2024-02-29T07:32:00"},
                {"offset", CM_TOML_DATE_TIME, "2024-02-29T07:32:00.250000000-01:30"},
                {"zulu", CM_TOML_DATE_TIME, "2024-02-29T07:32:00Z"},
                {"array", CM_TOML_ARRAY, NULL},
                {"table", CM_TOML_TABLE, NULL}};

    cm_check_eq(root->n_items, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < root->n_items; i++) {
        cm_check_str(root->items[i].key, rows[i].key); /* the order of the text, not of the alphabet */
        cm_check_eq(root->items[i].type, rows[i].type);
        if (rows[i].text != NULL)
            cm_check_str(root->items[i].text, rows[i].text);
        else
            cm_check(root->items[i].text == NULL);
    }
    cm_check_eq(cm_toml_get(root, "integer")->integer, 16);
    cm_check(cm_toml_get(root, "real")->real == -0.1);
    cm_check(cm_toml_get(root, "yes")->boolean);
    cm_toml_free(root);
}

CM_TEST(toml, arrays_of_tables_keep_order_and_places)
{
    struct cm_toml_value *root = parse("[[input]]\npath = 'b'\n[[input]]\npath = 'a'\n"
                                       "[[filter.rules]]\nop = 'or'\n[[filter.rules.rules]]\nport = 1\n");
    const struct cm_toml_value *input = cm_toml_get(root, "input");
    const struct cm_toml_value *rules = cm_toml_get(cm_toml_get(root, "filter"), "rules");

    cm_check_eq(input->n_items, 2);
    cm_check_eq(input->items[1].line, 3);
    cm_check_str(cm_toml_get(&input->items[0], "path")->text, "b");
    cm_check_str(cm_toml_get(&input->items[1], "path")->text, "a");
    cm_check_eq(cm_toml_get(&rules->items[0], "rules")->items[0].line, 7);
    cm_toml_free(root);
}

CM_TEST(toml, bad_text_is_refused_with_its_place)
{
    check_wrong("a = \n", "job.toml:1:5: no valid TOML: ");
    check_wrong("a = 1\nb = 2\na = 3\n", "job.toml:3:");
    check_wrong("[a]\nb = 1\n[a]\nc = 1\n", "job.toml:3:");
    check_wrong("a = \"\\q\"\n", "job.toml:1:");
    check_wrong("a = 'open\n", "job.toml:1:");
    check_wrong("a = [1, 2\n", "job.toml:1:11: no valid TOML: ");
    check_wrong("a = 99999999999999999999\n", "job.toml:1:");
    check_wrong("a = 2024-02-30\n", "job.toml:1:");
    check_wrong("\xff = 1\n", "job.toml:1:1: no valid TOML: ");
    check_wrong("a = '\xc3('\n", "job.toml:1:");
    check_wrong("a = \"\\u0000\"\n", "job.toml:1:5: a zero byte");
    check_wrong("\n\"a\\u0000b\" = 1\n", "job.toml:2:1: a zero byte");
    check_refused("a = 1\n\0b = 2\n", 13, "job.toml:2:1: a zero byte");
}

CM_TEST(toml, letters_beyond_ascii_are_no_white_space)
{
    struct cm_toml_value *root = parse("s = \"\"\"a\\\n   \xef\xbb\xb7\xc3\xa4\"\"\"\n");

    cm_check_str(root->items[0].text, "a\xef\xbb\xb7\xc3\xa4");
    cm_toml_free(root);
    check_wrong("a\xef\xbb\xb7", "job.toml:1:2: ");
    check_wrong("\xc3\xa4 = 1", "job.toml:1:1: ");
    check_wrong(" [[[\xe7\xbb\xbf", "job.toml:1:4: ");
    check_wrong("[=]", "job.toml:1:2: ");
    check_wrong("a = 1\xe1\x9a\x81", "job.toml:1:6: ");
}

CM_TEST(toml, empty_text_is_an_empty_table)
{
    struct cm_toml_value *root = parse("");

    cm_check_eq(root->type, CM_TOML_TABLE);
    cm_check_eq(root->n_items, 0);
    cm_toml_free(root);
    root = parse("\xef\xbb\xbf# only a byte-order mark and a comment\n");
    cm_check_eq(root->n_items, 0);
    cm_toml_free(root);
    cm_toml_free(NULL);
}

CM_TEST(toml, size_is_bounded)
{
    size_t n = CM_TOML_MAX_BYTES;
    char *text = malloc(n + 1);
    struct cm_error error = {0};
    struct cm_toml_value *root;

    cm_check(text != NULL);
    memset(text, '\n', n + 1);
    root = cm_toml_parse(text, n, "job.toml", &error);
    cm_check(root != NULL);
    cm_toml_free(root);
    check_refused(text, n + 1, "job.toml: larger than 1024 KiB");
    free(text);
}

/* `unit` repeated, between `before` and `after` */
static char *repeat(const char *before, const char *unit, size_t times, const char *after)
{
    size_t unit_bytes = strlen(unit), used = strlen(before);
    char *text = malloc(used + unit_bytes * times + strlen(after) + 1);

    cm_check(text != NULL);
    memcpy(text, before, used);
    for (size_t i = 0; i < times; i++, used += unit_bytes)
        memcpy(text + used, unit, unit_bytes);
    strcpy(text + used, after);
    return text;
}

CM_TEST(toml, what_nests_too_deep_is_refused_before_anything_calls_itself)
{
    static const struct {
        const char *before, *unit, *after;
        size_t times;
    } rows[] = {
        {"", "a.", "a = 1\n", 400000},           {"[", "a.", "a]\n", 400000},
        {"[[", "a . ", "a]]\n", 200000},         {"a = ", "[", "\n", 1000000},
        {"a = ", "{ a = ", "1\n", 150000},       {"a = ", "[\n", "]\n", 400000},
        {"x = { ", "a.", "a = 1 }\n", 400000},   {"x = [1, 'a', { ", "\"b\".", "a = 1 }]\n", 200000},
        {"s = '''\n]'''\n", "a.", "a = 1", 300}, {"x = \"\\\"[[[[\" # [[[[\n[", "b.", "b]", 300},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = repeat(rows[i].before, rows[i].unit, rows[i].times, rows[i].after);
        check_wrong(text, ": nested too deep");
        free(text);
    }
}

CM_TEST(toml, depth_is_that_of_the_value_not_of_the_text)
{
    char *text = repeat("", "[a.b]\nc = [[{ d = [1.5, '[[[[', \"]\"] }]] # ...[[[\n[a.b.c_]\n\"x.y.z\" = 1\n",
                        0, "a = [1.5, 2.5]\n");
    char *wide = repeat("x = [", "1.5, [2.5], { a.b = 1 }, ", 10000, "]\n");
    char *deep = repeat("a = ", "[", CM_TOML_MAX_DEPTH - 2, "");
    char *closed = repeat(deep, "]", CM_TOML_MAX_DEPTH - 2, "\n");

    cm_toml_free(parse(text));
    cm_toml_free(parse(wide));
    cm_toml_free(parse(closed));
    free(text);
    free(wide);
    free(deep);
    free(closed);
}

CM_TEST(toml, types_have_names)
{
    for (int type = CM_TOML_TABLE; type <= CM_TOML_DATE_TIME; type++)
        cm_check(strlen(cm_toml_type_name((enum cm_toml_type)type)) > 4);
}
