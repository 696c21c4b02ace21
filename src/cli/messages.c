/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a run for the person who waits for it. */
#include "cli/messages.h"

#include <inttypes.h>
#include <string.h>

#include "base/quantity.h"
#include "cli/json.h"
#include "cli/show.h"

#define NS_PER_SECOND 1e9
/* Runs that end sooner show no progress line: it would only flicker. */
#define FIRST_PROGRESS_NS UINT64_C(500000000)
/* Estimates from less than this much of the work are guesses. */
#define LEAST_SHARE_FOR_ESTIMATE 0.01

#define PROGRESS_BYTES 256

void cm_messages_init(struct cm_messages *messages, const struct cm_typed *typed)
{
    bool is_terminal = capmill_stderr_is_terminal();

    *messages = (struct cm_messages){.quiet = typed->quiet};
    cm_printer_init(&messages->printer, stderr);
    messages->from_the_start = typed->progress == CM_PROGRESS_ALWAYS;
    messages->progress_as_json = typed->progress == CM_PROGRESS_JSON;
    messages->progress_on_terminal = typed->progress == CM_PROGRESS_ALWAYS ||
                                     (typed->progress == CM_PROGRESS_AUTO && is_terminal && !typed->quiet);
}

void cm_messages_clear(struct cm_messages *messages)
{
    if (messages->drawn_columns == 0)
        return;
    cm_printer_format(&messages->printer, "\r%*s\r", (int)messages->drawn_columns, "");
    messages->drawn_columns = 0;
    fflush(messages->printer.file);
}

/* --progress json makes all of standard error lines of JSON, so that a program that reads it needs no second
 * parser. */
static void print_message_json(struct cm_messages *messages, const char *event, const char *text)
{
    struct cm_json json;

    cm_json_init(&json, &messages->printer, true);
    cm_json_object_begin(&json, NULL);
    cm_json_text(&json, "event", event);
    cm_json_text(&json, "text", text);
    cm_json_object_end(&json);
    fflush(messages->printer.file);
}

/* What is wrong in an expression takes lines of its own, each of which begins with two blanks. Every other line
 * break is one that a name brought along. */
static void print_lines(struct cm_messages *messages, const char *text)
{
    static const char indent[] = "\n  ";
    const char *next;
    char line[CM_ERROR_TEXT_BYTES];

    for (; (next = strstr(text, indent)) != NULL; text = next + strlen(indent)) {
        snprintf(line, sizeof(line), "%.*s", (int)(next - text), text);
        cm_printer_foreign(&messages->printer, line);
        cm_printer_text(&messages->printer, indent);
    }
    cm_printer_foreign(&messages->printer, text);
}

static void print_message(struct cm_messages *messages, const char *kind, const char *text)
{
    cm_messages_clear(messages);
    cm_printer_format(&messages->printer, "capmill: %s", kind);
    print_lines(messages, text);
    cm_printer_text(&messages->printer, "\n");
    fflush(messages->printer.file);
}

void cm_messages_on_message(void *context, enum capmill_message_level level, const char *text)
{
    struct cm_messages *messages = context;

    if (messages->quiet)
        return;
    if (messages->progress_as_json)
        print_message_json(messages, level == CAPMILL_WARNING ? "warning" : "note", text);
    else
        print_message(messages, level == CAPMILL_WARNING ? "warning: " : "note: ", text);
}

void cm_messages_failure(struct cm_messages *messages, const char *text)
{
    if (messages->progress_as_json)
        print_message_json(messages, "failure", text);
    else
        print_message(messages, "", text);
}

void cm_messages_hint(struct cm_messages *messages, enum capmill_status status,
                      const struct cm_command *command)
{
    if (messages->progress_as_json)
        return;
    if (status == CAPMILL_E_EXISTS)
        cm_printer_text(&messages->printer, "With --force it is replaced.\n");
    else if (status == CAPMILL_E_USAGE)
        cm_printer_format(&messages->printer, "Try 'capmill help%s%s'.\n", command != NULL ? " " : "",
                          command != NULL ? command->name : "");
}

static double rate_per_second(uint64_t count, uint64_t elapsed_ns)
{
    return elapsed_ns == 0 ? 0 : (double)count * NS_PER_SECOND / (double)elapsed_ns;
}

static const char *rate_text(uint64_t bytes, uint64_t elapsed_ns, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    return cm_size_text((uint64_t)rate_per_second(bytes, elapsed_ns), text_ret);
}

/* False where the total is unknown, or too little is done to tell. */
static bool estimate_left(const struct capmill_progress *progress, uint64_t *left_ns_ret)
{
    double share;

    if (progress->bytes_total == 0 || progress->bytes_done > progress->bytes_total)
        return false;
    share = (double)progress->bytes_done / (double)progress->bytes_total;
    if (share < LEAST_SHARE_FOR_ESTIMATE)
        return false;
    *left_ns_ret = (uint64_t)((double)progress->elapsed_ns * (1 - share) / share);
    return true;
}

