/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of commands and options, and the setters. A new option is one row here, one field of struct
 * cm_typed and its use in job_args.c; usage, man pages and refusals follow by themselves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "cli/options.h"

const struct cm_command cm_commands[] = {
    {
        .name = "info",
        .id = CAPMILL_INFO,
        .synopsis = "[OPTIONS] INPUT...",
        .summary = "show what is in captures",
        .text = "Prints one screen for each capture: format, link types, first and last time, duration, "
                "packets, bytes, "
                "rates, how many different addresses and flows, whether the packets are in order of time or "
                "by how "
                "much not, and damage. With more than one input a total follows.\n\n"
                "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .examples = {{"info capture.pcapng", "one screen about one capture"},
                     {"info --json /data/captures", "every capture in a folder, for a program to read"},
                     {"info - < capture.pcap", "from a pipe"}},
    },
    {
        .name = "stats",
        .id = CAPMILL_STATS,
        .synopsis = "[OPTIONS] INPUT...",
        .summary = "count flows, hosts, protocols and packet sizes",
        .text =
            "Prints what info prints for all inputs together, then the protocols, the packet sizes, the "
            "hosts and "
            "the flows that moved most bytes. Flows are told apart by addresses, ports and protocol, in both "
            "directions together.\n\n"
            "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .examples = {{"stats --top 20 capture.pcap", "the twenty largest hosts and flows"},
                     {"stats --csv capture.pcap > flows.csv", "the whole flow table"},
                     {"stats --json --top 0 capture.pcap", "everything but hosts and flows, as JSON"}},
    },
    {
        .name = "sort",
        .id = CAPMILL_SORT,
        .synopsis = "[OPTIONS] -o OUTPUT INPUT...",
        .summary = "put packets in order of time, from one or many captures",
        .text = "Reads all inputs, each of which may be out of order, and writes their packets in order of "
                "time. Packets "
                "of equal time keep the order of the inputs and their order within them, so that every run "
                "gives the "
                "same bytes. The output appears under its name only when it is whole.\n\n"
                "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .needs_output = true,
        .examples = {{"sort -o sorted.pcap capture.pcap", "one capture"},
                     {"sort -o all.pcapng eth0.pcap eth1.pcap", "merge two captures"},
                     {"sort --slice 1h -o hour.pcap day/",
                      "files of one hour each: hour_20240229T120000Z.pcap, ..."},
                     {"sort -o - capture.pcap | tcpdump -r -", "into a pipe"}},
    },
    {
        .name = "generate",
        .id = CAPMILL_GENERATE,
        .synopsis = "[OPTIONS] -o OUTPUT",
        .summary = "write a synthetic capture",
        .text = "Writes a capture made from a recipe: packet sizes, number and popularity of flows, "
                "protocols, rate, gaps, "
                "disorder. The same recipe gives the same bytes on every machine. Without a recipe the "
                "defaults of "
                "every key hold; keys given on the command line replace those of the recipe file.",
        .needs_output = true,
        .examples = {{"generate --size 1G -o test.pcap", "a capture of 1 GiB"},
                     {"generate --recipe datasets/imix.recipe --seed 7 -o test.pcap",
                      "a recipe with another seed"},
                     {"generate --packets 1000 --set order=shuffled -o test.pcap", "any key of a recipe"}},
    },
};
const size_t cm_n_commands = CM_ARRAY_COUNT(cm_commands);

const char *const cm_option_group_titles[CM_N_OPTION_GROUPS] = {
    [CM_GROUP_RESULT] = "Results",      [CM_GROUP_OUTPUT] = "Outputs",    [CM_GROUP_INPUT] = "Inputs",
    [CM_GROUP_RESOURCES] = "Resources", [CM_GROUP_MESSAGES] = "Messages",
};

/* The library refuses more; a slip such as --threads 64M ends here, with the option's name. */
#define MAX_THREADS 1024
/* The library works out the greatest flows with a heap of this many at most (capmill_run_flows). */
#define MAX_TOP 1000000

#define SETTER(name)                                                                                         \
    static enum capmill_status name(const struct cm_option *option, const char *value,                       \
                                    struct cm_typed *typed, struct cm_error *error)

static enum capmill_status refuse(const struct cm_option *option, const char *value,
                                  const struct cm_text_fault *fault, struct cm_error *error)
{
    if (value[fault->at] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s '%.80s': %s, at its end", option->name, value,
                            fault->what);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s '%.80s': %s, at '%.20s'", option->name, value,
                        fault->what, value + fault->at);
}

