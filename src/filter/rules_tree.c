/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of rules made into a tree: types united, groups of one kind merged into their parents, what is always
 * or never true taken out, cheap questions first. Knows no packets. */
#include "filter/rules_tree.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "filter/values.h"

/* Groups inside each other add up to three levels each: the group, a type with exclusions, several
 * expressions. */
static_assert(3 * (CAPMILL_FILTER_DEPTH + 1) < UINT8_MAX, "a node's depth is counted in 8 bits");

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the rules of the filter");
}

/* --- nodes --- */

struct cm_rules_node *cm_rules_node_create(enum cm_rules_kind kind)
{
    struct cm_rules_node *node = calloc(1, sizeof(*node));

    if (node != NULL)
        node->kind = kind;
    return node;
}

void cm_rules_node_destroy(struct cm_rules_node *node)
{
    if (node == NULL)
        return;
    for (size_t i = 0; i < node->n_children; i++)
        cm_rules_node_destroy(node->children[i]);
    free(node->children);
    cm_rules_set_fini(&node->set);
    free(node);
}

static bool put_child(struct cm_rules_node *parent, struct cm_rules_node *child)
{
    if (!CM_GROW(parent->children, parent->room, parent->n_children + 1, 4)) {
        cm_rules_node_destroy(child);
        return false;
    }
    parent->children[parent->n_children++] = child;
    return true;
}

/* A child of the parent's own kind gives its children in its place. */
bool cm_rules_node_adopt(struct cm_rules_node *parent, struct cm_rules_node *child)
{
    bool ok = true;

    if (child == NULL)
        return false;
    if (child->kind != parent->kind || child->negate || child->kind == CM_RULES_LEAF ||
        child->n_children == 0)
        return put_child(parent, child);
    for (size_t i = 0; i < child->n_children; i++) {
        if (ok)
            ok = put_child(parent, child->children[i]);
        else
            cm_rules_node_destroy(child->children[i]);
    }
    child->n_children = 0;
    cm_rules_node_destroy(child);
    return ok;
}

static bool is_constant(const struct cm_rules_node *node, bool value)
{
    return node->kind == CM_RULES_ALL && node->n_children == 0 && node->negate == !value;
}

static int compare_cost(const void *left, const void *right)
{
    const struct cm_rules_node *a = *(struct cm_rules_node *const *)left;
    const struct cm_rules_node *b = *(struct cm_rules_node *const *)right;

    return (a->cost > b->cost) - (a->cost < b->cost);
}

/* Nodes whose children are simple already: constants go, one child stands for itself. Answers the node that
 * takes this one's place. */
static struct cm_rules_node *simplify(struct cm_rules_node *node)
{
    const bool deciding = node->kind == CM_RULES_ANY; /* the value of one child that decides */
    bool decided = false;
    size_t n = 0;

    if (node->kind == CM_RULES_LEAF || node->n_children == 0)
        return node;
    for (size_t i = 0; i < node->n_children; i++) {
        struct cm_rules_node *child = node->children[i];

        decided |= is_constant(child, deciding);
        if (is_constant(child, true) || is_constant(child, false))
            cm_rules_node_destroy(child);
        else
            node->children[n++] = child;
    }
    node->n_children = n;
    if (decided || n == 0) {
        for (size_t i = 0; i < n; i++)
            cm_rules_node_destroy(node->children[i]);
        /* of children that are all constant and none of which decides, the other value is left */
        node->negate ^= (decided ? deciding : !deciding) == false;
        node->n_children = 0;
        node->kind = CM_RULES_ALL;
        return node;
    }
    if (n == 1) {
        struct cm_rules_node *child = node->children[0];

        child->negate ^= node->negate;
        node->n_children = 0;
        cm_rules_node_destroy(node);
        return child;
    }
    for (size_t i = 0; i < n; i++) {
        const struct cm_rules_node *child = node->children[i];

        node->needs_headers |= child->needs_headers;
        if (child->cost > node->cost)
            node->cost = child->cost;
        if (child->depth >= node->depth)
            node->depth = (uint8_t)(child->depth + 1);
    }
    /* the order of equal costs does not matter to the result */
    qsort((void *)node->children, n, sizeof(struct cm_rules_node *), compare_cost);
    return node;
}

