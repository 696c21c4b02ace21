/* SPDX-License-Identifier: Apache-2.0 */
/* Payload patterns, with Hyperscan and without: the same test is built with either file. Bytes are found where
 * a plain search finds them, each question is answered by its own patterns, and nothing is read past the end. */
#include "filter/payload.h"

#include <stdlib.h>

#include "unit/check.h"

static bool has_regexes(void)
{
    return strncmp(cm_payload_library(), "hyperscan: yes", 14) == 0;
}

static struct cm_payload_pattern bytes_pattern(const char *bytes, size_t n, unsigned question)
{
    return (struct cm_payload_pattern){.bytes = (uint8_t *)(uintptr_t)bytes,
                                       .n_bytes = n,
                                       .question = question,
                                       .origin = "--payload-bytes",
                                       .text = "bytes"};
}

/* In memory that ends where the payload does. */
static uint64_t answers_of(const struct cm_payload_pattern *patterns, size_t n_patterns, const void *payload,
                           size_t n)
{
    struct cm_payload_machine *machine;
    struct cm_payload_scanner *scanner;
    struct cm_error error = {0};
    uint8_t *copy = malloc(n > 0 ? n : 1);
    uint64_t answers = 77;

    cm_check(copy != NULL);
    memcpy(copy, payload, n);
    cm_check_that(cm_payload_create(patterns, n_patterns, &machine, &error) == CAPMILL_OK, "%s", error.text);
    cm_check(cm_payload_open(machine, &scanner, NULL) == CAPMILL_OK);
    for (int again = 0; again < 2; again++)
        cm_check(cm_payload_scan(machine, scanner, copy, n, &answers));
    cm_payload_close(scanner);
    cm_payload_destroy(machine);
    free(copy);
    return answers;
}

CM_TEST(filter_payload, questions_have_their_own_answers)
{
    const struct cm_payload_pattern patterns[] = {bytes_pattern("abc", 3, 0), bytes_pattern("\0\xff", 2, 0),
                                                  bytes_pattern("xyz", 3, 5), bytes_pattern("aab", 3, 63)};

    cm_check(answers_of(patterns, 4, "....", 4) == 0);
    cm_check(answers_of(patterns, 4, "", 0) == 0);
    cm_check(answers_of(patterns, 4, "ab", 2) == 0);
    cm_check(answers_of(patterns, 4, "zabc", 4) == 1);
    cm_check(answers_of(patterns, 4, "z\0\xff", 3) == 1);
    cm_check(answers_of(patterns, 4, "xyz", 3) == UINT64_C(1) << 5);
    cm_check(answers_of(patterns, 4, "aaabc", 5) == (UINT64_C(1) << 63 | 1));
    cm_check(answers_of(patterns, 4, "xyzaab\0\xff", 8) == (UINT64_C(1) << 63 | UINT64_C(1) << 5 | 1));
}

static bool plainly_in(const uint8_t *payload, size_t n, const uint8_t *pattern, size_t k)
{
    for (size_t i = 0; i + k <= n; i++)
        if (memcmp(payload + i, pattern, k) == 0)
            return true;
    return false;
}

/* Over two letters, so that partial matches, overlaps and fallbacks are the rule. */
CM_TEST(filter_payload, found_as_by_a_plain_search)
{
    uint32_t state = 3;
    unsigned n_found = 0, n_rounds = 2000;

    for (unsigned round = 0; round < n_rounds; round++) {
        uint8_t pattern[8], payload[40];
        size_t k, n;
        struct cm_payload_pattern one;
        bool found;

        state = state * 1664525u + 1013904223u;
        k = 1 + (state >> 20) % sizeof(pattern);
        n = (state >> 24) % (sizeof(payload) + 1);
        for (size_t i = 0; i < k; i++)
            pattern[i] = (uint8_t)('a' + ((state = state * 1664525u + 1013904223u) >> 30 & 1));
        for (size_t i = 0; i < n; i++)
            payload[i] = (uint8_t)('a' + ((state = state * 1664525u + 1013904223u) >> 30 & 1));
        one = bytes_pattern((const char *)pattern, k, 9);
        found = plainly_in(payload, n, pattern, k);
        n_found += found;
        cm_check_eq(answers_of(&one, 1, payload, n), found ? 1u << 9 : 0);
    }
    cm_check(n_found > n_rounds / 10 && n_found < n_rounds * 9 / 10); /* or little was tried */
}

CM_TEST(filter_payload, regexes)
{
    const struct cm_payload_pattern patterns[] = {{.is_regex = true,
                                                   .regex = "(?i)get /[a-z]+",
                                                   .question = 1,
                                                   .origin = "--payload-regex",
                                                   .text = "x"},
                                                  bytes_pattern("\r\n", 2, 2)};
    struct cm_payload_machine *machine = NULL;
    struct cm_error error = {0};

    if (has_regexes()) {
        cm_check_eq(answers_of(patterns, 2, "xGET /index\r", 12), 2);
        cm_check_eq(answers_of(patterns, 2, "get /I\r\n", 8), 6);
        return;
    }
    cm_check_eq(cm_payload_create(patterns, 2, &machine, &error), CAPMILL_E_UNSUPPORTED);
    cm_check(machine == NULL);
    cm_check_str(error.text,
                 "--payload-regex: this build of capmill has no regular expressions, for which it takes "
                 "Hyperscan; bytes can be looked for (payload_bytes)");
}
