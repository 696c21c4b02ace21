/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the words of a command line by the tables of options.h. What they mean to a job is job_args.c.
 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/completion.h"
#include "cli/config.h"
#include "cli/option_tables.h"
#include "cli/settings.h"

static enum capmill_status refuse_command(const char *name, struct cm_error *error)
{
    struct cm_nearest nearest;

    cm_nearest_init(&nearest, name, strlen(name));
    for (size_t i = 0; i < cm_n_commands; i++)
        cm_nearest_offer(&nearest, cm_commands[i].name);
    if (nearest.name != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no command '%.80s'; did you mean '%s'?",
                            name, nearest.name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no command '%.80s'", name);
}

/* `command` NULL: not known yet, so that every option is one that may have been meant. */
static enum capmill_status refuse_option(const struct cm_command *command, const char *name,
                                         size_t name_bytes, struct cm_error *error)
{
    int shown = name_bytes < 80 ? (int)name_bytes : 80;
    struct cm_nearest nearest;

    cm_nearest_init(&nearest, name, name_bytes);
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
         option = cm_option_next(option)) {
        if (command == NULL || (option->commands & (1u << command->id)) != 0)
            cm_nearest_offer(&nearest, option->name);
    }
    if (nearest.name != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option --%.*s; did you mean --%s?", shown,
                            name, nearest.name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option --%.*s", shown, name);
}

/* The words that are left to read. */
struct words {
    int argc;
    char *const *argv;
    int at;
    bool negate; /* --not came just before */
};

/* The option that a word such as --src-ip=10.0.0.1 or --no-strict names; NULL where it names none. */
static const struct cm_option *option_of_word(const char *word, bool *off_ret)
{
    size_t name_bytes = strcspn(word + 2, "=");
    const struct cm_option *option = cm_option_find(word + 2, name_bytes);

    *off_ret = false;
    if (option != NULL || strncmp(word, "--no-", 5) != 0)
        return option;
    option = cm_option_find(word + 5, name_bytes - 3);
    if (option == NULL || !cm_option_can_be_off(option))
        return NULL;
    *off_ret = true;
    return option;
}

static bool is_option_word(const char *word)
{
    bool off;

    return word[0] == '-' && word[1] == '-' && word[2] != 0 && option_of_word(word, &off) != NULL;
}

/* The value of an option that takes one: `inline_value`, or the next word. */
static enum capmill_status take_value(const struct cm_option *option, const char *inline_value,
                                      struct words *words, const char **value_ret, struct cm_error *error)
{
    *value_ret = inline_value;
    if (option->argument == NULL) {
        if (inline_value != NULL)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s takes no value, but '%.80s' was given",
                                option->name, inline_value);
        return CAPMILL_OK;
    }
    if (inline_value != NULL)
        return CAPMILL_OK;
    if (words->at >= words->argc)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s needs a value: %s", option->name,
                            option->argument);
    *value_ret = words->argv[words->at];
    if (is_option_word(*value_ret))
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "--%s needs a value: %s; the next word is the option %.40s", option->name,
                            option->argument, *value_ret);
    words->at++;
    return CAPMILL_OK;
}

/* `inline_value` is what stood in the same word (--x=VALUE, -oVALUE), NULL where nothing did; `off_word` is
 * --no-FLAG, NULL where it is not that. */
static enum capmill_status add_option(const struct cm_option *option, const char *inline_value,
                                      const char *off_word, struct words *words, struct cm_typed *typed,
                                      struct cm_error *error)
{
    struct cm_setting setting = {
        .option = option, .origin = off_word != NULL ? off_word : option->dashed, .off = off_word != NULL};
    enum capmill_status status = take_value(option, inline_value, words, &setting.value, error);

    if (status < 0)
        return status;
    if (words->negate && !option->negatable)
        return cm_error_set(
            error, CAPMILL_E_USAGE, 0,
            "--not comes before --%s, which cannot be turned round; it belongs before a filter "
            "such as --port",
            option->name);
    if (strcmp(option->name, "not") == 0) {
        words->negate = true;
        return CAPMILL_OK;
    }
    setting.negate = words->negate;
    words->negate = false;
    if (option->section == CM_SECTION_NONE)
        return option->set(&setting, typed, error); /* about the program, not about the job */
    typed->settings[typed->n_settings++] = setting;
    return CAPMILL_OK;
}

static enum capmill_status read_long(const char *word, struct words *words, struct cm_typed *typed,
                                     struct cm_error *error)
{
    size_t name_bytes = strcspn(word + 2, "=");
    bool off;
    const struct cm_option *option = option_of_word(word, &off);

    if (option == NULL)
        return refuse_option(typed->command, word + 2, name_bytes, error);
    return add_option(option, word[2 + name_bytes] == '=' ? word + 2 + name_bytes + 1 : NULL,
                      off ? word : NULL, words, typed, error);
}

/* "-qv", "-oPATH", "-qo PATH": letters without arguments may share a word, the rest after one with is its
 * value. */
static enum capmill_status read_letters(const char *letters, struct words *words, struct cm_typed *typed,
                                        struct cm_error *error)
{
    for (; *letters != 0; letters++) {
        const struct cm_option *option = cm_option_find_letter(*letters);
        enum capmill_status status;

        if (option == NULL)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option -%c", *letters);
        if (option->argument != NULL)
            return add_option(option, letters[1] == 0 ? NULL : letters + 1, NULL, words, typed, error);
        status = add_option(option, NULL, NULL, words, typed, error);
        if (status < 0 || typed->help || typed->version)
            return status;
    }
    return CAPMILL_OK;
}

