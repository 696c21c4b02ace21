/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the words of a command line by the tables of option_table.c. What they mean to a job is job_args.c.
 */
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest name that is compared; longer words are no misspelt option. */
#define NAME_BYTES 32

/* Edits (insert, remove, replace, swap neighbours) that turn `a` into `b`; NAME_BYTES where either is too
 * long. */
static unsigned edit_distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    unsigned rows[3][NAME_BYTES + 1];

    if (a_bytes > NAME_BYTES || b_bytes > NAME_BYTES)
        return NAME_BYTES;
    for (size_t j = 0; j <= b_bytes; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_bytes; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_bytes; j++) {
            unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

/* A misspelling has at most a third of its letters wrong; more than that is another word. */
static bool is_near(unsigned distance, size_t name_bytes)
{
    return distance <= 1 + name_bytes / 4 && distance < name_bytes;
}

static const struct cm_option *nearest_option(const char *name, size_t name_bytes, unsigned commands)
{
    const struct cm_option *nearest = NULL;
    unsigned least = NAME_BYTES;

    for (size_t i = 0; i < cm_n_options; i++) {
        unsigned distance = edit_distance(name, name_bytes, cm_options[i].name, strlen(cm_options[i].name));
        if ((cm_options[i].commands & commands) != 0 && distance < least && is_near(distance, name_bytes)) {
            nearest = &cm_options[i];
            least = distance;
        }
    }
    return nearest;
}

static const struct cm_option *find_option(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < cm_n_options; i++) {
        if (strncmp(cm_options[i].name, name, name_bytes) == 0 && cm_options[i].name[name_bytes] == 0)
            return &cm_options[i];
    }
    return NULL;
}

static const struct cm_option *find_letter(char letter)
{
    for (size_t i = 0; i < cm_n_options; i++) {
        if (cm_options[i].letter != 0 && cm_options[i].letter == letter)
            return &cm_options[i];
    }
    return NULL;
}

const struct cm_command *cm_command_find(const char *name)
{
    for (size_t i = 0; i < cm_n_commands; i++) {
        if (strcmp(cm_commands[i].name, name) == 0)
            return &cm_commands[i];
    }
    return NULL;
}

static enum capmill_status refuse_command(const char *name, struct cm_error *error)
{
    const char *nearest = NULL;
    unsigned least = NAME_BYTES;

    for (size_t i = 0; i < cm_n_commands; i++) {
        unsigned distance =
            edit_distance(name, strlen(name), cm_commands[i].name, strlen(cm_commands[i].name));
        if (distance < least && is_near(distance, strlen(name))) {
            nearest = cm_commands[i].name;
            least = distance;
        }
    }
    if (nearest != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no command '%.80s'; did you mean '%s'?",
                            name, nearest);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no command '%.80s'", name);
}

static enum capmill_status refuse_option(const struct cm_command *command, const char *name,
                                         size_t name_bytes, struct cm_error *error)
{
    int shown = name_bytes < 80 ? (int)name_bytes : 80;
    const struct cm_option *nearest = nearest_option(name, name_bytes, 1u << command->id);

    if (nearest != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option --%.*s; did you mean --%s?", shown,
                            name, nearest->name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option --%.*s", shown, name);
}

/* "sort, generate" */
static const char *list_commands(unsigned commands, char *text, size_t text_bytes)
{
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < cm_n_commands && used < text_bytes; i++) {
        if ((commands & (1u << cm_commands[i].id)) != 0)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used == 0 ? "" : ", ",
                                     cm_commands[i].name);
    }
    return text;
}

/* The words that are left to read. */
struct words {
    int argc;
    char *const *argv;
    int at;
};

static bool is_option_word(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != 0 &&
           find_option(word + 2, strcspn(word + 2, "=")) != NULL;
}

/* `inline_value` is what stood in the same word (--x=VALUE, -oVALUE), NULL where nothing did. */
static enum capmill_status apply_option(const struct cm_option *option, const char *inline_value,
                                        struct words *words, struct cm_typed *typed, struct cm_error *error)
{
    const char *value = inline_value;
    char list[128];

    if ((option->commands & (1u << typed->command->id)) == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s is no option of %s; it belongs to %s",
                            option->name, typed->command->name,
                            list_commands(option->commands, list, sizeof(list)));
    if (option->argument == NULL) {
        if (value != NULL)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s takes no value, but '%.80s' was given",
                                option->name, value);
        return option->set(option, NULL, typed, error);
    }
    if (value == NULL) {
        if (words->at >= words->argc)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "--%s needs a value: %s", option->name,
                                option->argument);
        value = words->argv[words->at];
        if (is_option_word(value))
            return cm_error_set(error, CAPMILL_E_USAGE, 0,
                                "--%s needs a value: %s; the next word is the option %.40s", option->name,
                                option->argument, value);
        words->at++;
    }
    return option->set(option, value, typed, error);
}

