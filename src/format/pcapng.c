/* SPDX-License-Identifier: Apache-2.0 */
/* Framing pcapng blocks (draft-ietf-opsawg-pcapng): structure, sections, packets. What an interface
 * description says is read in pcapng_interface.c. */
#include "format/pcapng.h"

#include "base/checked.h"
#include "base/endian.h"
#include "core/batch.h"
#include "format/pcap.h"

/* One call of the framer: what it was given and where it stands. */
struct framing {
    struct cm_layout *layout;
    const uint8_t *bytes;
    size_t n;
    uint64_t offset;
    bool at_end;
    struct cm_batch *batch;
    size_t used;
    size_t wanted;
    const char *reason;
    struct cm_error *error;
};

/* The block at hand, its length already checked. */
struct block {
    const uint8_t *bytes;
    uint32_t type;
    uint32_t n; /* with padding and trailer; a multiple of four */
};

/* What became of a block. */
enum block_result { BLOCK_TAKEN, BLOCK_UNSETTLED, BLOCK_FAILED };

bool cm_pcapng_byte_order(const uint8_t *block, bool *big_endian_ret)
{
    *big_endian_ret = cm_load_u32_as(block + 8, true) == CM_PCAPNG_BYTE_ORDER_MAGIC;
    return *big_endian_ret || cm_load_u32_as(block + 8, false) == CM_PCAPNG_BYTE_ORDER_MAGIC;
}

enum capmill_status cm_pcapng_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                   bool at_end, size_t *header_bytes_ret, struct cm_error *error)
{
    if (n < 16) {
        if (!at_end)
            return CAPMILL_AGAIN;
        return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                            "%s: pcapng section header cut: only %u bytes are there", path, (unsigned)n);
    }
    layout->kind = CM_CAPTURE_PCAPNG;
    if (!cm_pcapng_byte_order(bytes, &layout->big_endian))
        return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                            "%s: begins like pcapng, but its byte-order magic is 0x%08x", path,
                            (unsigned)cm_load_u32_as(bytes + 8, false));
    layout->version_major = cm_load_u16_as(bytes + 12, layout->big_endian);
    layout->version_minor = cm_load_u16_as(bytes + 14, layout->big_endian);
    if (!cm_pcapng_is_known_version(layout->version_major, layout->version_minor))
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "%s: pcapng of version %u.%u; versions 1.0 and 1.2 are read", path,
                            layout->version_major, layout->version_minor);
    layout->max_packet_bytes = CM_MAX_PACKET_BYTES;
    *header_bytes_ret = 0;
    return CAPMILL_OK;
}

static struct cm_event *add_event(struct framing *f, enum cm_event_type type, const struct block *block)
{
    struct cm_event *event = &f->batch->events[f->batch->n_events++];

    event->type = type;
    event->before_packet = f->batch->n_packets;
    event->place = f->offset + f->used;
    event->record = block->bytes;
    event->n_bytes = block->n;
    event->interface = f->layout->section;
    event->reason = NULL;
    return event;
}

/* The block is skipped, or with n_bytes 0 only remarked upon. */
static void add_damage(struct framing *f, uint64_t n_bytes, const char *reason)
{
    struct cm_event *event = &f->batch->events[f->batch->n_events++];

    event->type = CM_EVENT_DAMAGE;
    event->before_packet = f->batch->n_packets;
    event->place = f->offset + f->used;
    event->record = NULL;
    event->n_bytes = n_bytes;
    event->interface = 0;
    event->reason = reason;
}

static enum block_result skip_block(struct framing *f, const struct block *block, const char *reason)
{
    add_damage(f, block->n, reason);
    return BLOCK_TAKEN;
}

static enum block_result take_section(struct framing *f, const struct block *block)
{
    struct cm_layout *layout = f->layout;
    bool big;

    if (layout->table_frozen)
        return BLOCK_UNSETTLED;
    cm_pcapng_byte_order(block->bytes, &big); /* known: frame_block looked */
    layout->big_endian = big;
    layout->section = layout->interfaces->n_sections++;
    layout->first_interface = layout->interfaces->n;
    layout->n_interfaces = 0;
    layout->last_time_ns = 0;
    layout->last_time_unknown = false;
    layout->version_major = cm_load_u16_as(block->bytes + 12, big);
    layout->version_minor = cm_load_u16_as(block->bytes + 14, big);
    layout->section_unreadable = !cm_pcapng_is_known_version(layout->version_major, layout->version_minor);
    if (layout->section_unreadable)
        return skip_block(f, block, "section of an unknown version");
    add_event(f, CM_EVENT_SECTION, block);
    return BLOCK_TAKEN;
}

