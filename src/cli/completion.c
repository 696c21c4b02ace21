/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that tell bash, zsh and fish what may come next. They hold the tables as they are now, so that no
 * program is started at a press of the Tab key. */
#include "cli/completion.h"

#include <string.h>

#include "cli/recipe_keys.h"

const char cm_completion_shells[] = "bash|zsh|fish";

#define FOR_EACH_OPTION(option)                                                                              \
    for (const struct cm_option *option = cm_option_next(NULL); option != NULL;                              \
         option = cm_option_next(option))

static bool belongs(const struct cm_option *option, const struct cm_command *command)
{
    return (option->commands & (1u << command->id)) != 0;
}

/* "a|b|c" with something else between. */
static void print_choices(struct cm_printer *printer, const char *choices, char between)
{
    for (; *choices != 0; choices++)
        cm_printer_bytes(printer, *choices == '|' ? &between : choices, 1);
}

static void print_commands(struct cm_printer *printer)
{
    for (size_t i = 0; i < cm_n_commands; i++)
        cm_printer_format(printer, "%s ", cm_commands[i].name);
}

static void print_recipe_keys(struct cm_printer *printer)
{
    for (size_t i = 0; i < cm_n_recipe_keys; i++)
        cm_printer_format(printer, "%s%s=", i > 0 ? " " : "", cm_recipe_keys[i].name);
}

/* Text between single quotes of a shell: a quote in it ends them, stands by itself, and begins them again. */
static void print_quoted(struct cm_printer *printer, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\'')
            cm_printer_text(printer, "'\\''");
        else
            cm_printer_bytes(printer, text, 1);
    }
}

/* --no-NAME of every flag; `command` NULL: of any command. */
static void print_negations(struct cm_printer *printer, const struct cm_command *command)
{
    FOR_EACH_OPTION(option)
    {
        if (cm_option_can_be_off(option) && (command == NULL || belongs(option, command)))
            cm_printer_format(printer, "--no-%s ", option->name);
    }
}

/* --- bash --- */

/* Values of an option are told by its name alone, whatever the command: names mean the same everywhere. */
static void print_bash_values(struct cm_printer *printer)
{
    cm_printer_text(printer, "    case $option in\n");
    FOR_EACH_OPTION(option)
    {
        if (option->argument == NULL)
            continue;
        cm_printer_format(printer, "        --%s", option->name);
        if (option->letter != 0)
            cm_printer_format(printer, " | -%c", option->letter);
        cm_printer_text(printer, ") ");
        if (option->kind == CM_VALUE_CHOICE) {
            cm_printer_text(printer, "COMPREPLY=($(compgen -W '");
            print_choices(printer, option->argument, ' ');
            cm_printer_text(printer, "' -- \"$word\")) ;;\n");
        } else if (option->kind == CM_VALUE_FILE) {
            cm_printer_text(printer, "_capmill_files -f \"${word#*=}\" ;;\n");
        } else if (option->kind == CM_VALUE_FOLDER) {
            cm_printer_text(printer, "_capmill_files -d \"$word\" ;;\n");
        } else if (strcmp(option->name, "set") == 0) {
            cm_printer_text(printer, "compopt -o nospace; COMPREPLY=($(compgen -W '");
            print_recipe_keys(printer);
            cm_printer_text(printer, "' -- \"$word\")) ;;\n");
        } else if (option->usual != NULL) {
            cm_printer_format(printer, "_capmill_list '%c' '%s' \"$word\" ;;\n", option->between,
                              option->usual);
        } else {
            cm_printer_text(printer, "COMPREPLY=() ;;\n");
        }
    }
    cm_printer_text(printer, "        *) return 1 ;;\n    esac\n    return 0\n");
}

/* `command` NULL: the options of all, where only the configuration knows the command. */
static void print_bash_options(struct cm_printer *printer, const struct cm_command *command)
{
    cm_printer_format(printer, "        %s) words='", command != NULL ? command->name : "any");
    FOR_EACH_OPTION(option)
    {
        if (command == NULL || belongs(option, command))
            cm_printer_format(printer, "--%s ", option->name);
    }
    cm_printer_text(printer, "' negations='");
    print_negations(printer, command);
    cm_printer_text(printer, "' ;;\n");
}

