/* SPDX-License-Identifier: Apache-2.0 */
/* The door of stage 5: what changes in packets before they are written. Wishes are compiled once into a
 * transform that all threads share read-only; each thread has a local state (counts, caches). The order of
 * changes is fixed: times, addresses, anonymisation, MAC addresses, VLANs, ports, truncation, checksums.
 *
 * Packets go from read-only bytes to the caller's buffer, so that a change costs no copy of its own. A packet
 * that cannot be changed as asked is written as it was, and counted by reason. */
#ifndef CM_TRANSFORM_TRANSFORM_H
#define CM_TRANSFORM_TRANSFORM_H

#include "base/error.h"
#include "capmill/changes.h"

struct cm_transform;

#define CM_TRANSFORM_KEY_BYTES 32

struct cm_transform_options {
    const struct capmill_transform *wishes; /* borrowed for the call */
    const uint8_t *key; /* of CM_TRANSFORM_KEY_BYTES; NULL where wishes->anonymize is not given */
    void (*warn)(void *context,
                 const char *text); /* wishes that are of no effect; during the call; or NULL */
    void *warn_context;
};

/* What a sentence about a wish begins with: its origin, which may be NULL. */
static inline const char *cm_transform_origin(const char *origin)
{
    return origin != NULL ? origin : "transform";
}

/* CAPMILL_E_USAGE with one sentence that begins with the wish's origin. *transform_ret is NULL where nothing
 * is to be changed. */
enum capmill_status cm_transform_create(const struct cm_transform_options *options,
                                        struct cm_transform **transform_ret, struct cm_error *error);
void cm_transform_destroy(struct cm_transform *transform); /* NULL accepted */

/* --- times --- */

bool cm_transform_changes_times(const struct cm_transform *transform);
/* Whether new times depend on that of the earliest kept packet. */
bool cm_transform_needs_first_time(const struct cm_transform *transform);
/* Whether new times may have digits beyond a microsecond where the old ones have none. */
bool cm_transform_makes_nanoseconds(const struct cm_transform *transform);
/* The new time; never decreasing in `time_ns`, saturating at 0 and UINT64_MAX (*saturated_ret is then set,
 * else left alone; may be NULL). `first_ns`: of the earliest kept packet, where it is needed. */
uint64_t cm_transform_time(const struct cm_transform *transform, uint64_t time_ns, uint64_t first_ns,
                           bool *saturated_ret);

/* --- packets --- */

/* False: only times change, packets are written as they are. */
bool cm_transform_changes_packets(const struct cm_transform *transform);
/* False: every packet keeps its length. */
bool cm_transform_changes_lengths(const struct cm_transform *transform);
/* False: no packet becomes longer. */
bool cm_transform_grows(const struct cm_transform *transform);
/* A packet is never longer than it was by more than this. */
#define CM_TRANSFORM_GROWTH_BYTES 20
/* A packet that was no longer than this does not become longer: it is what readers believe of most link types.
 */
#define CM_TRANSFORM_MAX_BYTES (256u * 1024)

struct cm_transform_packet {
    const uint8_t *data; /* read-only; not overlapping the output */
    uint32_t caplen, origlen;
    uint16_t link_type;
};
struct cm_transform_result {
    uint32_t caplen, origlen;
};

/* Captured length after all changes. Any thread; no counting. */
uint32_t cm_transform_caplen(const struct cm_transform *transform, const struct cm_transform_packet *packet);

struct cm_transform_local;
/* NULL: no memory. */
struct cm_transform_local *cm_transform_local_create(const struct cm_transform *transform);
/* Hands its counts over to the transform; one thread at a time. NULL accepted. */
void cm_transform_local_destroy(struct cm_transform_local *local);
/* Write the changed packet at `out`, of `out_bytes`. result_ret->caplen is what cm_transform_caplen answers for
 * this packet. False, and nothing counted, where that does not fit, or (then it is 0) memory for a long packet
 * cannot be had. */
bool cm_transform_packet(struct cm_transform_local *local, const struct cm_transform_packet *packet,
                         uint8_t *out, size_t out_bytes, struct cm_transform_result *result_ret);

/* --- what stands beside packets: name records, interface addresses --- */

bool cm_transform_anonymizes(const struct cm_transform *transform);
/* Addresses mapped and anonymised as in packets, in place; one across families stays what it is. Any thread.
 */
void cm_transform_ipv4(const struct cm_transform *transform, uint8_t address[4]);
void cm_transform_ipv6(const struct cm_transform *transform, uint8_t address[16]);
bool cm_transform_mac(const struct cm_transform *transform, uint8_t address[6]);
/* The pseudonym of a host name where names are to be hidden: "host-" and 16 hexadecimal digits, from the
 * name and the key. */
#define CM_TRANSFORM_NAME_BYTES 24
void cm_transform_name(const struct cm_transform *transform, const char *name, size_t n,
                       char text_ret[CM_TRANSFORM_NAME_BYTES]);

/* --- counts, after all locals are gone --- */

struct cm_transform_count {
    const char *what; /* "link type that is not known", "IPv6 address without an IPv4 form"; static */
    uint64_t n_packets;
};
/* Forget what was counted: the packets are to be written once more. */
void cm_transform_reset_counts(struct cm_transform *transform);
uint64_t cm_transform_changed(const struct cm_transform *transform);
/* Packets written unchanged, or not changed in all that was asked, by reason; those that are not 0. Borrowed.
 */
size_t cm_transform_counts(struct cm_transform *transform, const struct cm_transform_count **counts_ret);

const char *cm_transform_anonymize_feature(void); /* for --version; static */

#endif