/* --- leaves --- */

/* What asking costs, relative: times and lengths stand in the descriptor, the next in the header column,
 * addresses in the packet; an expression runs a program, a flow id hashes, payloads are read whole. */
static uint8_t cost_of(enum capmill_filter_field field, bool costly_lengths)
{
    switch (field) {
    case CAPMILL_FILTER_FROM:
    case CAPMILL_FILTER_TO:
        return 1;
    case CAPMILL_FILTER_MIN_LEN:
    case CAPMILL_FILTER_MAX_LEN:
        return costly_lengths ? CM_RULES_COSTLY : 2;
    case CAPMILL_FILTER_PROTO:
        return 3;
    case CAPMILL_FILTER_TCP_FLAGS:
        return 4;
    case CAPMILL_FILTER_SRC_PORT:
    case CAPMILL_FILTER_DST_PORT:
    case CAPMILL_FILTER_PORT:
        return 5;
    case CAPMILL_FILTER_SRC_IP:
    case CAPMILL_FILTER_DST_IP:
    case CAPMILL_FILTER_IP:
        return 8;
    case CAPMILL_FILTER_EXPRESSION:
        return 20;
    case CAPMILL_FILTER_FLOW_ID:
        return 30;
    case CAPMILL_FILTER_PAYLOAD_BYTES:
    case CAPMILL_FILTER_PAYLOAD_REGEX:
        return 100;
    }
    return 100;
}

static bool needs_headers(enum capmill_filter_field field)
{
    return field != CAPMILL_FILTER_FROM && field != CAPMILL_FILTER_TO && field != CAPMILL_FILTER_MIN_LEN &&
           field != CAPMILL_FILTER_MAX_LEN && field != CAPMILL_FILTER_EXPRESSION;
}

/* A tree that is being made. */
struct build {
    const struct cm_rules_options *options;
    struct cm_rules_tree *tree;
    struct cm_payload_pattern *patterns;
    size_t n_patterns, room_patterns;
    struct cm_error *error;
};

static struct cm_rules_node *leaf_create(const struct build *build, enum capmill_filter_field field,
                                         bool negate)
{
    struct cm_rules_node *leaf = cm_rules_node_create(CM_RULES_LEAF);

    if (leaf == NULL)
        return NULL;
    leaf->set.field = field;
    leaf->negate = negate;
    leaf->cost = cost_of(field, build->options->costly_lengths);
    leaf->needs_headers = needs_headers(field);
    return leaf;
}

/* --- payload and expressions --- */

static enum capmill_status add_pattern(struct build *build, const struct capmill_filter_rule *rule,
                                       unsigned question)
{
    const char *origin = cm_rules_origin(rule), *text = rule->value == NULL ? "" : rule->value;
    struct cm_payload_pattern pattern = {.question = question, .origin = origin, .text = text};
    const size_t n = strlen(text);

    if (n == 0)
        return cm_error_set(build->error, CAPMILL_E_USAGE, 0, "%s: nothing to look for", origin);
    if (n > CM_PAYLOAD_PATTERN_BYTES)
        return cm_error_set(build->error, CAPMILL_E_USAGE, 0,
                            "%s: a pattern of %zu characters; %u are the most", origin, n,
                            CM_PAYLOAD_PATTERN_BYTES);
    if (build->n_patterns == CM_PAYLOAD_PATTERNS)
        return cm_error_set(build->error, CAPMILL_E_USAGE, 0, "%s: more than %u payload patterns", origin,
                            CM_PAYLOAD_PATTERNS);
    if (!CM_GROW(build->patterns, build->room_patterns, build->n_patterns + 1, 16))
        return no_memory(build->error);
    if (rule->field == CAPMILL_FILTER_PAYLOAD_REGEX) {
        pattern.is_regex = true;
        pattern.regex = text;
    } else {
        struct cm_text_fault fault;
        uint8_t *bytes = malloc(n / 2 + 1);

        if (bytes == NULL)
            return no_memory(build->error);
        if (!cm_value_bytes(text, n, bytes, &pattern.n_bytes, &fault)) {
            free(bytes);
            return cm_error_set(build->error, CAPMILL_E_USAGE, 0,
                                "%s: '%.200s' is no sequence of bytes: %s at column %zu", origin, text,
                                fault.what, fault.at + 1);
        }
        pattern.bytes = bytes;
    }
    build->patterns[build->n_patterns++] = pattern;
    return CAPMILL_OK;
}

