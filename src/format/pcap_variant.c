/* SPDX-License-Identifier: Apache-2.0 */
/* Telling apart pcap variants that share a magic, by how well the first records fit each. Which of the signs
 * count was found out for libwiretap (libpcap_try_record), and the same ones count here: a file is the same
 * thing to both. */
#include "base/endian.h"
#include "format/pcap.h"

/* As libwiretap: three records tell. */
#define RECORDS_TO_TRY 3
/* A file is not waited for beyond this, whatever its first records claim. */
#define MAX_LOOK_BYTES (64u * 1024 - 32)

#define GREATEST_HEADER_BYTES 28u

#define MAX_INTERFACE_INDEX 10000u /* of Linux in 1999 */
#define MAX_PACKET_TYPE     4u     /* PACKET_OUTGOING: the greatest then */

struct candidate {
    uint8_t header_bytes;
    enum cm_pcap_variant variant;
};

/* In the order of preference: the first without a flaw wins, else the first of those with fewest. */
static const struct candidate standard_magic[] = {
    {16, CM_PCAP_STANDARD}, {24, CM_PCAP_MODIFIED}, {20, CM_PCAP_NOKIA}};
static const struct candidate modified_magic_candidates[] = {{24, CM_PCAP_MODIFIED}, {28, CM_PCAP_MODIFIED}};

static bool is_1999_protocol(uint16_t protocol)
{
    /* Ethernet types, ETH_P_LOOP, _ECHO and _PUP as they were, and Linux' own small numbers */
    return protocol >= 0x0600 || protocol <= 0x17 || protocol == 0x60 || protocol == 0x200 ||
           protocol == 0x400;
}

static bool is_nokia_field(uint32_t field)
{
    uint32_t first = field >> 28, second = field >> 12 & 0xf, third = field >> 8 & 0xf, last = field & 0xf;

    return (field & 0x0fff00f0u) == 0x0fbf0000u && (first == 0x9 || first == 0xb) &&
           (second == 0xb || second == 0xd) && (third == 0x6 || third == 0x9) && (last == 1 || last == 2);
}

/* Of the fields that only this candidate has. */
static unsigned own_flaws(const struct cm_layout *layout, const struct candidate *candidate,
                          const uint8_t *header)
{
    bool big = layout->big_endian;

    switch (candidate->variant) {
    case CM_PCAP_MODIFIED:
        return (cm_load_u32_as(header + 16, big) > MAX_INTERFACE_INDEX) +
               !is_1999_protocol(cm_load_u16_as(header + 20, big)) + (header[22] > MAX_PACKET_TYPE);
    case CM_PCAP_NOKIA:
        return !is_nokia_field(cm_load_u32_as(header + 16, big));
    default:
        return 0;
    }
}

static unsigned header_flaws(const struct cm_layout *layout, const struct candidate *candidate,
                             const uint8_t *header)
{
    bool big = layout->big_endian;
    uint32_t caplen = cm_load_u32_as(header + 8, big);
    uint32_t origlen = cm_load_u32_as(header + 12, big);
    unsigned flaws = own_flaws(layout, candidate, header);

    flaws += cm_load_u32_as(header + 4, big) >= 1000000;
    flaws += caplen > layout->max_packet_bytes;
    flaws += caplen > layout->snaplen;
    flaws += origlen > CM_MAX_PACKET_BYTES_LONG;
    flaws += caplen > origlen;
    return flaws;
}

/* *open_ret: bytes that are not here (yet) could still show flaws. */
static unsigned count_flaws(const struct cm_layout *layout, const struct candidate *candidate,
                            const uint8_t *records, size_t n, bool at_end, bool *open_ret)
{
    size_t used = 0;
    unsigned flaws = 0;

    *open_ret = false;
    for (unsigned i = 0; i < RECORDS_TO_TRY; i++) {
        uint32_t caplen;

        if (n - used < candidate->header_bytes) {
            *open_ret = !at_end;
            return flaws + (at_end && used != n);
        }
        flaws += header_flaws(layout, candidate, records + used);
        caplen = cm_load_u32_as(records + used + 8, layout->big_endian);
        if (caplen > layout->max_packet_bytes)
            return flaws;
        used += candidate->header_bytes;
        if (n - used < caplen) {
            *open_ret = !at_end;
            return flaws + at_end;
        }
        used += caplen;
    }
    return flaws;
}

bool cm_pcap_guess_variant(struct cm_layout *layout, bool modified_magic, const uint8_t *records, size_t n,
                           bool at_end)
{
    const struct candidate *candidates = modified_magic ? modified_magic_candidates : standard_magic;
    const size_t n_candidates = modified_magic ? 2 : 3;
    const struct candidate *best = &candidates[0];
    unsigned fewest = UINT32_MAX;
    bool waiting = !at_end && n < MAX_LOOK_BYTES;
    bool contested = false;

    if (n > MAX_LOOK_BYTES)
        n = MAX_LOOK_BYTES;
    if (waiting && n < GREATEST_HEADER_BYTES)
        return false;
    /* Unlike libwiretap we drop a candidate at once where its own fields of the first record make no sense:
     * then the first packet of a live stream decides, and the answer does not depend on how many bytes were
     * at hand. */
    for (size_t i = 1; i < n_candidates; i++)
        contested =
            contested || (n >= candidates[i].header_bytes && own_flaws(layout, &candidates[i], records) == 0);
    for (size_t i = 0; contested && i < n_candidates; i++) {
        bool open;
        unsigned flaws;

        if (n < candidates[i].header_bytes || own_flaws(layout, &candidates[i], records) > 0)
            continue;
        flaws = count_flaws(layout, &candidates[i], records, n, at_end, &open);
        if (open && waiting)
            return false;
        if (flaws < fewest) {
            fewest = flaws;
            best = &candidates[i];
        }
        if (fewest == 0)
            break;
    }
    layout->variant = best->variant;
    layout->record_header_bytes = best->header_bytes;
    return true;
}
