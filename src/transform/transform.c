/* SPDX-License-Identifier: Apache-2.0 */
/* The door: wishes compiled into a transform, each packet through all changes in their order, and the counts.
 * What each change does is in its own file. */
#include "transform/transform.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "transform/transform_int.h"

/* Of scratch at first; longer packets make it grow. */
#define SCRATCH_BYTES (64u * 1024)

static const char *const reason_texts[CM_REASONS] = {
    [CM_REASON_LINK_TYPE] = "link type that is not known",
    [CM_REASON_MAC_LINK_TYPE] = "link type whose hardware addresses are not changed",
    [CM_REASON_CUT] = "headers cut by the captured length",
    [CM_REASON_BAD] = "headers that contradict themselves",
    [CM_REASON_DEEP] = "tunnels nested deeper than is followed",
    [CM_REASON_NO_IPV4_FORM] = "IPv6 address without an IPv4 form",
    [CM_REASON_FAMILY_INNER] = "other IP version for an inner or quoted header",
    [CM_REASON_FAMILY_FIELD] = "other IP version for an address that stands in a message or an option",
    [CM_REASON_FAMILY_LINK] = "other IP version behind a link header that is not re-framed",
    [CM_REASON_FAMILY_FRAGMENT] = "other IP version for a fragment",
    [CM_REASON_FAMILY_OPTIONS] = "other IP version for a packet with IPv4 options or IPv6 extension headers",
    [CM_REASON_FAMILY_PROTOCOL] = "other IP version for a protocol of one version, such as ICMP",
    [CM_REASON_FAMILY_LENGTH] = "IPv6 packet too long for IPv4",
    [CM_REASON_CHECKSUM] = "checksum that what was captured does not tell",
};

/* --- the whole --- */

static enum capmill_status compile(const struct cm_transform_options *options, struct cm_transform *transform,
                                   struct cm_error *error)
{
    const struct capmill_transform *wishes = options->wishes;
    enum capmill_status status;

    status = cm_retime_create(options, &transform->retime, error);
    if (status == CAPMILL_OK)
        status = cm_address_map_create(wishes->replace_ip, wishes->n_replace_ip, options,
                                       &transform->addresses, error);
    if (status == CAPMILL_OK && wishes->anonymize.value != NULL) {
        if (options->key == NULL)
            return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "%s: the key was not read",
                                cm_transform_origin(wishes->anonymize.origin));
        status = cm_anonymizer_create(options->key, cm_transform_origin(wishes->anonymize.origin),
                                      &transform->anonymizer, error);
    }
    if (status == CAPMILL_OK)
        status =
            cm_mac_map_create(wishes->replace_mac, wishes->n_replace_mac, options, &transform->macs, error);
    if (status == CAPMILL_OK)
        status = cm_vlan_map_create(wishes->replace_vlan, wishes->n_replace_vlan, options, &transform->vlans,
                                    error);
    if (status == CAPMILL_OK)
        status = cm_port_map_create(wishes->replace_port, wishes->n_replace_port, options, &transform->ports,
                                    error);
    if (status == CAPMILL_OK)
        status = cm_truncation_create(options, &transform->truncation, error);
    return status;
}

enum capmill_status cm_transform_create(const struct cm_transform_options *options,
                                        struct cm_transform **transform_ret, struct cm_error *error)
{
    struct cm_transform *transform = calloc(1, sizeof(*transform));
    enum capmill_status status;

