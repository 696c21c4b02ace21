/* SPDX-License-Identifier: Apache-2.0 */
/* Framing pcap records: the hot loop. The file header is read in pcap_open.c, variants are told apart in
 * pcap_variant.c. */
#include "format/pcap.h"

#include "base/checked.h"
#include "base/endian.h"
#include "core/batch.h"

#define NS_PER_S 1000000000ull

/* LINKTYPE_ values whose packets may be long (wtap_max_snaplen_for_encap in libwiretap). */
#define LINKTYPE_DBUS    231
#define LINKTYPE_USBPCAP 249
#define LINKTYPE_EBHSCR  279
#define MAX_EBHSCR_BYTES (8u * 1024 * 1024)

uint32_t cm_pcap_max_packet_bytes(uint16_t link_type)
{
    switch (link_type) {
    case LINKTYPE_DBUS:
    case LINKTYPE_USBPCAP:
        return CM_MAX_PACKET_BYTES_LONG;
    case LINKTYPE_EBHSCR:
        return MAX_EBHSCR_BYTES;
    default:
        return CM_MAX_PACKET_BYTES;
    }
}

static bool all_zero(const uint8_t *p, size_t n)
{
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any == 0;
}

/* The loop. Called with constants for `big`, `nanoseconds`, `header_bytes` and `plain` (lengths in today's
 * order), so that the compiler makes one loop a combination and none of the choices is left inside it. */
__attribute__((always_inline)) static inline enum cm_frame_result
frame_records(const struct cm_layout *layout, const uint8_t *bytes, size_t n, uint64_t offset, uint64_t limit,
              bool at_end, struct cm_batch *batch, size_t *used_ret, size_t *wanted_ret,
              const char **reason_ret, bool big, bool nanoseconds, size_t header_bytes, bool plain)
{
    const uint64_t unit_ns = nanoseconds ? 1 : 1000;
    const uint32_t max_packet_bytes = layout->max_packet_bytes;
    const uint16_t link_type = layout->link_type;
    struct cm_packet *packet = batch->packets + batch->n_packets;
    struct cm_packet *const full = batch->packets + CM_BATCH_CAPACITY;
    enum cm_frame_result result;
    /* where a record may begin: before the limit */
    const size_t stop = limit <= offset ? 0 : (limit - offset < n ? (size_t)(limit - offset) : n);
    size_t used = 0;

    for (;;) {
        const uint8_t *record = bytes + used;
        struct cm_pcap_lengths lengths;

        if (CM_UNLIKELY(used >= stop)) {
            if (limit <= offset + used) {
                result = CM_FRAME_LIMIT;
            } else {
                result = CM_FRAME_MORE;
                *wanted_ret = at_end ? 0 : header_bytes;
            }
            break;
        }
        if (CM_UNLIKELY(packet == full)) {
            result = CM_FRAME_FULL;
            break;
        }
        if (CM_UNLIKELY(n - used < header_bytes)) {
            *wanted_ret = header_bytes;
            *reason_ret = "record header cut by the end of the file";
            result = at_end ? CM_FRAME_DAMAGE : CM_FRAME_MORE;
            break;
        }
        lengths.caplen = cm_load_u32_as(record + 8, big);
        lengths.origlen = cm_load_u32_as(record + 12, big);
        if (!plain)
            lengths = cm_pcap_order_lengths(layout, lengths.caplen, lengths.origlen);
        /* one comparison for both rare cases: 0 becomes the greatest number */
        if (CM_UNLIKELY(lengths.caplen - 1 >= max_packet_bytes)) {
            if (lengths.caplen != 0 || all_zero(record, header_bytes)) {
                *reason_ret = lengths.caplen != 0 ? "captured length beyond any packet's"
                                                  : "zeros in place of a record";
                result = CM_FRAME_DAMAGE;
                break;
            }
        }
        if (CM_UNLIKELY(n - used - header_bytes < lengths.caplen)) {
            *wanted_ret = header_bytes + lengths.caplen;
            *reason_ret = "record cut by the end of the file";
            result = at_end ? CM_FRAME_DAMAGE : CM_FRAME_MORE;
            break;
        }
        packet->data = record + header_bytes;
        packet->time_ns = cm_load_u32_as(record, big) * NS_PER_S + cm_load_u32_as(record + 4, big) * unit_ns;
        packet->place = offset + used;
        packet->caplen = lengths.caplen;
        packet->origlen = lengths.origlen;
        packet->record_bytes = (uint32_t)header_bytes + lengths.caplen;
        packet->record_before = (uint16_t)header_bytes;
        packet->flags = 0;
        packet->interface = 0;
        packet->link_type = link_type;
        packet->reserved = 0;
        packet++;
        used += header_bytes + lengths.caplen;
    }
    batch->n_packets = (uint32_t)(packet - batch->packets);
    *used_ret = used;
    return result;
}

#define FRAME(big, nanoseconds, header_bytes, plain)                                                         \
    frame_records(layout, bytes, n, offset, limit, at_end, batch, used_ret, wanted_ret, reason_ret, big,     \
                  nanoseconds, header_bytes, plain)

/* Rare forms: one loop each size, with the choices inside. */
static enum cm_frame_result frame_uncommon(const struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                           uint64_t offset, uint64_t limit, bool at_end,
                                           struct cm_batch *batch, size_t *used_ret, size_t *wanted_ret,
                                           const char **reason_ret)
{
    return FRAME(layout->big_endian, layout->nanoseconds, layout->record_header_bytes, false);
}

enum cm_frame_result cm_pcap_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n, uint64_t offset,
                                   uint64_t limit, bool at_end, struct cm_batch *batch, size_t *used_ret,
                                   size_t *wanted_ret, const char **reason_ret)
{
    uint32_t n_before = batch->n_packets;
    enum cm_frame_result result;

    if (layout->record_header_bytes != 16 || layout->lengths_swapped || layout->lengths_maybe_swapped)
        result =
            frame_uncommon(layout, bytes, n, offset, limit, at_end, batch, used_ret, wanted_ret, reason_ret);
    else if (layout->big_endian)
        result = layout->nanoseconds ? FRAME(true, true, 16, true) : FRAME(true, false, 16, true);
    else
        result = layout->nanoseconds ? FRAME(false, true, 16, true) : FRAME(false, false, 16, true);
    if (batch->n_packets > n_before)
        layout->last_time_ns = batch->packets[batch->n_packets - 1].time_ns;
    return result;
}
