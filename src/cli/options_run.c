/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: how the work is done and what is said about it. */
#include "base/checked.h"
#include "cli/option_tables.h"

/* The library refuses more; a slip such as --threads 64M ends here, with the option's name. */
#define MAX_THREADS 1024

static CM_SETTER(set_threads)
{
    uint64_t count = 0;
    enum capmill_status status = cm_setting_count(setting, 1, MAX_THREADS, &count, error);

    typed->n_threads = (unsigned)count;
    return status;
}

static CM_SETTER(set_memory)
{
    enum capmill_status status = cm_setting_size(setting, &typed->memory_bytes, error);

    if (status == CAPMILL_OK && typed->memory_bytes == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s %s: expected more than nothing",
                            setting->origin, setting->value);
    return status;
}

static CM_SETTER(set_temp_dir)
{
    if (setting->value[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s: expected the name of a folder",
                            setting->origin);
    typed->temp_dir = setting->value;
    return CAPMILL_OK;
}

static CM_SETTER(set_io)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    _Static_assert(CAPMILL_IO_AUTO == 0 && CAPMILL_IO_READ == 1 && CAPMILL_IO_MMAP == 2 &&
                       CAPMILL_IO_URING == 3 && CAPMILL_IO_IOCP == 4,
                   "the words of --io stand in this order");
    if (status == CAPMILL_OK)
        typed->io = (enum capmill_io)index;
    return status;
}

static CM_SETTER(set_progress)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    _Static_assert(CM_PROGRESS_AUTO == 0 && CM_PROGRESS_ALWAYS == 1 && CM_PROGRESS_NEVER == 2 &&
                       CM_PROGRESS_JSON == 3,
                   "the words of --progress stand in this order");
    if (status == CAPMILL_OK)
        typed->progress = (enum cm_progress_mode)index;
    return status;
}

static CM_SETTER(set_config)
{
    if (typed->config_path != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--config was given before, with '%.300s'",
                            typed->config_path);
    typed->config_path = setting->value;
    return CAPMILL_OK;
}

#define RUN(for_, group_) .section = CM_SECTION_RUN, .commands = for_, .group = group_

static const struct cm_option rows[] = {
    {CM_NAMED("strict"), RUN(CM_FOR_READING, CM_GROUP_INPUT),
     .help = "Fail at damaged or unreadable input, with nothing written, instead of skipping damage",
     CM_FLAG(strict)},
    {CM_NAMED("skip-unreadable"), RUN(CM_FOR_READING, CM_GROUP_INPUT),
     .help = "Go on without inputs that cannot be opened or are no captures; the exit status is then 3",
     CM_FLAG(skip_unreadable)},

    {CM_NAMED("threads"), .letter = 't', .argument = "N", .kind = CM_VALUE_COUNT,
     RUN(CM_FOR_ALL, CM_GROUP_RESOURCES), .default_text = "the CPUs this process may use", .sample = "4",
     .help = "Work on N threads; the result is the same for every N", .set = set_threads},
    {CM_NAMED("memory"), .letter = 'm', .argument = "SIZE", .kind = CM_VALUE_COUNT,
     RUN(CM_FOR_READING, CM_GROUP_RESOURCES), .default_text = "half of what is free", .sample = "\"1.5G\"",
     .help = "Use about SIZE of memory at most; 64M, 1.5G", .set = set_memory},
    {CM_NAMED("temp-dir"), .argument = "DIR", .kind = CM_VALUE_FOLDER,
     RUN(CM_FOR_SHOWING, CM_GROUP_RESOURCES), .default_text = "the system's", .sample = "\"/var/tmp\"",
     .help = "Keep what does not fit in memory in files below DIR", .set = set_temp_dir},
    {CM_NAMED("io"), .argument = "auto|read|mmap|uring|iocp", .kind = CM_VALUE_CHOICE,
     RUN(CM_FOR_READING, CM_GROUP_RESOURCES), .default_text = "auto", .sample = "\"auto\"",
     .help = "How files are read: reads into small blocks, mapping, io_uring (Linux) or completion ports "
             "(Windows)",
     .set = set_io},

    {CM_NAMED("config"), .argument = "FILE", .kind = CM_VALUE_FILE, .commands = CM_FOR_ALL,
     .group = CM_GROUP_CONFIG,
     .help = "Take what is not given here from a TOML file: command, inputs and options; --no-FLAG turns off "
             "what it turns on",
     .set = set_config},
    {CM_NAMED("print-config"), .commands = CM_FOR_ALL, .group = CM_GROUP_CONFIG,
     .help = "Print as TOML what the file says and what is given here, with where each comes from, and do "
             "nothing; with --verbose also the defaults of all else",
     CM_FLAG(print_config)},

    {CM_NAMED("progress"), .argument = "auto|always|never|json", .kind = CM_VALUE_CHOICE,
     RUN(CM_FOR_ALL, CM_GROUP_MESSAGES), .default_text = "auto", .sample = "\"auto\"",
     .help = "Show progress on standard error: auto where it is a terminal; json: an object a line",
     .set = set_progress},
    {CM_NAMED("quiet"), .letter = 'q', RUN(CM_FOR_ALL, CM_GROUP_MESSAGES),
     .help = "Only say why it failed: no warnings, notes, progress or closing line", CM_FLAG(quiet)},
    {CM_NAMED("verbose"), .letter = 'v', RUN(CM_FOR_ALL, CM_GROUP_MESSAGES),
     .help = "Also say where the time went: a table of stages and rings at the end", CM_FLAG(verbose)},
    {CM_NAMED("help"), .letter = 'h', .commands = CM_FOR_ALL, .group = CM_GROUP_MESSAGES,
     .help = "Show this text", CM_FLAG(help)},
    {CM_NAMED("version"), .letter = 'V', .commands = CM_FOR_ALL, .group = CM_GROUP_MESSAGES,
     .help = "Show the version and what this build contains", CM_FLAG(version)},
};
const struct cm_option_table cm_run_options = {rows, CM_ARRAY_COUNT(rows)};