/* The place of `value` among the words of "a|b|c"; -1 where it is none of them. */
static int choice_index(const char *choices, const char *value)
{
    size_t value_bytes = strlen(value);

    for (int index = 0;; index++) {
        size_t word_bytes = strcspn(choices, "|");
        if (word_bytes == value_bytes && memcmp(choices, value, word_bytes) == 0)
            return index;
        if (choices[word_bytes] == 0)
            return -1;
        choices += word_bytes + 1;
    }
}

static enum capmill_status take_choice(const struct cm_option *option, const char *value, int *index_ret,
                                       struct cm_error *error)
{
    *index_ret = choice_index(option->argument, value);
    if (*index_ret < 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s '%.80s': expected one of %s", option->name,
                            value, option->argument);
    return CAPMILL_OK;
}

static enum capmill_status take_count(const struct cm_option *option, const char *value, uint64_t least,
                                      uint64_t most, uint64_t *count_ret, struct cm_error *error)
{
    struct cm_text_fault fault;

    if (!cm_count_parse(value, count_ret, &fault))
        return refuse(option, value, &fault, error);
    if (*count_ret < least || *count_ret > most)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "--%s %" PRIu64 ": expected a number from %" PRIu64 " to %" PRIu64, option->name,
                            *count_ret, least, most);
    return CAPMILL_OK;
}

SETTER(set_help)
{
    typed->help = true;
    return CAPMILL_OK;
}

SETTER(set_version)
{
    typed->version = true;
    return CAPMILL_OK;
}

SETTER(set_threads)
{
    uint64_t count = 0;
    enum capmill_status status = take_count(option, value, 1, MAX_THREADS, &count, error);

    typed->n_threads = (unsigned)count;
    return status;
}

