/* SPDX-License-Identifier: Apache-2.0 */
/* The adapter of the stage: a filter's tree divided into what runs before headers are decoded and what runs
 * after, and the two operators. What rules mean is in rules_*.c, what expressions mean in expression.c. */
#include "filter/filter.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "filter/rules_tree.h"

/* One operator's part of a filter. */
struct filter_part {
    struct cm_filter *filter;
    struct cm_rules_node *node; /* NULL: there is no such operator */
};

/* Link types that were told of, one bit each. */
#define LINK_WORDS (65536 / 64)
struct link_warnings {
    _Atomic uint64_t told[LINK_WORDS];
};

struct cm_filter {
    struct cm_rules_tree tree; /* its root is divided between the parts */
    struct filter_part early, late;
    struct cm_filter_options options;    /* rules: not kept */
    struct link_warnings *link_warnings; /* by expression */
};

/* What one thread keeps for one operator. */
struct part_thread {
    struct cm_rules_walk walk;
    uint16_t list[CM_BATCH_CAPACITY];
};

/* --- making --- */

static struct cm_rules_node *part_node(struct filter_part *part)
{
    if (part->node == NULL)
        part->node = cm_rules_node_create(CM_RULES_ALL);
    return part->node;
}

/* Only what is ANDed together can be divided. */
static bool divide(struct cm_filter *filter)
{
    struct cm_rules_node *root = filter->tree.root, *single[1] = {root};
    const bool is_all = root->kind == CM_RULES_ALL && !root->negate;
    struct cm_rules_node **children = is_all ? root->children : single;
    const size_t n = is_all ? root->n_children : 1;
    bool any_late = false, ok = true;

    filter->tree.root = NULL;
    for (size_t i = 0; i < n; i++)
        any_late |= children[i]->needs_headers;
    for (size_t i = 0; i < n; i++) {
        struct cm_rules_node *child = children[i];
        const bool is_late = child->needs_headers || (any_late && child->cost >= CM_RULES_COSTLY);
        struct cm_rules_node *to = ok ? part_node(is_late ? &filter->late : &filter->early) : NULL;

        if (to == NULL) {
            cm_rules_node_destroy(child);
            ok = false;
            continue;
        }
        if (child->depth >= to->depth)
            to->depth = (uint8_t)(child->depth + 1);
        ok = cm_rules_node_adopt(to, child); /* in order of cost, as they were */
    }
    if (is_all) {
        root->n_children = 0;
        cm_rules_node_destroy(root);
    }
    return ok;
}

enum capmill_status cm_filter_create(const struct cm_filter_options *options, struct cm_filter **filter_ret,
                                     struct cm_error *error)
{
    const struct cm_rules_options rules = {.group = &options->rules->rules,
                                           .costly_lengths = options->written_caplen != NULL,
                                           .warn = options->warn,
                                           .warn_context = options->warn_context};
    struct cm_filter *filter = calloc(1, sizeof(*filter));
    enum capmill_status status;

    *filter_ret = NULL;
    if (filter == NULL)
        goto no_memory;
    filter->options = *options;
    filter->options.rules = NULL;
    filter->early.filter = filter->late.filter = filter;
    status = cm_rules_tree_init(&filter->tree, &rules, error);
    if (status < 0 || filter->tree.root == NULL) {
        cm_filter_destroy(filter);
        return status;
    }
    if (filter->tree.n_expressions > 0) {
        filter->link_warnings = calloc(filter->tree.n_expressions, sizeof(*filter->link_warnings));
        if (filter->link_warnings == NULL)
            goto no_memory;
    }
    if (!divide(filter))
        goto no_memory;
    *filter_ret = filter;
    return CAPMILL_OK;
no_memory:
    cm_filter_destroy(filter);
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the filter");
}

void cm_filter_destroy(struct cm_filter *filter)
{
    if (filter == NULL)
        return;
    cm_rules_node_destroy(filter->early.node);
    cm_rules_node_destroy(filter->late.node);
    cm_rules_tree_fini(&filter->tree);
    free(filter->link_warnings);
    free(filter);
}

/* --- link types --- */

