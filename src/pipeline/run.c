/* SPDX-License-Identifier: Apache-2.0 */
/* From a job to a run and through it: checks, plan, execution, report. What a command does stands in run_*.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow_facts.h"
#include "os/clock.h"
#include "os/memory.h"
#include "pipeline/outputs.h"
#include "pipeline/run_int.h"
#include "pipeline/table_wish.h"

static void tell(const struct cm_error *error, char *text, size_t text_bytes)
{
    if (text != NULL && text_bytes > 0)
        snprintf(text, text_bytes, "%s", error->text);
}

static enum capmill_status check_job(const struct capmill_job *job, struct cm_error *error)
{
    bool fans_out = job->command == CAPMILL_SORT || job->command == CAPMILL_EXPORT;
    bool writes = fans_out || job->command == CAPMILL_GENERATE;

    if (job->struct_bytes != sizeof(*job))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "the job was not made by capmill_job_init of this version of the library");
    if (job->command < CAPMILL_INFO || job->command > CAPMILL_EXPORT)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no command number %d", (int)job->command);
    if (job->command != CAPMILL_GENERATE && job->n_inputs == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "no input is named");
    if (job->command == CAPMILL_GENERATE && job->n_inputs > 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "generate reads no inputs, and %s is one",
                            job->inputs[0]);
    if (writes && job->n_outputs == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "no output is named (-o PATH; - is standard output)");
    if (job->n_outputs > 0 && !writes)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "this command writes no captures");
    if (job->n_outputs > 1 && !fans_out)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "generate writes one capture, and %zu outputs are named", job->n_outputs);
    if (!fans_out && cm_job_has_tables(job))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "generate writes captures, not tables; export makes "
                            "tables of them");
    if (job->nanoseconds && job->microseconds)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "nanoseconds and microseconds were both asked for");
    if (job->n_threads > 1024)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%u threads are more than the 1024 that make sense",
                            job->n_threads);
    return fans_out ? cm_outputs_check(job, error) : CAPMILL_OK;
}

/* Parquet without a codec is another file in a build without the usual one. */
static void tell_substitutes(struct capmill_run *run)
{
    for (size_t i = 0; i < run->job.n_outputs; i++) {
        const struct capmill_output *output = &run->job.outputs[i];

        if (cm_output_codec_is_substitute(&run->job, output))
            cm_state_message(
                &run->state, CAPMILL_NOTE,
                "output %s: its codec is %s, as this build has no snappy; name one (-o parquet:%s=%s)",
                output->path, cm_codec_name(cm_table_codec(cm_output_codec(&run->job, output))),
                cm_codec_name(cm_table_codec(cm_output_codec(&run->job, output))), output->path);
    }
}

enum capmill_status cm_run_look(struct capmill_run *run, uint32_t i, bool as_chain, struct cm_error *error)
{
    struct cm_input *input = &run->inputs.all[i];
    struct cm_error own = {0};
    enum capmill_status status = cm_input_look(&run->inputs, input, as_chain, &run->state, &own);

    if (status >= 0)
        return CAPMILL_OK;
    if (!run->job.skip_unreadable || status == CAPMILL_E_MEMORY || status == CAPMILL_E_INTERRUPTED ||
        run->job.strict) {
        if (error != NULL)
            *error = own;
        return status;
    }
    cm_state_message(&run->state, CAPMILL_WARNING, "skipped: %s", own.text);
    input->is_skipped = true;
    if (strcmp(input->path, "-") !=
        0) /* so that it is known again, and never replaced, when it is an output */
        cm_path_facts(input->path, &input->facts, NULL);
    input->size = 0;
    run->report.n_inputs_skipped++;
    cm_input_close(&run->inputs, input);
    return CAPMILL_AGAIN;
}

static enum capmill_status prepare(struct capmill_run *run, struct cm_error *error)
{
    struct cm_recipe recipe;
    uint64_t bytes = 0;
    enum capmill_status status;

    if (run->job.command == CAPMILL_GENERATE) {
        status = cm_recipe_parse(run->job.recipe == NULL ? "" : run->job.recipe, &recipe, error);
        if (status >= 0)
            status = cm_synth_create(&recipe, &run->synth, error);
        return status < 0 ? status : cm_plan_make(run, error);
    }
    status = cm_inputs_list(&run->inputs, run->job.inputs, run->job.n_inputs, error);
    for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++) {
        status = cm_run_look(run, i, false, error);
        bytes += run->inputs.all[i].size;
        if (run->inputs.n > 64) /* many: keep none open that is not being read */
            cm_input_close(&run->inputs, &run->inputs.all[i]);
    }
    if (status >= 0 && run->report.n_inputs_skipped == run->inputs.n)
        return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                            "none of the %" PRIu32 " inputs is a readable capture", run->inputs.n);
    if (status >= 0)
        status = cm_run_check_rules(run, error);
    run->report.n_inputs = run->inputs.n;
    run->sequence_base = calloc((size_t)run->inputs.n + 1, sizeof(*run->sequence_base));
    if (status >= 0 && run->sequence_base == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %" PRIu32 " inputs", run->inputs.n);
    for (uint32_t i = 0; i < run->inputs.n; i++) {
        if (run->inputs.all[i].is_stream)
            bytes = 0;
    }
    atomic_store_explicit(&run->state.bytes_total, bytes, memory_order_relaxed);
    return status < 0 ? status : cm_plan_make(run, error);
}

