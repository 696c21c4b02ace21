/* SPDX-License-Identifier: Apache-2.0 */
/* [filter] of a configuration: its own keys become settings like those of the command line, so that these can
 * replace them; [[filter.rules]] become groups, to any depth that the library takes. */
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/config_int.h"

/* A group that is being filled. */
struct filling {
    struct capmill_filter_rule *rules;
    size_t n_rules;
    enum capmill_filter_field field;
    bool negate;
};

static enum capmill_status take_rule(void *context, const char *text, const char *origin,
                                     struct cm_error *error)
{
    struct filling *filling = context;

    (void)error;
    filling->rules[filling->n_rules++] =
        (struct capmill_filter_rule){filling->field, filling->negate, text, origin};
    return CAPMILL_OK;
}

static bool is_rule_key(const char *key)
{
    const struct cm_option *option = cm_config_option(CM_SECTION_FILTER, key);

    return option != NULL && option->negatable;
}

/* How many rules the keys of a table give at most. */
static size_t count_rules(const struct cm_toml_value *table)
{
    size_t n = 0;

    for (size_t i = 0; i < table->n_items; i++) {
        if (is_rule_key(table->items[i].key))
            n += table->items[i].type == CM_TOML_ARRAY ? table->items[i].n_items : 1;
    }
    return n;
}

static const char *const rule_words[] = {"op", "negate", "not", "rules"};

static enum capmill_status refuse_rule_key(const struct cm_config *config, const struct cm_toml_value *item,
                                           const char *table, bool only_fields, struct cm_error *error)
{
    struct cm_nearest nearest;
    char keys[64][CM_OPTION_KEY_BYTES];
    size_t n = 0;
    enum capmill_status status = cm_config_check_home(config, item, table, error);
    if (status < 0)
        return status;
    cm_nearest_init(&nearest, item->key, strlen(item->key));
    for (size_t i = 0; i < sizeof(rule_words) / sizeof(rule_words[0]) && !only_fields; i++)
        cm_nearest_offer(&nearest, rule_words[i]);
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL && n < 64;
         option = cm_option_next(option)) {
        if (option->section == CM_SECTION_FILTER && option->negatable)
            cm_nearest_offer(&nearest, cm_option_key(option, keys[n++]));
    }
    return cm_config_refuse_key(config, item, table, nearest.name, error);
}

/* The table `not`: its keys are exclusions. `filling` NULL: it is that of [filter] itself. */
static enum capmill_status read_not(struct cm_config *config, const struct cm_toml_value *table,
                                    struct filling *filling, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (table->type != CM_TOML_TABLE)
        return cm_config_refuse_type(config, table, "not", "a table", error);
    for (size_t i = 0; i < table->n_items && status >= 0; i++) {
        const struct cm_toml_value *item = &table->items[i];
        const struct cm_option *option = cm_config_option(CM_SECTION_FILTER, item->key);

        if (option == NULL || !option->negatable)
            return refuse_rule_key(config, item, "a table 'not'", true, error);
        if (filling == NULL) {
            status = cm_config_add(config, option, item, true, error);
        } else {
            filling->field = (enum capmill_filter_field)option->what;
            filling->negate = true;
            status =
                cm_config_texts(config, option, item, (struct cm_config_taker){take_rule, filling}, error);
        }
    }
    return status;
}

static enum capmill_status read_op(const struct cm_config *config, const struct cm_toml_value *item,
                                   enum capmill_filter_op *op_ret, struct cm_error *error)
{
    static const char *const words[] = {"and", "or", "not"};

    _Static_assert(CAPMILL_FILTER_AND == 0 && CAPMILL_FILTER_OR == 1 && CAPMILL_FILTER_NOT == 2,
                   "the words of op stand in this order");
    if (item->type != CM_TOML_STRING)
        return cm_config_refuse_type(config, item, "op", "a string", error);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(item->text, words[i]) == 0) {
            *op_ret = (enum capmill_filter_op)i;
            return CAPMILL_OK;
        }
    }
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u op '%.80s': expected one of and|or|not",
                        config->path, item->line, item->column, item->text);
}

/* negate of a table: its own keys are exclusions. With a table `not` beside it, nobody could say what that
 * one's are. */
static enum capmill_status read_negate(const struct cm_config *config, const struct cm_toml_value *table,
                                       bool *negate_ret, struct cm_error *error)
{
    const struct cm_toml_value *negate = cm_toml_get(table, "negate");
    enum capmill_status status;

    *negate_ret = false;
    if (negate == NULL)
        return CAPMILL_OK;
    status = cm_config_boolean(config, negate, negate_ret, error);
    if (status >= 0 && *negate_ret && cm_toml_get(table, "not") != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s:%u:%u: negate = true and a table 'not' exclude each other", config->path,
                            negate->key_line, negate->key_column);
    return status;
}

static enum capmill_status read_groups(struct cm_config *config, const struct cm_toml_value *item,
                                       unsigned level, const struct capmill_filter_group **groups_ret,
                                       size_t *n_groups_ret, struct cm_error *error);

static enum capmill_status read_group_item(struct cm_config *config, const struct cm_toml_value *item,
                                           unsigned level, bool negate, struct filling *filling,
                                           struct capmill_filter_group *group, struct cm_error *error)
{
    const struct cm_option *option = cm_config_option(CM_SECTION_FILTER, item->key);

