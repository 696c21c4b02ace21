/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of values after it was made: looking up, naming, freeing. Made by toml.cpp. */
#include <stdlib.h>
#include <string.h>

#include "toml/toml.h"

/* `key` and `text` are ours although the reader may not change them. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

/* Calls itself once a level; toml_int.h bounds them. */
static void free_items(struct cm_toml_value *value)
{
    for (size_t i = 0; i < value->n_items; i++) {
        free_items(&value->items[i]);
        free_text(value->items[i].key);
        free_text(value->items[i].text);
    }
    free(value->items);
}

void cm_toml_free(struct cm_toml_value *root)
{
    if (root == NULL)
        return;
    free_items(root);
    free(root);
}

const struct cm_toml_value *cm_toml_get(const struct cm_toml_value *table, const char *key)
{
    for (size_t i = 0; i < table->n_items; i++) {
        if (table->items[i].key != NULL && strcmp(table->items[i].key, key) == 0)
            return &table->items[i];
    }
    return NULL;
}

const char *cm_toml_type_name(enum cm_toml_type type)
{
    switch (type) {
    case CM_TOML_TABLE:
        return "a table";
    case CM_TOML_ARRAY:
        return "an array";
    case CM_TOML_STRING:
        return "a string";
    case CM_TOML_INTEGER:
        return "an integer";
    case CM_TOML_FLOAT:
        return "a float";
    case CM_TOML_BOOLEAN:
        return "a boolean";
    case CM_TOML_DATE_TIME:
        return "a date or time";
    }
    return "a value";
}