enum capmill_status capmill_run_create(const struct capmill_job *job, struct capmill_run **run_ret,
                                       char *text, size_t text_bytes)
{
    struct capmill_run *run = NULL;
    struct cm_error error = {0};
    enum capmill_status status = check_job(job, &error);

    *run_ret = NULL;
    if (status >= 0) {
        run = calloc(1, sizeof(*run));
        if (run == NULL)
            status = cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory for a run");
    }
    if (status >= 0) {
        run->job = *job;
        cm_state_init(&run->state, &run->job);
        tell_substitutes(run);
        status = cm_run_make_rules(run, &error);
        if (status >= 0)
            status = prepare(run, &error);
        if (status >= 0 && !cm_counters_table_init(&run->counters, run->plan.n_threads))
            status =
                cm_error_set(&error, CAPMILL_E_MEMORY, 0, "no memory for %u threads", run->plan.n_threads);
    }
    if (status < 0) {
        tell(&error, text, text_bytes);
        capmill_run_destroy(run);
        return status;
    }
    *run_ret = run;
    return CAPMILL_OK;
}

void capmill_run_destroy(struct capmill_run *run)
{
    if (run == NULL)
        return;
    cm_results_free(run);
    cm_summary_destroy(run->summary);
    cm_synth_destroy(run->synth);
    cm_filter_destroy(run->filter);
    cm_flow_sizes_destroy(run->flow_sizes);
    cm_flow_facts_destroy(run->flow_facts);
    cm_transform_destroy(run->transform);
    if (run->job.command != CAPMILL_GENERATE)
        cm_inputs_fini(&run->inputs);
    cm_counters_table_fini(&run->counters);
    cm_state_fini(&run->state);
    free(run->sequence_base);
    free(run->plan_text);
    free(run);
}

const char *capmill_run_plan(struct capmill_run *run)
{
    return run->plan_text;
}

enum capmill_status cm_run_tell_damage(struct capmill_run *run, struct cm_input *input,
                                       struct cm_error *error)
{
    const struct cm_damage *damages;
    uint64_t n_damages;
    uint64_t n_bytes;
    size_t n_located;

    if (input->is_skipped || input->seams == NULL)
        return CAPMILL_OK;
    n_located = cm_seams_damages(input->seams, &damages, &n_damages, &n_bytes);
    if (n_damages == 0)
        return CAPMILL_OK;
    run->report.n_damages += n_damages;
    run->report.damaged_bytes += n_bytes;
    if (run->job.strict)
        return cm_error_set(error, CAPMILL_E_DAMAGED, 0,
                            "%s is damaged at offset %" PRIu64
                            ": %s; without --strict the sound rest would be taken",
                            input->path, n_located > 0 ? damages[0].place : 0,
                            n_located > 0 ? damages[0].reason : "see above");
    for (size_t i = 0; i < n_located && i < 10; i++) {
        if (damages[i].n_bytes == 0)
            cm_state_message(&run->state, CAPMILL_WARNING, "%s: offset %" PRIu64 ": %s; kept", input->path,
                             damages[i].place, damages[i].reason);
        else
            cm_state_message(&run->state, CAPMILL_WARNING,
                             "%s: offset %" PRIu64 ": %s; skipped %" PRIu64 " bytes", input->path,
                             damages[i].place, damages[i].reason, damages[i].n_bytes);
    }
    if (n_damages > 10)
        cm_state_message(&run->state, CAPMILL_WARNING,
                         "%s: %" PRIu64 " more damaged places; %" PRIu64 " bytes skipped in all", input->path,
                         n_damages - 10, n_bytes);
    return CAPMILL_OK;
}

enum capmill_status capmill_run_execute(struct capmill_run *run, char *text, size_t text_bytes)
{
    struct capmill_report *report = &run->report;
    uint64_t cpu_ns = cm_clock_process_cpu_ns();
    struct cm_error error = {0};
    enum capmill_status status = CAPMILL_E_INTERNAL;
    uint64_t started_ns = cm_clock_monotonic_ns();

    atomic_store_explicit(&run->state.started_ns, started_ns, memory_order_relaxed);
    switch (run->job.command) {
    case CAPMILL_INFO:
    case CAPMILL_STATS:
        status = cm_run_summary(run, &error);
        break;
    case CAPMILL_SORT:
    case CAPMILL_EXPORT:
        status = cm_run_sort(run, &error);
        break;
    case CAPMILL_GENERATE:
        status = cm_run_generate(run, &error);
        break;
    }
    cm_state_tick(&run->state, true);
    report->elapsed_ns = cm_clock_monotonic_ns() - started_ns;
    report->cpu_ns = cm_clock_process_cpu_ns() - cpu_ns;
    report->peak_memory_bytes = cm_memory_peak();
    if (run->job.command != CAPMILL_GENERATE) {
        report->bytes_read =
            atomic_load_explicit(&run->state.bytes_done, memory_order_relaxed) - run->counted_bytes;
        report->packets_read = atomic_load_explicit(&run->state.packets_done, memory_order_relaxed);
        report->packets_kept = atomic_load_explicit(&run->state.packets_kept, memory_order_relaxed);
    }
    report->stages = run->counters.rows;
    report->n_stages = cm_counters_report(&run->counters, &report->bottleneck);
    if (status < 0)
        tell(&error, text, text_bytes);
    return status < 0 ? status : CAPMILL_OK;
}

void capmill_run_stop(struct capmill_run *run)
{
    atomic_store_explicit(&run->state.stop, 1, memory_order_relaxed);
}

void capmill_run_progress(const struct capmill_run *run, struct capmill_progress *progress_ret)
{
    cm_state_read_progress(&run->state, progress_ret);
}
