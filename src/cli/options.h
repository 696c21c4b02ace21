/* SPDX-License-Identifier: Apache-2.0 */
/* What can be typed, as data: the table of commands and the one table of options; and what was typed, checked
 * word by word. Usage texts, man pages, completions and the keys of a configuration file are made from the
 * same tables (usage.h, completion.h, config.h). What the words mean to a job is job_args.c. */
#ifndef CM_CLI_OPTIONS_H
#define CM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capmill/capmill.h"

/* Which commands an option belongs to: a set of 1 << enum capmill_command. */
#define CM_FOR_INFO     (1u << CAPMILL_INFO)
#define CM_FOR_STATS    (1u << CAPMILL_STATS)
#define CM_FOR_SORT     (1u << CAPMILL_SORT)
#define CM_FOR_GENERATE (1u << CAPMILL_GENERATE)
#define CM_FOR_EXPORT   (1u << CAPMILL_EXPORT)
#define CM_FOR_SHOWING  (CM_FOR_INFO | CM_FOR_STATS)
#define CM_FOR_CHANGING (CM_FOR_SORT | CM_FOR_EXPORT) /* commands that write packets that were read */
#define CM_FOR_TABLES   CM_FOR_CHANGING               /* ... and may write them as tables */
#define CM_FOR_WRITING  (CM_FOR_CHANGING | CM_FOR_GENERATE)
#define CM_FOR_READING  (CM_FOR_SHOWING | CM_FOR_CHANGING)
#define CM_FOR_ALL      (CM_FOR_READING | CM_FOR_WRITING)

struct cm_example {
    const char *line; /* without the leading "capmill " */
    const char *what;
};

#define CM_MAX_EXAMPLES 7

struct cm_command {
    const char *name;
    enum capmill_command id;
    const char *synopsis; /* what follows the name */
    const char *summary;  /* a phrase without a full stop */
    const char *text;     /* paragraphs, separated by "\n\n" */
    bool takes_inputs;
    bool needs_output;
    struct cm_example examples[CM_MAX_EXAMPLES]; /* up to the first without a line */
};

extern const struct cm_command cm_commands[];
extern const size_t cm_n_commands;
/* NULL: there is none of that name. */
const struct cm_command *cm_command_find(const char *name);

/* In the order of the help. */
enum cm_option_group {
    CM_GROUP_RESULT,
    CM_GROUP_FILTER,
    CM_GROUP_CHANGE,
    CM_GROUP_OUTPUT,
    CM_GROUP_TABLE,
    CM_GROUP_INPUT,
    CM_GROUP_RESOURCES,
    CM_GROUP_CONFIG,
    CM_GROUP_MESSAGES
};
#define CM_N_OPTION_GROUPS (CM_GROUP_MESSAGES + 1)
extern const char *const cm_option_group_titles[CM_N_OPTION_GROUPS];

/* What a value looks like: which types of a configuration file may give it, and how it is completed. */
enum cm_value_kind {
    CM_VALUE_FLAG = 0, /* takes none; true or false in a file */
    CM_VALUE_CHOICE,   /* one of the words of "a|b|c" */
    CM_VALUE_COUNT,    /* a whole number, or a text such as "64M" or "80-90" */
    CM_VALUE_REAL,     /* any number, or a text such as "-1h" */
    CM_VALUE_TIME,     /* a date and time, or milliseconds since 1970 */
    CM_VALUE_WORD,     /* text */
    CM_VALUE_MAP,      /* "A=B"; in a file also a table of A = B */
    CM_VALUE_FILE,
    CM_VALUE_FOLDER
};

/* Tables of a configuration file. */
enum cm_section {
    CM_SECTION_NONE, /* no key of a file */
    CM_SECTION_FILTER,
    CM_SECTION_TRANSFORM,
    CM_SECTION_OUTPUT,
    CM_SECTION_TABLE,
    CM_SECTION_SORT,
    CM_SECTION_STATS,
    CM_SECTION_GENERATE,
    CM_SECTION_RUN
};
#define CM_N_SECTIONS (CM_SECTION_RUN + 1)
extern const char *const cm_section_names[CM_N_SECTIONS];

struct cm_typed;
struct cm_setting;

struct cm_option {
    const char *name;     /* without dashes */
    const char *dashed;   /* with them */
    char letter;          /* 0: none */
    bool repeatable;      /* each adds; else the last one counts */
    bool negatable;       /* --not may stand before it */
    bool typed_only;      /* no key of a file, although it has a section */
    const char *argument; /* NULL: takes none; "a|b|c" for a choice of words */
    enum cm_value_kind kind;
    enum cm_section section;
    const char *key;   /* in its section; NULL: the name with _ for - */
    unsigned commands; /* CM_FOR_... */
    enum cm_option_group group;
    const char *default_text; /* NULL: off, or nothing */
    const char *sample;       /* a value for config.example.toml, as TOML; NULL: made from the kind */
    const char *usual;        /* values that completions offer, "a b c"; NULL: none, or those of the kind */
    char between;             /* several of `usual`, as in "tcp,udp" */
    const char *help;         /* sentences without a final full stop */
    /* Stores a setting of this option in `typed`. A value that makes no sense is CAPMILL_E_USAGE with a text
     * that begins with the setting's origin. */
    enum capmill_status (*set)(const struct cm_setting *setting, struct cm_typed *typed,
                               struct cm_error *error);
    size_t what; /* for `set`: which of those that it stores; the offset of a flag, a field of rules ... */
};