/* All payload rules of a group, a field and a side are one question of the machine. */
static enum capmill_status add_question(struct build *build, const struct capmill_filter_group *group,
                                        enum capmill_filter_field field, bool negate,
                                        struct cm_rules_node *type)
{
    struct cm_rules_node *leaf = NULL;

    for (size_t i = 0; i < group->n_rules; i++) {
        const struct capmill_filter_rule *rule = &group->rules[i];
        enum capmill_status status;

        if (rule->field != field || rule->negate != negate)
            continue;
        if (leaf == NULL) {
            if (build->tree->n_questions == CM_PAYLOAD_QUESTIONS)
                return cm_error_set(build->error, CAPMILL_E_USAGE, 0,
                                    "%s: payload patterns in more than %u groups of rules",
                                    cm_rules_origin(rule), CM_PAYLOAD_QUESTIONS);
            leaf = leaf_create(build, field, negate);
            if (leaf == NULL || !cm_rules_node_adopt(type, leaf))
                return no_memory(build->error);
            leaf->question = build->tree->n_questions++;
        }
        status = add_pattern(build, rule, leaf->question);
        if (status < 0)
            return status;
    }
    return CAPMILL_OK;
}

static enum capmill_status add_expression(struct build *build, const struct capmill_filter_rule *rule,
                                          struct cm_rules_node *parent)
{
    struct cm_rules_tree *tree = build->tree;
    struct cm_rules_node *leaf;
    enum capmill_status status;

    if (!CM_GROW(tree->expressions, tree->room_expressions, tree->n_expressions + 1, 4))
        return no_memory(build->error);
    leaf = leaf_create(build, CAPMILL_FILTER_EXPRESSION, rule->negate);
    if (leaf == NULL || !cm_rules_node_adopt(parent, leaf))
        return no_memory(build->error);
    status = cm_expression_create(rule->value == NULL ? "" : rule->value, cm_rules_origin(rule),
                                  &leaf->expression, build->error);
    if (status < 0)
        return status;
    leaf->expression_number = tree->n_expressions;
    tree->expressions[tree->n_expressions++] = leaf->expression;
    return CAPMILL_OK;
}

/* Exclusions stand beside each other in `type`, the others in an ANY of their own. */
static enum capmill_status add_expressions(struct build *build, const struct capmill_filter_group *group,
                                           bool negate, struct cm_rules_node *type)
{
    struct cm_rules_node *any = negate ? NULL : cm_rules_node_create(CM_RULES_ANY);
    enum capmill_status status = CAPMILL_OK;

    if (!negate && any == NULL)
        return no_memory(build->error);
    for (size_t i = 0; i < group->n_rules && status == CAPMILL_OK; i++) {
        const struct capmill_filter_rule *rule = &group->rules[i];

        if (rule->field == CAPMILL_FILTER_EXPRESSION && rule->negate == negate)
            status = add_expression(build, rule, negate ? type : any);
    }
    if (any == NULL)
        return status;
    if (any->n_children == 0)
        cm_rules_node_destroy(any);
    else if (!cm_rules_node_adopt(type, simplify(any)) && status == CAPMILL_OK)
        status = no_memory(build->error);
    return status;
}

