/* SPDX-License-Identifier: Apache-2.0 */
/* What a run found, in the structs of the public header. */
#include <stdlib.h>
#include <string.h>

#include "flow/community_id.h"
#include "format/capture_writer.h"
#include "format/link_types.h"
#include "pipeline/run_int.h"

static void take_counts(struct capmill_capture_info *info, const struct cm_summary *summary)
{
    struct cm_summary_counts counts;

    cm_summary_read_counts(summary, &counts);
    info->n_packets = counts.n_packets;
    info->captured_bytes = counts.captured_bytes;
    info->original_bytes = counts.original_bytes;
    info->min_length = counts.min_length;
    info->max_length = counts.max_length;
    info->first_ns = counts.first_ns;
    info->last_ns = counts.last_ns;
    info->has_times = counts.has_times;
    info->n_out_of_order = counts.n_out_of_order;
    info->max_late_ns = counts.max_late_ns;
    info->n_src_addresses = counts.n_src_addresses;
    info->n_dst_addresses = counts.n_dst_addresses;
    info->n_flows = counts.n_flows;
    info->approximate = counts.approximate;
}

static void free_interfaces(const struct capmill_interface_info *interfaces, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)interfaces[i].name);
    free((void *)(uintptr_t)interfaces);
}

enum capmill_status cm_results_add_capture(struct capmill_run *run, const struct cm_input *input,
                                           const struct cm_summary *summary, uint32_t input_number,
                                           struct cm_error *error)
{
    struct capmill_capture_info *captures =
        realloc(run->captures, (run->n_captures + 1) * sizeof(*run->captures));
    struct capmill_interface_info *interfaces;
    struct capmill_capture_info *info;
    const struct cm_damage *damages;