/* Columns of UTF-8 text without wide characters: bytes that do not continue a character. */
static unsigned count_columns(const char *text)
{
    unsigned columns = 0;

    for (; *text != 0; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Cut to what fits a line of the terminal: a line that wraps cannot be drawn over. */
static void cut_columns(char *text, unsigned columns)
{
    for (; *text != 0; text++) {
        if (((unsigned char)*text & 0xc0) != 0x80 && columns-- == 0) {
            *text = 0;
            return;
        }
    }
}

/* Whole seconds, rounded up: an estimate has no decimals. */
static const char *left_text(uint64_t left_ns, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    uint64_t seconds = left_ns / 1000000000 + 1;

    if (seconds >= 120)
        return cm_duration_text(left_ns, text_ret);
    snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu64 " s", seconds);
    return text_ret;
}

static void draw_progress(struct cm_messages *messages, const struct capmill_progress *progress)
{
    char done[CM_QUANTITY_TEXT_BYTES], total[CM_QUANTITY_TEXT_BYTES], packets[CM_QUANTITY_TEXT_BYTES];
    char rate[CM_QUANTITY_TEXT_BYTES], left[CM_QUANTITY_TEXT_BYTES];
    char line[PROGRESS_BYTES] = "";
    unsigned terminal_columns = capmill_stderr_columns();
    unsigned columns;
    uint64_t left_ns;
    size_t used = 0;

    if (progress->stage != NULL)
        used += (size_t)snprintf(line, sizeof(line), "%.20s: ", progress->stage);
    used +=
        (size_t)snprintf(line + used, sizeof(line) - used, "%s", cm_size_text(progress->bytes_done, done));
    if (progress->bytes_total != 0)
        used += (size_t)snprintf(line + used, sizeof(line) - used, " of %s",
                                 cm_size_text(progress->bytes_total, total));
    used += (size_t)snprintf(line + used, sizeof(line) - used, ", %s packets, %s/s",
                             cm_count_text(progress->packets_done, packets),
                             rate_text(progress->bytes_done, progress->elapsed_ns, rate));
    if (estimate_left(progress, &left_ns))
        snprintf(line + used, sizeof(line) - used, ", %s left", left_text(left_ns, left));
    cut_columns(line, terminal_columns > 1 ? terminal_columns - 1 : 1);
    columns = count_columns(line);
    cm_printer_format(&messages->printer, "\r%s", line);
    if (columns < messages->drawn_columns)
        cm_printer_format(&messages->printer, "%*s", (int)(messages->drawn_columns - columns), "");
    messages->drawn_columns = columns;
    fflush(messages->printer.file);
}

static void print_progress_json(struct cm_messages *messages, const struct capmill_progress *progress)
{
    struct cm_json json;
    uint64_t left_ns;

    cm_json_init(&json, &messages->printer, true);
    cm_json_object_begin(&json, NULL);
    cm_json_text(&json, "event", "progress");
    cm_json_text(&json, "stage", progress->stage);
    cm_json_seconds(&json, "elapsed_seconds", progress->elapsed_ns);
    cm_json_count(&json, "bytes_done", progress->bytes_done);
    if (progress->bytes_total != 0)
        cm_json_count(&json, "bytes_total", progress->bytes_total);
    cm_json_count(&json, "packets_done", progress->packets_done);
    cm_json_rate(&json, "bytes_per_second", rate_per_second(progress->bytes_done, progress->elapsed_ns));
    cm_json_rate(&json, "packets_per_second", rate_per_second(progress->packets_done, progress->elapsed_ns));
    if (estimate_left(progress, &left_ns))
        cm_json_seconds(&json, "left_seconds", left_ns);
    cm_json_object_end(&json);
    fflush(messages->printer.file);
}

void cm_messages_on_progress(void *context, const struct capmill_progress *progress)
{
    struct cm_messages *messages = context;

    if (messages->progress_as_json)
        print_progress_json(messages, progress);
    else if (messages->progress_on_terminal &&
             (messages->from_the_start || progress->elapsed_ns >= FIRST_PROGRESS_NS))
        draw_progress(messages, progress);
}

/* "500 of 1,000 packets", "300 rows from 500 of 1,000 packets", "500 of 1,000 packets and 300 rows" */
static void print_amount(struct cm_printer *printer, const struct capmill_report *report)
{
    bool only_rows = report->packets_written == 0 && report->n_tables == report->n_outputs;
    char packets[CM_QUANTITY_TEXT_BYTES], rows[CM_QUANTITY_TEXT_BYTES], all[CM_QUANTITY_TEXT_BYTES];

    if (only_rows)
        cm_printer_format(printer, "%s rows from ", cm_count_text(report->rows_written, rows));
    cm_printer_text(printer,
                    cm_count_text(only_rows ? report->packets_kept : report->packets_written, packets));
    if (report->packets_kept < report->packets_read)
        cm_printer_format(printer, " of %s", cm_count_text(report->packets_read, all));
    cm_printer_text(printer, " packets");
    if (report->n_tables > 0 && !only_rows)
        cm_printer_format(printer, " and %s rows", cm_count_text(report->rows_written, rows));
}

static void print_closing_line(struct cm_messages *messages, const struct capmill_report *report)
{
    struct cm_printer *printer = &messages->printer;
    char bytes[CM_QUANTITY_TEXT_BYTES], elapsed[CM_QUANTITY_TEXT_BYTES], rate[CM_QUANTITY_TEXT_BYTES];
    uint64_t n_files = cm_show_report_files(report);

    cm_printer_text(printer, "capmill: wrote ");
    print_amount(printer, report);
    cm_printer_format(printer, ", %s in %s (%s/s)", cm_size_text(report->bytes_written, bytes),
                      cm_duration_text(report->elapsed_ns, elapsed),
                      rate_text(report->bytes_written, report->elapsed_ns, rate));
    if (n_files > 1)
        cm_printer_format(printer, " to %" PRIu64 " files", n_files);
    if (report->method != NULL)
        cm_printer_format(printer, ", method: %s", report->method);
    if (report->bottleneck != NULL)
        cm_printer_format(printer, ", bottleneck: %s", report->bottleneck);
    cm_printer_text(printer, "\n");
}

/* What was asked and could not be done: told however quiet the rest is, except with --quiet. */
static void print_unchanged(struct cm_messages *messages, const struct capmill_report *report)
{
    char packets[CM_QUANTITY_TEXT_BYTES];

    for (size_t i = 0; i < report->n_unchanged; i++)
        cm_printer_format(&messages->printer, "capmill: not changed in all that was asked: %s packets (%s)\n",
                          cm_count_text(report->unchanged[i].n_packets, packets),
                          report->unchanged[i].reason);
    if (report->blocks_hidden > 0)
        cm_printer_format(
            &messages->printer,
            "capmill: left out as anonymisation demands: %s blocks and options beside packets\n",
            cm_count_text(report->blocks_hidden, packets));
}

static void print_stages(struct cm_messages *messages, const struct capmill_report *report)
{
    struct cm_printer *printer = &messages->printer;
    char bytes[CM_QUANTITY_TEXT_BYTES], peak[CM_QUANTITY_TEXT_BYTES];

    cm_printer_format(printer, "%-20s %7s %10s %10s %14s %12s %10s %10s\n", "stage", "threads", "busy s",
                      "waiting s", "items", "bytes", "full", "empty");
    for (size_t i = 0; i < report->n_stages; i++) {
        const struct capmill_stage_report *stage = &report->stages[i];
        cm_printer_format(printer,
                          "%-20.40s %7u %10.3f %10.3f %14" PRIu64 " %12s %10" PRIu64 " %10" PRIu64 "\n",
                          stage->name, stage->n_threads, (double)stage->busy_ns / NS_PER_SECOND,
                          (double)stage->waiting_ns / NS_PER_SECOND, stage->n_items,
                          cm_size_text(stage->n_bytes, bytes), stage->n_full_waits, stage->n_empty_waits);
    }
    cm_printer_format(printer, "total: %.3f s, %.3f s of CPU, at most %s of memory\n",
                      (double)report->elapsed_ns / NS_PER_SECOND, (double)report->cpu_ns / NS_PER_SECOND,
                      cm_size_text(report->peak_memory_bytes, peak));
}

static void print_report_json(struct cm_messages *messages, const struct cm_typed *typed,
                              const struct capmill_report *report)
{
    struct cm_json json;

    cm_json_init(&json, &messages->printer, true);
    cm_json_object_begin(&json, NULL);
    cm_json_text(&json, "event", "report");
    cm_json_text(&json, "command", typed->command->name);
    cm_show_report_members(report, &json);
    cm_json_object_end(&json);
    fflush(messages->printer.file);
}

void cm_messages_closing_report(struct cm_messages *messages, const struct cm_typed *typed,
                                const struct capmill_report *report)
{
    cm_messages_clear(messages);
    if (messages->progress_as_json)
        print_report_json(messages, typed, report);
    if (messages->progress_as_json || messages->quiet)
        return;
    if (typed->command->needs_output)
        print_closing_line(messages, report);
    print_unchanged(messages, report);
    if (typed->verbose)
        print_stages(messages, report);
    fflush(messages->printer.file);
}
