/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked for in payloads: all patterns of a filter in one machine, so that a payload is read once
 * however many there are. With Hyperscan in the build (payload_hyperscan.c), or without
 * (payload_plain.c: bytes alone). Knows no packets. */
#ifndef CM_FILTER_PAYLOAD_H
#define CM_FILTER_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Longer ones are refused: a pattern's automaton may grow faster than its text. */
#define CM_PAYLOAD_PATTERN_BYTES 4096u
#define CM_PAYLOAD_PATTERNS      4096u
/* Questions whose answers a scan gives, each the OR of some patterns: one bit each. */
#define CM_PAYLOAD_QUESTIONS 64u

struct cm_payload_pattern {
    bool is_regex;
    const char *regex; /* of a regular expression */
    uint8_t *bytes;    /* of the others */
    size_t n_bytes;
    unsigned question;  /* below CM_PAYLOAD_QUESTIONS; it is answered when any of its patterns is found */
    const char *origin; /* of the rule; begins the refusal */
    const char *text;   /* as typed */
};

struct cm_payload_machine;

/* CAPMILL_E_USAGE and the reason for a pattern that cannot be compiled; CAPMILL_E_UNSUPPORTED for regular
 * expressions where the build has no library for them. The patterns are not kept. */
enum capmill_status cm_payload_create(const struct cm_payload_pattern *patterns, size_t n,
                                      struct cm_payload_machine **machine_ret, struct cm_error *error);
void cm_payload_destroy(struct cm_payload_machine *machine); /* NULL accepted */

/* What one thread needs to scan. */
struct cm_payload_scanner;
enum capmill_status cm_payload_open(const struct cm_payload_machine *machine,
                                    struct cm_payload_scanner **scanner_ret, struct cm_error *error);
void cm_payload_close(struct cm_payload_scanner *scanner); /* NULL accepted */

/* The questions answered by these bytes, bit by bit; it stops when all are. False: the machine failed. */
bool cm_payload_scan(const struct cm_payload_machine *machine, struct cm_payload_scanner *scanner,
                     const uint8_t *bytes, size_t n, uint64_t *answers_ret);

/* "hyperscan: yes (5.4.0)", or "hyperscan: no" and why; static. */
const char *cm_payload_library(void);

#endif