    if (captures == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
    run->captures = captures;
    info = &run->captures[run->n_captures];
    memset(info, 0, sizeof(*info));
    interfaces = calloc(input->interfaces.n == 0 ? 1 : input->interfaces.n, sizeof(*interfaces));
    if (interfaces == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
    info->path = input->path;
    info->format = cm_layout_format_name(&input->layout);
    info->variant = cm_layout_variant_name(&input->layout);
    info->big_endian = input->layout.big_endian;
    info->file_bytes = input->is_stream ? cm_seams_landing(input->seams) : input->size;
    info->n_sections = input->layout.kind == CM_CAPTURE_PCAP ? 1 : input->interfaces.n_sections;
    for (uint32_t i = 0; i < input->interfaces.n; i++) {
        const struct cm_interface *interface = cm_interfaces_get(&input->interfaces, i);
        char *name = malloc(sizeof(interface->name));

        if (name == NULL) {
            free_interfaces(interfaces, i);
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
        }
        memcpy(name, interface->name, sizeof(interface->name));
        interfaces[i] = (struct capmill_interface_info){
            .section = interface->section,
            .id = interface->id,
            .link_type = interface->link_type,
            .link_type_name = cm_link_type_name(interface->link_type),
            .name = name,
            .snaplen = interface->snaplen,
            .n_packets = cm_summary_interface_packets(summary, input_number, i),
        };
        info->nanoseconds = info->nanoseconds || cm_writer_finer_than_micro(&interface->units);
    }
    info->interfaces = interfaces;
    info->n_interfaces = input->interfaces.n;
    take_counts(info, summary);
    cm_seams_damages(input->seams, &damages, &info->n_damages, &info->damaged_bytes);
    run->n_captures++;
    return CAPMILL_OK;
}

void cm_results_set_total(struct capmill_run *run, const struct cm_summary *summary)
{
    struct capmill_capture_info *total = &run->total;

    if (run->inputs.n == 1 && run->n_captures == 1) {
        *total = run->captures[0];
        run->has_total = true;
        return;
    }
    memset(total, 0, sizeof(*total));
    total->path = "total";
    total->format = "";
    total->variant = "";
    take_counts(total, summary);
    for (size_t i = 0; i < run->n_captures; i++)
        total->file_bytes += run->captures[i].file_bytes;
    for (uint32_t i = 0; i < run->inputs.n && run->n_captures == 0; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        if (!input->is_skipped)
            total->file_bytes += input->is_stream ? cm_seams_landing(input->seams) : input->size;
    }
    total->n_damages = run->report.n_damages;
    total->damaged_bytes = run->report.damaged_bytes;
    run->has_total = true;
}

enum capmill_status cm_results_take_tables(struct capmill_run *run, struct cm_error *error)
{
    const struct cm_summary_protocol *protocols;
    const struct cm_summary_host *hosts;
    const struct cm_summary_size *sizes;

    run->n_protocols = cm_summary_protocols(run->summary, &protocols);
    run->n_hosts = cm_summary_hosts(run->summary, &hosts);
    run->n_sizes = cm_summary_sizes(run->summary, &sizes);
    run->protocols = calloc(run->n_protocols + 1, sizeof(*run->protocols));
    run->hosts = calloc(run->n_hosts + 1, sizeof(*run->hosts));
    run->sizes = calloc(run->n_sizes + 1, sizeof(*run->sizes));
    if (run->protocols == NULL || run->hosts == NULL || run->sizes == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
    for (size_t i = 0; i < run->n_protocols; i++)
        run->protocols[i] =
            (struct capmill_protocol_count){protocols[i].name, protocols[i].n_packets, protocols[i].n_bytes};
    for (size_t i = 0; i < run->n_hosts; i++) {
        run->hosts[i] = (struct capmill_host_count){.ip_version = hosts[i].ip_version,
                                                    .n_packets_sent = hosts[i].n_packets_sent,
                                                    .n_bytes_sent = hosts[i].n_bytes_sent,
                                                    .n_packets_received = hosts[i].n_packets_received,
                                                    .n_bytes_received = hosts[i].n_bytes_received};
        memcpy(run->hosts[i].address, hosts[i].address, sizeof(hosts[i].address));
    }
    for (size_t i = 0; i < run->n_sizes; i++)
        run->sizes[i] = (struct capmill_size_count){sizes[i].from, sizes[i].to, sizes[i].n_packets};
    return CAPMILL_OK;
}

enum capmill_status cm_results_take_paths(struct capmill_run *run, const char *const *paths, size_t n,
                                          struct cm_error *error)
{
    char **all = realloc(run->output_paths, (run->n_output_paths + n + 1) * sizeof(char *));

    if (all == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
    run->output_paths = all;
    for (size_t i = 0; i < n; i++) {
        size_t n_text = strlen(paths[i]) + 1;
        char *copy = malloc(n_text);

        if (copy == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for results");
        memcpy(copy, paths[i], n_text);
        all[run->n_output_paths++] = copy;
    }
    run->report.outputs = (const char *const *)run->output_paths;
    run->report.n_outputs = run->n_output_paths;
    return CAPMILL_OK;
}

enum capmill_status cm_results_take_changes(struct capmill_run *run, uint64_t n_hidden, uint64_t n_saturated,
                                            uint64_t n_beyond_pcap, struct cm_error *error)
{
    struct capmill_report *report = &run->report;
    const struct cm_transform_count *counts = NULL;
    size_t n = 0;

    report->blocks_hidden = n_hidden;
    if (run->transform == NULL)
        return CAPMILL_OK;
    n = cm_transform_counts(run->transform, &counts);
    run->unchanged = calloc(n + 2, sizeof(*run->unchanged));
    if (run->unchanged == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu counts", n);
    for (size_t i = 0; i < n; i++)
        run->unchanged[i] = (struct capmill_unchanged){counts[i].what, counts[i].n_packets};
    if (n_saturated > 0)
        run->unchanged[n++] = (struct capmill_unchanged){"time before 1970 or after 2554", n_saturated};
    if (n_beyond_pcap > 0)
        run->unchanged[n++] =
            (struct capmill_unchanged){"time after 2106, which pcap cannot hold; pcapng can", n_beyond_pcap};
    report->unchanged = run->unchanged;
    report->n_unchanged = n;
    report->packets_changed = cm_transform_changes_times(run->transform)
                                  ? report->packets_written
                                  : cm_transform_changed(run->transform);
    return CAPMILL_OK;
}

void cm_results_free(struct capmill_run *run)
{
    free(run->unchanged);
    for (size_t i = 0; i < run->n_captures; i++)
        free_interfaces(run->captures[i].interfaces, run->captures[i].n_interfaces);
    for (size_t i = 0; i < run->n_output_paths; i++)
        free(run->output_paths[i]);
    free(run->captures);
    free(run->output_paths);
    free(run->protocols);
    free(run->hosts);
    free(run->sizes);
}

/* --- the public side --- */

const struct capmill_report *capmill_run_report(const struct capmill_run *run)
{
    return &run->report;
}

size_t capmill_run_captures(const struct capmill_run *run, const struct capmill_capture_info **captures_ret)
{
    *captures_ret = run->captures;
    return run->n_captures;
}

const struct capmill_capture_info *capmill_run_total(const struct capmill_run *run)
{
    return run->has_total ? &run->total : NULL;
}

size_t capmill_run_protocols(const struct capmill_run *run, const struct capmill_protocol_count **rows_ret)
{
    *rows_ret = run->protocols;
    return run->n_protocols;
}

size_t capmill_run_hosts(const struct capmill_run *run, const struct capmill_host_count **rows_ret)
{
    *rows_ret = run->hosts;
    return run->n_hosts;
}

size_t capmill_run_sizes(const struct capmill_run *run, const struct capmill_size_count **rows_ret)
{
    *rows_ret = run->sizes;
    return run->n_sizes;
}

void capmill_flow_community_id(const struct capmill_flow *flow, char text_ret[CAPMILL_COMMUNITY_ID_BYTES])
{
    struct cm_community_tuple tuple = {.ip_version = flow->ip_version,
                                       .protocol = flow->protocol,
                                       .src = flow->src,
                                       .dst = flow->dst,
                                       .src_port = flow->src_port,
                                       .dst_port = flow->dst_port,
                                       .has_icmp = flow->has_icmp,
                                       .icmp_type = flow->icmp_type,
                                       .icmp_code = flow->icmp_code};

    cm_community_id(&tuple, text_ret);
}

struct flow_receiver {
    bool (*each)(void *context, const struct capmill_flow *flow);
    void *context;
};

static bool hand_over(void *context, const struct cm_summary_flow *from)
{
    struct flow_receiver *receiver = context;
    struct capmill_flow flow = {.ip_version = from->ip_version,
                                .protocol = from->protocol,
                                .src_port = from->src_port,
                                .dst_port = from->dst_port,
                                .tcp_flags = from->tcp_flags,
                                .has_icmp = from->has_icmp,
                                .icmp_type = from->icmp_type,
                                .icmp_code = from->icmp_code,
                                .flow_id = from->flow_id,
                                .n_packets = {from->n_packets[0], from->n_packets[1]},
                                .n_bytes = {from->n_bytes[0], from->n_bytes[1]},
                                .first_ns = from->first_ns,
                                .last_ns = from->last_ns};

    memcpy(flow.src, from->src, sizeof(flow.src));
    memcpy(flow.dst, from->dst, sizeof(flow.dst));
    return receiver->each(receiver->context, &flow);
}

enum capmill_status capmill_run_flows(struct capmill_run *run, enum capmill_flow_order order, size_t limit,
                                      bool (*each)(void *context, const struct capmill_flow *flow),
                                      void *context, char *text, size_t text_bytes)
{
    static const enum cm_summary_flow_order orders[] = {CM_SUMMARY_FLOWS_BY_ID, CM_SUMMARY_FLOWS_BY_BYTES,
                                                        CM_SUMMARY_FLOWS_BY_PACKETS};
    struct flow_receiver receiver = {each, context};
    struct cm_error error = {0};
    enum capmill_status status;

    if ((unsigned)order >= sizeof(orders) / sizeof(orders[0]))
        status = cm_error_set(&error, CAPMILL_E_USAGE, 0, "there is no flow order number %d", (int)order);
    else if (run->summary == NULL)
        status = cm_error_set(&error, CAPMILL_E_USAGE, 0, "this run keeps no flows");
    else
        status = cm_summary_flows(run->summary, orders[order], limit, hand_over, &receiver, &error);
    if (status < 0 && text != NULL && text_bytes > 0) {
        size_t n = strlen(error.text);

        n = n < text_bytes - 1 ? n : text_bytes - 1;
        memcpy(text, error.text, n);
        text[n] = 0;
    }
    return status;
}