static void print_bash_tables(struct cm_printer *printer)
{
    cm_printer_text(printer, "# The values of $1, which begins with $2. 1: it takes none.\n"
                             "_capmill_values() {\n    local option=$1 word=$2\n");
    print_bash_values(printer);
    cm_printer_text(printer, "}\n\n# Whether $1 takes a value.\n_capmill_takes_value() {\n"
                             "    case $1 in\n        --completion");
    FOR_EACH_OPTION(option)
    {
        if (option->argument != NULL)
            cm_printer_format(printer, " | --%s", option->name);
        if (option->argument != NULL && option->letter != 0)
            cm_printer_format(printer, " | -%c", option->letter);
    }
    cm_printer_text(printer, ") return 0 ;;\n        *) return 1 ;;\n    esac\n}\n\n"
                             "# The options of $1.\n_capmill_options() {\n    case $1 in\n");
    for (size_t i = 0; i < cm_n_commands; i++)
        print_bash_options(printer, &cm_commands[i]);
    print_bash_options(printer, NULL);
    cm_printer_text(printer, "        *) words='--help --version --man --completion --config --print-config "
                             "--example-config' ;;\n    esac\n}\n\n");
}

static void print_bash(struct cm_printer *printer)
{
    cm_printer_text(printer, "# bash completion of capmill; made by `capmill --completion bash`\n\n"
                             "_capmill_files() {\n"
                             "    compopt -o filenames 2>/dev/null\n"
                             "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n"
                             "}\n\n"
                             "# The last of several values with $1 between: one of $2 that begins like it.\n"
                             "_capmill_list() {\n"
                             "    local last=${3##*\"$1\"}\n"
                             "    COMPREPLY=($(compgen -P \"${3%\"$last\"}\" -W \"$2\" -- \"$last\"))\n"
                             "}\n\n");
    print_bash_tables(printer);
    cm_printer_text(
        printer,
        "_capmill() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local command= with_config= words= negations= commands= i\n"
        "    COMPREPLY=()\n"
        "    # the first word that is no option and no option's value\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        [[ ${COMP_WORDS[i]} == --config ]] && with_config=any\n"
        "        if _capmill_takes_value \"${COMP_WORDS[i]}\"; then\n"
        "            [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)) # --option=value comes as three words\n"
        "            ((i++))\n"
        "        elif [[ ${COMP_WORDS[i]} != -* ]]; then\n"
        "            command=${COMP_WORDS[i]}\n"
        "            break\n"
        "        fi\n"
        "    done\n"
        "    [[ -z $command && ($COMP_CWORD -eq 1 || -n $with_config) || $before == help || $before == --man "
        "]] &&\n"
        "        commands='");
    print_commands(printer);
    cm_printer_text(printer, "help'\n"
                             "    case $command in\n        ");
    for (size_t i = 0; i < cm_n_commands; i++)
        cm_printer_format(printer, "%s%s", i > 0 ? " | " : "", cm_commands[i].name);
    cm_printer_text(
        printer, ") ;;\n"
                 "        *) command=$with_config ;; # which then names the command, and this is an input\n"
                 "    esac\n"
                 "    if [[ $word == = ]]; then\n"
                 "        word=\n"
                 "    elif [[ $before == = && $COMP_CWORD -ge 3 ]]; then\n"
                 "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
                 "    fi\n"
                 "    _capmill_values \"$before\" \"$word\" && return\n"
                 "    if [[ $before == --completion ]]; then\n"
                 "        COMPREPLY=($(compgen -W '");
    print_choices(printer, cm_completion_shells, ' ');
    cm_printer_text(printer, "' -- \"$word\"))\n"
                             "    elif [[ $word == -* ]]; then\n"
                             "        _capmill_options \"$command\"\n"
                             "        [[ $word == --no* ]] && words+=\" $negations\"\n"
                             "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                             "    elif [[ -n $commands ]]; then\n"
                             "        COMPREPLY=($(compgen -W \"$commands\" -- \"$word\"))\n"
                             "    else\n"
                             "        _capmill_files -f \"$word\"\n"
                             "    fi\n"
                             "}\n"
                             "complete -F _capmill capmill\n");
}

/* --- zsh --- */

/* Help inside [...] of _arguments, itself within single quotes: brackets and colons would end it. */
static void print_zsh_help(struct cm_printer *printer, const char *help)
{
    for (; *help != 0; help++) {
        if (*help == '[' || *help == ']' || *help == '\\' || *help == ':')
            cm_printer_text(printer, "\\");
        if (*help == '\'')
            cm_printer_text(printer, "'\\''");
        else
            cm_printer_bytes(printer, help, 1);
    }
}

