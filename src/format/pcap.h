/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap file format: its file header, its variants, its records. Called through layout.h; nobody else
 * needs it. */
#ifndef CM_FORMAT_PCAP_H
#define CM_FORMAT_PCAP_H

#include "format/records.h"

#define CM_PCAP_FILE_HEADER_BYTES 24u

/* Is this the first four bytes of a pcap file of any variant? */
bool cm_pcap_is_magic(const uint8_t *bytes);

/* cm_layout_open for a file that begins with one of the magics. */
enum capmill_status cm_pcap_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                 bool at_end, size_t *header_bytes_ret, struct cm_error *error);

/* Which record header has a file whose magic leaves that open? Looks at the first three records, as
 * libwiretap does. Sets the variant and record_header_bytes; false: more bytes would help (never beyond 64
 * KiB). */
bool cm_pcap_guess_variant(struct cm_layout *layout, bool modified_magic, const uint8_t *records, size_t n,
                           bool at_end);

/* cm_layout_frame for pcap. */
enum cm_frame_result cm_pcap_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n, uint64_t offset,
                                   uint64_t limit, bool at_end, struct cm_batch *batch, size_t *used_ret,
                                   size_t *wanted_ret, const char **reason_ret);

/* The greatest captured length that is believed for a link type. */
uint32_t cm_pcap_max_packet_bytes(uint16_t link_type);

/* Captured and original length of a record header, in this layout's order. */
struct cm_pcap_lengths {
    uint32_t caplen;
    uint32_t origlen;
};
static inline struct cm_pcap_lengths cm_pcap_order_lengths(const struct cm_layout *layout, uint32_t first,
                                                           uint32_t second)
{
    struct cm_pcap_lengths lengths = {first, second};

    /* Files before version 2.3 have the original length first; some of version 2.3 have, too, which shows
     * where the captured length would be the greater. */
    if (layout->lengths_swapped || (layout->lengths_maybe_swapped && first > second)) {
        lengths.caplen = second;
        lengths.origlen = first;
    }
    return lengths;
}

#endif
