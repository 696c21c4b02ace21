/* SPDX-License-Identifier: Apache-2.0 */
/* Results of finished runs on standard output: as text, JSON or CSV. */
#ifndef CM_CLI_SHOW_H
#define CM_CLI_SHOW_H

#include "cli/json.h"
#include "cli/options.h"
#include "cli/printer.h"

/* Each prints what the command has to say in the form that was asked for. A failure of the printer is not
 * theirs to report: ask cm_printer_finish. */
void cm_show_info(const struct capmill_run *run, const struct cm_typed *typed, struct cm_printer *printer);
enum capmill_status cm_show_stats(struct capmill_run *run, const struct cm_typed *typed,
                                  struct cm_printer *printer, struct cm_error *error);
/* How many files were written. */
uint64_t cm_show_report_files(const struct capmill_report *report);
/* The closing report as members of a JSON object that is open. */
void cm_show_report_members(const struct capmill_report *report, struct cm_json *json);

/* Shared by info and stats. */
void cm_show_capture(const struct capmill_capture_info *info, struct cm_printer *printer);
/* "captures": [...], "total": {...} */
void cm_show_capture_members(const struct capmill_run *run, struct cm_json *json);
/* The total where there are several captures, else the one; NULL where there is none. */
const struct capmill_capture_info *cm_show_whole(const struct capmill_run *run);

/* One flow as a line of CSV; the header line before the first. */
void cm_show_flow_csv_head(struct cm_printer *printer);
void cm_show_flow_csv(const struct capmill_flow *flow, struct cm_printer *printer);
void cm_show_flow_json(const struct capmill_flow *flow, struct cm_json *json);

#endif
