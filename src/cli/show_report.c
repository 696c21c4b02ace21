/* SPDX-License-Identifier: Apache-2.0 */
/* The closing report as JSON: on standard output with --json, as the last line of --progress json. */
#include "cli/show.h"

static void add_stages(const struct capmill_report *report, struct cm_json *json)
{
    cm_json_array_begin(json, "stages");
    for (size_t i = 0; i < report->n_stages; i++) {
        const struct capmill_stage_report *stage = &report->stages[i];

        cm_json_object_begin(json, NULL);
        cm_json_text(json, "name", stage->name);
        cm_json_count(json, "threads", stage->n_threads);
        cm_json_seconds(json, "busy_seconds", stage->busy_ns);
        cm_json_seconds(json, "waiting_seconds", stage->waiting_ns);
        cm_json_count(json, "items", stage->n_items);
        cm_json_count(json, "bytes", stage->n_bytes);
        cm_json_count(json, "full_waits", stage->n_full_waits);
        cm_json_count(json, "empty_waits", stage->n_empty_waits);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
}

uint64_t cm_show_report_files(const struct capmill_report *report)
{
    return report->files_written > 0 ? report->files_written : report->n_outputs;
}

void cm_show_report_members(const struct capmill_report *report, struct cm_json *json)
{
    cm_json_seconds(json, "elapsed_seconds", report->elapsed_ns);
    cm_json_seconds(json, "cpu_seconds", report->cpu_ns);
    cm_json_count(json, "peak_memory_bytes", report->peak_memory_bytes);
    cm_json_count(json, "inputs", report->n_inputs);
    cm_json_count(json, "inputs_skipped", report->n_inputs_skipped);
    cm_json_count(json, "bytes_read", report->bytes_read);
    cm_json_count(json, "packets_read", report->packets_read);
    cm_json_count(json, "packets_kept", report->packets_kept);
    cm_json_count(json, "packets_changed", report->packets_changed);
    cm_json_count(json, "bytes_written", report->bytes_written);
    cm_json_count(json, "packets_written", report->packets_written);
    cm_json_count(json, "rows_written", report->rows_written);
    cm_json_count(json, "files_written", cm_show_report_files(report));
    cm_json_count(json, "damages", report->n_damages);
    cm_json_count(json, "damaged_bytes", report->damaged_bytes);
    cm_json_count(json, "blocks_dropped", report->blocks_dropped);
    cm_json_count(json, "blocks_hidden", report->blocks_hidden);
    cm_json_array_begin(json, "unchanged");
    for (size_t i = 0; i < report->n_unchanged; i++) {
        cm_json_object_begin(json, NULL);
        cm_json_text(json, "reason", report->unchanged[i].reason);
        cm_json_count(json, "packets", report->unchanged[i].n_packets);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
    if (report->elapsed_ns > 0) {
        double seconds = (double)report->elapsed_ns / 1e9;
        cm_json_rate(json, "packets_per_second",
                     (double)(report->packets_read > 0 ? report->packets_read : report->packets_written) /
                         seconds);
        cm_json_rate(json, "bytes_per_second",
                     (double)(report->bytes_read > 0 ? report->bytes_read : report->bytes_written) / seconds);
    }
    if (report->method != NULL)
        cm_json_text(json, "method", report->method);
    if (report->bottleneck != NULL)
        cm_json_text(json, "bottleneck", report->bottleneck);
    cm_json_array_begin(json, "outputs");
    for (size_t i = 0; i < report->n_outputs; i++)
        cm_json_text(json, NULL, report->outputs[i]);
    cm_json_array_end(json);
    add_stages(report, json);
}
