/* SPDX-License-Identifier: Apache-2.0 */
/* IEEE 802.11 data frames and the headers that capture tools put before them. Frames are not decrypted,
 * reassembled or taken apart into aggregated ones. */
#include "wire/headers_int.h"

#define RADIOTAP_TSFT     0x1u
#define RADIOTAP_FLAGS    0x2u
#define RADIOTAP_MORE     0x80000000u
#define RADIOTAP_DATA_PAD 0x20

/* `padded`: the capturing driver rounded the header up to four bytes. 802.11-2020, section 9.3.2.1. */
void cm_walk_ieee80211(struct cm_walk *walk, bool padded)
{
    const uint8_t *p = walk->data + walk->at;
    uint8_t control, flags;
    bool aggregated = false;
    uint32_t n = 24;

    if (!cm_walk_has(walk, 2))
        return;
    control = p[0];
    flags = p[1];
    if ((control & 0x0f) != 0x08) /* version 0, data */
        return;
    if (control & 0x40) /* a null frame: no body */
        return;
    if (flags & 0x40) /* protected */
        return;
    if ((flags & 0x03) == 0x03) /* to and from the distribution system: a fourth address */
        n += 6;
    if (control & 0x80) { /* quality of service */
        if (!cm_walk_has(walk, n + 2))
            return;
        aggregated = p[n] & 0x80;
        n += 2;
        if (flags & 0x80) /* high-throughput control */
            n += 4;
    }
    if (padded)
        n = (n + 3) & ~3u;
    if (!cm_walk_has(walk, n) || aggregated)
        return;
    /* only the first fragment of a frame begins with LLC */
    if (cm_load_le16(p + 22) & 15)
        return;
    walk->at += n;
    cm_walk_llc(walk);
}

/* radiotap.org: version, pad, length, then words of present bits; the fields follow in the order of their
 * bits, of which only the first two matter here. */
void cm_walk_radiotap(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n, present, field = 4;
    bool padded = false;

    if (!cm_walk_has(walk, 8))
        return;
    n = cm_load_le16(p + 2);
    if (p[0] != 0 || n < 8) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, n))
        return;
    present = cm_load_le32(p + 4);
    if (present & RADIOTAP_FLAGS) {
        while (field + 4 <= n && cm_load_le32(p + field) & RADIOTAP_MORE)
            field += 4;
        field += 4;
        if (present & RADIOTAP_TSFT)
            field = ((field + 7) & ~7u) + 8;
        if (field < n)
            padded = p[field] & RADIOTAP_DATA_PAD;
    }
    walk->at += n;
    cm_walk_ieee80211(walk, padded);
}

/* AVS: magic 0x8021100x and the header's length, big endian. */
void cm_walk_avs(struct cm_walk *walk)
{
    const uint8_t *p = walk->data + walk->at;
    uint32_t n;

    if (!cm_walk_has(walk, 8))
        return;
    n = cm_load_be32(p + 4);
    if (cm_load_be32(p) >> 4 != 0x8021100 || n < 8) {
        cm_walk_bad(walk);
        return;
    }
    if (!cm_walk_has(walk, n))
        return;
    walk->at += n;
    cm_walk_ieee80211(walk, false);
}

/* Prism: 144 bytes, in the capturing machine's byte order; the same link type was used for AVS. */
void cm_walk_prism(struct cm_walk *walk)
{
    if (!cm_walk_has(walk, 8))
        return;
    if (cm_load_be32(walk->data + walk->at) >> 4 == 0x8021100) {
        cm_walk_avs(walk);
        return;
    }
    if (!cm_walk_has(walk, 144))
        return;
    walk->at += 144;
    cm_walk_ieee80211(walk, false);
}