static enum capmill_status apply_long(const char *word, struct words *words, struct cm_typed *typed,
                                      struct cm_error *error)
{
    size_t name_bytes = strcspn(word, "=");
    const struct cm_option *option = find_option(word, name_bytes);

    if (option == NULL)
        return refuse_option(typed->command, word, name_bytes, error);
    return apply_option(option, word[name_bytes] == '=' ? word + name_bytes + 1 : NULL, words, typed, error);
}

/* "-qv", "-oPATH", "-qo PATH": letters without arguments may share a word, the rest after one with is its
 * value. */
static enum capmill_status apply_letters(const char *letters, struct words *words, struct cm_typed *typed,
                                         struct cm_error *error)
{
    for (; *letters != 0; letters++) {
        const struct cm_option *option = find_letter(*letters);
        enum capmill_status status;

        if (option == NULL)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no option -%c", *letters);
        if (option->argument != NULL)
            return apply_option(option, letters[1] == 0 ? NULL : letters + 1, words, typed, error);
        status = apply_option(option, NULL, words, typed, error);
        if (status < 0 || typed->help || typed->version)
            return status;
    }
    return CAPMILL_OK;
}

/* What single options cannot tell. */
static enum capmill_status check_together(const struct cm_typed *typed, struct cm_error *error)
{
    const struct cm_command *command = typed->command;

    if (typed->quiet && typed->verbose)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--quiet and --verbose exclude each other");
    if (typed->json && typed->csv)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--json and --csv exclude each other");
    if (typed->strict && typed->skip_unreadable)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "--strict and --skip-unreadable exclude each other");
    if (command->takes_inputs && typed->n_inputs == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s needs an INPUT: a file, a glob, a folder or -",
                            command->name);
    if (command->needs_output && typed->n_outputs == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s needs --output PATH", command->name);
    for (size_t i = 0; i < typed->n_outputs && typed->json; i++) {
        if (strcmp(typed->outputs[i].path, "-") == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0,
                                "--json and --output - exclude each other: both write to standard output");
    }
    return CAPMILL_OK;
}

static enum capmill_status parse_words(struct words *words, struct cm_typed *typed, struct cm_error *error)
{
    bool options_ended = false;
    enum capmill_status status = CAPMILL_OK;

    while (words->at < words->argc && status == CAPMILL_OK && !typed->help && !typed->version) {
        const char *word = words->argv[words->at++];

        if (options_ended || word[0] != '-' || word[1] == 0) {
            if (!typed->command->takes_inputs)
                return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s takes no INPUT, but '%.80s' was given",
                                    typed->command->name, word);
            typed->inputs[typed->n_inputs++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (word[1] == '-') {
            status = apply_long(word + 2, words, typed, error);
        } else {
            status = apply_letters(word + 1, words, typed, error);
        }
    }
    if (status < 0 || typed->help || typed->version)
        return status;
    return check_together(typed, error);
}

/* `capmill help [COMMAND]`, `capmill --help`, `capmill --version`, `capmill --man [COMMAND]` */
static bool parse_global(struct words *words, struct cm_typed *typed, struct cm_error *error)
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
    } else {
        return false;
    }
    words->at++;
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

enum capmill_status cm_options_parse(int argc, char *const *argv, struct cm_typed *typed,
                                     struct cm_error *error)
{
    struct words words = {argc, argv, 1};
    size_t capacity = argc > 0 ? (size_t)argc : 1; /* no word adds more than one to any list */
    const char *first;

    if (argc < 2)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a command is missing");
    if (parse_global(&words, typed, error))
        return error->status;
    first = argv[words.at++];
    if (first[0] == '-')
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "a command comes before options such as '%.80s'",
                            first);
    typed->command = cm_command_find(first);
    if (typed->command == NULL)
        return refuse_command(first, error);

    typed->inputs = calloc(capacity, sizeof(*typed->inputs));
    typed->outputs = calloc(capacity, sizeof(*typed->outputs));
    typed->recipe_lines = calloc(capacity, sizeof(*typed->recipe_lines));
    if (typed->inputs == NULL || typed->outputs == NULL || typed->recipe_lines == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %d words of the command line", argc);
    return parse_words(&words, typed, error);
}

void cm_typed_free(struct cm_typed *typed)
{
    free(typed->inputs);
    free(typed->outputs);
    free(typed->recipe_lines);
    *typed = (struct cm_typed){0};
}
