/* SPDX-License-Identifier: Apache-2.0 */
/* Gathering a summary: per thread without any sharing, united when a thread ends. Rows are made in
 * summary_rows.c. */
#include "sink/summary_sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "sink/summary_int.h"

/* However little memory the job allows, tables get this much: less would spill at every turn. */
#define PART_BYTES_MIN ((uint64_t)1 << 20)

static enum capmill_status no_memory(struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for the summary of a capture");
}

/* --- parts --- */

static void part_fini(struct cm_summary_part *part)
{
    cm_summary_totals_fini(&part->totals);
    free(part->ranges.items);
    cm_tally_destroy(part->tally);
    cm_flow_table_destroy(part->flows);
    memset(part, 0, sizeof(*part));
}

static enum capmill_status part_init(struct cm_summary_part *part, struct cm_summary *summary,
                                     uint64_t memory_bytes, struct cm_error *error)
{
    const struct cm_summary_options *options = &summary->options;
    const size_t bytes = (size_t)cm_min_u64(cm_max_u64(memory_bytes, PART_BYTES_MIN), SIZE_MAX);
    enum capmill_status status;

    memset(part, 0, sizeof(*part));
    part->summary = summary;
    if (options->level == CM_SUMMARY_STATS && !options->approximate) {
        const struct cm_flow_table_options table = {options->unidirectional, bytes, options->temp_dir,
                                                    &summary->seed};

        status = cm_flow_table_create(&table, &part->flows, error);
    } else {
        const struct cm_tally_options tally = {options->unidirectional, options->approximate, bytes,
                                               options->temp_dir, &summary->seed};

        status = cm_tally_create(&tally, &part->tally, error);
    }
    if (status != CAPMILL_OK)
        part_fini(part);
    return status;
}

static void part_clear(struct cm_summary_part *part)
{
    cm_summary_totals_fini(&part->totals);
    part->ranges.n = 0;
    if (part->tally != NULL)
        cm_tally_clear(part->tally);
    if (part->flows != NULL)
        cm_flow_table_clear(part->flows);
}

/* Unite flows and addresses; `from` has none then. */
static enum capmill_status absorb_flows(struct cm_summary_part *into, struct cm_summary_part *from,
                                        struct cm_error *error)
{
    return into->flows != NULL ? cm_flow_table_absorb(into->flows, from->flows, error)
                               : cm_tally_absorb(into->tally, from->tally, error);
}

/* --- the sink --- */

static enum capmill_status sink_open(void *shared, unsigned thread, void **local_ret, struct cm_error *error)
{
    struct cm_summary *summary = shared;
    const unsigned n_threads = summary->options.n_threads;
    enum capmill_status status = CAPMILL_OK;
    struct cm_summary_part *part;

    *local_ret = NULL;
    if (thread >= n_threads)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "thread %u opened a summary made for %u", thread,
                            n_threads);
    cm_mutex_lock(&summary->mutex);
    part = summary->locals[thread];
    if (part == NULL) {
        part = calloc(1, sizeof(*part));
        status = part == NULL
                     ? no_memory(error)
                     : part_init(part, summary, summary->options.memory_bytes / 2 / n_threads, error);
        if (status == CAPMILL_OK)
            summary->locals[thread] = part;
        else
            free(part);
    }
    if (status == CAPMILL_OK)
        *local_ret = part;
    cm_mutex_unlock(&summary->mutex);
    return status;
}

static enum capmill_status sink_consume(void *shared, void *local, struct cm_batch *batch,
                                        struct cm_error *error)
{
    struct cm_summary_part *part = local;
    const bool stats = part->summary->options.level == CM_SUMMARY_STATS;
    struct cm_summary_range *range = cm_summary_ranges_for(&part->ranges, batch);

    if (range == NULL || !cm_summary_totals_add(&part->totals, batch, stats))
        return no_memory(error);
    cm_summary_range_add(range, batch);
    if (batch->headers == NULL)
        return CAPMILL_OK;
    return part->flows != NULL ? cm_flow_table_add(part->flows, batch, error)
                               : cm_tally_add(part->tally, batch, error);
}

/* The part stays, empty, for the next capture; cm_summary_destroy frees it. */
static enum capmill_status sink_combine(void *shared, void *local, struct cm_error *error)
{
    struct cm_summary *summary = shared;
    struct cm_summary_part *part = local, *whole = &summary->whole;
    enum capmill_status status = CAPMILL_OK;

    if (part == NULL)
        return CAPMILL_OK;
    if (!cm_summary_totals_merge(&whole->totals, &part->totals) ||
        !cm_summary_ranges_append(&whole->ranges, &part->ranges))
        status = no_memory(error);
    if (status == CAPMILL_OK)
        status = absorb_flows(whole, part, error);
    part_clear(part);
    return status;
}

static enum capmill_status sink_finish(void *shared, struct cm_error *error)
{
    return cm_summary_finish(shared, error);
}

static void sink_close(void *shared)
{
}

/* --- life --- */

enum capmill_status cm_summary_create(const struct cm_summary_options *options,
                                      struct cm_summary **summary_ret, struct cm_error *error)
{
    struct cm_summary *summary = calloc(1, sizeof(*summary));
    enum capmill_status status;