static void print_zsh_option(struct cm_printer *printer, const struct cm_option *option)
{
    cm_printer_format(printer, "        '%s--%s%s[", option->repeatable || option->negatable ? "*" : "",
                      option->name, option->argument != NULL ? "=" : "");
    print_zsh_help(printer, option->help);
    cm_printer_text(printer, "]");
    if (option->argument != NULL) {
        cm_printer_text(printer, ":");
        print_zsh_help(printer, option->kind == CM_VALUE_CHOICE ? option->name : option->argument);
        cm_printer_text(printer, ":");
    }
    if (option->kind == CM_VALUE_CHOICE) {
        cm_printer_text(printer, "(");
        print_choices(printer, option->argument, ' ');
        cm_printer_text(printer, ")");
    } else if (option->kind == CM_VALUE_FILE) {
        cm_printer_text(printer, "_files");
    } else if (option->kind == CM_VALUE_FOLDER) {
        cm_printer_text(printer, "_files -/");
    } else if (strcmp(option->name, "set") == 0) {
        cm_printer_text(printer, "(");
        print_recipe_keys(printer);
        cm_printer_text(printer, ")");
    } else if (option->usual != NULL) {
        cm_printer_format(printer, "_values -s %c %s %s", option->between, option->name, option->usual);
    }
    cm_printer_text(printer, "'\n");
}

static void print_zsh(struct cm_printer *printer)
{
    cm_printer_text(printer,
                    "#compdef capmill\n# zsh completion of capmill; made by `capmill --completion zsh`\n\n"
                    "_capmill() {\n    local -a commands arguments\n    commands=(\n");
    for (size_t i = 0; i < cm_n_commands; i++) {
        cm_printer_format(printer, "        '%s:", cm_commands[i].name);
        print_quoted(printer, cm_commands[i].summary);
        cm_printer_text(printer, "'\n");
    }
    cm_printer_text(printer, "        'help:show help of a command'\n    )\n"
                             "    # a configuration before the command\n"
                             "    if [[ $words[2] == --config ]] && (( CURRENT == 3 )); then\n"
                             "        _files\n"
                             "        return\n"
                             "    elif [[ $words[2] == --config ]] && (( CURRENT > 3 )); then\n"
                             "        words[2,3]=()\n"
                             "        (( CURRENT -= 2 ))\n"
                             "    elif [[ $words[2] == --config=* ]] && (( CURRENT > 2 )); then\n"
                             "        words[2]=()\n"
                             "        (( CURRENT-- ))\n"
                             "    fi\n"
                             "    if (( CURRENT == 2 )); then\n"
                             "        if [[ $words[2] == -* ]]; then\n"
                             "            compadd -- --help --version --man --completion --config "
                             "--print-config --example-config\n"
                             "        else\n"
                             "            _describe command commands\n"
                             "        fi\n"
                             "        return\n    fi\n"
                             "    case $words[2] in\n");
    for (size_t i = 0; i < cm_n_commands; i++) {
        cm_printer_format(printer, "    %s)\n        arguments=(\n", cm_commands[i].name);
        FOR_EACH_OPTION(option)
        {
            if (belongs(option, &cm_commands[i]))
                print_zsh_option(printer, option);
        }
        cm_printer_format(printer, "%s        )\n        [[ $words[CURRENT] == --no* ]] && arguments+=(",
                          cm_commands[i].takes_inputs ? "        '*:capture:_files'\n" : "");
        print_negations(printer, &cm_commands[i]);
        cm_printer_text(printer, ") ;;\n");
    }
    cm_printer_text(printer,
                    "    help|--man) _describe command commands; return ;;\n    --completion) compadd ");
    print_choices(printer, cm_completion_shells, ' ');
    cm_printer_text(printer, "; return ;;\n    *) arguments=('*:file:_files') ;;\n    esac\n"
                             "    shift words\n    (( CURRENT-- ))\n"
                             "    _arguments $arguments\n}\n\n"
                             "_capmill \"$@\"\n");
}

/* --- fish --- */

/* `further`: what else has to hold, with "; and" in front. */
static void print_fish_condition(struct cm_printer *printer, const struct cm_option *option,
                                 const char *further)
{
    cm_printer_text(printer, "complete -c capmill -n '__fish_seen_subcommand_from");
    for (size_t i = 0; i < cm_n_commands; i++) {
        if (belongs(option, &cm_commands[i]))
            cm_printer_format(printer, " %s", cm_commands[i].name);
    }
    cm_printer_format(printer, "%s'", further);
}

