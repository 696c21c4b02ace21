/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a record boundary in mid-file: after damage, and where a range begins. Not for judging records
 * while framing: pcap.c and pcapng.c take more than is plausible here.
 *
 * The rules. A place p is it when a chain of plausible headers begins there, each at the end of the record
 * before, and
 *   - the chain reaches further than LONGEST_RECORD bytes from p: no chain inside one packet's payload (a
 * capture that was sent over the network) can be so long; or, with at_end, it
 *   - ends exactly with the input, after at least one record; or
 *   - after at least one whole record comes a plausible header whose record is cut by the end; or
 *   - after at least two whole records come fewer bytes than a header has.
 * The first record is whole in each case, so the framer takes it and the caller makes progress.
 *
 * Plausible in pcap: captured length at most CM_MAX_PACKET_BYTES (also for link types that allow longer
 * packets: looking through those would need buffers of hundreds of MiB), not 0 at p, and at most SLACK above
 * the original length, which is below GREATEST_ORIGINAL; a fraction of a second that is one; not empty in
 * every way. Snaplen is not asked: too many files break it. Plausible in pcapng: equal lengths at both ends
 * of the block, at most GREATEST_BLOCK; a type that the format defines, at p and where the end cuts the
 * block; room for the type's fixed part and captured bytes.
 *
 * Linear time. If the chain from p fails at some place, so does the chain from each place that it visited: it
 * is shorter and has fewer records. So every visited place is marked, and a chain that meets a mark has
 * failed. No place is visited twice, hence at most n steps for n bytes whatever they are. Marks lie within
 * LONGEST_RECORD of p: a ring of bits. */
#include <assert.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/pcap.h"
#include "format/pcapng.h"
#include "format/records.h"

/* The greatest packet and the greatest header in front of it (pcap's 28 bytes, 32 around one of pcapng),
 * rounded up. */
#define LONGEST_RECORD (CM_MAX_PACKET_BYTES + 32u)
/* Captured length above the original one: a frame check sequence or a pseudo-header that was not counted. */
#define SLACK 64u
/* No packet is longer on the wire, not even one that was put together by the network card. */
#define GREATEST_ORIGINAL (16u * 1024 * 1024)
/* A greatest packet with as many bytes of options. */
#define GREATEST_BLOCK (2u * CM_MAX_PACKET_BYTES)
/* Asked for beyond what decides the first undecided place, so that a caller who brings just what was asked
 * for does not come back for every byte: then the whole stays linear, too. */
#define WANTED_AHEAD (64u * 1024)

#define RING_BITS (512u * 1024)
static_assert((RING_BITS & (RING_BITS - 1)) == 0 && RING_BITS > LONGEST_RECORD,
              "marks may not meet in the ring");
static_assert(LONGEST_RECORD + GREATEST_BLOCK + WANTED_AHEAD + 64 <= CM_RESYNC_BYTES, "promised in layout.h");

/* Failed places, by place modulo RING_BITS. */
struct marks {
    uint64_t words[RING_BITS / 64];
};

static inline bool is_marked(const struct marks *marks, size_t place)
{
    return (marks->words[place / 64 % (RING_BITS / 64)] >> (place % 64) & 1) != 0;
}

static inline void mark(struct marks *marks, size_t place)
{
    marks->words[place / 64 % (RING_BITS / 64)] |= (uint64_t)1 << (place % 64);
}

static inline void unmark(struct marks *marks, size_t place)
{
    marks->words[place / 64 % (RING_BITS / 64)] &= ~((uint64_t)1 << (place % 64));
}

enum verdict {
    IMPLAUSIBLE,
    PLAUSIBLE,  /* length is set */
    NEED_BYTES, /* length bytes from the header on would decide */
    CUT_HEADER, /* at the end of the input */
    CUT_RECORD,
};

struct look {
    enum verdict verdict;
    size_t length;
    bool big_endian; /* pcapng: order of this block and those after it */
};

struct search {
    const struct cm_layout *layout;
    const uint8_t *bytes;
    size_t n;
    bool at_end;
};

static struct look look_pcap(const struct search *s, size_t place, bool first)
{
    const struct cm_layout *layout = s->layout;
    const size_t header_bytes = layout->record_header_bytes;
    const bool big = layout->big_endian;
    const uint8_t *header = s->bytes + place;
    const size_t left = s->n - place;
    struct look look = {IMPLAUSIBLE, header_bytes, big};
    struct cm_pcap_lengths lengths;

    if (left < header_bytes) {
        look.verdict = s->at_end ? CUT_HEADER : NEED_BYTES;
        return look;
    }
    if (cm_load_u32_as(header + 4, big) >= (layout->nanoseconds ? 1000000000u : 1000000u))
        return look;
    lengths =
        cm_pcap_order_lengths(layout, cm_load_u32_as(header + 8, big), cm_load_u32_as(header + 12, big));
    if (lengths.caplen > CM_MAX_PACKET_BYTES || lengths.origlen > GREATEST_ORIGINAL ||
        lengths.caplen > lengths.origlen + SLACK || (first && lengths.caplen == 0) ||
        (lengths.caplen == 0 && lengths.origlen == 0))
        return look;
    look.length = header_bytes + lengths.caplen;
    look.verdict = s->at_end && left < look.length ? CUT_RECORD : PLAUSIBLE;
    return look;
}

