/* SPDX-License-Identifier: Apache-2.0 */
/* From toml++ to a tree in C. Nothing of C++ leaves this file: no exception, no type. toml++ ends the process
 * where memory runs out, so the size of a text and its depth are bounded before it is asked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOML_EXCEPTIONS            0
#define TOML_ENABLE_FORMATTERS     0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_HEADER_ONLY           1
#include <toml++/toml.h>

extern "C" {
#include "toml/toml.h"
#include "toml/toml_int.h"
}

namespace
{

struct maker {
    const char *name;
    struct cm_error *error;
};

/* "2024-02-29T12:00:00.25+01:00" */
constexpr size_t date_time_bytes = 48;

bool refuse(const maker &m, unsigned line, unsigned column, const char *what)
{
    cm_error_set(m.error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: %s", m.name, line, column, what);
    return false;
}

bool refuse_memory(const maker &m)
{
    cm_error_set(m.error, CAPMILL_E_MEMORY, 0, "no memory for what %.300s says", m.name);
    return false;
}

/* A copy that C can read: without zero bytes, which TOML allows as \u0000. */
bool copy_text(const maker &m, std::string_view from, unsigned line, unsigned column, const char **text_ret)
{
    if (memchr(from.data(), 0, from.size()) != nullptr)
        return refuse(m, line, column, "a zero byte (\\u0000) may not be in a text");
    char *text = static_cast<char *>(malloc(from.size() + 1));
    if (text == nullptr)
        return refuse_memory(m);
    memcpy(text, from.data(), from.size());
    text[from.size()] = 0;
    *text_ret = text;
    return true;
}

/* The fewest digits that mean the same number. */
void write_real(double real, char *text, size_t text_bytes)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, text_bytes, "%.*g", digits, real);
        if (strtod(text, nullptr) == real)
            return;
    }
}

size_t write_date(const toml::date &date, char *text, size_t text_bytes)
{
    return static_cast<size_t>(snprintf(text, text_bytes, "%04u-%02u-%02u", static_cast<unsigned>(date.year),
                                        static_cast<unsigned>(date.month), static_cast<unsigned>(date.day)));
}

size_t write_time(const toml::time &time, char *text, size_t text_bytes)
{
    size_t used =
        static_cast<size_t>(snprintf(text, text_bytes, "%02u:%02u:%02u", static_cast<unsigned>(time.hour),
                                     static_cast<unsigned>(time.minute), static_cast<unsigned>(time.second)));
    if (time.nanosecond != 0)
        used += static_cast<size_t>(
            snprintf(text + used, text_bytes - used, ".%09u", static_cast<unsigned>(time.nanosecond)));
    return used;
}

void write_date_time(const toml::date_time &value, char *text, size_t text_bytes)
{
    size_t used = write_date(value.date, text, text_bytes);

    text[used++] = 'T';
    used += write_time(value.time, text + used, text_bytes - used);
    if (!value.offset.has_value())
        return;
    int minutes = value.offset->minutes;
    if (minutes == 0)
        snprintf(text + used, text_bytes - used, "Z");
    else
        snprintf(text + used, text_bytes - used, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
                 abs(minutes) % 60);
}

bool make_value(const maker &m, const toml::node &node, struct cm_toml_value *value);

int compare_places(const void *first, const void *second)
{
    const cm_toml_value *a = static_cast<const cm_toml_value *>(first);
    const cm_toml_value *b = static_cast<const cm_toml_value *>(second);

    if (a->key_line != b->key_line)
        return a->key_line < b->key_line ? -1 : 1;
    if (a->key_column != b->key_column)
        return a->key_column < b->key_column ? -1 : 1;
    return strcmp(a->key, b->key);
}

bool make_items(const maker &m, size_t n, struct cm_toml_value *value)
{
    if (n == 0)
        return true;
    value->items = static_cast<cm_toml_value *>(calloc(n, sizeof(*value->items)));
    return value->items != nullptr || refuse_memory(m);
}

/* n_items counts the items that are begun, so that a tree that fails half-way is freed whole. */
bool make_table(const maker &m, const toml::table &table, struct cm_toml_value *value)
{
    if (!make_items(m, table.size(), value))
        return false;
    for (auto &&[key, node] : table) {
        struct cm_toml_value *item = &value->items[value->n_items++];
        item->key_line = key.source().begin.line;
        item->key_column = key.source().begin.column;
        if (!copy_text(m, key.str(), item->key_line, item->key_column, &item->key) ||
            !make_value(m, node, item))
            return false;
    }
    /* toml++ keeps keys by name; people read them in the order of the text */
    if (value->n_items > 1)
        qsort(value->items, value->n_items, sizeof(*value->items), compare_places);
    return true;
}

