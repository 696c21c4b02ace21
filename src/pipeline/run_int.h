/* SPDX-License-Identifier: Apache-2.0 */
/* A run from the inside: what the files of this room share. */
#ifndef CM_PIPELINE_RUN_INT_H
#define CM_PIPELINE_RUN_INT_H

#include "capmill/capmill.h"
#include "filter/filter.h"
#include "pipeline/counters_table.h"
#include "pipeline/inputs.h"
#include "pipeline/state.h"
#include "sink/summary_sink.h"
#include "synth/synth.h"
#include "transform/transform.h"

/* How the work is to be done: data, printable before anything starts. */
struct cm_plan {
    unsigned n_threads;
    uint64_t memory_bytes;
    enum capmill_io io; /* READ, MMAP, URING, IOCP */
    const char *io_reason;
    bool as_chain;            /* all inputs framed by one thread each */
    const char *chain_reason; /* NULL where ranges are used */
    uint64_t range_bytes;
    size_t block_bytes;
    /* sort, export */
    bool as_read; /* packets keep the order of their inputs */
    bool by_window;
    const char *method_reason;
};

/* Sizes of ranges: for what is summed up as it is read, small blocks in cache within long ranges; for a sort,
 * whose packets stay until they are written, a range is one block. 4 MiB keeps a chunk and its neighbour in a
 * third-level cache and its seam costs 1 %. Neither may depend on the number of threads. */
#define CM_SUMMARY_RANGE_BYTES (8u * 1024 * 1024)
#define CM_SUMMARY_BLOCK_BYTES (512u * 1024)
#define CM_SORT_RANGE_BYTES    (4u * 1024 * 1024)

struct capmill_run {
    struct capmill_job job;
    struct cm_state state;
    struct cm_inputs inputs;
    struct cm_plan plan;
    char *plan_text;
    uint64_t *sequence_base; /* by input, and one more */
    struct cm_counters_table counters;
    struct cm_summary *summary; /* after execute: of all inputs */
    struct cm_synth *synth;
    struct cm_filter *filter;         /* NULL: every packet is kept */
    struct cm_flow_sizes *flow_sizes; /* by the first of two passes of a filter by flow size */
    struct cm_flow_filter flow_filter;
    bool flow_sizes_counted;
    uint64_t counted_bytes;   /* read by passes before the one that is told, within the state's bytes_done */
    uint64_t n_passes_before; /* those passes */
    struct cm_transform *transform; /* NULL: packets are written as they were read */
    /* what a first pass over the inputs found, where outputs ask for it (first_pass.h) */
    bool has_first;
    uint64_t first_ns; /* time of the earliest packet, as read */
    struct cm_flow_facts_table *flow_facts;

    /* results */
    struct capmill_report report;
    struct capmill_capture_info *captures;
    size_t n_captures;
    struct capmill_capture_info total;
    bool has_total;
    struct capmill_protocol_count *protocols;
    struct capmill_host_count *hosts;
    struct capmill_size_count *sizes;
    size_t n_protocols, n_hosts, n_sizes;
    struct capmill_unchanged *unchanged;
    char **output_paths;
    size_t n_output_paths;
    bool finest_is_nanoseconds;
};

/* Whether the command writes packets that it reads, in whatever order. */
static inline bool cm_run_writes_packets(const struct capmill_run *run)
{
    return run->job.command == CAPMILL_SORT || run->job.command == CAPMILL_EXPORT;
}

/* plan.c */
enum capmill_status cm_plan_make(struct capmill_run *run, struct cm_error *error);
/* Number the ranges of inputs [first, end) from 0 on. */
void cm_plan_number_ranges(struct capmill_run *run, uint32_t first, uint32_t end, uint64_t range_bytes);
const char *cm_io_name(enum capmill_io io);
/* What of --memory each part of a pass that writes may take: all that passes before it left. */
struct cm_memory_shares {
    uint64_t packets; /* that wait for their turn, and their index */
    uint64_t output;  /* each, where packets go to several or to tables */
};
struct cm_memory_shares cm_plan_memory_shares(const struct cm_plan *plan, uint64_t held_bytes,
                                              size_t n_outputs);

/* rules.c: what the job says of packets. Compile it, before any input is opened. */
enum capmill_status cm_run_make_rules(struct capmill_run *run, struct cm_error *error);
/* Whether the expression makes sense for the link types that were seen at the beginning of the inputs. */
enum capmill_status cm_run_check_rules(struct capmill_run *run, struct cm_error *error);

/* run_*.c: one command each */
enum capmill_status cm_run_summary(struct capmill_run *run, struct cm_error *error);
enum capmill_status cm_run_sort(struct capmill_run *run, struct cm_error *error); /* export too */
enum capmill_status cm_run_generate(struct capmill_run *run, struct cm_error *error);

/* Look at input `i`; an unreadable one is skipped where the job says so. CAPMILL_AGAIN: skipped. */
enum capmill_status cm_run_look(struct capmill_run *run, uint32_t i, bool as_chain, struct cm_error *error);
/* Tell about the damage that a pass found, count it, and fail where the job is strict. */
enum capmill_status cm_run_tell_damage(struct capmill_run *run, struct cm_input *input,
                                       struct cm_error *error);

/* results.c */
enum capmill_status cm_results_add_capture(struct capmill_run *run, const struct cm_input *input,
                                           const struct cm_summary *summary, uint32_t input_number,
                                           struct cm_error *error);
void cm_results_set_total(struct capmill_run *run, const struct cm_summary *summary);
enum capmill_status cm_results_take_tables(struct capmill_run *run, struct cm_error *error);
/* Adds to those of other outputs. */
enum capmill_status cm_results_take_paths(struct capmill_run *run, const char *const *paths, size_t n,
                                          struct cm_error *error);
/* What the transform and the writer counted. */
enum capmill_status cm_results_take_changes(struct capmill_run *run, uint64_t n_hidden, uint64_t n_saturated,
                                            uint64_t n_beyond_pcap, struct cm_error *error);
void cm_results_free(struct capmill_run *run);

#endif