    if (strcmp(item->key, "op") == 0)
        return read_op(config, item, &group->op, error);
    if (strcmp(item->key, "negate") == 0)
        return CAPMILL_OK; /* read before the others */
    if (strcmp(item->key, "not") == 0)
        return read_not(config, item, filling, error);
    if (strcmp(item->key, "rules") == 0)
        return read_groups(config, item, level + 1, &group->groups, &group->n_groups, error);
    if (option == NULL || !option->negatable)
        return refuse_rule_key(config, item, "a rule", false, error);
    filling->field = (enum capmill_filter_field)option->what;
    filling->negate = negate;
    return cm_config_texts(config, option, item, (struct cm_config_taker){take_rule, filling}, error);
}

static enum capmill_status read_group(struct cm_config *config, const struct cm_toml_value *table,
                                      unsigned level, struct capmill_filter_group *group,
                                      struct cm_error *error)
{
    const struct cm_toml_value *exclusions = cm_toml_get(table, "not");
    size_t most = count_rules(table) + (exclusions != NULL ? count_rules(exclusions) : 0);
    struct filling filling = {0};
    bool negate;
    enum capmill_status status = read_negate(config, table, &negate, error);

    if (status < 0)
        return status;
    filling.rules = cm_config_alloc(config, most, sizeof(*filling.rules), error);
    group->origin = cm_config_origin(config, table, "rule", error);
    if (filling.rules == NULL || group->origin == NULL)
        return CAPMILL_E_MEMORY;
    for (size_t i = 0; i < table->n_items && status >= 0; i++)
        status = read_group_item(config, &table->items[i], level, negate, &filling, group, error);
    group->rules = filling.rules;
    group->n_rules = filling.n_rules;
    if (status >= 0 && group->n_rules == 0 && group->n_groups == 0)
        return cm_config_refuse_empty(config, table, "rule", "key", error);
    return status;
}

static enum capmill_status read_groups(struct cm_config *config, const struct cm_toml_value *item,
                                       unsigned level, const struct capmill_filter_group **groups_ret,
                                       size_t *n_groups_ret, struct cm_error *error)
{
    struct capmill_filter_group *groups;
    enum capmill_status status = CAPMILL_OK;

    if (item->type != CM_TOML_ARRAY)
        return cm_config_refuse_type(config, item, "rules", "an array of tables: [[filter.rules]]", error);
    if (item->n_items == 0)
        return cm_config_refuse_empty(config, item, "rules", "rule", error);
    if (level > CAPMILL_FILTER_DEPTH)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s:%u:%u rules: nested deeper than %d levels",
                            config->path, item->line, item->column, CAPMILL_FILTER_DEPTH);
    groups = cm_config_alloc(config, item->n_items, sizeof(*groups), error);
    if (groups == NULL)
        return CAPMILL_E_MEMORY;
    for (size_t i = 0; i < item->n_items && status >= 0; i++) {
        if (item->items[i].type != CM_TOML_TABLE)
            return cm_config_refuse_type(config, &item->items[i], "rules", "a table", error);
        status = read_group(config, &item->items[i], level, &groups[i], error);
    }
    *groups_ret = groups;
    *n_groups_ret = item->n_items;
    return status;
}

static enum capmill_status refuse_filter_key(const struct cm_config *config, const struct cm_toml_value *item,
                                             struct cm_error *error)
{
    char keys[64][CM_OPTION_KEY_BYTES];
    struct cm_nearest nearest;
    enum capmill_status status;
    size_t n = 0;

    if (strcmp(item->key, "op") == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s:%u:%u: all of [filter] must hold; 'op' belongs into [[filter.rules]]",
                            config->path, item->key_line, item->key_column);
    status = cm_config_check_home(config, item, "[filter]", error);
    if (status < 0)
        return status;
    cm_nearest_init(&nearest, item->key, strlen(item->key));
    for (size_t i = 1; i < sizeof(rule_words) / sizeof(rule_words[0]); i++)
        cm_nearest_offer(&nearest, rule_words[i]);
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL && n < 64;
         option = cm_option_next(option)) {
        if (option->section == CM_SECTION_FILTER)
            cm_nearest_offer(&nearest, cm_option_key(option, keys[n++]));
    }
    return cm_config_refuse_key(config, item, "[filter]", nearest.name, error);
}

enum capmill_status cm_config_filter(struct cm_config *config, const struct cm_toml_value *table,
                                     struct cm_error *error)
{
    bool negate;
    enum capmill_status status = read_negate(config, table, &negate, error);

    for (size_t i = 0; i < table->n_items && status >= 0; i++) {
        const struct cm_toml_value *item = &table->items[i];
        const struct cm_option *option = cm_config_option(CM_SECTION_FILTER, item->key);

        if (option != NULL)
            status = cm_config_add(config, option, item, negate && option->negatable, error);
        else if (strcmp(item->key, "not") == 0)
            status = read_not(config, item, NULL, error);
        else if (strcmp(item->key, "rules") == 0)
            status = read_groups(config, item, 1, &config->groups, &config->n_groups, error);
        else if (strcmp(item->key, "negate") != 0)
            status = refuse_filter_key(config, item, error);
    }
    return status;
}
