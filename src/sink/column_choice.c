/* SPDX-License-Identifier: Apache-2.0 */
/* From names of columns to their places in the list of those that are known. */
#include "sink/column_choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static size_t n_known(const struct cm_column_list *list)
{
    size_t n = 0;
    bool is_default;

    while (list->known(n, &is_default) != NULL)
        n++;
    return n;
}

static size_t choose_default(const struct cm_column_list *list, size_t *places_ret)
{
    const size_t n = n_known(list);
    size_t n_chosen = 0;

    for (size_t i = 0; i < n; i++) {
        bool is_default;

        list->known(i, &is_default);
        if (is_default)
            places_ret[n_chosen++] = i;
    }
    return n_chosen;
}

static enum capmill_status unknown(const struct cm_column_list *list, const char *name,
                                   struct cm_error *error)
{
    const struct cm_column *column;
    struct cm_nearest nearest;
    bool is_default;

    cm_nearest_init(&nearest, name, strlen(name));
    for (size_t i = 0; (column = list->known(i, &is_default)) != NULL; i++)
        cm_nearest_offer(&nearest, column->name);
    if (nearest.name == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a %s has no column '%.80s'", list->row, name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "a %s has no column '%.80s'; did you mean '%s'?",
                        list->row, name, nearest.name);
}

static enum capmill_status find(const struct cm_column_list *list, const char *name, size_t *place_ret,
                                struct cm_error *error)
{
    const struct cm_column *column;
    bool is_default;

    for (size_t i = 0; (column = list->known(i, &is_default)) != NULL; i++)
        if (strcmp(column->name, name) == 0) {
            *place_ret = i;
            return CAPMILL_OK;
        }
    return unknown(list, name, error);
}

static enum capmill_status choose_named(const struct cm_column_list *list, const char *const *names,
                                        size_t n_names, size_t *places_ret, struct cm_error *error)
{
    for (size_t i = 0; i < n_names; i++) {
        const enum capmill_status status = find(list, names[i], &places_ret[i], error);

        if (status < 0)
            return status;
        for (size_t j = 0; j < i; j++)
            if (places_ret[j] == places_ret[i])
                return cm_error_set(error, CAPMILL_E_USAGE, 0, "column '%s' is there twice", names[i]);
    }
    return CAPMILL_OK;
}

enum capmill_status cm_columns_choose(const struct cm_column_list *list, const char *const *names,
                                      size_t n_names, size_t **places_ret, size_t *n_ret,
                                      struct cm_error *error)
{
    const size_t room = names == NULL ? n_known(list) : n_names;
    size_t *places;
    enum capmill_status status;

    if (room == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a table needs at least one column");
    places = calloc(room, sizeof(*places));
    if (places == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for %zu columns", room);
    *n_ret = room;
    if (names == NULL) {
        *n_ret = choose_default(list, places);
    } else if ((status = choose_named(list, names, n_names, places, error)) < 0) {
        free(places);
        return status;
    }
    *places_ret = places;
    return CAPMILL_OK;
}
