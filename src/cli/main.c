/* SPDX-License-Identifier: Apache-2.0 */
/* The capmill program: words → job → run → results, messages and an exit status. All work is libcapmill's. */
#include <stdlib.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/config.h"
#include "cli/job_args.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/show.h"
#include "cli/usage.h"

/* Documented in docs/exit-status.md. */
enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SKIPPED = 3, EXIT_INTERRUPTED = 130 };

static enum exit_status exit_status_of(enum capmill_status status)
{
    if (status >= 0 || status == CAPMILL_E_CLOSED)
        return EXIT_DONE;
    if (status == CAPMILL_E_USAGE)
        return EXIT_USAGE;
    if (status == CAPMILL_E_INTERRUPTED)
        return EXIT_INTERRUPTED;
    return EXIT_FAILED;
}

static void print_version(struct cm_printer *printer)
{
    cm_printer_format(printer, "capmill %s\n", capmill_version());
    for (size_t i = 0; capmill_build_feature(i) != NULL; i++)
        cm_printer_format(printer, "%s\n", capmill_build_feature(i));
}

static void show_report(const struct capmill_run *run, const struct cm_typed *typed,
                        struct cm_printer *printer)
{
    struct cm_json json;

    cm_json_init(&json, printer, false);
    cm_json_object_begin(&json, NULL);
    cm_json_text(&json, "command", typed->command->name);
    cm_show_report_members(capmill_run_report(run), &json);
    cm_json_object_end(&json);
}

/* What standard output gets after the work. */
static enum capmill_status show_result(struct capmill_run *run, const struct cm_typed *typed,
                                       struct cm_printer *printer, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    enum capmill_status printed;

    if (typed->command->id == CAPMILL_INFO)
        cm_show_info(run, typed, printer);
    else if (typed->command->id == CAPMILL_STATS)
        status = cm_show_stats(run, typed, printer, error);
    else if (typed->json)
        show_report(run, typed, printer);
    else
        return CAPMILL_OK; /* standard output may be the capture, and is the library's */
    printed = cm_printer_finish(printer, error);
    return status < 0 ? status : printed;
}

static enum capmill_status execute(struct capmill_run *run, const struct cm_typed *typed,
                                   struct cm_messages *messages, struct cm_printer *printer,
                                   struct cm_error *error)
{
    char text[CM_ERROR_TEXT_BYTES] = "";
    enum capmill_status status;

    capmill_catch_stop_signals(run);
    status = capmill_run_execute(run, text, sizeof(text));
    cm_messages_clear(messages);
    if (status < 0) {
        cm_error_set(error, status, 0, "%s", text);
    } else {
        status = show_result(run, typed, printer, error);
        if (status >= 0)
            cm_messages_closing_report(messages, typed, capmill_run_report(run));
    }
    capmill_catch_stop_signals(NULL);
    return status;
}

static enum capmill_status run_job(struct cm_typed *typed, struct cm_messages *messages, bool *skipped_ret,
                                   struct cm_error *error)
{
    struct cm_job_args args = {0};
    struct capmill_run *run = NULL;
    struct cm_printer printer;
    const struct capmill_report *report;
    char text[CM_ERROR_TEXT_BYTES] = "";
    enum capmill_status status;

    cm_printer_init(&printer, stdout);
    status = cm_job_args_init(&args, typed, messages, error);
    if (status < 0)
        goto cleanup;
    status = capmill_run_create(&args.job, &run, text, sizeof(text));
    if (status < 0) {
        cm_job_args_explain(&args, typed, text, sizeof(text));
        cm_error_set(error, status, 0, "%s", text);
        goto cleanup;
    }
    if (typed->print_plan) {
        cm_printer_text(&printer, capmill_run_plan(run));
        status = cm_printer_finish(&printer, error);
        goto cleanup;
    }
    status = execute(run, typed, messages, &printer, error);
    report = capmill_run_report(run);
    *skipped_ret = report != NULL && (report->n_damages > 0 || report->n_inputs_skipped > 0);
cleanup:
    cm_messages_clear(messages);
    capmill_run_destroy(run);
    cm_job_args_fini(&args);
    return status;
}

/* Help, version, man pages, completions, configuration: nothing is done, only told. */
static enum capmill_status tell(const struct cm_typed *typed, struct cm_error *error)
{
    struct cm_printer printer;
    enum capmill_status status = CAPMILL_OK, printed;

    cm_printer_init(&printer, stdout);
    if (typed->version)
        print_version(&printer);
    else if (typed->man)
        cm_usage_man(typed->command, &printer);
    else if (typed->help)
        cm_usage_help(typed->command, &printer);
    else if (typed->completion != NULL)
        cm_completion_print(typed->completion, &printer);
    else if (typed->example_config)
        cm_config_print_example(&printer);
    else
        status = cm_config_print(typed, &printer, error);
    printed = cm_printer_finish(&printer, error);
    return status < 0 ? status : printed;
}

static bool is_told(const struct cm_typed *typed)
{
    return typed->help || typed->version || typed->man || typed->completion != NULL ||
           typed->example_config || typed->print_config;
}

/* Whoever read our output had enough: nobody needs to be told, where there was nothing but that to write. */
static bool reader_had_enough(const struct cm_typed *typed, enum capmill_status status)
{
    return status == CAPMILL_E_CLOSED &&
           (typed->n_outputs == 0 || (typed->n_outputs == 1 && strcmp(typed->outputs[0].path, "-") == 0));
}

static void print_failure(struct cm_messages *messages, const struct cm_typed *typed,
                          const struct cm_error *error)
{
    if (reader_had_enough(typed, error->status))
        return;
    cm_messages_failure(messages, error->text[0] != 0 ? error->text : capmill_status_name(error->status));
    cm_messages_hint(messages, error->status, typed->command);
}

int main(int argc, char **argv)
{
    struct cm_typed typed = {0};
    struct cm_messages messages;
    struct cm_error error = {0};
    bool skipped = false;
    enum capmill_status status;

    status = capmill_program_init(&argc, &argv);
    if (status >= 0)
        status = cm_options_parse(argc, argv, &typed, &error);
    cm_messages_init(&messages, &typed);
    if (status >= 0)
        status = is_told(&typed) ? tell(&typed, &error) : run_job(&typed, &messages, &skipped, &error);
    if (status < 0) {
        error.status = status;
        print_failure(&messages, &typed, &error);
    }
    if (status == CAPMILL_E_CLOSED && !reader_had_enough(&typed, status))
        status = CAPMILL_E_IO; /* the other outputs are not there either */
    cm_typed_free(&typed);
    return status >= 0 && skipped ? EXIT_SKIPPED : exit_status_of(status);
}
