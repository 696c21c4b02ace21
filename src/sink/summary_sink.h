/* SPDX-License-Identifier: Apache-2.0 */
/* The sink behind `info` and `stats`: it keeps no packet and answers what a capture holds. The answers are
 * the same for every number of threads. Not for texts and units (cli/), nor for what only the reader of the
 * file knows (format, interface names, file size: pipeline/). */
#ifndef CM_SINK_SUMMARY_SINK_H
#define CM_SINK_SUMMARY_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/stage.h"
#include "flow/seed.h"

enum cm_summary_level {
    CM_SUMMARY_INFO = 0,  /* counts, times, order, unique addresses and flows */
    CM_SUMMARY_STATS = 1, /* and the flow table, protocols, hosts, sizes */
};

struct cm_summary_options {
    enum cm_summary_level level;
    bool unidirectional;   /* a flow is one direction */
    bool approximate;      /* estimate in fixed memory; there is no flow table and no hosts then */
    uint64_t memory_bytes; /* for flows and addresses of all threads; beyond it they spill to temp_dir */
    const char *temp_dir;  /* NULL: the system's; must outlive the summary */
    unsigned n_threads;    /* that will open the sink */
    /* copied; NULL: its own. One for all summaries that are absorbed into each other makes that faster */
    const struct cm_flow_seed *seed;
};

struct cm_summary;

enum capmill_status cm_summary_create(const struct cm_summary_options *options,
                                      struct cm_summary **summary_ret, struct cm_error *error);
void cm_summary_destroy(struct cm_summary *summary); /* NULL accepted */
/* Forget everything but keep the memory that small captures need: thousands of captures cost no
 * allocations. */
void cm_summary_reset(struct cm_summary *summary);
/* The table of functions for the pipeline. Its `close` does nothing: results are asked for after it, and
 * cm_summary_destroy frees. Borrowed from the summary. May be run again after cm_summary_reset. */
const struct cm_sink *cm_summary_sink(struct cm_summary *summary);

/* Move what `from` found (finished) into `into`, which stands for several captures together: flows and
 * addresses are united; every capture's order is judged by itself. Captures are to have different input
 * numbers, else interfaces are added up by number, and the first packet of a flow is chosen by place where
 * times tie. `from` is as after cm_summary_reset then: ask it first. `into` needs the same level, direction
 * and precision, and cm_summary_finish before it is asked; absorbing more and finishing again is allowed.
 * After a failure both are fit only to be reset or destroyed. */
enum capmill_status cm_summary_absorb(struct cm_summary *into, struct cm_summary *from,
                                      struct cm_error *error);
/* What the sink's own `finish` does; for a summary that only absorbs. */
enum capmill_status cm_summary_finish(struct cm_summary *summary, struct cm_error *error);

/* --- results, after finish; one thread at a time --- */

struct cm_summary_counts {
    uint64_t n_packets;
    uint64_t captured_bytes;         /* sum of captured lengths */
    uint64_t original_bytes;         /* sum of lengths on the wire */
    uint32_t min_length, max_length; /* captured; 0 where there is no packet */
    uint64_t first_ns, last_ns;      /* least and greatest time; meaningful where has_times */
    bool has_times;
    uint64_t n_out_of_order; /* packets earlier than the packet before them */
    uint64_t max_late_ns;    /* greatest distance of a packet behind the latest time before it */
    uint64_t n_src_addresses, n_dst_addresses, n_flows;
    bool approximate;
    uint64_t n_damages, damaged_bytes;
};
void cm_summary_read_counts(const struct cm_summary *summary, struct cm_summary_counts *counts_ret);
/* Packets seen of an interface of an input. */
uint64_t cm_summary_interface_packets(const struct cm_summary *summary, uint32_t input, uint32_t interface);

struct cm_summary_flow {
    uint8_t ip_version; /* 4 or 6 */
    uint8_t protocol;
    uint8_t src[16], dst[16]; /* of its first packet by (time, input, place); network order */
    uint16_t src_port, dst_port;
    uint8_t tcp_flags; /* OR of all packets */
    bool has_icmp;     /* type and code of its first packet, which the Community ID needs */
    uint8_t icmp_type, icmp_code;
    uint64_t flow_id;
    uint64_t n_packets[2];      /* from source to destination, and back */
    uint64_t n_bytes[2];        /* lengths on the wire */
    uint64_t first_ns, last_ns; /* 0 where none of its packets has a time */
};

enum cm_summary_flow_order {
    CM_SUMMARY_FLOWS_BY_ID = 0,
    CM_SUMMARY_FLOWS_BY_BYTES,
    CM_SUMMARY_FLOWS_BY_PACKETS
};
#define CM_SUMMARY_FLOWS_LIMIT 1000000u
/* Hand `limit` flows (0: all, BY_ID only) to `each` in that order, greatest first, ties by flow id; `each`
 * answers false to stop. May be called again. CAPMILL_E_USAGE for INFO or a limit beyond
 * CM_SUMMARY_FLOWS_LIMIT in the other orders; CAPMILL_E_UNSUPPORTED where approximate. */
enum capmill_status cm_summary_flows(struct cm_summary *summary, enum cm_summary_flow_order order,
                                     size_t limit,
                                     bool (*each)(void *context, const struct cm_summary_flow *flow),
                                     void *context, struct cm_error *error);

struct cm_summary_protocol {
    char name[32]; /* "tcp", "arp", "ip protocol 89", "eth type 0x88cc", "other" */
    uint64_t n_packets, n_bytes;
};
struct cm_summary_host {
    uint8_t ip_version;
    uint8_t address[16];
    uint64_t n_packets_sent, n_bytes_sent, n_packets_received, n_bytes_received;
};
struct cm_summary_size {
    uint32_t from, to; /* lengths on the wire, both included */
    uint64_t n_packets;
};
/* STATS only (else 0 rows). Borrowed until reset or destroy. Rows by bytes, most first; ties by packets, then
 * by name or address. Hosts: the CM_SUMMARY_HOSTS with the most bytes, sent and received. Sizes: ten rows, by
 * size. */
#define CM_SUMMARY_HOSTS 100000u
size_t cm_summary_protocols(const struct cm_summary *summary, const struct cm_summary_protocol **rows_ret);
size_t cm_summary_hosts(const struct cm_summary *summary, const struct cm_summary_host **rows_ret);
size_t cm_summary_sizes(const struct cm_summary *summary, const struct cm_summary_size **rows_ret);

#endif
