/* SPDX-License-Identifier: Apache-2.0 */
/* What can be typed, as data: the table of commands and the one table of options; and what was typed, checked
 * word by word. Usage texts and man pages are written from the same tables (usage.h). What the words mean to
 * a job is job_args.c. */
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
#define CM_FOR_SHOWING  (CM_FOR_INFO | CM_FOR_STATS)
#define CM_FOR_WRITING  (CM_FOR_SORT | CM_FOR_GENERATE)
#define CM_FOR_READING  (CM_FOR_SHOWING | CM_FOR_SORT)
#define CM_FOR_ALL      (CM_FOR_READING | CM_FOR_WRITING)

struct cm_example {
    const char *line; /* without the leading "capmill " */
    const char *what;
};

#define CM_MAX_EXAMPLES 4

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

enum cm_option_group {
    CM_GROUP_RESULT,
    CM_GROUP_OUTPUT,
    CM_GROUP_INPUT,
    CM_GROUP_RESOURCES,
    CM_GROUP_MESSAGES
};
#define CM_N_OPTION_GROUPS (CM_GROUP_MESSAGES + 1)
extern const char *const cm_option_group_titles[CM_N_OPTION_GROUPS];

struct cm_typed;

struct cm_option {
    const char *name;     /* without dashes */
    char letter;          /* 0: none */
    bool repeatable;      /* each adds; else the last one counts */
    const char *argument; /* NULL: takes none; "a|b|c" for a choice of words */
    unsigned commands;    /* CM_FOR_... */
    enum cm_option_group group;
    const char *default_text; /* NULL: off, or nothing */
    const char *help;         /* sentences without a final full stop */
    /* Stores `value` (NULL where argument is NULL) in `typed`. A value that makes no sense is CAPMILL_E_USAGE
     * with a text that names the option. */
    enum capmill_status (*set)(const struct cm_option *option, const char *value, struct cm_typed *typed,
                               struct cm_error *error);
};

extern const struct cm_option cm_options[];
extern const size_t cm_n_options;

enum cm_progress_mode { CM_PROGRESS_AUTO, CM_PROGRESS_ALWAYS, CM_PROGRESS_NEVER, CM_PROGRESS_JSON };
enum cm_resolution { CM_RESOLUTION_AS_INPUT, CM_RESOLUTION_US, CM_RESOLUTION_NS };

/* "KEY = VALUE" for the recipe of `generate`. */
struct cm_recipe_line {
    const char *key;
    size_t key_bytes;
    const char *value;
};

/* What was typed. Strings belong to argv. */
struct cm_typed {
    const struct cm_command *command; /* NULL: none was named; only where an action below needs none */
    bool help;                        /* usage is all that is wanted; nothing else was checked */
    bool version;
    bool man;

    const char **inputs;
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

    const char *recipe_path;
};

/* Zeroed or freed before. On failure (CAPMILL_E_USAGE or CAPMILL_E_MEMORY) `typed` holds the command where it
 * is known, for the hint that follows. cm_typed_free takes any result. */
enum capmill_status cm_options_parse(int argc, char *const *argv, struct cm_typed *typed,
                                     struct cm_error *error);
void cm_typed_free(struct cm_typed *typed);

const struct cm_command *cm_command_find(const char *name);

#endif
