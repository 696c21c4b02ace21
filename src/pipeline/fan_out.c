/* SPDX-License-Identifier: Apache-2.0 */
/* One read, many outputs. What each makes of packets: fan_capture.c, sink/table_output.c. */
#include "pipeline/fan_out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "pipeline/column_lists.h"
#include "pipeline/fan_capture.h"
#include "pipeline/outputs.h"
#include "pipeline/render.h"
#include "pipeline/table_notes.h"
#include "pipeline/table_wish.h"

/* One of the two. */
struct one_output {
    struct cm_fan_capture *capture;
    struct cm_table_output *table;
};

struct cm_fan_out {
    struct cm_fan_out_options options;
    struct cm_renderer renderer;
    struct one_output *outputs;
    size_t n;
    struct cm_table_notes notes;
    struct cm_column_lists columns;
    /* of whoever settles */
    bool has_first;
    uint64_t first_ns;
    uint64_t n_packets;
};

struct local {
    struct cm_render_local *render;
    void **outputs; /* locals of tables */
};

/* --- a block --- */

static void tell_first(void *context, uint64_t time_ns)
{
    struct cm_fan_out *fan = context;

    if (fan->has_first) /* a pass before has found it */
        return;
    fan->has_first = true;
    fan->first_ns = time_ns;
    cm_written_set_first(&fan->renderer.records, time_ns);
}

static void drop(void *context, struct cm_ordered_block *block)
{
    struct cm_fan_out *fan = context;
    void **tickets = block->ticket;

    for (size_t i = 0; i < fan->n && tickets != NULL; i++) {
        if (fan->outputs[i].capture != NULL)
            cm_fan_capture_drop(fan->outputs[i].capture, tickets[i]);
    }
    free(tickets);
    block->ticket = NULL;
}

static enum capmill_status settle(void *context, struct cm_ordered_block *block, struct cm_error *error)
{
    struct cm_fan_out *fan = context;
    void **tickets = calloc(fan->n, sizeof(void *));
    enum capmill_status status = CAPMILL_OK;

    if (tickets == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of packets");
    block->ticket = tickets;
    for (size_t i = 0; i < fan->n && status >= 0; i++) {
        if (fan->outputs[i].capture != NULL)
            status = cm_fan_capture_settle(fan->outputs[i].capture, block,
                                           fan->has_first ? &fan->first_ns : NULL, &tickets[i], error);
    }
    fan->n_packets += block->n_packets;
    if (status < 0)
        drop(fan, block);
    return status;
}

static enum capmill_status render(struct cm_fan_out *fan, struct local *local,
                                  const struct cm_ordered_block *block, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    cm_render_begin(local->render);
    for (size_t i = 0; i < block->n_packets && status >= 0; i++) {
        const struct cm_ordered_packet *packet = &block->packets[i];
        struct cm_record record = {packet->record, packet->time_ns, packet->record_bytes, packet->interface,
                                   cm_place_input(packet->place)};

        status = cm_render_add(&fan->renderer, local->render, &record, cm_place_offset(packet->place),
                               cm_ordered_number(packet), error);
    }
    return status;
}

static enum capmill_status take(void *context, void *local_context, struct cm_ordered_block *block,
                                struct cm_error *error)
{
    struct cm_fan_out *fan = context;
    struct local *local = local_context;
    void **tickets = block->ticket;
    const struct cm_packet_rows *packets;
    enum capmill_status status = render(fan, local, block, error);

