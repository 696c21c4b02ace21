/* SPDX-License-Identifier: Apache-2.0 */
/* Payload patterns through Hyperscan (or Vectorscan): one database in block mode. Patterns of one question
 * share its number as their id, and each id is reported once, so that a scan ends as early as it can. */
#include "filter/payload.h"

#include <hs/hs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cm_payload_machine {
    hs_database_t *database;
    uint64_t questions; /* all bits that can be answered */
};

struct cm_payload_scanner {
    hs_scratch_t *scratch;
};

/* Payloads are bytes: a point matches any of them, line ends too. That a pattern is there is enough. */
#define PATTERN_FLAGS ((unsigned)HS_FLAG_DOTALL | (unsigned)HS_FLAG_SINGLEMATCH)

/* "\xde\xad" */
static char *escape_bytes(const uint8_t *bytes, size_t n)
{
    char *text = malloc(4 * n + 1);

    for (size_t i = 0; text != NULL && i < n; i++)
        snprintf(text + 4 * i, 5, "\\x%02x", bytes[i]);
    return text;
}

/* Hyperscan's reason without its full stop, and with a column, counted from 1, in place of its index. */
static void copy_reason(const char *reason, char text_ret[256])
{
    const char *index = strstr(reason, "index ");
    char *end = NULL;
    unsigned long at = index == NULL ? 0 : strtoul(index + 6, &end, 10);
    size_t n;

    if (index != NULL && end > index + 6)
        snprintf(text_ret, 256, "%.*scolumn %lu%s", (int)(index - reason), reason, at + 1, end);
    else
        snprintf(text_ret, 256, "%s", reason);
    n = strlen(text_ret);
    if (n > 0 && text_ret[n - 1] == '.')
        text_ret[n - 1] = 0;
}

static enum capmill_status refuse(const struct cm_payload_pattern *patterns, size_t n,
                                  const hs_compile_error_t *fault, struct cm_error *error)
{
    const struct cm_payload_pattern *pattern;
    char reason[256];

    if (fault->expression < 0 || (size_t)fault->expression >= n)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "the payload patterns cannot be compiled: %s",
                            fault->message);
    pattern = &patterns[fault->expression];
    if (strstr(fault->message, "matches empty") != NULL)
        return cm_error_set(error, CAPMILL_E_USAGE, 0,
                            "%s: '%.200s' matches the empty string, and so every payload", pattern->origin,
                            pattern->text);
    copy_reason(fault->message, reason);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%s: '%.200s' is refused by Hyperscan: %s",
                        pattern->origin, pattern->text, reason);
}

enum capmill_status cm_payload_create(const struct cm_payload_pattern *patterns, size_t n,
                                      struct cm_payload_machine **machine_ret, struct cm_error *error)
{
    struct cm_payload_machine *machine = calloc(1, sizeof(*machine));
    char **escaped = calloc(n, sizeof(*escaped));
    const char **texts = calloc(n, sizeof(*texts));
    unsigned *flags = calloc(n, sizeof(*flags)), *ids = calloc(n, sizeof(*ids));
    hs_compile_error_t *fault = NULL;
    enum capmill_status status = CAPMILL_OK;
    hs_error_t code;

    *machine_ret = NULL;
    if (machine == NULL || escaped == NULL || texts == NULL || flags == NULL || ids == NULL)
        goto no_memory;
    for (size_t i = 0; i < n; i++) {
        if (!patterns[i].is_regex &&
            (escaped[i] = escape_bytes(patterns[i].bytes, patterns[i].n_bytes)) == NULL)
            goto no_memory;
        texts[i] = patterns[i].is_regex ? patterns[i].regex : escaped[i];
        flags[i] = PATTERN_FLAGS;
        ids[i] = patterns[i].question;
        machine->questions |= UINT64_C(1) << patterns[i].question;
    }
    code = hs_compile_multi(texts, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &machine->database, &fault);
    if (code == HS_COMPILER_ERROR && fault != NULL)
        status = refuse(patterns, n, fault, error);
    else if (code != HS_SUCCESS)
        status =
            cm_error_set(error, CAPMILL_E_INTERNAL, code, "Hyperscan cannot compile patterns (%d)", code);
    if (status == CAPMILL_OK) {
        *machine_ret = machine;
        machine = NULL;
    }
cleanup:
    if (fault != NULL)
        hs_free_compile_error(fault);
    for (size_t i = 0; escaped != NULL && i < n; i++)
        free(escaped[i]);
    free(escaped);
    free((void *)texts);
    free(flags);
    free(ids);
    cm_payload_destroy(machine);
    return status;
no_memory:
    status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for payload patterns");
    goto cleanup;
}

void cm_payload_destroy(struct cm_payload_machine *machine)
{
    if (machine == NULL)
        return;
    hs_free_database(machine->database); /* NULL accepted */
    free(machine);
}

enum capmill_status cm_payload_open(const struct cm_payload_machine *machine,
                                    struct cm_payload_scanner **scanner_ret, struct cm_error *error)
{
    struct cm_payload_scanner *scanner = calloc(1, sizeof(*scanner));

    *scanner_ret = NULL;
    if (scanner == NULL || hs_alloc_scratch(machine->database, &scanner->scratch) != HS_SUCCESS) {
        free(scanner);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for scanning payloads");
    }
    *scanner_ret = scanner;
    return CAPMILL_OK;
}

void cm_payload_close(struct cm_payload_scanner *scanner)
{
    if (scanner == NULL)
        return;
    hs_free_scratch(scanner->scratch);
    free(scanner);
}

struct scan {
    uint64_t answers, questions;
};

/* Hyperscan's callback; not 0 ends the scan. */
static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
    struct scan *scan = context;

    (void)from;
    (void)to;
    (void)flags;
    scan->answers |= UINT64_C(1) << id;
    return scan->answers == scan->questions;
}

bool cm_payload_scan(const struct cm_payload_machine *machine, struct cm_payload_scanner *scanner,
                     const uint8_t *bytes, size_t n, uint64_t *answers_ret)
{
    struct scan scan = {0, machine->questions};
    hs_error_t code =
        hs_scan(machine->database, (const char *)bytes, (unsigned)n, 0, scanner->scratch, on_match, &scan);

    *answers_ret = scan.answers;
    return code == HS_SUCCESS || code == HS_SCAN_TERMINATED;
}

/* The version of the headers: the library's own text is not known when this is compiled. */
#define QUOTE(number)  #number
#define DIGITS(number) QUOTE(number)

const char *cm_payload_library(void)
{
    return "hyperscan: yes (" DIGITS(HS_MAJOR) "." DIGITS(HS_MINOR) "." DIGITS(HS_PATCH) ")";
}