SETTER(set_memory)
{
    struct cm_text_fault fault;

    if (!cm_size_parse(value, &typed->memory_bytes, &fault))
        return refuse(option, value, &fault, error);
    if (typed->memory_bytes == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--memory %s: expected more than nothing", value);
    return CAPMILL_OK;
}

SETTER(set_temp_dir)
{
    if (value[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--temp-dir: expected the name of a folder");
    typed->temp_dir = value;
    return CAPMILL_OK;
}

SETTER(set_io)
{
    int index;
    enum capmill_status status = take_choice(option, value, &index, error);

    _Static_assert(CAPMILL_IO_AUTO == 0 && CAPMILL_IO_READ == 1 && CAPMILL_IO_MMAP == 2 &&
                       CAPMILL_IO_URING == 3 && CAPMILL_IO_IOCP == 4,
                   "the words of --io stand in this order");
    if (status == CAPMILL_OK)
        typed->io = (enum capmill_io)index;
    return status;
}

SETTER(set_progress)
{
    int index;
    enum capmill_status status = take_choice(option, value, &index, error);

    _Static_assert(CM_PROGRESS_AUTO == 0 && CM_PROGRESS_ALWAYS == 1 && CM_PROGRESS_NEVER == 2 &&
                       CM_PROGRESS_JSON == 3,
                   "the words of --progress stand in this order");
    if (status == CAPMILL_OK)
        typed->progress = (enum cm_progress_mode)index;
    return status;
}

SETTER(set_quiet)
{
    typed->quiet = true;
    return CAPMILL_OK;
}

SETTER(set_verbose)
{
    typed->verbose = true;
    return CAPMILL_OK;
}

SETTER(set_strict)
{
    typed->strict = true;
    return CAPMILL_OK;
}

SETTER(set_skip_unreadable)
{
    typed->skip_unreadable = true;
    return CAPMILL_OK;
}

SETTER(set_force)
{
    typed->force = true;
    return CAPMILL_OK;
}

SETTER(set_durable)
{
    typed->durable = true;
    return CAPMILL_OK;
}

SETTER(set_json)
{
    typed->json = true;
    return CAPMILL_OK;
}

SETTER(set_print_plan)
{
    typed->print_plan = true;
    return CAPMILL_OK;
}

SETTER(set_approximate)
{
    typed->approximate = true;
    return CAPMILL_OK;
}

SETTER(set_unidirectional)
{
    typed->unidirectional = true;
    return CAPMILL_OK;
}

SETTER(set_top)
{
    typed->has_top = true;
    return take_count(option, value, 0, MAX_TOP, &typed->top, error);
}

SETTER(set_csv)
{
    typed->csv = true;
    return CAPMILL_OK;
}

#define FORMAT_WORDS "pcap|pcapng"

static enum capmill_format format_of_word(int index)
{
    return index == 0 ? CAPMILL_FORMAT_PCAP : CAPMILL_FORMAT_PCAPNG;
}

/* "pcapng=PATH", or a path. A word of lower-case letters and digits before the first = is meant as a format;
 * a path that begins so can be written with ./ in front. */
SETTER(set_output)
{
    struct capmill_output output = {.path = value};
    size_t word_bytes = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789:");

    if (word_bytes > 0 && value[word_bytes] == '=') {
        char word[16];
        int index = -1;
        if (word_bytes < sizeof(word)) {
            memcpy(word, value, word_bytes);
            word[word_bytes] = 0;
            index = choice_index(FORMAT_WORDS, word);
        }
        if (index < 0)
            return cm_error_set(
                error, CAPMILL_E_USAGE, 0,
                "--output '%.80s': '%.*s' is no format, expected one of %s (or ./ before a file name "
                "with = in it)",
                value, word_bytes < 40 ? (int)word_bytes : 40, value, FORMAT_WORDS);
        output.format = format_of_word(index);
        output.path = value + word_bytes + 1;
    }
    if (output.path[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--output: expected a file name or -");
    typed->outputs[typed->n_outputs++] = output;
    return CAPMILL_OK;
}

SETTER(set_format)
{
    int index;
    enum capmill_status status = take_choice(option, value, &index, error);

    if (status == CAPMILL_OK)
        typed->format = format_of_word(index);
    return status;
}

SETTER(set_slice)
{
    struct cm_text_fault fault;

    if (!cm_duration_parse(value, &typed->slice_ns, &fault))
        return refuse(option, value, &fault, error);
    /* the files are named by whole seconds, so shorter slices would take each other's names */
    if (typed->slice_ns == 0 || typed->slice_ns % UINT64_C(1000000000) != 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "--slice '%s': expected a whole number of seconds, at least 1", value);
    return CAPMILL_OK;
}

SETTER(set_resolution)
{
    int index;
    enum capmill_status status = take_choice(option, value, &index, error);

    if (status == CAPMILL_OK)
        typed->resolution = index == 0 ? CM_RESOLUTION_US : CM_RESOLUTION_NS;
    return status;
}

SETTER(set_recipe)
{
    if (value[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--recipe: expected the name of a file");
    typed->recipe_path = value;
    return CAPMILL_OK;
}

static void add_recipe_line(struct cm_typed *typed, const char *key, size_t key_bytes, const char *value)
{
    typed->recipe_lines[typed->n_recipe_lines++] = (struct cm_recipe_line){key, key_bytes, value};
}

SETTER(set_key)
{
    size_t key_bytes = strcspn(value, "=");

    if (value[key_bytes] == 0 || key_bytes == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--set '%.80s': expected KEY=VALUE", value);
    if (strpbrk(value, "\r\n#") != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "--set '%.*s': neither # nor a line break may be in it",
                            (int)strcspn(value, "\r\n"), value);
    add_recipe_line(typed, value, key_bytes, value + key_bytes + 1);
    return CAPMILL_OK;
}

SETTER(set_recipe_size)
{
    struct cm_text_fault fault;
    uint64_t bytes;

    if (!cm_size_parse(value, &bytes, &fault))
        return refuse(option, value, &fault, error);
    add_recipe_line(typed, option->name, strlen(option->name), value);
    return CAPMILL_OK;
}

SETTER(set_recipe_count)
{
    uint64_t count;
    enum capmill_status status = take_count(option, value, 0, UINT64_MAX, &count, error);

    if (status == CAPMILL_OK)
        add_recipe_line(typed, option->name, strlen(option->name), value);
    return status;
}

const struct cm_option cm_options[] = {
    {"top", 0, false, "N", CM_FOR_STATS, CM_GROUP_RESULT, "10; all flows with --csv",
     "Show the N hosts and flows with most bytes", set_top},
    {"csv", 0, false, NULL, CM_FOR_STATS, CM_GROUP_RESULT, NULL,
     "Print the flow table as CSV (RFC 4180) and nothing else: all flows in order of flow id, or those that "
     "--top asks for, "
     "most bytes first",
     set_csv},
    {"approximate", 0, false, NULL, CM_FOR_SHOWING, CM_GROUP_RESULT, NULL,
     "Count addresses and flows within about 1 %, in little memory whatever their number", set_approximate},
    {"unidirectional", 0, false, NULL, CM_FOR_SHOWING, CM_GROUP_RESULT, NULL,
     "Take the two directions of a flow as two flows", set_unidirectional},
    {"json", 0, false, NULL, CM_FOR_ALL, CM_GROUP_RESULT, NULL,
     "Print the result, or the closing report of sort and generate, as one JSON object on standard output; "
     "not together with "
     "-o -",
     set_json},
    {"print-plan", 0, false, NULL, CM_FOR_ALL, CM_GROUP_RESULT, NULL,
     "Print how the work would be done (stages, threads, rings, chosen input and output) and do nothing",
     set_print_plan},

    {"output", 'o', true, "[FORMAT=]PATH", CM_FOR_WRITING, CM_GROUP_OUTPUT, NULL,
     "Write to PATH; - is standard output. FORMAT is pcap or pcapng; without it the extension of PATH "
     "decides, and where that "
     "does not tell the first input does",
     set_output},
    {"format", 0, false, FORMAT_WORDS, CM_FOR_SORT, CM_GROUP_OUTPUT, NULL,
     "Format of outputs that do not name one", set_format},
    {"slice", 0, false, "DURATION", CM_FOR_SORT, CM_GROUP_OUTPUT, NULL,
     "Write one file for each DURATION, aligned to whole multiples in UTC and named by its start: "
     "PATH_YYYYMMDDTHHMMSSZ.EXT",
     set_slice},
    {"resolution", 0, false, "us|ns", CM_FOR_SORT, CM_GROUP_OUTPUT, "the finest of the inputs",
     "Write the times of a pcap output in microseconds (finer digits are cut) or nanoseconds; in pcapng each "
     "interface keeps its "
     "own",
     set_resolution},
    {"recipe", 0, false, "FILE", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL,
     "Read the recipe from FILE; - is standard input", set_recipe},
    {"set", 0, true, "KEY=VALUE", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL,
     "Set a key of the recipe, after the file; the last one counts", set_key},
    {"size", 0, false, "SIZE", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL,
     "Same as --set size=SIZE: size of the capture", set_recipe_size},
    {"packets", 0, false, "N", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL,
     "Same as --set packets=N: number of packets, in place of a size", set_recipe_count},
    {"flows", 0, false, "N", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL, "Same as --set flows=N: number of flows",
     set_recipe_count},
    {"seed", 0, false, "N", CM_FOR_GENERATE, CM_GROUP_OUTPUT, NULL,
     "Same as --set seed=N: another capture of the same kind", set_recipe_count},
    {"force", 'f', false, NULL, CM_FOR_WRITING, CM_GROUP_OUTPUT, NULL,
     "Replace an output that exists; without this it is refused", set_force},
    {"durable", 0, false, NULL, CM_FOR_WRITING, CM_GROUP_OUTPUT, NULL,
     "Flush outputs to the disk before they get their names", set_durable},

    {"strict", 0, false, NULL, CM_FOR_READING, CM_GROUP_INPUT, NULL,
     "Fail at damaged or unreadable input, with nothing written, instead of skipping damage", set_strict},
    {"skip-unreadable", 0, false, NULL, CM_FOR_READING, CM_GROUP_INPUT, NULL,
     "Go on without inputs that cannot be opened or are no captures; the exit status is then 3",
     set_skip_unreadable},

    {"threads", 't', false, "N", CM_FOR_ALL, CM_GROUP_RESOURCES, "the CPUs this process may use",
     "Work on N threads; the result is the same for every N", set_threads},
    {"memory", 'm', false, "SIZE", CM_FOR_READING, CM_GROUP_RESOURCES, "half of what is free",
     "Use about SIZE of memory at most; 64M, 1.5G", set_memory},
    {"temp-dir", 0, false, "DIR", CM_FOR_SHOWING, CM_GROUP_RESOURCES, "the system's",
     "Keep what does not fit in memory in files below DIR", set_temp_dir},
    {"io", 0, false, "auto|read|mmap|uring|iocp", CM_FOR_READING, CM_GROUP_RESOURCES, "auto",
     "How files are read: reads into small blocks, mapping, io_uring (Linux) or completion ports (Windows)",
     set_io},

    {"progress", 0, false, "auto|always|never|json", CM_FOR_ALL, CM_GROUP_MESSAGES, "auto",
     "Show progress on standard error: auto where it is a terminal; json: an object a line", set_progress},
    {"quiet", 'q', false, NULL, CM_FOR_ALL, CM_GROUP_MESSAGES, NULL,
     "Only say why it failed: no warnings, notes, progress or closing line", set_quiet},
    {"verbose", 'v', false, NULL, CM_FOR_ALL, CM_GROUP_MESSAGES, NULL,
     "Also say where the time went: a table of stages and rings at the end", set_verbose},
    {"help", 'h', false, NULL, CM_FOR_ALL, CM_GROUP_MESSAGES, NULL, "Show this text", set_help},
    {"version", 'V', false, NULL, CM_FOR_ALL, CM_GROUP_MESSAGES, NULL,
     "Show the version and what this build contains", set_version},
};
const size_t cm_n_options = CM_ARRAY_COUNT(cm_options);