    packets = cm_render_rows(&fan->renderer, local->render);
    for (size_t i = 0; i < fan->n && status >= 0; i++) {
        struct one_output *output = &fan->outputs[i];

        if (output->capture != NULL) {
            status = cm_fan_capture_take(output->capture, block, packets, tickets[i], error);
            tickets[i] = NULL;
        } else {
            status = cm_table_output_take(output->table, local->outputs[i], block->sequence, packets, error);
        }
    }
    drop(fan, block);
    return status;
}

/* --- threads --- */

static void close_local(void *context, void *local_context)
{
    struct cm_fan_out *fan = context;
    struct local *local = local_context;

    if (local == NULL)
        return;
    for (size_t i = 0; i < fan->n && local->outputs != NULL; i++) {
        if (fan->outputs[i].table != NULL)
            cm_table_output_close(fan->outputs[i].table, local->outputs[i]);
    }
    cm_render_close(&fan->renderer, local->render);
    free(local->outputs);
    free(local);
}

static enum capmill_status open_local(void *context, void **local_ret, struct cm_error *error)
{
    struct cm_fan_out *fan = context;
    struct local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    if (local != NULL)
        local->outputs = calloc(fan->n, sizeof(void *));
    if (local == NULL || local->outputs == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the outputs of a thread");
    if (status >= 0)
        status = cm_render_open(&fan->renderer, &local->render, error);
    for (size_t i = 0; i < fan->n && status >= 0; i++) {
        if (fan->outputs[i].table != NULL)
            status = cm_table_output_open(fan->outputs[i].table, &local->outputs[i], error);
    }
    if (status < 0)
        close_local(fan, local);
    else
        *local_ret = local;
    return status < 0 ? status : CAPMILL_OK;
}

struct cm_taker cm_fan_out_taker(struct cm_fan_out *fan)
{
    return (struct cm_taker){.context = fan,
                             .open = open_local,
                             .close = close_local,
                             .first = tell_first,
                             .settle = settle,
                             .take = take,
                             .drop = drop};
}

/* --- set-up --- */

static bool is_input(void *context, const struct cm_file_facts *facts)
{
    const struct cm_fan_out *fan = context;

    return cm_inputs_have(&fan->options.run->inputs, facts);
}

static const char *input_path(void *context, uint32_t input)
{
    const struct cm_fan_out *fan = context;

    return fan->options.run->inputs.all[input].path;
}

/* An interface of pcapng without a name is told by its number; pcap knows no interfaces. */
static const char *interface_name(void *context, uint32_t input, uint32_t number)
{
    const struct cm_fan_out *fan = context;
    const struct cm_input *from = &fan->options.run->inputs.all[input];
    const struct cm_interface *interface;

    if (from->layout.kind != CM_CAPTURE_PCAPNG)
        return NULL;
    interface = cm_interfaces_get(&from->interfaces, number);
    return interface == NULL ? NULL : cm_interface_label(interface);
}

static void note(void *context, const char *text)
{
    struct cm_fan_out *fan = context;

    cm_state_message(&fan->options.run->state, CAPMILL_NOTE, "%s", text);
}

static struct cm_output_rules rules_of(struct cm_fan_out *fan)
{
    struct capmill_run *run = fan->options.run;

    return (struct cm_output_rules){.replace = run->job.force,
                                    .durable = run->job.durable,
                                    .stop = &run->state.stop,
                                    .is_input = is_input,
                                    .context = fan};
}

static enum capmill_status open_table(struct cm_fan_out *fan, const struct capmill_output *from,
                                      struct one_output *output, struct cm_error *error)
{
    struct capmill_run *run = fan->options.run;
    struct cm_table_output_options options;
    enum capmill_status status;

    cm_table_wish(&run->job, from, &fan->columns, &options);
    options.rules = rules_of(fan);
    options.encoding.notes = fan->notes.notes;
    options.encoding.n_notes = fan->notes.n;
    options.packets.context = fan;
    options.packets.input_path = input_path;
    options.packets.interface_name = interface_name;
    options.flows.memory_bytes = fan->options.memory_bytes / 2;
    options.n_threads = run->plan.n_threads;
    options.memory_bytes = fan->options.memory_bytes;
    options.inputs = fan->notes.inputs;
    options.n_inputs = fan->notes.n_inputs;
    options.note = note;
    options.context = fan;
    status = cm_table_output_create(&options, &output->table, error);

    if (status >= 0)
        fan->renderer.headers = fan->renderer.headers || cm_table_output_wants_headers(output->table);
    return status;
}

static enum capmill_status open_capture(struct cm_fan_out *fan, const struct capmill_output *from,
                                        struct one_output *output, struct cm_error *error)
{
    struct capmill_run *run = fan->options.run;
    struct cm_writer_wish wish = cm_output_wish(&run->job, from);
    struct cm_fan_capture_options options = {.path = from->path,
                                             .wish = &wish,
                                             .inputs = &run->inputs,
                                             .transform = run->transform,
                                             .outlet = {.replace = run->job.force,
                                                        .durable = run->job.durable,
                                                        .slice_ns = run->job.slice_ns,
                                                        .stop = &run->state.stop},
                                             .n_threads = run->plan.n_threads,
                                             .memory_bytes = fan->options.memory_bytes};

    return cm_fan_capture_create(&options, &output->capture, error);
}

static enum capmill_status open_outputs(struct cm_fan_out *fan, struct cm_error *error)
{
    const struct capmill_job *job = &fan->options.run->job;
    bool in_parts = cm_job_tables_are_data_sets(job);
    enum capmill_status status = cm_column_lists_make(job, &fan->columns, error);

    if (status >= 0)
        status = cm_table_notes_make(fan->options.run, in_parts, &fan->notes, error);
    fan->outputs = calloc(job->n_outputs, sizeof(*fan->outputs));
    if (status >= 0 && fan->outputs == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %zu outputs", job->n_outputs);
    fan->n = status >= 0 ? job->n_outputs : 0;
    for (size_t i = 0; i < fan->n && status >= 0; i++)
        status = cm_format_is_table(cm_output_format(&job->outputs[i]))
                     ? open_table(fan, &job->outputs[i], &fan->outputs[i], error)
                     : open_capture(fan, &job->outputs[i], &fan->outputs[i], error);
    return status;
}

enum capmill_status cm_fan_out_create(const struct cm_fan_out_options *options, struct cm_fan_out **fan_ret,
                                      struct cm_error *error)
{
    struct capmill_run *run = options->run;
    struct cm_fan_out *fan = calloc(1, sizeof(*fan));
    enum capmill_status status;

