/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a filter text. Whatever happens, a message has three lines; and where libpcap is there: what it
 * compiles for one of a few link types our reader takes, and what our reader takes libpcap does not call a syntax
 * error, but for the extension `port A-B`. Names of hosts are not looked up: such texts are only read. */
#include <stdlib.h>
#include <string.h>

#include "filter/expression_int.h"
#include "filter/pcap_compiler_int.h"
#include "fuzz/fuzz.h"

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

/* libpcap's compiler takes seconds for some texts of this size; they are for tests of its limits. */
#define MAX_COMPILED 400

static bool names_something(const char *text)
{
    struct cm_expression_token token = cm_expression_lex(text, 0);

    for (; token.kind != CM_X_END; token = cm_expression_lex(text, token.end)) {
        require(token.end > token.start);
        if (token.kind == CM_X_NAME)
            return true;
    }
    return false;
}

static void require_message(const char *text, const struct cm_expression_reading *reading)
{
    struct cm_error error = {0};
    const char *second, *third;

    require(reading->fault.is_set && reading->fault.at <= strlen(text) && reading->fault.text[0] != '\0');
    cm_expression_fault_tell(&error, "--filter", text, &reading->fault);
    require(error.status == CAPMILL_E_USAGE);
    second = strchr(error.text, '\n');
    require(second != NULL);
    third = strchr(second + 1, '\n');
    require(third != NULL && strchr(third + 1, '\n') == NULL && error.text[strlen(error.text) - 1] == '^');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const uint16_t link_types[] = {1, 101, 127, 113, 117, 123, 140, 10};
    struct cm_expression_reading reading;
    char *text, reason[CM_PCAP_REASON_BYTES];
    bool is_read, is_compiled = false, is_syntax = false;

    if (n > 1u << 17)
        return 0;
    text = malloc(n + 1);
    if (text == NULL)
        return 0;
    memcpy(text, bytes, n);
    text[n] = '\0';
    is_read = cm_expression_read(text, &reading);
    if (!is_read)
        require_message(text, &reading);
    if (cm_pcap_compiler_is_there() && strlen(text) <= MAX_COMPILED && !names_something(text)) {
        for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]) && !is_compiled; i++) {
            struct cm_pcap_code code;

            is_compiled = cm_pcap_compile(text, link_types[i], &code, reason);
            if (is_compiled) {
                /* libpcap's own programs are all ones that we run */
                struct cm_bpf_program *program = cm_bpf_program_create(code.instructions, code.n);

                require(program != NULL);
                cm_bpf_program_run(program, bytes, (uint32_t)n, (uint32_t)n);
                cm_bpf_program_destroy(program);
                free(code.instructions);
            } else {
                is_syntax |= strstr(reason, "syntax error") != NULL;
            }
        }
        require(is_read || !is_compiled);
        require(!is_read || !is_syntax || reading.n_ranges > 0);
    }
    free(text);
    return 0;
}
