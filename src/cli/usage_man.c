/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages in roff with the macros of man(7), from the same tables as the help of usage.c. */
#include "cli/usage.h"

#include <ctype.h>
#include <string.h>

/* Text in which nothing is a request or an escape: \e for a backslash, \- for a hyphen that can be copied,
 * and a dot or an apostrophe at the start of a line kept from being a request. */
static void print_roff(struct cm_printer *printer, const char *text)
{
    bool line_start = true;

    for (; *text != 0; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            cm_printer_text(printer, "\\&");
        line_start = *text == '\n';
        if (*text == '\\')
            cm_printer_text(printer, "\\e");
        else if (*text == '-')
            cm_printer_text(printer, "\\-");
        else if (text[0] == '\n' && text[1] == '\n')
            cm_printer_text(printer, "\n.PP");
        else
            cm_printer_bytes(printer, text, 1);
    }
}

static void print_upper(struct cm_printer *printer, const char *text)
{
    for (; *text != 0; text++)
        cm_printer_format(printer, "%c", toupper((unsigned char)*text));
}

static void print_head(struct cm_printer *printer, const char *page, const char *summary)
{
    cm_printer_text(printer, ".TH ");
    print_upper(printer, page);
    cm_printer_format(printer, " 1 \"\" \"capmill %s\" \"User Commands\"\n.SH NAME\n", capmill_version());
    print_roff(printer, page);
    cm_printer_text(printer, " \\- ");
    print_roff(printer, summary);
    cm_printer_text(printer, "\n.SH SYNOPSIS\n");
}

static void print_option(struct cm_printer *printer, const struct cm_option *option)
{
    cm_printer_text(printer, ".TP\n");
    if (option->letter != 0)
        cm_printer_format(printer, "\\fB\\-%c\\fR, ", option->letter);
    cm_printer_text(printer, "\\fB\\-\\-");
    print_roff(printer, option->name);
    cm_printer_text(printer, "\\fR");
    if (option->argument != NULL) {
        cm_printer_text(printer, " \\fI");
        print_roff(printer, option->argument);
        cm_printer_text(printer, "\\fR");
    }
    cm_printer_text(printer, "\n");
    print_roff(printer, option->help);
    cm_printer_text(printer, ".");
    if (option->default_text != NULL) {
        cm_printer_text(printer, " Default: ");
        print_roff(printer, option->default_text);
        cm_printer_text(printer, ".");
    }
    cm_printer_text(printer, "\n");
}

static void print_exit_status(struct cm_printer *printer)
{
    static const char *const rows[][2] = {
        {"0", "Done; also where the reader of standard output went away."},
        {"1", "Failed; outputs are absent, and files that were there before are unchanged."},
        {"2", "Wrong usage; the message names the option."},
        {"3", "Done, but damaged or unreadable input was skipped."},
        {"130", "Interrupted by SIGINT or SIGTERM; outputs are absent."},
    };

    cm_printer_text(printer, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cm_printer_format(printer, ".TP\n%s\n%s\n", rows[i][0], rows[i][1]);
}

static void print_command_page(const struct cm_command *command, struct cm_printer *printer)
{
    char page[48];

    snprintf(page, sizeof(page), "capmill-%s", command->name);
    print_head(printer, page, command->summary);
    cm_printer_format(printer, "\\fBcapmill %s\\fR ", command->name);
    print_roff(printer, command->synopsis);
    cm_printer_text(printer, "\n.SH DESCRIPTION\n");
    print_roff(printer, command->text);
    cm_printer_text(printer, "\n.SH OPTIONS\n");
    for (int group = 0; group < CM_N_OPTION_GROUPS; group++) {
        bool has_title = false;
        for (const struct cm_option *option = cm_option_next(NULL); option != NULL;
             option = cm_option_next(option)) {
            if ((int)option->group != group || (option->commands & (1u << command->id)) == 0)
                continue;
            if (!has_title)
                cm_printer_format(printer, ".SS %s\n", cm_option_group_titles[group]);
            has_title = true;
            print_option(printer, option);
        }
    }
    cm_printer_text(printer, ".SH EXAMPLES\n");
    for (int i = 0; i < CM_MAX_EXAMPLES && command->examples[i].line != NULL; i++) {
        cm_printer_text(printer, ".TP\n\\fBcapmill ");
        print_roff(printer, command->examples[i].line);
        cm_printer_text(printer, "\\fR\n");
        print_roff(printer, command->examples[i].what);
        cm_printer_text(printer, "\n");
    }
    print_exit_status(printer);
    cm_printer_text(printer, ".SH SEE ALSO\n.BR capmill (1)\n");
}

void cm_usage_man(const struct cm_command *command, struct cm_printer *printer)
{
    if (command != NULL) {
        print_command_page(command, printer);
        return;
    }
    print_head(printer, "capmill", "high-throughput batch processor for packet captures");
    cm_printer_text(printer, "\\fBcapmill\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] \\fIINPUT\\fR...\n"
                             ".SH DESCRIPTION\n"
                             "Reads packet captures (pcap and pcapng, any size) and shows, sorts, converts "
                             "or makes them. Results go "
                             "to standard output, messages to standard error.\n.SH COMMANDS\n");
    for (size_t i = 0; i < cm_n_commands; i++) {
        cm_printer_format(printer, ".TP\n.BR capmill\\-%s (1)\n", cm_commands[i].name);
        print_roff(printer, cm_commands[i].summary);
        cm_printer_text(printer, "\n");
    }
    print_exit_status(printer);
}