    if (fan == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for outputs");
    fan->options = *options;
    fan->renderer.innermost = run->job.filter.decap;
    fan->renderer.facts = options->facts;
    fan->renderer.headers = options->facts != NULL;
    status = cm_renderer_open(&fan->renderer, &run->inputs, run->transform, error);
    if (status >= 0)
        status = open_outputs(fan, error);
    if (status < 0) {
        cm_fan_out_destroy(fan);
        return status;
    }
    if (options->first_ns != NULL)
        tell_first(fan, *options->first_ns);
    *fan_ret = fan;
    return CAPMILL_OK;
}

void cm_fan_out_destroy(struct cm_fan_out *fan)
{
    if (fan == NULL)
        return;
    for (size_t i = 0; i < fan->n; i++) {
        cm_fan_capture_destroy(fan->outputs[i].capture);
        cm_table_output_destroy(fan->outputs[i].table);
    }
    cm_renderer_close(&fan->renderer);
    cm_table_notes_free(&fan->notes);
    cm_column_lists_free(&fan->columns);
    free(fan->outputs);
    free(fan);
}

/* --- the end --- */

enum capmill_status cm_fan_out_commit(struct cm_fan_out *fan, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    /* nothing gets its name before all is written */
    for (size_t i = 0; i < fan->n && status >= 0; i++)
        status = fan->outputs[i].capture != NULL ? cm_fan_capture_finish(fan->outputs[i].capture, error)
                                                 : cm_table_output_finish(fan->outputs[i].table, error);
    for (size_t i = 0; i < fan->n && status >= 0; i++)
        status = fan->outputs[i].capture != NULL ? cm_fan_capture_commit(fan->outputs[i].capture, error)
                                                 : cm_table_output_commit(fan->outputs[i].table, error);
    return status;
}

void cm_fan_out_abort(struct cm_fan_out *fan)
{
    for (size_t i = 0; i < fan->n; i++) {
        if (fan->outputs[i].capture != NULL)
            cm_fan_capture_abort(fan->outputs[i].capture);
        else if (fan->outputs[i].table != NULL)
            cm_table_output_abort(fan->outputs[i].table);
    }
}

static void report_flows(struct cm_fan_out *fan, const struct cm_table_output *table)
{
    uint64_t n_early = cm_table_output_ended_early(table);

    if (n_early > 0)
        cm_state_message(&fan->options.run->state, CAPMILL_WARNING,
                         "%s: %" PRIu64
                         " flows ended early, as --memory does not allow for more of them at a "
                         "time; their rows say so (end_reason memory)",
                         cm_table_files_path(cm_table_output_files(table)), n_early);
}

/* Whoever meant to add to a table wants to know that it was replaced. */
static void report_removed(struct cm_fan_out *fan, const struct cm_table_files *files)
{
    size_t n = cm_table_files_removed(files);

    if (n > 0)
        cm_state_message(
            &fan->options.run->state, CAPMILL_NOTE,
            "%s: replaced as a whole; %zu files of the run before that this one did not write again "
            "were removed",
            cm_table_files_path(files), n);
}

enum capmill_status cm_fan_out_report(struct cm_fan_out *fan, struct cm_error *error)
{
    struct capmill_run *run = fan->options.run;
    struct capmill_report *report = &run->report;
    uint64_t n_hidden = 0;
    uint64_t n_beyond_pcap = 0;
    bool in_parts = cm_job_tables_are_data_sets(&run->job);
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < fan->n && status >= 0; i++) {
        const struct one_output *output = &fan->outputs[i];

        if (output->capture != NULL) {
            const struct cm_written *written = cm_fan_capture_written(output->capture);
            const struct cm_file_outlet *outlet = cm_fan_capture_outlet(output->capture);
            const char *const *paths;
            size_t n_paths = cm_file_outlet_paths(outlet, &paths);

            report->bytes_written += cm_file_outlet_bytes(outlet);
            report->packets_written += fan->n_packets;
            report->files_written += in_parts ? n_paths : 0;
            report->blocks_dropped += cm_writer_dropped(written->writer);
            n_hidden += cm_writer_hidden(written->writer);
            n_beyond_pcap += atomic_load_explicit(&written->n_beyond_pcap, memory_order_relaxed);
            status = cm_results_take_paths(run, paths, n_paths, error);
        } else {
            const struct cm_table_files *files = cm_table_output_files(output->table);
            const char *path = cm_table_files_path(files);

            report->bytes_written += cm_table_files_bytes(files);
            report->rows_written += cm_table_files_rows(files);
            report->n_tables++;
            report->files_written += in_parts ? cm_table_files_count(files) : 0;
            report_flows(fan, output->table);
            report_removed(fan, files);
            status = cm_results_take_paths(run, &path, 1, error);
        }
    }
    if (status >= 0)
        status = cm_results_take_changes(
            run, n_hidden, atomic_load_explicit(&fan->renderer.records.n_saturated, memory_order_relaxed),
            n_beyond_pcap, error);
    return status;
}