    *summary_ret = NULL;
    if (summary == NULL)
        return no_memory(error);
    summary->options = *options;
    if (summary->options.n_threads == 0)
        summary->options.n_threads = 1;
    if (options->seed != NULL)
        summary->seed = *options->seed;
    else
        cm_flow_seed_make(&summary->seed);
    summary->options.seed = NULL;
    summary->sink = (struct cm_sink){.name = "summary",
                                     .shared = summary,
                                     .open = sink_open,
                                     .consume = sink_consume,
                                     .combine = sink_combine,
                                     .finish = sink_finish,
                                     .close = sink_close};
    cm_mutex_init(&summary->mutex);
    summary->locals = calloc(summary->options.n_threads, sizeof(struct cm_summary_part *));
    status = summary->locals == NULL ? no_memory(error)
                                     : part_init(&summary->whole, summary, options->memory_bytes / 2, error);
    if (status != CAPMILL_OK) {
        cm_summary_destroy(summary);
        return status;
    }
    *summary_ret = summary;
    return CAPMILL_OK;
}

void cm_summary_destroy(struct cm_summary *summary)
{
    if (summary == NULL)
        return;
    cm_summary_drop_rows(summary);
    for (unsigned i = 0; summary->locals != NULL && i < summary->options.n_threads; i++) {
        if (summary->locals[i] != NULL)
            part_fini(summary->locals[i]);
        free(summary->locals[i]);
    }
    free(summary->locals);
    part_fini(&summary->whole);
    cm_mutex_fini(&summary->mutex);
    free(summary);
}

void cm_summary_reset(struct cm_summary *summary)
{
    cm_summary_drop_rows(summary);
    for (unsigned i = 0; i < summary->options.n_threads; i++)
        if (summary->locals[i] != NULL)
            part_clear(summary->locals[i]); /* empty already, unless a run failed before combining */
    part_clear(&summary->whole);
    memset(&summary->counts, 0, sizeof(summary->counts));
    memset(&summary->absorbed, 0, sizeof(summary->absorbed));
    summary->finished = false;
}

const struct cm_sink *cm_summary_sink(struct cm_summary *summary)
{
    return &summary->sink;
}

/* --- the end --- */

/* Add up what captures that have nothing to do with each other say about order. */
static void add_order(struct cm_summary_range *sum, const struct cm_summary_range *range)
{
    if (!range->any)
        return;
    if (!sum->any) {
        *sum = *range;
        return;
    }
    sum->min_ns = cm_min_u64(sum->min_ns, range->min_ns);
    sum->max_ns = cm_max_u64(sum->max_ns, range->max_ns);
    sum->n_out_of_order += range->n_out_of_order;
    sum->max_late_ns = cm_max_u64(sum->max_late_ns, range->max_late_ns);
}

static void fill_counts(struct cm_summary *summary)
{
    const struct cm_summary_totals *totals = &summary->whole.totals;
    struct cm_summary_counts *counts = &summary->counts;
    const struct cm_summary_range *order = &summary->absorbed;

    *counts = (struct cm_summary_counts){.n_packets = totals->n_packets,
                                         .captured_bytes = totals->captured_bytes,
                                         .original_bytes = totals->original_bytes,
                                         .min_length = totals->min_length,
                                         .max_length = totals->max_length,
                                         .has_times = order->any,
                                         .approximate = summary->options.approximate,
                                         .n_damages = totals->n_damages,
                                         .damaged_bytes = totals->damaged_bytes};
    if (!order->any)
        return;
    counts->first_ns = order->min_ns;
    counts->last_ns = order->max_ns;
    counts->n_out_of_order = order->n_out_of_order;
    counts->max_late_ns = order->max_late_ns;
}

enum capmill_status cm_summary_finish(struct cm_summary *summary, struct cm_error *error)
{
    struct cm_summary_part *whole = &summary->whole;
    struct cm_tally_counts counts;
    enum capmill_status status;

    cm_summary_ranges_fold(&whole->ranges);
    for (size_t i = 0; i < whole->ranges.n; i++)
        add_order(&summary->absorbed, &whole->ranges.items[i]);
    whole->ranges.n = 0;
    fill_counts(summary);
    if (whole->tally != NULL) {
        if ((status = cm_tally_count(whole->tally, &counts, error)) != CAPMILL_OK)
            return status;
        summary->counts.n_flows = counts.n_flows;
        summary->counts.n_src_addresses = counts.n_src_addresses;
        summary->counts.n_dst_addresses = counts.n_dst_addresses;
    }
    if (summary->options.level == CM_SUMMARY_STATS &&
        (status = cm_summary_make_rows(summary, error)) != CAPMILL_OK)
        return status;
    summary->finished = true;
    return CAPMILL_OK;
}

enum capmill_status cm_summary_absorb(struct cm_summary *into, struct cm_summary *from,
                                      struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (into->options.level != from->options.level ||
        into->options.approximate != from->options.approximate ||
        into->options.unidirectional != from->options.unidirectional)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "summaries of different kinds cannot be united");
    into->finished = false;
    add_order(&into->absorbed, &from->absorbed);
    if (!cm_summary_totals_merge(&into->whole.totals, &from->whole.totals))
        status = no_memory(error);
    if (status == CAPMILL_OK)
        status = absorb_flows(&into->whole, &from->whole, error);
    cm_summary_reset(from);
    return status;
}

/* --- answers that need no rows --- */

void cm_summary_read_counts(const struct cm_summary *summary, struct cm_summary_counts *counts_ret)
{
    *counts_ret = summary->counts;
}

uint64_t cm_summary_interface_packets(const struct cm_summary *summary, uint32_t input, uint32_t interface)
{
    return cm_summary_totals_interface(&summary->whole.totals, input, interface);
}