enum capmill_status cm_filter_check_link(struct cm_filter *filter, uint16_t link_type, struct cm_error *error)
{
    for (size_t i = 0; i < filter->tree.n_expressions; i++) {
        struct cm_error fault = {0};

        if (cm_expression_program(filter->tree.expressions[i], link_type, &fault) != NULL)
            continue;
        if (fault.status >= 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0,
                                "the expression cannot be compiled for link type %u", link_type);
        if (error != NULL && error->status >= 0)
            *error = fault;
        return fault.status;
    }
    return CAPMILL_OK;
}

static void no_program(void *context, size_t expression_number, uint16_t link_type, const char *reason)
{
    struct cm_filter *filter = context;
    _Atomic uint64_t *word = &filter->link_warnings[expression_number].told[link_type / 64];
    const uint64_t bit = UINT64_C(1) << link_type % 64;

    /* nothing else is made visible: whoever sets the bit tells */
    if (filter->options.warn == NULL ||
        (atomic_fetch_or_explicit(word, bit, memory_order_relaxed) & bit) != 0)
        return;
    filter->options.warn(filter->options.warn_context, reason);
}

/* --- running --- */

static enum capmill_status part_open(void *shared, unsigned thread, void **local_ret, struct cm_error *error)
{
    struct filter_part *part = shared;
    struct part_thread *local = calloc(1, sizeof(*local));
    enum capmill_status status;

    (void)thread;
    *local_ret = NULL;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for a thread of the filter");
    local->walk.unidirectional = part->filter->options.unidirectional;
    local->walk.written_caplen = part->filter->options.written_caplen;
    local->walk.length_context = part->filter->options.length_context;
    local->walk.no_program = no_program;
    local->walk.no_program_context = part->filter;
    status = cm_rules_walk_init(&local->walk, &part->filter->tree, part->node, error);
    if (status < 0) {
        cm_rules_walk_fini(&local->walk);
        free(local);
        return status;
    }
    *local_ret = local;
    return CAPMILL_OK;
}

static void part_close(void *shared, void *local_)
{
    struct part_thread *local = local_;

    (void)shared;
    if (local == NULL)
        return;
    cm_rules_walk_fini(&local->walk);
    free(local);
}

static enum capmill_status part_process(void *shared, void *local_, struct cm_batch *batch,
                                        struct cm_error *error)
{
    const struct filter_part *part = shared;
    struct part_thread *local = local_;
    const uint32_t n = cm_batch_n_selected(batch);
    uint32_t n_kept;

    for (uint32_t i = 0; i < n; i++)
        local->list[i] = (uint16_t)cm_batch_selected(batch, i);
    cm_rules_walk_begin(&local->walk);
    n_kept = cm_rules_narrow(part->node, &local->walk, batch, local->list, n);
    if (CM_UNLIKELY(local->walk.failure.status < 0))
        return cm_error_set(error, local->walk.failure.status, local->walk.failure.system_code, "%s",
                            local->walk.failure.text);
    if (CM_UNLIKELY(local->walk.failed))
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "the search in payloads failed");
    if (n_kept == n)
        return CAPMILL_OK; /* a filter that drops nothing touches nothing */
    memcpy(batch->selection, local->list, n_kept * sizeof(*local->list));
    batch->n_selected = n_kept;
    batch->selected_all = false;
    return CAPMILL_OK;
}

static bool part_operator(struct filter_part *part, const char *name, struct cm_operator *operator_ret)
{
    if (part->node == NULL)
        return false;
    *operator_ret = (struct cm_operator){
        .name = name, .shared = part, .open = part_open, .process = part_process, .close = part_close};
    return true;
}

bool cm_filter_early(struct cm_filter *filter, struct cm_operator *operator_ret)
{
    return part_operator(&filter->early, "filter (early)", operator_ret);
}

bool cm_filter_late(struct cm_filter *filter, struct cm_operator *operator_ret)
{
    return part_operator(&filter->late, "filter", operator_ret);
}

const char *cm_filter_expression_feature(void)
{
    return cm_expression_library();
}

const char *cm_filter_payload_feature(void)
{
    return cm_payload_library();
}