static enum block_result take_interface(struct framing *f, const struct block *block)
{
    struct cm_layout *layout = f->layout;
    struct cm_interface interface;
    bool options_sound;

    if (layout->table_frozen)
        return BLOCK_UNSETTLED;
    if (block->n < CM_BLOCK_INTERFACE_FIXED + CM_BLOCK_TRAILER_BYTES)
        return skip_block(f, block, "interface description too short");
    options_sound = cm_pcapng_read_interface(block->bytes, block->n, layout->big_endian, &interface);
    interface.section = layout->section;
    interface.id = layout->n_interfaces;
    if (cm_interfaces_append(layout->interfaces, &interface, block->bytes, block->n, f->error) < 0) {
        f->reason = "interface that could not be kept";
        return BLOCK_FAILED;
    }
    add_event(f, CM_EVENT_INTERFACE, block)->interface = layout->first_interface + layout->n_interfaces;
    layout->n_interfaces++;
    if (!options_sound)
        add_damage(f, 0, "an option of the interface description runs past its block");
    return BLOCK_TAKEN;
}

/* Units of time are few: the two common ones without division. */
static inline uint64_t to_ns(const struct cm_time_units *units, uint64_t ticks, uint16_t *flags)
{
    bool saturated;
    uint64_t ns;

    if (CM_LIKELY(!units->binary && units->offset_s == 0)) {
        if (units->exponent == 9)
            return ticks;
        if (units->exponent == 6 && ticks <= UINT64_MAX / 1000)
            return ticks * 1000;
    }
    ns = cm_time_to_ns(units, ticks, &saturated);
    if (saturated)
        *flags |= CM_PACKET_TIME_SATURATED;
    return ns;
}

static void add_packet(struct framing *f, const struct block *block, uint32_t fixed_bytes,
                       uint32_t interface_id, const struct cm_interface *interface, uint32_t caplen,
                       uint32_t origlen, uint64_t time_ns, uint16_t flags)
{
    struct cm_packet *packet = &f->batch->packets[f->batch->n_packets++];

    packet->data = block->bytes + fixed_bytes;
    packet->time_ns = time_ns;
    packet->place = f->offset + f->used;
    packet->caplen = caplen;
    packet->origlen = origlen;
    packet->record_bytes = block->n;
    packet->record_before = (uint16_t)fixed_bytes;
    packet->flags = flags;
    packet->interface = f->layout->first_interface + interface_id;
    packet->link_type = interface->link_type;
    packet->reserved = 0;
    f->layout->last_time_ns = time_ns;
}

/* Enhanced and obsolete packet blocks: the same places for time and lengths. */
static enum block_result take_timed_packet(struct framing *f, const struct block *block)
{
    struct cm_layout *layout = f->layout;
    const bool big = layout->big_endian;
    const uint8_t *p = block->bytes;
    const struct cm_interface *interface;
    uint32_t id, caplen;
    uint64_t ticks, time_ns;
    uint16_t flags = 0;

