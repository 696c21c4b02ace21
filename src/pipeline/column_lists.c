/* SPDX-License-Identifier: Apache-2.0 */
/* Taking lists of columns apart. */
#include "pipeline/column_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

static const char *origin_of(const struct capmill_word *word)
{
    return word->origin != NULL ? word->origin : "columns";
}

/* A list under construction. */
struct list {
    const char **names;
    const struct capmill_word **words;
    size_t n, names_capacity, words_capacity;
};

static bool add(struct list *list, const char *name, const struct capmill_word *word)
{
    if (!CM_GROW(list->names, list->names_capacity, list->n + 1, 16) ||
        !CM_GROW(list->words, list->words_capacity, list->n + 1, 16))
        return false;
    list->names[list->n] = name;
    list->words[list->n++] = word;
    return true;
}

/* Copy a word to `*at` and list its names. */
static enum capmill_status split(const struct capmill_word *word, char **at, struct list *list,
                                 struct cm_error *error)
{
    size_t n_word = strlen(word->value);
    char *name = *at;

    memcpy(name, word->value, n_word + 1);
    *at += n_word + 1;
    for (;;) {
        size_t n_name = strcspn(name, ",");
        bool last = name[n_name] == 0;

        if (n_name == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s '%.80s': a name of a column is missing",
                                origin_of(word), word->value);
        if (!add(list, name, word))
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a list of columns");
        name[n_name] = 0;
        if (last)
            return CAPMILL_OK;
        name += n_name + 1;
    }
}

static enum capmill_status split_all(const struct capmill_word *words, size_t n, char **at, struct list *list,
                                     struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < n && status >= 0; i++) {
        if (words[i].value != NULL)
            status = split(&words[i], at, list, error);
    }
    return status;
}

static size_t text_bytes(const struct capmill_word *words, size_t n)
{
    size_t n_bytes = 0;

    for (size_t i = 0; i < n; i++)
        n_bytes += words[i].value != NULL ? strlen(words[i].value) + 1 : 0;
    return n_bytes;
}

enum capmill_status cm_column_lists_make(const struct capmill_job *job, struct cm_column_lists *lists_ret,
                                         struct cm_error *error)
{
    const struct capmill_table *table = &job->table;
    struct list packets = {0};
    struct list flows = {0};
    char *at = malloc(text_bytes(table->columns, table->n_columns) +
                      text_bytes(table->flow_columns, table->n_flow_columns) + 1);
    enum capmill_status status = CAPMILL_OK;

    *lists_ret = (struct cm_column_lists){.text = at};
    if (at == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a list of columns");
    status = split_all(table->columns, table->n_columns, &at, &packets, error);
    if (status >= 0)
        status = split_all(table->flow_columns, table->n_flow_columns, &at, &flows, error);
    lists_ret->packets = packets.names;
    lists_ret->packet_words = packets.words;
    lists_ret->n_packets = packets.n;
    lists_ret->flows = flows.names;
    lists_ret->flow_words = flows.words;
    lists_ret->n_flows = flows.n;
    if (status < 0)
        cm_column_lists_free(lists_ret);
    return status;
}

void cm_column_lists_free(struct cm_column_lists *lists)
{
    free(lists->packets);
    free(lists->packet_words);
    free(lists->flows);
    free(lists->flow_words);
    free(lists->text);
    *lists = (struct cm_column_lists){0};
}