/* --- groups --- */

struct group_sets {
    struct cm_rules_set of[CAPMILL_FILTER_FIELDS + 1][2];
};

static bool is_structured(enum capmill_filter_field field)
{
    return field != CAPMILL_FILTER_PAYLOAD_BYTES && field != CAPMILL_FILTER_PAYLOAD_REGEX &&
           field != CAPMILL_FILTER_EXPRESSION;
}

static enum capmill_status check_order(const struct capmill_filter_group *group,
                                       const struct group_sets *sets, struct cm_error *error)
{
    const struct cm_rules_set *from = &sets->of[CAPMILL_FILTER_FROM][0];
    const struct cm_rules_set *to = &sets->of[CAPMILL_FILTER_TO][0];
    const struct cm_rules_set *least = &sets->of[CAPMILL_FILTER_MIN_LEN][0];
    const struct cm_rules_set *most = &sets->of[CAPMILL_FILTER_MAX_LEN][0];

    if (group->op == CAPMILL_FILTER_OR) /* one side is enough */
        return CAPMILL_OK;
    if (from->field != 0 && to->field != 0 && from->bound >= to->bound)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: '%s' is not before %s '%s'",
                            cm_rules_origin(from->bound_rule), from->bound_rule->value,
                            cm_rules_origin(to->bound_rule), to->bound_rule->value);
    if (least->field != 0 && most->field != 0 && least->bound > most->bound)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: '%s' is more than %s '%s'",
                            cm_rules_origin(least->bound_rule), least->bound_rule->value,
                            cm_rules_origin(most->bound_rule), most->bound_rule->value);
    return CAPMILL_OK;
}

/* Rules in the user's order, so that the first mistake is the one refused. */
static enum capmill_status read_rules(struct build *build, const struct capmill_filter_group *group,
                                      struct group_sets *sets)
{
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < group->n_rules && status == CAPMILL_OK; i++) {
        const struct capmill_filter_rule *rule = &group->rules[i];

        if (rule->field < 1 || rule->field > CAPMILL_FILTER_FIELDS)
            return cm_error_set(build->error, CAPMILL_E_USAGE, 0, "%s: there is no such kind of rule (%d)",
                                cm_rules_origin(rule), (int)rule->field);
        if (is_structured(rule->field))
            status = cm_rules_set_add(&sets->of[rule->field][rule->negate], rule, build->error);
    }
    if (status == CAPMILL_OK)
        status = check_order(group, sets, build->error);
    if (status != CAPMILL_OK)
        return status;
    for (unsigned field = 1; field <= CAPMILL_FILTER_FIELDS; field++)
        for (unsigned side = 0; side < 2; side++)
            cm_rules_set_seal(&sets->of[field][side]);
    if (build->options->warn != NULL)
        cm_rules_warn(build->options, group, sets->of);
    return CAPMILL_OK;
}

/* The questions of one type: ALL of what is asked for and what is excluded. */
static enum capmill_status add_type(struct build *build, const struct capmill_filter_group *group,
                                    enum capmill_filter_field field, struct group_sets *sets,
                                    struct cm_rules_node *parent)
{
    struct cm_rules_node *type = cm_rules_node_create(CM_RULES_ALL);
    enum capmill_status status = type == NULL ? no_memory(build->error) : CAPMILL_OK;

    for (unsigned side = 0; side < 2 && status == CAPMILL_OK; side++) {
        struct cm_rules_set *set = &sets->of[field][side];

        if (field == CAPMILL_FILTER_EXPRESSION) {
            status = add_expressions(build, group, side != 0, type);
        } else if (!is_structured(field)) {
            status = add_question(build, group, field, side != 0, type);
        } else if (set->field != 0) {
            struct cm_rules_node *leaf = leaf_create(build, field, side != 0);

            if (leaf == NULL || !cm_rules_node_adopt(type, leaf)) {
                status = no_memory(build->error);
            } else {
                leaf->set = *set; /* moves */
                memset(set, 0, sizeof(*set));
            }
        }
    }
    if (status == CAPMILL_OK && type->n_children > 0) {
        if (!cm_rules_node_adopt(parent, simplify(type)))
            status = no_memory(build->error);
        return status;
    }
    cm_rules_node_destroy(type);
    return status;
}