    static_assert(CM_BLOCK_ENHANCED_FIXED == CM_BLOCK_OBSOLETE_FIXED, "one function reads both");
    if (block->n < CM_BLOCK_ENHANCED_FIXED + CM_BLOCK_TRAILER_BYTES)
        return skip_block(f, block, "packet block too short");
    id = block->type == CM_BLOCK_PACKET_ENHANCED ? cm_load_u32_as(p + 8, big) : cm_load_u16_as(p + 8, big);
    if (CM_UNLIKELY(id >= layout->n_interfaces))
        return layout->table_frozen ? BLOCK_UNSETTLED
                                    : skip_block(f, block, "packet of an interface that was not described");
    interface = cm_interfaces_get(layout->interfaces, layout->first_interface + id);
    if (CM_UNLIKELY(interface == NULL))
        return BLOCK_UNSETTLED;
    caplen = cm_load_u32_as(p + 20, big);
    if (CM_UNLIKELY(caplen > block->n - CM_BLOCK_ENHANCED_FIXED - CM_BLOCK_TRAILER_BYTES))
        return skip_block(f, block, "captured length beyond the packet's block");
    if (CM_UNLIKELY(caplen > CM_MAX_PACKET_BYTES && caplen > cm_pcap_max_packet_bytes(interface->link_type)))
        return skip_block(f, block, "captured length beyond any packet's");
    ticks = (uint64_t)cm_load_u32_as(p + 12, big) << 32 | cm_load_u32_as(p + 16, big);
    time_ns = to_ns(&interface->units, ticks, &flags);
    layout->last_time_unknown = false;
    add_packet(f, block, CM_BLOCK_ENHANCED_FIXED, id, interface, caplen, cm_load_u32_as(p + 24, big), time_ns,
               flags);
    return BLOCK_TAKEN;
}

static enum block_result take_simple_packet(struct framing *f, const struct block *block)
{
    struct cm_layout *layout = f->layout;
    const struct cm_interface *interface;
    uint32_t origlen, caplen;

    if (layout->table_frozen && (layout->n_interfaces == 0 || layout->last_time_unknown))
        return BLOCK_UNSETTLED;
    if (block->n < CM_BLOCK_SIMPLE_FIXED + CM_BLOCK_TRAILER_BYTES)
        return skip_block(f, block, "packet block too short");
    if (layout->n_interfaces == 0)
        return skip_block(f, block, "packet of an interface that was not described");
    interface = cm_interfaces_get(layout->interfaces, layout->first_interface);
    if (interface == NULL)
        return BLOCK_UNSETTLED;
    /* section 4.4: the captured length is not there; it is the least of these three */
    origlen = cm_load_u32_as(block->bytes + 8, layout->big_endian);
    caplen = block->n - CM_BLOCK_SIMPLE_FIXED - CM_BLOCK_TRAILER_BYTES;
    if (origlen < caplen)
        caplen = origlen;
    if (interface->snaplen != 0 && interface->snaplen < caplen)
        caplen = interface->snaplen;
    if (caplen > cm_pcap_max_packet_bytes(interface->link_type))
        return skip_block(f, block, "captured length beyond any packet's");
    add_packet(f, block, CM_BLOCK_SIMPLE_FIXED, 0, interface, caplen, origlen, layout->last_time_ns,
               CM_PACKET_NO_TIME);
    return BLOCK_TAKEN;
}

static enum block_result take_block(struct framing *f, const struct block *block)
{
    if (CM_UNLIKELY(f->layout->section_unreadable && block->type != CM_BLOCK_SECTION))
        return skip_block(f, block, "block in a section of an unknown version");
    switch (block->type) {
    case CM_BLOCK_PACKET_ENHANCED:
    case CM_BLOCK_PACKET_OBSOLETE:
        return take_timed_packet(f, block);
    case CM_BLOCK_PACKET_SIMPLE:
        return take_simple_packet(f, block);
    case CM_BLOCK_SECTION:
        return take_section(f, block);
    case CM_BLOCK_INTERFACE:
        return take_interface(f, block);
    default:
        add_event(f, CM_EVENT_METADATA, block);
        return BLOCK_TAKEN;
    }
}

/* Could a block begin here? Used where the one before it has two lengths. */
static bool looks_like_block(const uint8_t *p, bool big)
{
    uint32_t type = cm_load_u32_as(p, big);
    uint32_t length = cm_load_u32_as(p + 4, big);

    if (type == CM_BLOCK_SECTION)
        return cm_pcapng_byte_order(p, &big);
    return length >= CM_BLOCK_MIN_BYTES && length <= CM_MAX_BLOCK_BYTES &&
           ((type >= CM_BLOCK_INTERFACE && type <= CM_BLOCK_SECRETS) || type == CM_BLOCK_CUSTOM ||
            type == CM_BLOCK_CUSTOM_NO_COPY);
}

static enum cm_frame_result more(struct framing *f, size_t wanted, const char *reason)
{
    f->wanted = wanted;
    f->reason = reason;
    return f->at_end ? CM_FRAME_DAMAGE : CM_FRAME_MORE;
}