bool make_array(const maker &m, const toml::array &array, struct cm_toml_value *value)
{
    if (!make_items(m, array.size(), value))
        return false;
    for (const toml::node &node : array) {
        if (!make_value(m, node, &value->items[value->n_items++]))
            return false;
    }
    return true;
}

bool make_value(const maker &m, const toml::node &node, struct cm_toml_value *value)
{
    char text[date_time_bytes] = "";

    value->line = node.source().begin.line;
    value->column = node.source().begin.column;
    switch (node.type()) {
    case toml::node_type::table:
        value->type = CM_TOML_TABLE;
        return make_table(m, *node.as_table(), value);
    case toml::node_type::array:
        value->type = CM_TOML_ARRAY;
        return make_array(m, *node.as_array(), value);
    case toml::node_type::string:
        value->type = CM_TOML_STRING;
        return copy_text(m, node.as_string()->get(), value->line, value->column, &value->text);
    case toml::node_type::boolean:
        value->type = CM_TOML_BOOLEAN;
        value->boolean = node.as_boolean()->get();
        return true;
    case toml::node_type::integer:
        value->type = CM_TOML_INTEGER;
        value->integer = node.as_integer()->get();
        snprintf(text, sizeof(text), "%" PRId64, value->integer);
        break;
    case toml::node_type::floating_point:
        value->type = CM_TOML_FLOAT;
        value->real = node.as_floating_point()->get();
        write_real(value->real, text, sizeof(text));
        break;
    case toml::node_type::date:
        value->type = CM_TOML_DATE_TIME;
        write_date(node.as_date()->get(), text, sizeof(text));
        break;
    case toml::node_type::time:
        value->type = CM_TOML_DATE_TIME;
        write_time(node.as_time()->get(), text, sizeof(text));
        break;
    case toml::node_type::date_time:
        value->type = CM_TOML_DATE_TIME;
        write_date_time(node.as_date_time()->get(), text, sizeof(text));
        break;
    default:
        return refuse(m, value->line, value->column, "a value of no known type");
    }
    return copy_text(m, text, value->line, value->column, &value->text);
}

/* Where in `text` something stands, in lines and characters. */
void find_place(const char *text, size_t at, unsigned *line_ret, unsigned *column_ret)
{
    *line_ret = *column_ret = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line_ret;
            *column_ret = 1;
        } else {
            *column_ret += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
        }
    }
}

bool check_text(const maker &m, const char *text, size_t n)
{
    unsigned line = 1, column = 1;
    const void *zero = n > 0 ? memchr(text, 0, n) : nullptr;

    if (n > CM_TOML_MAX_BYTES) {
        cm_error_set(m.error, CAPMILL_E_USAGE, 0, "%.300s: larger than %u KiB, too large for a configuration",
                     m.name, static_cast<unsigned>(CM_TOML_MAX_BYTES / 1024));
        return false;
    }
    if (zero != nullptr) {
        find_place(text, static_cast<size_t>(static_cast<const char *>(zero) - text), &line, &column);
        return refuse(m, line, column, "a zero byte: this is no text");
    }
    if (!cm_toml_depth_ok(text, n, &line, &column))
        return refuse(m, line, column, "nested too deep");
    return true;
}

/* toml++ begins with "Error while parsing KIND: ", which our place says better. */
bool refuse_text(const maker &m, const toml::parse_error &failure)
{
    static const char begins[] = "Error while parsing ";
    std::string_view what = failure.description();

    if (what.substr(0, sizeof(begins) - 1) == begins)
        what.remove_prefix(sizeof(begins) - 1);
    cm_error_set(m.error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u: no valid TOML: %.*s", m.name,
                 static_cast<unsigned>(failure.source().begin.line),
                 static_cast<unsigned>(failure.source().begin.column), static_cast<int>(what.size()),
                 what.data());
    return false;
}

} // namespace

extern "C" struct cm_toml_value *cm_toml_parse(const char *text, size_t n, const char *name,
                                               struct cm_error *error)
{
    const maker m = {name, error};

    if (!check_text(m, text, n))
        return nullptr;
    toml::parse_result result = toml::parse(std::string_view(text, n));
    if (!result) {
        refuse_text(m, result.error());
        return nullptr;
    }
    struct cm_toml_value *root = static_cast<cm_toml_value *>(calloc(1, sizeof(*root)));
    if (root == nullptr) {
        refuse_memory(m);
        return nullptr;
    }
    root->type = CM_TOML_TABLE;
    root->line = root->column = 1;
    if (!make_table(m, result.table(), root)) {
        cm_toml_free(root);
        return nullptr;
    }
    return root;
}