static enum capmill_status build_group(struct build *build, const struct capmill_filter_group *group,
                                       unsigned level, struct cm_rules_node **node_ret)
{
    struct cm_rules_node *node =
        cm_rules_node_create(group->op == CAPMILL_FILTER_OR ? CM_RULES_ANY : CM_RULES_ALL);
    struct group_sets *sets = calloc(1, sizeof(*sets));
    enum capmill_status status;

    *node_ret = NULL;
    if (level > CAPMILL_FILTER_DEPTH) {
        status = cm_error_set(build->error, CAPMILL_E_USAGE, 0, "%s: groups of rules more than %d deep",
                              group->origin == NULL ? "filter" : group->origin, CAPMILL_FILTER_DEPTH);
        goto cleanup;
    }
    status = node == NULL || sets == NULL ? no_memory(build->error) : read_rules(build, group, sets);
    for (unsigned field = 1; field <= CAPMILL_FILTER_FIELDS && status == CAPMILL_OK; field++)
        status = add_type(build, group, (enum capmill_filter_field)field, sets, node);
    for (size_t i = 0; i < group->n_groups && status == CAPMILL_OK; i++) {
        struct cm_rules_node *child;

        status = build_group(build, &group->groups[i], level + 1, &child);
        if (status == CAPMILL_OK && !cm_rules_node_adopt(node, child))
            status = no_memory(build->error);
    }
    if (status == CAPMILL_OK) {
        if (node->n_children == 0)
            node->kind = CM_RULES_ALL; /* nothing is asked for: everything matches */
        node->negate = group->op == CAPMILL_FILTER_NOT;
        *node_ret = simplify(node);
        node = NULL;
    }
cleanup:
    for (unsigned field = 1; sets != NULL && field <= CAPMILL_FILTER_FIELDS; field++)
        for (unsigned side = 0; side < 2; side++)
            cm_rules_set_fini(&sets->of[field][side]);
    free(sets);
    cm_rules_node_destroy(node);
    return status;
}

enum capmill_status cm_rules_tree_init(struct cm_rules_tree *tree, const struct cm_rules_options *options,
                                       struct cm_error *error)
{
    struct build build = {.options = options, .tree = tree, .error = error};
    enum capmill_status status;

    memset(tree, 0, sizeof(*tree));
    status = build_group(&build, options->group, 0, &tree->root);
    if (status == CAPMILL_OK && build.n_patterns > 0)
        status = cm_payload_create(build.patterns, build.n_patterns, &tree->payload, error);
    if (status == CAPMILL_OK && is_constant(tree->root, true)) {
        cm_rules_node_destroy(tree->root);
        tree->root = NULL;
    }
    if (status == CAPMILL_OK && tree->root != NULL && is_constant(tree->root, false) && options->warn != NULL)
        options->warn(options->warn_context, "the filter keeps no packet: its rules exclude everything");
    for (size_t i = 0; i < build.n_patterns; i++)
        free(build.patterns[i].bytes);
    free(build.patterns);
    if (status < 0)
        cm_rules_tree_fini(tree);
    return status;
}

void cm_rules_tree_fini(struct cm_rules_tree *tree)
{
    for (size_t i = 0; i < tree->n_expressions; i++)
        cm_expression_destroy(tree->expressions[i]);
    free((void *)tree->expressions);
    cm_payload_destroy(tree->payload);
    cm_rules_node_destroy(tree->root);
    memset(tree, 0, sizeof(*tree));
}