/* A flag that a file may turn on, so that --no-NAME is an option too. */
bool cm_option_can_be_off(const struct cm_option *option);
/* Every option in the order of the help: for (o = cm_option_next(NULL); o != NULL; o = cm_option_next(o)). */
const struct cm_option *cm_option_next(const struct cm_option *option);
/* NULL: there is none. */
const struct cm_option *cm_option_find(const char *name, size_t name_bytes);
const struct cm_option *cm_option_find_letter(char letter);
#define CM_OPTION_KEY_BYTES 40
/* Its name in a configuration file, without the section. */
const char *cm_option_key(const struct cm_option *option, char text_ret[CM_OPTION_KEY_BYTES]);

/* An option as it was given, once. */
struct cm_setting {
    const struct cm_option *option;
    const char *value;  /* NULL where the option takes none */
    const char *origin; /* "--threads", "job.toml:12:5 threads" */
    bool off;           /* a flag that is taken back: --no-strict, strict = false */
    bool negate;
    bool in_file;      /* of the configuration, not of the command line */
    unsigned commands; /* 0: all that have the option, else these alone */
};

enum cm_progress_mode { CM_PROGRESS_AUTO, CM_PROGRESS_ALWAYS, CM_PROGRESS_NEVER, CM_PROGRESS_JSON };
enum cm_resolution { CM_RESOLUTION_AS_INPUT, CM_RESOLUTION_US, CM_RESOLUTION_NS };

/* "KEY = VALUE" for the recipe of `generate`. */
struct cm_recipe_line {
    const char *key; /* with - or _ */
    size_t key_bytes;
    const char *value;
    const char *origin;
};

enum cm_word_list {
    CM_REPLACE_IP,
    CM_REPLACE_MAC,
    CM_REPLACE_VLAN,
    CM_REPLACE_PORT,
    CM_COLUMNS,
    CM_FLOW_COLUMNS
};
#define CM_N_WORD_LISTS (CM_FLOW_COLUMNS + 1)

struct cm_config;

/* What was typed, and what stood in the configuration where nothing was typed. Strings belong to argv, to
 * `config`, or are static. */
struct cm_typed {
    const struct cm_command *command; /* NULL: none was named; only where an action below needs none */
    bool help;                        /* usage is all that is wanted; nothing else was checked */
    bool version;
    bool man;
    const char *completion; /* a shell's name */
    bool print_config, example_config;
    const char *config_path; /* NULL: none was named */

    struct cm_config *config;   /* NULL: none was named */
    const char *command_origin; /* NULL: the command line */
    /* Everything below comes from these, in the order in which they hold. */
    struct cm_setting *settings;
    size_t n_settings;

    const char **inputs;
    const char **input_origins; /* of each; NULL for the command line */
    size_t n_inputs;
    struct capmill_output *outputs;
    size_t n_outputs;
    struct cm_recipe_line *recipe_lines;
    size_t n_recipe_lines;

    unsigned n_threads;
    uint64_t memory_bytes;
    const char *temp_dir;
    enum capmill_io io;
    enum cm_progress_mode progress;
    bool quiet, verbose;
    bool strict, skip_unreadable;
    bool force, durable;
    bool json, print_plan;

    bool approximate, unidirectional;
    bool has_top;
    uint64_t top;
    bool csv;

    enum capmill_format format;
    uint64_t slice_ns;
    enum cm_resolution resolution;
    bool by_time;
    struct capmill_table table; /* but for its lists, which are below */

    const char *recipe_path;
    const char *recipe_origin;

    struct capmill_filter_rule *rules;
    size_t n_rules;
    bool decap;
    uint64_t min_flow_packets;

    struct capmill_transform
        transform; /* but for truncate, which is the configuration's, and the lists, which are here */
    struct capmill_word *word_lists[CM_N_WORD_LISTS];
    size_t n_words[CM_N_WORD_LISTS];
};

/* Zeroed or freed before. Reads the configuration, if one is named. On failure `typed` holds the command
 * where it is known, for the hint that follows. cm_typed_free takes any result. */
enum capmill_status cm_options_parse(int argc, char *const *argv, struct cm_typed *typed,
                                     struct cm_error *error);
void cm_typed_free(struct cm_typed *typed);

#endif
