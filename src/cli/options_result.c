/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: what the commands that show something show. */
#include "base/checked.h"
#include "cli/option_tables.h"

/* The library works out the greatest flows with a heap of this many at most (capmill_run_flows). */
#define MAX_TOP 1000000

static CM_SETTER(set_top)
{
    typed->has_top = true;
    return cm_setting_count(setting, 0, MAX_TOP, &typed->top, error);
}

static const struct cm_option rows[] = {
    {CM_NAMED("top"), .argument = "N", .kind = CM_VALUE_COUNT, .section = CM_SECTION_STATS,
     .commands = CM_FOR_STATS, .group = CM_GROUP_RESULT, .default_text = "10; all flows with --csv",
     .sample = "10", .help = "Show the N hosts and flows with most bytes", .set = set_top},
    {CM_NAMED("csv"), .section = CM_SECTION_STATS, .commands = CM_FOR_STATS, .group = CM_GROUP_RESULT,
     .help = "Print the flow table as CSV (RFC 4180) and nothing else: all flows in order of flow id, or "
             "those that --top asks for, most bytes first",
     CM_FLAG(csv)},
    {CM_NAMED("approximate"), .section = CM_SECTION_STATS, .commands = CM_FOR_SHOWING,
     .group = CM_GROUP_RESULT,
     .help = "Count addresses and flows within about 1 %, in little memory whatever their number",
     CM_FLAG(approximate)},
    {CM_NAMED("json"), .section = CM_SECTION_RUN, .commands = CM_FOR_ALL, .group = CM_GROUP_RESULT,
     .help = "Print the result, or the closing report of sort, export and generate, as one JSON object on "
             "standard "
             "output; not together with -o -",
     CM_FLAG(json)},
    {CM_NAMED("print-plan"), .section = CM_SECTION_RUN, .commands = CM_FOR_ALL, .group = CM_GROUP_RESULT,
     .help = "Print how the work would be done (stages, threads, rings, chosen input and output) and do "
             "nothing",
     CM_FLAG(print_plan)},
};
const struct cm_option_table cm_result_options = {rows, CM_ARRAY_COUNT(rows)};
