/* SPDX-License-Identifier: Apache-2.0 */
/* What a job changes in the packets it writes, in the user's own words with where each stood, and in this
 * order: times, addresses, anonymisation, MAC addresses, VLANs, ports, truncation, checksums. The words are
 * checked by capmill_run_create, before any input is opened. docs/transforms.md says what each does. */
#ifndef CAPMILL_CHANGES_H
#define CAPMILL_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed: not given. */
struct capmill_word {
    const char *value; /* UTF-8; NULL: not given */
    const char *
        origin; /* "--replace-ip", "config.toml:30:1 replace_ip"; begins the refusal. NULL: "transform" does */
};

enum capmill_checksums {
    CAPMILL_CHECKSUMS_AUTO = 0, /* of packets that were changed */
    CAPMILL_CHECKSUMS_FIX,      /* of all packets that are there whole */
    CAPMILL_CHECKSUMS_KEEP      /* none */
};

/* Payload beyond `max_payload_bytes` is cut where protocol and port match; the first rule that matches
 * counts, and max_payload_bytes of the transform where none does. */
struct capmill_truncate_rule {
    struct capmill_word protocol;          /* "tcp", "17"; NULL: any */
    struct capmill_word port;              /* either port: "80", "8000-8099"; NULL: any */
    struct capmill_word max_payload_bytes; /* "128", "1K" */
    const char *origin;
};

/* Zeroed: packets are written as they were read (checksums AUTO finds none that changed). */
struct capmill_transform {
    struct capmill_word timestamp_start; /* time that the earliest kept packet gets: RFC 3339 or epoch ms */
    struct capmill_word time_offset;     /* duration with a sign: "-1h", "+250ms", "3.5" */
    struct capmill_word time_scale; /* distances from the earliest kept packet times this: "0.5", "3/2" */
    const struct capmill_word *replace_ip; /* "A=B", "10.0.0.0/8=fd00::/104" */
    size_t n_replace_ip;
    struct capmill_word anonymize;          /* file of a Crypto-PAn key: 32 bytes, or 64 hexadecimal digits */
    const struct capmill_word *replace_mac; /* "00:11:22:33:44:55=66:77:88:99:aa:bb" */
    size_t n_replace_mac;
    const struct capmill_word *replace_vlan; /* "100=200" */
    size_t n_replace_vlan;
    const struct capmill_word *replace_port; /* "80=8080", "tcp:1000-1999=2000-2999" */
    size_t n_replace_port;
    struct capmill_word max_payload_bytes;
    const struct capmill_truncate_rule *truncate;
    size_t n_truncate;
    enum capmill_checksums checksums;
};

#ifdef __cplusplus
}
#endif

#endif
