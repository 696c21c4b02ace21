/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: TOML text. Whatever the bytes are, there is a tree or a reason; a tree has texts without zero
 * bytes, places within the text, and no more levels than were promised. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "toml/toml.h"
#include "toml/toml_int.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(const struct cm_toml_value *value, unsigned n_lines, unsigned depth)
{
    require(depth <= 2 * CM_TOML_MAX_DEPTH);
    require(value->line >= 1 && value->line <= n_lines);
    for (size_t i = 0; i < value->n_items; i++) {
        const struct cm_toml_value *item = &value->items[i];
        require((item->key != NULL) == (value->type == CM_TOML_TABLE));
        if (item->key != NULL) {
            require(item->key_line >= 1 && item->key_line <= n_lines);
            require(cm_toml_get(value, item->key) == item);
        }
        check_value(item, n_lines, depth + 1);
    }
    require((value->text != NULL) == (value->type == CM_TOML_STRING || value->type == CM_TOML_INTEGER ||
                                      value->type == CM_TOML_FLOAT || value->type == CM_TOML_DATE_TIME));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct cm_error error = {0};
    /* a copy of just this size, so that a byte read behind it is noticed */
    char *text = malloc(n > 0 ? n : 1);
    struct cm_toml_value *root;
    unsigned n_lines = 1;

    require(text != NULL);
    if (n > 0)
        memcpy(text, bytes, n);
    for (size_t i = 0; i < n; i++)
        n_lines += bytes[i] == '\n';
    root = cm_toml_parse(text, n, "fuzz", &error);
    require((root == NULL) == (error.status < 0));
    require(root != NULL || strncmp(error.text, "fuzz:", 5) == 0);
    if (root != NULL)
        check_value(root, n_lines, 0);
    cm_toml_free(root);
    free(text);
    return 0;
}