static enum capmill_status refuse_lone_not(const char *next, struct cm_error *error)
{
    if (next == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "--not needs a filter option after it, such as --not --port 22");
    return cm_error_set(error, CAPMILL_E_USAGE, 0,
                        "--not needs a filter option after it, such as --not --port 22; the next word is "
                        "'%.80s'",
                        next);
}

static enum capmill_status read_words(struct words *words, struct cm_typed *typed, struct cm_error *error)
{
    bool options_ended = false;
    enum capmill_status status = CAPMILL_OK;

    while (words->at < words->argc && status == CAPMILL_OK && !typed->help && !typed->version) {
        const char *word = words->argv[words->at++];

        if (options_ended || word[0] != '-' || word[1] == 0 || strcmp(word, "--") == 0) {
            if (words->negate)
                return refuse_lone_not(word, error);
            if (!options_ended && strcmp(word, "--") == 0)
                options_ended = true;
            else
                typed->inputs[typed->n_inputs++] = word;
        } else if (word[1] == '-') {
            status = read_long(word, words, typed, error);
        } else {
            status = read_letters(word + 1, words, typed, error);
        }
    }
    if (status == CAPMILL_OK && words->negate && !typed->help && !typed->version)
        return refuse_lone_not(NULL, error);
    return status;
}

/* The word behind --completion. */
static void read_shell(struct words *words, struct cm_typed *typed, struct cm_error *error)
{
    const char *shell = words->at < words->argc ? words->argv[words->at++] : "";

    if (cm_choice_index(cm_completion_shells, shell, strlen(shell)) < 0)
        cm_error_set(error, CAPMILL_E_USAGE, 0, "--completion '%.80s': expected one of %s", shell,
                     cm_completion_shells);
    typed->completion = shell;
}

/* `capmill help [COMMAND]`, `capmill --help`, `capmill --version`, `capmill --man [COMMAND]`,
 * `capmill --completion SHELL`, `capmill --example-config` */
static bool read_global(struct words *words, struct cm_typed *typed, struct cm_error *error)
{
    const char *word = words->argv[words->at];
    bool takes_command = false;

    if (strcmp(word, "help") == 0 || strcmp(word, "--man") == 0) {
        typed->man = word[0] == '-';
        typed->help = !typed->man;
        takes_command = true;
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        typed->help = true;
    } else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        typed->version = true;
    } else if (strcmp(word, "--example-config") == 0) {
        typed->example_config = true;
    } else if (strcmp(word, "--completion") != 0) {
        return false;
    }
    words->at++;
    if (strcmp(word, "--completion") == 0)
        read_shell(words, typed, error);
    if (takes_command && words->at < words->argc && strcmp(words->argv[words->at], "help") != 0) {
        typed->command = cm_command_find(words->argv[words->at]);
        if (typed->command == NULL) {
            refuse_command(words->argv[words->at], error);
            return true;
        }
        words->at++;
    }
    if (words->at < words->argc && strcmp(words->argv[words->at], "help") != 0)
        cm_error_set(error, CAPMILL_E_USAGE, 0, "there is nothing to do with '%.80s'",
                     words->argv[words->at]);
    return true;
}

/* No command came first: --config names one, or the first word that is no option does. */
static enum capmill_status find_command(const char *first, struct cm_typed *typed, struct cm_error *error)
{
    if (typed->command != NULL)
        return CAPMILL_OK;
    if (typed->config == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a command comes before options such as '%.80s'",
                            first);
    if (typed->n_inputs > 0)
        typed->command = cm_command_find(typed->inputs[0]);
    if (typed->command != NULL) {
        typed->n_inputs--;
        memmove(typed->inputs, typed->inputs + 1, typed->n_inputs * sizeof(*typed->inputs));
        return CAPMILL_OK;
    }
    typed->command = typed->config->command;
    if (typed->command == NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%.300s names no command, and none was given; command = \"sort\" would be one",
                            typed->config->path);
    typed->command_origin = typed->config->command_origin;
    return CAPMILL_OK;
}

enum capmill_status cm_options_parse(int argc, char *const *argv, struct cm_typed *typed,
                                     struct cm_error *error)
{
    struct words words = {argc, argv, 1, false};
    size_t capacity = argc > 0 ? (size_t)argc : 1; /* no word adds more than one to any list */
    enum capmill_status status;

    if (argc < 2)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a command is missing");
    if (read_global(&words, typed, error))
        return error->status;
    if (argv[1][0] != '-') {
        typed->command = cm_command_find(argv[words.at++]);
        if (typed->command == NULL)
            return refuse_command(argv[1], error);
    }
    typed->inputs = calloc(capacity, sizeof(*typed->inputs));
    typed->settings = calloc(capacity, sizeof(*typed->settings));
    if (typed->inputs == NULL || typed->settings == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %d words of the command line", argc);
    status = read_words(&words, typed, error);
    if (status < 0 || typed->help || typed->version)
        return status;
    if (typed->config_path != NULL)
        status = cm_config_load(typed->config_path, &typed->config, error);
    if (status >= 0)
        status = find_command(argv[1], typed, error);
    return status < 0 ? status : cm_settings_apply(typed, error);
}

void cm_typed_free(struct cm_typed *typed)
{
    free(typed->settings);
    free(typed->inputs);
    free(typed->input_origins);
    free(typed->outputs);
    free(typed->recipe_lines);
    free(typed->rules);
    for (size_t i = 0; i < CM_N_WORD_LISTS; i++)
        free(typed->word_lists[i]);
    cm_config_destroy(typed->config);
    *typed = (struct cm_typed){0};
}