/* Least length of a block, 0 for a type that the format does not define. */
static uint32_t least_block_bytes(uint32_t type)
{
    switch (type) {
    case CM_BLOCK_SECTION:
        return CM_BLOCK_SECTION_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_INTERFACE:
        return CM_BLOCK_INTERFACE_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_PACKET_ENHANCED:
    case CM_BLOCK_PACKET_OBSOLETE:
        return CM_BLOCK_ENHANCED_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_PACKET_SIMPLE:
        return CM_BLOCK_SIMPLE_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_STATISTICS:
        return CM_BLOCK_STATISTICS_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_SECRETS:
        return CM_BLOCK_SECRETS_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_CUSTOM:
    case CM_BLOCK_CUSTOM_NO_COPY:
        return CM_BLOCK_CUSTOM_FIXED + CM_BLOCK_TRAILER_BYTES;
    case CM_BLOCK_NAMES:
    case CM_BLOCK_JOURNAL:
        return CM_BLOCK_MIN_BYTES;
    default:
        return 0;
    }
}

static struct look look_pcapng(const struct search *s, size_t place, bool first, bool big)
{
    const uint8_t *block = s->bytes + place;
    const size_t left = s->n - place;
    struct look look = {IMPLAUSIBLE, CM_BLOCK_MIN_BYTES, big};
    uint32_t type, least;
    uint64_t padded;

    if (left < CM_BLOCK_MIN_BYTES) {
        look.verdict = s->at_end ? CUT_HEADER : NEED_BYTES;
        return look;
    }
    type = cm_load_u32_as(block, big);
    least = least_block_bytes(type);
    if (least == 0 && first)
        return look;
    if (type == CM_BLOCK_SECTION && !cm_pcapng_byte_order(block, &look.big_endian))
        return look;
    padded = cm_pcapng_padded(cm_load_u32_as(block + 4, look.big_endian));
    if (padded < CM_BLOCK_MIN_BYTES || padded < least || padded > GREATEST_BLOCK)
        return look;
    look.length = (size_t)padded;
    if (left < padded) {
        look.verdict = !s->at_end ? NEED_BYTES : least != 0 ? CUT_RECORD : IMPLAUSIBLE;
        return look;
    }
    if (cm_pcapng_padded(cm_load_u32_as(block + padded - CM_BLOCK_TRAILER_BYTES, look.big_endian)) != padded)
        return look;
    if ((type == CM_BLOCK_PACKET_ENHANCED || type == CM_BLOCK_PACKET_OBSOLETE) &&
        cm_load_u32_as(block + 20, look.big_endian) > padded - least)
        return look;
    look.verdict = PLAUSIBLE;
    return look;
}

enum chain_result { CHAIN_FAILED, CHAIN_HOLDS, CHAIN_UNDECIDED };

/* Follow the chain from p. *need_ret with CHAIN_UNDECIDED: as many bytes from the buffer's beginning
 * decide. */
__attribute__((always_inline)) static inline enum chain_result
follow_chain(const struct search *s, struct marks marks[2], size_t p, size_t *need_ret, bool pcapng)
{
    bool big = s->layout->big_endian;
    size_t place = p;
    size_t n_whole = 0;

    for (;;) {
        struct look look = pcapng ? look_pcapng(s, place, place == p, big) : look_pcap(s, place, place == p);

        switch (look.verdict) {
        case IMPLAUSIBLE:
            return CHAIN_FAILED;
        case NEED_BYTES:
            *need_ret = place + look.length;
            return CHAIN_UNDECIDED;
        case CUT_HEADER:
            return n_whole >= 2 ? CHAIN_HOLDS : CHAIN_FAILED;
        case CUT_RECORD:
            return n_whole >= 1 ? CHAIN_HOLDS : CHAIN_FAILED;
        case PLAUSIBLE:
            break;
        }
        big = look.big_endian;
        if (is_marked(&marks[pcapng && big], place))
            return CHAIN_FAILED;
        mark(&marks[pcapng && big], place);
        place += look.length;
        n_whole++;
        if (place - p > LONGEST_RECORD || (s->at_end && place == s->n))
            return CHAIN_HOLDS;
        if (place > s->n) {
            /* only pcap, whose headers are judged before their records are here */
            *need_ret = place + s->layout->record_header_bytes;
            return CHAIN_UNDECIDED;
        }
    }
}

__attribute__((always_inline)) static inline enum capmill_status
find_chain(const struct search *s, struct marks marks[2], size_t *skip_ret, size_t *wanted_ret, bool pcapng)
{
    size_t p;

    for (p = 0; p < s->n; p++) {
        size_t need;

        switch (follow_chain(s, marks, p, &need, pcapng)) {
        case CHAIN_HOLDS:
            *skip_ret = p;
            return CAPMILL_OK;
        case CHAIN_UNDECIDED:
            *skip_ret = p;
            *wanted_ret =
                (size_t)cm_max_u64(need, p + LONGEST_RECORD + CM_BLOCK_MIN_BYTES) - s->n + WANTED_AHEAD;
            return CAPMILL_AGAIN;
        case CHAIN_FAILED:
            break;
        }
        /* p is behind us: its bits serve the place one ring further on */
        unmark(&marks[0], p);
        if (pcapng)
            unmark(&marks[1], p);
    }
    *skip_ret = s->n;
    *wanted_ret = LONGEST_RECORD + WANTED_AHEAD;
    return s->at_end ? CAPMILL_END : CAPMILL_AGAIN;
}

enum capmill_status cm_layout_resync(const struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     bool at_end, size_t *skip_ret, size_t *wanted_ret)
{
    struct search search = {layout, bytes, n, at_end};
    struct marks marks[2]; /* by byte order; one serves pcap. 128 KiB of stack. */

    *wanted_ret = 0;
    if (layout->kind == CM_CAPTURE_PCAPNG) {
        memset(marks, 0, sizeof(marks));
        return find_chain(&search, marks, skip_ret, wanted_ret, true);
    }
    memset(&marks[0], 0, sizeof(marks[0]));
    return find_chain(&search, marks, skip_ret, wanted_ret, false);
}