    *transform_ret = NULL;
    if (transform == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for transforms");
    transform->truncation.max_payload_bytes = CM_TRUNCATE_NEVER;
    status = compile(options, transform, error);
    if (status != CAPMILL_OK) {
        cm_transform_destroy(transform);
        return status;
    }
    transform->checksums = options->wishes->checksums;
    transform->changes_addresses = transform->addresses != NULL || transform->anonymizer != NULL;
    transform->changes_headers = transform->changes_addresses || transform->macs != NULL ||
                                 transform->vlans != NULL || transform->ports != NULL;
    transform->crosses_families =
        transform->addresses != NULL &&
        (cm_address_map_crosses(transform->addresses, 4) || cm_address_map_crosses(transform->addresses, 6));
    transform->truncates =
        transform->truncation.n_rules > 0 || transform->truncation.max_payload_bytes != CM_TRUNCATE_NEVER;
    if (!cm_transform_changes_times(transform) && !cm_transform_changes_packets(transform)) {
        cm_transform_destroy(transform);
        return CAPMILL_OK;
    }
    *transform_ret = transform;
    return CAPMILL_OK;
}

void cm_transform_destroy(struct cm_transform *transform)
{
    if (transform == NULL)
        return;
    cm_address_map_destroy(transform->addresses);
    cm_anonymizer_destroy(transform->anonymizer);
    cm_mac_map_destroy(transform->macs);
    free(transform->vlans);
    cm_port_map_destroy(transform->ports);
    free(transform->truncation.rules);
    free(transform);
}

bool cm_transform_changes_packets(const struct cm_transform *transform)
{
    return transform->changes_headers || transform->truncates ||
           transform->checksums == CAPMILL_CHECKSUMS_FIX;
}

bool cm_transform_changes_lengths(const struct cm_transform *transform)
{
    return transform->crosses_families || transform->truncates;
}

bool cm_transform_grows(const struct cm_transform *transform)
{
    return transform->addresses != NULL && cm_address_map_crosses(transform->addresses, 4);
}

/* --- packets --- */

/* Headers, and how long the packet will be. Everything that decides lengths is here, so that both who asks for
 * the length and who writes the packet get the same. */
static inline void plan(struct cm_change *change, const struct cm_transform *transform,
                        struct cm_transform_local *local, const struct cm_transform_packet *packet)
{
    change->transform = transform;
    change->local = local;
    change->old = packet->data;
    change->old_caplen = packet->caplen;
    change->origlen = packet->origlen;
    change->link_type = packet->link_type;
    change->bytes = NULL;
    change->caplen = change->old_caplen;
    change->growth = 0;
    change->changed_end = 0;
    change->reasons = 0;
    change->has_pair = false;
    cm_change_layers(change);
    if (CM_UNLIKELY(transform->crosses_families))
        cm_reframe_plan(change);
    change->kept = change->caplen;
    if (CM_UNLIKELY(transform->truncates))
        cm_truncate_plan(change);
    /* what is cut here lies behind an IP packet, which is never as long */
    if (CM_UNLIKELY(change->kept > CM_TRANSFORM_MAX_BYTES && change->kept > packet->caplen))
        change->kept = packet->caplen > CM_TRANSFORM_MAX_BYTES ? packet->caplen : CM_TRANSFORM_MAX_BYTES;
}

uint32_t cm_transform_caplen(const struct cm_transform *transform, const struct cm_transform_packet *packet)
{
    struct cm_change change;

    if (!cm_transform_changes_lengths(transform))
        return packet->caplen;
    plan(&change, transform, NULL, packet);
    return change.kept;
}

static uint32_t grown(uint32_t origlen, int32_t growth)
{
    int64_t sum = (int64_t)origlen + growth;

    return sum < 0 ? 0 : sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void count_reasons(struct cm_transform_local *local, uint32_t reasons)
{
    for (; reasons != 0; reasons &= reasons - 1)
        local->n_by_reason[__builtin_ctz(reasons)]++;
}

/* Scratch for a packet as it is before it is cut. */
static uint8_t *scratch_of(struct cm_transform_local *local, uint32_t caplen)
{
    size_t wanted = (size_t)caplen + CM_TRANSFORM_GROWTH_BYTES;
    uint8_t *scratch;

    if (wanted <= local->scratch_bytes)
        return local->scratch;
    scratch = realloc(local->scratch, wanted);
    if (scratch == NULL)
        return NULL;
    local->scratch = scratch;
    local->scratch_bytes = wanted;
    return scratch;
}

bool cm_transform_packet(struct cm_transform_local *local, const struct cm_transform_packet *packet,
                         uint8_t *out, size_t out_bytes, struct cm_transform_result *result_ret)
{
    const struct cm_transform *transform = local->transform;
    struct cm_change change;

    plan(&change, transform, local, packet);
    result_ret->caplen = change.kept;
    if (change.kept > out_bytes)
        return false;
    if (!transform->changes_headers && transform->checksums != CAPMILL_CHECKSUMS_FIX) {
        memcpy(out, change.old, change.kept);
    } else {
        /* what is cut away is needed for sums first */
        change.bytes = change.kept < change.caplen ? scratch_of(local, change.caplen) : out;
        if (change.bytes == NULL) {
            result_ret->caplen = 0;
            return false;
        }
        cm_reframe_copy(&change);
        cm_change_addresses(&change);
        cm_change_macs(&change);
        cm_change_vlans(&change);
        cm_change_ports(&change);
        cm_change_checksums(&change);
        if (change.bytes != out)
            memcpy(out, change.bytes, change.kept);
    }
    if (CM_UNLIKELY(!cm_wire_link_is_known(packet->link_type)) &&
        (transform->changes_headers || transform->truncates))
        cm_change_reason(&change, CM_REASON_LINK_TYPE);
    local->n_changed += change.changed_end != 0 || change.kept < change.caplen;
    count_reasons(local, change.reasons);
    result_ret->origlen = grown(packet->origlen, change.growth);
    return true;
}

/* --- threads --- */

static void free_local(struct cm_transform_local *local)
{
    free(local->scratch);
    free(local->ipv4);
    free(local->ipv6);
    free(local);
}

/* Every entry is true from the start: it says what 0.0.0.0 or :: becomes. */
static bool make_caches(const struct cm_anonymizer *anonymizer, struct cm_transform_local *local)
{
    uint8_t zero[16] = {0};

    local->ipv4 = calloc(CM_ANONYMIZED_IPV4, sizeof(*local->ipv4));
    local->ipv6 = calloc(CM_ANONYMIZED_IPV6, sizeof(*local->ipv6));
    if (local->ipv4 == NULL || local->ipv6 == NULL)
        return false;
    cm_anonymizer_ipv4(anonymizer, zero);
    for (unsigned i = 0; i < CM_ANONYMIZED_IPV4; i++)
        local->ipv4[i].to = cm_load_be32(zero);
    memset(zero, 0, sizeof(zero));
    cm_anonymizer_ipv6(anonymizer, zero);
    for (unsigned i = 0; i < CM_ANONYMIZED_IPV6; i++)
        memcpy(local->ipv6[i].to, zero, 16);
    return true;
}

struct cm_transform_local *cm_transform_local_create(const struct cm_transform *transform)
{
    struct cm_transform_local *local = calloc(1, sizeof(*local));

    if (local == NULL)
        return NULL;
    /* the counts go back to it, one thread at a time */
    memcpy(&local->transform, &transform, sizeof(transform));
    if (cm_transform_changes_lengths(transform) && scratch_of(local, SCRATCH_BYTES) == NULL)
        goto failed;
    if (transform->anonymizer != NULL && !make_caches(transform->anonymizer, local))
        goto failed;
    return local;
failed:
    free_local(local);
    return NULL;
}

void cm_transform_local_destroy(struct cm_transform_local *local)
{
    if (local == NULL)
        return;
    local->transform->n_changed += local->n_changed;
    for (int i = 0; i < CM_REASONS; i++)
        local->transform->n_by_reason[i] += local->n_by_reason[i];
    free_local(local);
}

uint32_t cm_local_anonymize_ipv4_number(struct cm_transform_local *local, uint32_t address)
{
    struct cm_anonymized_ipv4 *entry = &local->ipv4[(address * 0x9e3779b1u) >> 16 & (CM_ANONYMIZED_IPV4 - 1)];

    if (entry->from != address) {
        uint8_t bytes[4];

        cm_store_be32(bytes, address);
        cm_anonymizer_ipv4(local->transform->anonymizer, bytes);
        entry->from = address;
        entry->to = cm_load_be32(bytes);
    }
    return entry->to;
}

void cm_local_anonymize_ipv4(struct cm_transform_local *local, uint8_t address[4])
{
    cm_store_be32(address, cm_local_anonymize_ipv4_number(local, cm_load_be32(address)));
}

void cm_local_anonymize_ipv6(struct cm_transform_local *local, uint8_t address[16])
{
    uint64_t hash = (cm_load_u64(address) ^ cm_load_u64(address + 8) * UINT64_C(0x9e3779b97f4a7c15)) *
                    UINT64_C(0xd6e8feb86659fd93);
    struct cm_anonymized_ipv6 *entry = &local->ipv6[hash >> 40 & (CM_ANONYMIZED_IPV6 - 1)];

    if (memcmp(entry->from, address, 16) != 0) {
        memcpy(entry->from, address, 16);
        memcpy(entry->to, address, 16);
        cm_anonymizer_ipv6(local->transform->anonymizer, entry->to);
    }
    memcpy(address, entry->to, 16);
}

/* --- what stands beside packets --- */

bool cm_transform_anonymizes(const struct cm_transform *transform)
{
    return transform->anonymizer != NULL;
}

void cm_transform_ipv4(const struct cm_transform *transform, uint8_t address[4])
{
    struct cm_address mapped;

    if (transform->addresses != NULL && cm_address_map_find(transform->addresses, 4, address, &mapped) &&
        mapped.version == 4)
        memcpy(address, mapped.bytes, 4);
    if (transform->anonymizer != NULL)
        cm_anonymizer_ipv4(transform->anonymizer, address);
}

void cm_transform_ipv6(const struct cm_transform *transform, uint8_t address[16])
{
    struct cm_address mapped;

    if (transform->addresses != NULL && cm_address_map_find(transform->addresses, 6, address, &mapped) &&
        mapped.version == 6)
        memcpy(address, mapped.bytes, 16);
    if (transform->anonymizer != NULL)
        cm_anonymizer_ipv6(transform->anonymizer, address);
}

bool cm_transform_mac(const struct cm_transform *transform, uint8_t address[6])
{
    uint8_t mapped[6];

    if (transform->macs == NULL || !cm_mac_map_find(transform->macs, address, mapped))
        return false;
    memcpy(address, mapped, 6);
    return true;
}

void cm_transform_name(const struct cm_transform *transform, const char *name, size_t n,
                       char text_ret[CM_TRANSFORM_NAME_BYTES])
{
    if (transform->anonymizer != NULL) {
        snprintf(text_ret, CM_TRANSFORM_NAME_BYTES, "host-%016" PRIx64,
                 cm_anonymizer_name(transform->anonymizer, name, n));
        return;
    }
    if (n >= CM_TRANSFORM_NAME_BYTES)
        n = CM_TRANSFORM_NAME_BYTES - 1;
    memcpy(text_ret, name, n);
    text_ret[n] = 0;
}

/* --- counts --- */

void cm_transform_reset_counts(struct cm_transform *transform)
{
    transform->n_changed = 0;
    memset(transform->n_by_reason, 0, sizeof(transform->n_by_reason));
}

uint64_t cm_transform_changed(const struct cm_transform *transform)
{
    return transform->n_changed;
}

size_t cm_transform_counts(struct cm_transform *transform, const struct cm_transform_count **counts_ret)
{
    size_t n = 0;

    for (int i = 0; i < CM_REASONS; i++)
        if (transform->n_by_reason[i] != 0)
            transform->counts[n++] = (struct cm_transform_count){reason_texts[i], transform->n_by_reason[i]};
    *counts_ret = transform->counts;
    return n;
}
