/* SPDX-License-Identifier: Apache-2.0 */
/* Help as `capmill help` prints it. The same as man pages: usage_man.c. */
#include "cli/usage.h"

#include <string.h>

#define LINE_COLUMNS 80
#define HELP_COLUMN  30 /* where the explanations of options begin */

/* Words wrapped to LINE_COLUMNS; the first line begins at `column`, the others at `indent`. "\n\n" parts
 * paragraphs. */
static void print_wrapped(struct cm_printer *printer, const char *text, unsigned column, unsigned indent)
{
    bool line_has_words = false;

    while (*text != 0) {
        size_t word_bytes = strcspn(text, " \n");

        if (line_has_words && column + 1 + word_bytes > LINE_COLUMNS) {
            cm_printer_format(printer, "\n%*s", (int)indent, "");
            column = indent;
            line_has_words = false;
        }
        if (line_has_words) {
            cm_printer_text(printer, " ");
            column++;
        }
        cm_printer_bytes(printer, text, word_bytes);
        column += (unsigned)word_bytes;
        line_has_words = true;
        text += word_bytes;
        if (*text == '\n') {
            cm_printer_text(printer, "\n");
            text += strspn(text, "\n");
            cm_printer_format(printer, "\n%*s", (int)indent, "");
            column = indent;
            line_has_words = false;
        }
        text += strspn(text, " ");
    }
    cm_printer_text(printer, "\n");
}

static void print_option(struct cm_printer *printer, const struct cm_option *option)
{
    char head[96];
    char help[768];
    int head_bytes;

    head_bytes =
        snprintf(head, sizeof(head), option->letter != 0 ? "  -%c, --%s%s%s" : "  %c   --%s%s%s",
                 option->letter != 0 ? option->letter : ' ', option->name,
                 option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "");
    snprintf(help, sizeof(help), option->default_text != NULL ? "%s (default: %s)" : "%s", option->help,
             option->default_text);
    cm_printer_text(printer, head);
    if (head_bytes + 2 > HELP_COLUMN)
        cm_printer_format(printer, "\n%*s", HELP_COLUMN, "");
    else
        cm_printer_format(printer, "%*s", HELP_COLUMN - head_bytes, "");
    print_wrapped(printer, help, HELP_COLUMN, HELP_COLUMN);
}

static void print_command_help(const struct cm_command *command, struct cm_printer *printer)
{
    cm_printer_format(printer, "capmill %s: %s\n\nUsage: capmill %s %s\n\n", command->name, command->summary,
                      command->name, command->synopsis);
    print_wrapped(printer, command->text, 0, 0);
    for (int group = 0; group < CM_N_OPTION_GROUPS; group++) {
        bool has_title = false;
        for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
             option = cm_option_next(option)) {
            if ((int)option->group != group || (option->commands & (1u << command->id)) == 0)
                continue;
            if (!has_title)
                cm_printer_format(printer, "\n%s:\n", cm_option_group_titles[group]);
            has_title = true;
            print_option(printer, option);
        }
    }
    cm_printer_text(printer, "\nExamples:\n");
    for (int i = 0; i < CM_MAX_EXAMPLES && command->examples[i].line != NULL; i++)
        cm_printer_format(printer, "  capmill %s\n      %s\n", command->examples[i].line,
                          command->examples[i].what);
}

void cm_usage_help(const struct cm_command *command, struct cm_printer *printer)
{
    if (command != NULL) {
        print_command_help(command, printer);
        return;
    }
    cm_printer_text(printer, "capmill: high-throughput batch processor for packet captures\n\n"
                             "Usage: capmill COMMAND [OPTIONS] INPUT...\n\nCommands:\n");
    for (size_t i = 0; i < cm_n_commands; i++)
        cm_printer_format(printer, "  %-10s %s\n", cm_commands[i].name, cm_commands[i].summary);
    cm_printer_text(printer,
                    "  help       show help of a command: capmill help COMMAND\n\n"
                    "Other:\n"
                    "  -h, --help       show this text\n"
                    "  -V, --version    show the version and what this build contains\n"
                    "      --man [COMMAND]  print a man page\n"
                    "      --completion bash|zsh|fish\n"
                    "                       print completions for a shell\n"
                    "      --config FILE    take command, inputs and options from a TOML file\n"
                    "      --example-config print a file with all that can stand in one\n\n"
                    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but damaged or unreadable\n"
                    "input was skipped, 130 interrupted.\n");
}
