/* SPDX-License-Identifier: Apache-2.0 */
/* A table's schema as Avro has it: a record in JSON (specification, "Schema Declaration"). */
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/grow.h"
#include "format/avro.h"
#include "format/json_value_int.h"

/* Text that grows; once memory could not be had nothing is added any more. */
struct text {
    char *data;
    size_t n, room;
    bool failed, pretty;
};

static char *more(struct text *text, size_t n)
{
    if (!text->failed && !CM_GROW(text->data, text->room, text->n + n, 1024))
        text->failed = true;
    return text->failed ? NULL : text->data + text->n;
}

static void put(struct text *text, const char *words)
{
    const size_t n = strlen(words);
    char *at = more(text, n);

    if (at == NULL)
        return;
    memcpy(at, words, n);
    text->n += n;
}

static void put_string(struct text *text, const char *words)
{
    char *at = more(text, strlen(words) * CM_JSON_TEXT_GROWTH + 2), *end;

    if (at == NULL)
        return;
    *at = '"';
    end = cm_json_put_text((const uint8_t *)words, strlen(words), at + 1);
    *end = '"';
    text->n += (size_t)(end + 1 - at);
}

/* Between members; a line of its own where people read it. */
static void put_line(struct text *text, const char *indent)
{
    if (!text->pretty)
        return;
    put(text, "\n");
    put(text, indent);
}

static void put_member(struct text *text, const char *key, const char *value)
{
    put_string(text, key);
    put(text, text->pretty ? ": " : ":");
    if (value != NULL)
        put_string(text, value);
}

static void put_comma(struct text *text)
{
    put(text, text->pretty ? ", " : ",");
}

static const char *type_name(enum cm_column_type type)
{
    switch (type) {
    case CM_COLUMN_UINT8:
    case CM_COLUMN_UINT16:
        return "int";
    case CM_COLUMN_TEXT:
        return "string";
    case CM_COLUMN_BYTES:
        return "bytes";
    default:
        return "long";
    }
}

static void put_type(struct text *text, enum cm_column_type type)
{
    if (type != CM_COLUMN_TIME_NS) {
        put_string(text, type_name(type));
        return;
    }
    put(text, "{");
    put_member(text, "type", "long");
    put_comma(text);
    put_member(text, "logicalType", "timestamp-nanos");
    put(text, "}");
}

static void put_field(struct text *text, const struct cm_column *column)
{
    put(text, "{");
    put_member(text, "name", column->name);
    put_comma(text);
    put_member(text, "type", NULL);
    if (column->nullable) {
        put(text, "[\"null\"");
        put_comma(text);
    }
    put_type(text, column->type);
    if (column->nullable) {
        put(text, "]");
        put_comma(text);
        put_member(text, "default", NULL);
        put(text, "null");
    }
    if (column->doc != NULL) {
        put_comma(text);
        put_member(text, "doc", column->doc);
    }
    put(text, "}");
}

static void put_record(struct text *text, const struct cm_table_schema *schema)
{
    put(text, "{");
    put_line(text, "  ");
    put_member(text, "type", "record");
    put(text, ",");
    put_line(text, "  ");
    put_member(text, "name", schema->record_name);
    put(text, ",");
    put_line(text, "  ");
    put_member(text, "namespace", "capmill");
    put(text, ",");
    put_line(text, "  ");
    put_member(text, "fields", NULL);
    put(text, "[");
    for (size_t i = 0; i < schema->n_columns; i++) {
        if (i > 0)
            put(text, ",");
        put_line(text, "    ");
        put_field(text, &schema->columns[i]);
    }
    put_line(text, "  ");
    put(text, "]");
    put_line(text, "");
    put(text, "}");
    put_line(text, "");
}

/* Specification, "Names". */
static bool is_name(const char *name)
{
    if (name == NULL || *name == 0 || cm_is_digit(*name))
        return false;
    for (; *name != 0; name++)
        if (!cm_is_digit(*name) && *name != '_' && (cm_lower(*name) < 'a' || cm_lower(*name) > 'z'))
            return false;
    return true;
}

static enum capmill_status check_names(const struct cm_table_schema *schema, struct cm_error *error)
{
    if (!is_name(schema->record_name))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "'%s' is no name of a record in Avro",
                            schema->record_name);
    for (size_t i = 0; i < schema->n_columns; i++)
        if (!is_name(schema->columns[i].name))
            return cm_error_set(error, CAPMILL_E_USAGE, 0,
                                "'%s' is no name of a field in Avro: letters, digits and _, no digit first",
                                schema->columns[i].name);
    return CAPMILL_OK;
}

enum capmill_status cm_avro_schema_text(const struct cm_table_schema *schema, bool pretty, char **text_ret,
                                        struct cm_error *error)
{
    struct text text = {.pretty = pretty};
    enum capmill_status status = check_names(schema, error);
    char *end;

    *text_ret = NULL;
    if (status != CAPMILL_OK)
        return status;
    put_record(&text, schema);
    end = more(&text, 1);
    if (end == NULL) {
        free(text.data);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the schema of a table");
    }
    *end = 0;
    *text_ret = text.data;
    return CAPMILL_OK;
}
