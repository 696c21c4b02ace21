/* SPDX-License-Identifier: Apache-2.0 */
/* A filter's rules as a tree of questions about packets: made from the groups of the API (rules_tree.c), asked
 * over the selection of a batch (rules_match.c). For files of this room only. */
#ifndef CM_FILTER_RULES_TREE_H
#define CM_FILTER_RULES_TREE_H

#include "core/batch.h"
#include "filter/expression.h"
#include "filter/payload.h"
#include "filter/rules_set.h"

/* ALL: every child matches; of none that is everything. ANY: one child does. */
enum cm_rules_kind { CM_RULES_ALL = 0, CM_RULES_ANY, CM_RULES_LEAF };

struct cm_rules_node {
    enum cm_rules_kind kind;
    bool negate; /* the opposite */
    bool needs_headers;
    uint8_t cost;  /* of one packet, relative; the greatest of its children */
    uint8_t depth; /* 0 for leaves, else one more than the deepest child */
    /* ALL and ANY; owned; ascending by cost once sorted */
    struct cm_rules_node **children;
    size_t n_children, room;
    /* LEAF, by set.field; sealed */
    struct cm_rules_set set;
    unsigned question;                /* PAYLOAD_*: of the machine */
    struct cm_expression *expression; /* EXPRESSION; owned by the tree */
    size_t expression_number;
};

/* What costs so much that it comes after everything else, though it needs no headers. */
#define CM_RULES_COSTLY 40u

struct cm_rules_tree {
    struct cm_rules_node *root;         /* NULL: every packet matches */
    struct cm_payload_machine *payload; /* NULL: nothing is looked for in payloads */
    struct cm_expression **expressions;
    size_t n_expressions, room_expressions;
    unsigned n_questions;
};

struct cm_rules_options {
    const struct capmill_filter_group *group;
    bool costly_lengths;                           /* asking for a length is a call */
    void (*warn)(void *context, const char *text); /* may be NULL */
    void *warn_context;
};

/* Zeroed trees are valid arguments of fini. */
enum capmill_status cm_rules_tree_init(struct cm_rules_tree *tree, const struct cm_rules_options *options,
                                       struct cm_error *error);
void cm_rules_tree_fini(struct cm_rules_tree *tree);

/* NULL: no memory. */
struct cm_rules_node *cm_rules_node_create(enum cm_rules_kind kind);
void cm_rules_node_destroy(struct cm_rules_node *node); /* NULL accepted; with its children */
/* The child is the parent's then, or destroyed where there is no memory. */
bool cm_rules_node_adopt(struct cm_rules_node *parent, struct cm_rules_node *child);

/* Warnings about the rules of a group (rules_warn.c): those that can match nothing or have no effect. The
 * rules can be parsed; `sets` is [field][negate]. */
void cm_rules_warn(const struct cm_rules_options *options, const struct capmill_filter_group *group,
                   struct cm_rules_set sets[CAPMILL_FILTER_FIELDS + 1][2]);

/* --- asking --- */

/* Programs of one expression by link type: a batch is nearly always of one. */
#define CM_RULES_PROGRAMS 8u
struct cm_rules_program {
    const struct cm_bpf_program *program; /* NULL: none for this link type */
    uint32_t link_type;                   /* UINT32_MAX: nothing is known */
};

/* What one thread needs to ask. */
struct cm_rules_walk {
    const struct cm_rules_tree *tree;
    bool unidirectional;
    uint32_t (*written_caplen)(void *context, const struct cm_packet *packet); /* NULL: as read */
    void *length_context;
    /* Told of a link type that an expression cannot be compiled for; may be told again. */
    void (*no_program)(void *context, size_t expression_number, uint16_t link_type, const char *reason);
    void *no_program_context;
    uint16_t (*lists)[CM_BATCH_CAPACITY]; /* two for each level of the tree */
    size_t n_lists;
    uint16_t matched[CM_BATCH_CAPACITY];                    /* of an excluding expression */
    uint8_t marks[CM_BATCH_CAPACITY];                       /* 0 between subtractions */
    struct cm_rules_program (*programs)[CM_RULES_PROGRAMS]; /* by expression */
    struct cm_payload_scanner *scanner;
    uint64_t scanned[CM_BATCH_CAPACITY / 64]; /* packets whose payload was scanned already */
    uint64_t answers[CM_BATCH_CAPACITY];
    bool failed;             /* the payload machine did, or what `failure` tells */
    struct cm_error failure; /* expressions could not be compiled, for another reason than their text */
};

/* For a node of the tree and all below it. Zeroed walks are valid arguments of fini. */
enum capmill_status cm_rules_walk_init(struct cm_rules_walk *walk, const struct cm_rules_tree *tree,
                                       const struct cm_rules_node *node, struct cm_error *error);
void cm_rules_walk_fini(struct cm_rules_walk *walk);
/* Before the first question about a batch. */
void cm_rules_walk_begin(struct cm_rules_walk *walk);
/* Keep those of the `n` packets at `list` (indices in the batch, ascending) that match, in their order, and
 * answer how many they are. */
uint32_t cm_rules_narrow(const struct cm_rules_node *node, struct cm_rules_walk *walk,
                         const struct cm_batch *batch, uint16_t *list, uint32_t n);

#endif