/* Fish knows \' and \\ within single quotes. */
static void print_fish_quoted(struct cm_printer *printer, const char *text)
{
    cm_printer_text(printer, "'");
    for (; *text != 0; text++) {
        if (*text == '\'' || *text == '\\')
            cm_printer_text(printer, "\\");
        cm_printer_bytes(printer, text, 1);
    }
    cm_printer_text(printer, "'");
}

static void print_fish_option(struct cm_printer *printer, const struct cm_option *option)
{
    print_fish_condition(printer, option, "");
    cm_printer_format(printer, " -l %s", option->name);
    if (option->letter != 0)
        cm_printer_format(printer, " -s %c", option->letter);
    if (option->kind == CM_VALUE_CHOICE) {
        cm_printer_text(printer, " -x -a '");
        print_choices(printer, option->argument, ' ');
        cm_printer_text(printer, "'");
    } else if (option->kind == CM_VALUE_FILE) {
        cm_printer_text(printer, " -r -F");
    } else if (option->kind == CM_VALUE_FOLDER) {
        cm_printer_text(printer, " -x -a '(__fish_complete_directories)'");
    } else if (strcmp(option->name, "set") == 0) {
        cm_printer_text(printer, " -x -a '");
        print_recipe_keys(printer);
        cm_printer_text(printer, "'");
    } else if (option->usual != NULL) {
        /* which takes what stands between as a regular expression */
        cm_printer_format(printer, " -x -a '(__fish_append \"\\%c\" %s)'", option->between, option->usual);
    } else if (option->argument != NULL) {
        cm_printer_text(printer, " -x");
    }
    cm_printer_text(printer, " -d ");
    print_fish_quoted(printer, option->help);
    cm_printer_text(printer, "\n");
    if (!cm_option_can_be_off(option))
        return;
    print_fish_condition(printer, option, "; and string match -q -- \"--no*\" (commandline -ct)");
    cm_printer_format(printer, " -l no-%s -d 'Not --%s'\n", option->name, option->name);
}

static void print_fish(struct cm_printer *printer)
{
    cm_printer_text(printer, "# fish completion of capmill; made by `capmill --completion fish`\n\n"
                             "# No command yet, but perhaps a configuration.\n"
                             "function __capmill_needs_command\n"
                             "    set -l words (commandline -opc)\n"
                             "    set -l skip 1\n"
                             "    for word in $words\n"
                             "        if test $skip = 1\n"
                             "            set skip 0\n"
                             "        else if test \"$word\" = --config\n"
                             "            set skip 1\n"
                             "        else if not string match -q -- '-*' \"$word\"\n"
                             "            return 1\n"
                             "        end\n"
                             "    end\n"
                             "    return 0\n"
                             "end\n\n");
    for (size_t i = 0; i < cm_n_commands; i++) {
        cm_printer_format(printer, "complete -c capmill -n __capmill_needs_command -f -a %s -d ",
                          cm_commands[i].name);
        print_fish_quoted(printer, cm_commands[i].summary);
        cm_printer_text(printer, "\n");
    }
    cm_printer_text(printer,
                    "complete -c capmill -n __capmill_needs_command -f -a help -d 'show help of a command'\n"
                    "complete -c capmill -n '__fish_seen_subcommand_from help' -f -a '");
    print_commands(printer);
    cm_printer_text(printer,
                    "'\ncomplete -c capmill -n __capmill_needs_command -l help -s h -d 'Show help'\n"
                    "complete -c capmill -n __capmill_needs_command -l version -s V -d 'Show the version'\n"
                    "complete -c capmill -n __capmill_needs_command -l config -r -F -d 'A configuration'\n"
                    "complete -c capmill -n __capmill_needs_command -l print-config -d 'Show it'\n"
                    "complete -c capmill -n __capmill_needs_command -l example-config -d 'Show all keys'\n"
                    "complete -c capmill -n __capmill_needs_command -l man -x -d 'Print a man page' -a '");
    print_commands(printer);
    cm_printer_text(printer, "'\ncomplete -c capmill -n __capmill_needs_command -l completion -x -d "
                             "'Print completions for a shell' -a '");
    print_choices(printer, cm_completion_shells, ' ');
    cm_printer_text(printer, "'\n\n");
    FOR_EACH_OPTION(option)
    print_fish_option(printer, option);
}

void cm_completion_print(const char *shell, struct cm_printer *printer)
{
    if (strcmp(shell, "bash") == 0)
        print_bash(printer);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh(printer);
    else
        print_fish(printer);
}