static enum cm_frame_result damage(struct framing *f, const char *reason)
{
    f->reason = reason;
    return CM_FRAME_DAMAGE;
}

/* Frames the block at f->used. CM_FRAME_LIMIT stands for "done, go on". */
static inline enum cm_frame_result frame_block(struct framing *f)
{
    const uint8_t *p = f->bytes + f->used;
    const size_t left = f->n - f->used;
    bool big = f->layout->big_endian;
    bool lengths_differ;
    struct block block = {.bytes = p};
    uint64_t padded;
    uint32_t n_events = f->batch->n_events;

    if (CM_UNLIKELY(left < CM_BLOCK_MIN_BYTES))
        return more(f, CM_BLOCK_MIN_BYTES, "block cut by the end of the file");
    block.type = cm_load_u32_as(p, big);
    if (CM_UNLIKELY(block.type == CM_BLOCK_SECTION) && !cm_pcapng_byte_order(p, &big))
        return damage(f, "section header with an unknown byte-order magic");
    padded = cm_pcapng_padded(cm_load_u32_as(p + 4, big));
    if (CM_UNLIKELY(padded < CM_BLOCK_MIN_BYTES))
        return damage(f, "block length below the least possible");
    if (CM_UNLIKELY(padded > CM_MAX_BLOCK_BYTES))
        return damage(f, "block length beyond any block's");
    block.n = (uint32_t)padded;
    if (CM_UNLIKELY(block.type == CM_BLOCK_SECTION &&
                    block.n < CM_BLOCK_SECTION_FIXED + CM_BLOCK_TRAILER_BYTES))
        return damage(f, "section header too short");
    if (CM_UNLIKELY(left < block.n))
        return more(f, block.n, "block cut by the end of the file");
    lengths_differ = cm_pcapng_padded(cm_load_u32_as(p + block.n - CM_BLOCK_TRAILER_BYTES, big)) != padded;
    if (CM_UNLIKELY(lengths_differ)) {
        if (!f->at_end && left - block.n < CM_BLOCK_MIN_BYTES)
            return more(f, (size_t)block.n + CM_BLOCK_MIN_BYTES, NULL);
        if (left > block.n && (left - block.n < CM_BLOCK_MIN_BYTES || !looks_like_block(p + block.n, big)))
            return damage(f, "two different lengths of one block");
        add_damage(f, 0, "two different lengths of one block");
    }
    switch (take_block(f, &block)) {
    case BLOCK_TAKEN:
        f->used += block.n;
        return CM_FRAME_LIMIT;
    case BLOCK_UNSETTLED:
        f->batch->n_events = n_events;
        return CM_FRAME_UNSETTLED;
    default:
        f->batch->n_events = n_events;
        return CM_FRAME_DAMAGE;
    }
}

/* A block makes at most this many events. */
#define EVENTS_PER_BLOCK 3

enum cm_frame_result cm_pcapng_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     uint64_t offset, uint64_t limit, bool at_end, struct cm_batch *batch,
                                     size_t *used_ret, size_t *wanted_ret, const char **reason_ret,
                                     struct cm_error *error)
{
    struct framing f = {.layout = layout,
                        .bytes = bytes,
                        .n = n,
                        .offset = offset,
                        .at_end = at_end,
                        .batch = batch,
                        .error = error};
    enum cm_frame_result result;

    for (;;) {
        if (CM_UNLIKELY(offset + f.used >= limit)) {
            result = CM_FRAME_LIMIT;
            break;
        }
        if (CM_UNLIKELY(f.used == n)) {
            result = CM_FRAME_MORE;
            f.wanted = at_end ? 0 : CM_BLOCK_MIN_BYTES;
            break;
        }
        if (CM_UNLIKELY(batch->n_packets == CM_BATCH_CAPACITY ||
                        batch->n_events > CM_BATCH_EVENTS - EVENTS_PER_BLOCK)) {
            result = CM_FRAME_FULL;
            break;
        }
        result = frame_block(&f);
        if (CM_UNLIKELY(result != CM_FRAME_LIMIT))
            break;
    }
    *used_ret = f.used;
    *wanted_ret = f.wanted;
    *reason_ret = f.reason;
    return result;
}
