/* SPDX-License-Identifier: Apache-2.0 */
/* Payload patterns without Hyperscan: bytes alone, one after the other, each in time that grows with the
 * payload and never with payload times pattern (Knuth, Morris and Pratt), whoever chose either. */
#include "filter/payload.h"

#include <stdlib.h>
#include <string.h>

struct bytes_pattern {
    unsigned question;
    uint32_t n;
    uint8_t *bytes;
    uint32_t *fallback; /* fallback[i]: longest proper prefix of the pattern that ends bytes[0..i] */
};

struct cm_payload_machine {
    size_t n;
    struct bytes_pattern *patterns;
    uint64_t questions;
};

/* Scanning needs nothing; a scanner is still something to be closed. */
struct cm_payload_scanner {
    char unused;
};

static bool pattern_init(struct bytes_pattern *pattern, const struct cm_payload_pattern *from)
{
    uint32_t matched = 0;

    pattern->question = from->question;
    pattern->n = (uint32_t)from->n_bytes;
    pattern->bytes = malloc(from->n_bytes);
    pattern->fallback = calloc(from->n_bytes, sizeof(*pattern->fallback));
    if (pattern->bytes == NULL || pattern->fallback == NULL)
        return false;
    memcpy(pattern->bytes, from->bytes, from->n_bytes);
    for (uint32_t i = 1; i < pattern->n; i++) {
        while (matched > 0 && pattern->bytes[i] != pattern->bytes[matched])
            matched = pattern->fallback[matched - 1];
        if (pattern->bytes[i] == pattern->bytes[matched])
            matched++;
        pattern->fallback[i] = matched;
    }
    return true;
}

static bool find(const struct bytes_pattern *pattern, const uint8_t *bytes, size_t n)
{
    uint32_t matched = 0;
    size_t at = 0;

    if (n < pattern->n)
        return false;
    while (at < n) {
        if (matched == 0) { /* nothing is under way: to the next byte that could begin it */
            const uint8_t *first = memchr(bytes + at, pattern->bytes[0], n - at);

            if (first == NULL)
                return false;
            at = (size_t)(first - bytes) + 1;
            matched = 1;
        } else if (bytes[at] == pattern->bytes[matched]) {
            at++;
            matched++;
        } else {
            matched = pattern->fallback[matched - 1];
        }
        if (matched == pattern->n)
            return true;
    }
    return false;
}

enum capmill_status cm_payload_create(const struct cm_payload_pattern *patterns, size_t n,
                                      struct cm_payload_machine **machine_ret, struct cm_error *error)
{
    struct cm_payload_machine *machine;

    *machine_ret = NULL;
    for (size_t i = 0; i < n; i++)
        if (patterns[i].is_regex)
            return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                                "%s: this build of capmill has no regular expressions, for which it takes "
                                "Hyperscan; bytes can be looked for (payload_bytes)",
                                patterns[i].origin);
    machine = calloc(1, sizeof(*machine));
    if (machine == NULL || (machine->patterns = calloc(n, sizeof(*machine->patterns))) == NULL)
        goto no_memory;
    for (; machine->n < n; machine->n++) {
        if (!pattern_init(&machine->patterns[machine->n], &patterns[machine->n])) {
            machine->n++;
            goto no_memory;
        }
        machine->questions |= UINT64_C(1) << patterns[machine->n].question;
    }
    *machine_ret = machine;
    return CAPMILL_OK;
no_memory:
    cm_payload_destroy(machine);
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for payload patterns");
}

void cm_payload_destroy(struct cm_payload_machine *machine)
{
    if (machine == NULL)
        return;
    for (size_t i = 0; i < machine->n; i++) {
        free(machine->patterns[i].bytes);
        free(machine->patterns[i].fallback);
    }
    free(machine->patterns);
    free(machine);
}

enum capmill_status cm_payload_open(const struct cm_payload_machine *machine,
                                    struct cm_payload_scanner **scanner_ret, struct cm_error *error)
{
    (void)machine;
    *scanner_ret = calloc(1, sizeof(**scanner_ret));
    if (*scanner_ret == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for scanning payloads");
    return CAPMILL_OK;
}

void cm_payload_close(struct cm_payload_scanner *scanner)
{
    free(scanner);
}

bool cm_payload_scan(const struct cm_payload_machine *machine, struct cm_payload_scanner *scanner,
                     const uint8_t *bytes, size_t n, uint64_t *answers_ret)
{
    uint64_t answers = 0;

    (void)scanner;
    for (size_t i = 0; i < machine->n && answers != machine->questions; i++) {
        const struct bytes_pattern *pattern = &machine->patterns[i];

        if ((answers >> pattern->question & 1) == 0 && find(pattern, bytes, n))
            answers |= UINT64_C(1) << pattern->question;
    }
    *answers_ret = answers;
    return true;
}

const char *cm_payload_library(void)
{
    return "hyperscan: no (not in this build; bytes are searched without it)";
}
