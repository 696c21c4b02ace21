/* SPDX-License-Identifier: Apache-2.0 */
/* TOML text (v1.0.0) as a tree with the place of every key and value. A shim in C around toml++, which is C++
 * and is seen by this room alone. Knows nothing of what keys mean. Pure; any thread. */
#ifndef CM_TOML_TOML_H
#define CM_TOML_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum cm_toml_type {
    CM_TOML_TABLE = 1,
    CM_TOML_ARRAY,
    CM_TOML_STRING,
    CM_TOML_INTEGER,
    CM_TOML_FLOAT,
    CM_TOML_BOOLEAN,
    CM_TOML_DATE_TIME /* any of TOML's four; `text` is its RFC 3339 form */
};

struct cm_toml_value {
    enum cm_toml_type type;
    const char *key;               /* in its table; NULL in arrays and for the root */
    unsigned key_line, key_column; /* from 1; columns count characters */
    unsigned line, column;         /* of the value */
    const char *text; /* STRING, DATE_TIME; without zero bytes; INTEGER and FLOAT: as a number is written */
    int64_t integer;
    double real;
    bool boolean;
    struct cm_toml_value *items; /* TABLE (in the order of the text) and ARRAY */
    size_t n_items;
};

/* Longer texts are refused. */
#define CM_TOML_MAX_BYTES ((size_t)1 << 20)

/* NULL and CAPMILL_E_USAGE in `error` ("NAME:LINE:COLUMN: what is wrong") for bad text; `name` names the file
 * in it. The tree is freed whole by cm_toml_free. */
struct cm_toml_value *cm_toml_parse(const char *text, size_t n, const char *name, struct cm_error *error);
void cm_toml_free(struct cm_toml_value *root); /* NULL accepted */
/* A table's item; NULL where there is none. */
const struct cm_toml_value *cm_toml_get(const struct cm_toml_value *table, const char *key);
const char *cm_toml_type_name(enum cm_toml_type type); /* "a string", "an array"; static */

#endif
