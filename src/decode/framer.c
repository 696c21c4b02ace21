/* SPDX-License-Identifier: Apache-2.0 */
/* Feeding segments to the record framers of format/ and keeping the chain between them. Not for knowing
 * records (format/) or threads (pipeline/). */
#include "decode/framer.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/records.h"

struct cm_framer {
    struct cm_layout layout;
    const struct cm_head
        *head; /* the part of the input still to be framed with the head's own state; NULL: past it */
    struct cm_source *source;
    struct cm_segment *segment; /* what `at` points into; NULL before the first */
    const uint8_t *at;          /* unframed bytes, contiguous */
    size_t n;
    uint64_t offset; /* of `at` in the input */
    uint64_t limit;
    uint32_t input;
    uint32_t part;
    uint64_t sequence;
    bool at_end;    /* the source has no more */
    bool searching; /* looking for a record: after damage, or at the beginning of a range */
    uint64_t
        damage_place; /* where the damage began that we search behind; CM_NOWHERE: beginning of a range */
    const char *damage_reason;
    struct cm_range_result result;
};

struct cm_framer *cm_framer_create(void)
{
    return calloc(1, sizeof(struct cm_framer));
}

void cm_framer_let_go(struct cm_framer *framer)
{
    if (framer->segment != NULL)
        cm_segment_release(framer->segment);
    framer->segment = NULL;
    framer->at = NULL;
    framer->n = 0;
}

void cm_framer_destroy(struct cm_framer *framer)
{
    if (framer == NULL)
        return;
    cm_framer_let_go(framer);
    free(framer);
}

static void begin(struct cm_framer *framer, struct cm_source *source, uint32_t input, uint64_t sequence,
                  uint64_t offset, uint64_t limit)
{
    cm_framer_let_go(framer);
    framer->source = source;
    framer->input = input;
    framer->sequence = sequence;
    framer->part = 0;
    framer->offset = offset;
    framer->limit = limit;
    framer->at_end = false;
    framer->searching = false;
    framer->damage_place = CM_NOWHERE;
    framer->head = NULL;
    framer->result =
        (struct cm_range_result){.start = CM_NOWHERE, .landing = offset, .open_damage = CM_NOWHERE};
}

void cm_framer_begin_range(struct cm_framer *framer, const struct cm_head *head, struct cm_source *source,
                           uint32_t input, uint64_t sequence, uint64_t offset, uint64_t limit)
{
    begin(framer, source, input, sequence, offset, limit);
    if (offset == 0) {
        framer->layout = head->at_header;
        framer->head = head;
    } else {
        framer->layout = head->at_packets;
        framer->layout.table_frozen = true;
        framer->searching = true;
    }
}

void cm_framer_begin_chain(struct cm_framer *framer, const struct cm_layout *layout, uint64_t header_bytes,
                           struct cm_source *source, uint32_t input, uint64_t limit)
{
    begin(framer, source, input, 0, 0, limit);
    framer->layout = *layout;
    framer->layout.table_frozen = false;
    framer->result.start = header_bytes;
}

void cm_framer_next_range(struct cm_framer *framer, uint64_t limit)
{
    framer->limit = limit;
    framer->sequence++;
    framer->part = 0;
    framer->result =
        (struct cm_range_result){.start = CM_NOWHERE, .landing = framer->offset, .open_damage = CM_NOWHERE};
}

const struct cm_range_result *cm_framer_result(const struct cm_framer *framer)
{
    return &framer->result;
}

/* Join what is left of the segment at hand with bytes to come, until at least `wanted` are contiguous or
 * there are no more: for records larger than the headroom. */
static enum capmill_status assemble(struct cm_framer *framer, struct cm_segment *first, size_t wanted,
                                    struct cm_error *error)
{
    size_t capacity = cm_align_up(cm_max_u64(wanted, framer->n + first->n_bytes), 4096);
    struct cm_segment *joined = cm_segment_create(0, capacity);
    struct cm_segment *next = first;
    enum capmill_status status = CAPMILL_OK;

    if (joined == NULL) {
        cm_segment_release(first);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a record of %zu bytes", wanted);
    }
    if (framer->n > 0)
        memcpy(joined->bytes, framer->at, framer->n);
    joined->n_bytes = framer->n;
    joined->offset = framer->offset;
    while (next != NULL) {
        if (joined->n_bytes + next->n_bytes > capacity) {
            /* the last piece is longer than what was wanted: room for it whole, once */
            struct cm_segment *larger = cm_segment_create(0, joined->n_bytes + next->n_bytes);

            if (larger == NULL) {
                cm_segment_release(next);
                cm_segment_release(joined);
                return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a record of %zu bytes",
                                    wanted);
            }
            memcpy(larger->bytes, joined->bytes, joined->n_bytes);
            larger->n_bytes = joined->n_bytes;
            larger->offset = joined->offset;
            capacity = joined->n_bytes + next->n_bytes;
            cm_segment_release(joined);
            joined = larger;
        }
        memcpy(joined->bytes + joined->n_bytes, next->bytes, next->n_bytes);
        joined->n_bytes += next->n_bytes;
        cm_segment_release(next);
        next = NULL;
        if (joined->n_bytes < wanted) {
            status = framer->source->next(framer->source, &next, error);
            if (status == CAPMILL_END)
                framer->at_end = true;
            if (status < 0) {
                cm_segment_release(joined);
                return status;
            }
        }
    }
    if (framer->segment != NULL)
        cm_segment_release(framer->segment);
    framer->segment = joined;
    framer->at = joined->bytes;
    framer->n = joined->n_bytes;
    return CAPMILL_OK;
}

/* Have more bytes behind those at hand: `wanted` of them in all, or fewer, and then the caller asks again. */
static enum capmill_status fetch(struct cm_framer *framer, size_t wanted, struct cm_error *error)
{
    struct cm_segment *next = NULL;
    enum capmill_status status = framer->source->next(framer->source, &next, error);

    if (status == CAPMILL_END) {
        framer->at_end = true;
        return CAPMILL_OK;
    }
    if (status < 0)
        return status;
    if (framer->n > 0 && framer->at + framer->n == next->bytes) {
        /* mapped: what is left lies right in front already */
        framer->n += next->n_bytes;
    } else if (framer->n == 0 && next->headroom_bytes == 0) {
        /* mapped, from its first bytes: what is wanted beyond them will lie right behind */
        framer->at = next->bytes;
        framer->n = next->n_bytes;
    } else if (framer->n + next->n_bytes < wanted || framer->n > next->headroom_bytes) {
        return assemble(framer, next, wanted, error);
    } else {
        if (framer->n > 0)
            memcpy(next->bytes - framer->n, framer->at, framer->n);
        framer->at = next->bytes - framer->n;
        framer->n += next->n_bytes;
    }
    if (framer->segment != NULL)
        cm_segment_release(framer->segment);
    framer->segment = next;
    return CAPMILL_OK;
}

static void use(struct cm_framer *framer, size_t n_bytes)
{
    framer->at += n_bytes;
    framer->n -= n_bytes;
    framer->offset += n_bytes;
}

/* False when the batch has no room for the event: the caller ends the batch first. */
static bool note_damage(struct cm_framer *framer, struct cm_batch *batch, uint64_t place, uint64_t n_bytes,
                        const char *reason)
{
    if (batch->n_events == CM_BATCH_EVENTS)
        return false;
    batch->events[batch->n_events++] = (struct cm_event){.type = CM_EVENT_DAMAGE,
                                                         .before_packet = batch->n_packets,
                                                         .place = place,
                                                         .n_bytes = n_bytes,
                                                         .reason = reason};
    return true;
}

/* Events of damage that a record framer or we put into a batch, counted for the range. */
static void count_damages(struct cm_framer *framer, const struct cm_batch *batch)
{
    struct cm_range_result *result = &framer->result;

    for (uint32_t i = 0; i < batch->n_events; i++) {
        const struct cm_event *event = &batch->events[i];

        if (event->type != CM_EVENT_DAMAGE || event->place == result->open_damage)
            continue;
        if (result->n_damages < CM_RANGE_DAMAGES)
            result->damages[result->n_damages] =
                (struct cm_damage){event->place, event->n_bytes, event->reason};
        result->n_damages++;
        result->damaged_bytes += event->n_bytes;
    }
}

static enum capmill_status end_batch(struct cm_framer *framer, struct cm_batch *batch, bool last)
{
    batch->input = framer->input;
    batch->sequence = framer->sequence;
    batch->part = framer->part++;
    batch->last_of_sequence = last;
    batch->selected_all = true;
    batch->n_selected = batch->n_packets;
    if (framer->segment != NULL && (batch->n_packets > 0 || batch->n_events > 0))
        cm_batch_rest_on(batch, framer->segment);
    if (last) {
        framer->result.landing = framer->offset;
        framer->result.end_of_input = framer->at_end && framer->n == 0;
    }
    if (batch->n_events > 0)
        count_damages(framer, batch);
    framer->result.n_packets += batch->n_packets;
    return last ? CAPMILL_END : CAPMILL_OK;
}

/* Look for a record. CAPMILL_OK: `at` stands on one, or the limit or the end of the input was reached
 * (end_ret). */
static enum capmill_status search(struct cm_framer *framer, bool *end_ret, struct cm_error *error)
{
    *end_ret = false;
    for (;;) {
        size_t skip = 0;
        size_t wanted = 0;
        enum capmill_status status =
            cm_layout_resync(&framer->layout, framer->at, framer->n, framer->at_end, &skip, &wanted);

        /* a place at or behind the limit is for the next range to find: the search is a function of the bytes
         * alone */
        if (framer->offset + skip >= framer->limit) {
            use(framer, (size_t)(framer->limit - framer->offset));
            *end_ret = true;
            return CAPMILL_OK;
        }
        if (status == CAPMILL_END) {
            use(framer, framer->n);
            *end_ret = true;
            return CAPMILL_OK;
        }
        use(framer, skip);
        if (status == CAPMILL_OK)
            return CAPMILL_OK;
        status = fetch(framer, framer->n + wanted, error);
        if (status < 0)
            return status;
    }
}

/* The search ended at the limit or the end of the input, or found a record: what it skipped becomes an event.
 * False when the batch has no room. */
static bool close_search(struct cm_framer *framer, struct cm_batch *batch, bool open)
{
    if (framer->damage_place != CM_NOWHERE) {
        if (open) {
            framer->result.open_damage = framer->damage_place;
            framer->result.open_reason = framer->damage_reason;
        }
        /* damage that began in an earlier range is that range's, and seams.c closes it */
        if (framer->sequence == 0 || framer->damage_place >= framer->result.landing) {
            if (!note_damage(framer, batch, framer->damage_place, framer->offset - framer->damage_place,
                             framer->damage_reason))
                return false;
        }
    }
    if (!open) {
        framer->searching = false;
        framer->damage_place = CM_NOWHERE;
    }
    return true;
}

enum capmill_status cm_framer_next(struct cm_framer *framer, struct cm_batch *batch, struct cm_error *error)
{
    for (;;) {
        size_t used = 0;
        size_t wanted = 0;
        const char *reason = NULL;
        enum cm_frame_result framed;
        enum capmill_status status;
        uint64_t limit = framer->limit;

        if (framer->searching) {
            bool end;

            if (batch->n_packets > 0 || batch->n_events > 0)
                return end_batch(framer, batch, false); /* the search may let go of the segment it rests on */
            status = search(framer, &end, error);
            if (status < 0)
                return status;
            close_search(framer, batch, end);
            if (end)
                return end_batch(framer, batch, true);
        }

        if (framer->head != NULL) {
            if (framer->offset >= framer->head->first_packet) {
                framer->layout = framer->head->at_packets;
                framer->layout.table_frozen = true;
                framer->head = NULL;
            } else if (framer->offset == 0) {
                framer->result.start = framer->head->header_bytes;
            }
        }
        if (framer->head != NULL)
            limit = cm_min_u64(limit, framer->head->first_packet);
        /* the file header */
        if (framer->offset < framer->result.start && framer->result.start != CM_NOWHERE &&
            framer->sequence == 0) {
            size_t header = (size_t)(framer->result.start - framer->offset);

            if (framer->n < header && !framer->at_end) {
                status = fetch(framer, header, error);
                if (status < 0)
                    return status;
                continue;
            }
            use(framer, (size_t)cm_min_u64(header, framer->n));
        }
        if (framer->result.start == CM_NOWHERE && framer->offset < framer->limit &&
            (framer->n > 0 || !framer->at_end))
            framer->result.start = framer->offset;

        if (framer->n == 0 && !framer->at_end) {
            if (batch->n_packets > 0 || batch->n_events > 0)
                return end_batch(framer, batch, false);
            if (framer->offset >= framer->limit)
                return end_batch(framer, batch, true);
            status = fetch(framer, 1, error);
            if (status < 0)
                return status;
            continue;
        }
        if (framer->n == 0)
            return end_batch(framer, batch, true);

        framed = cm_layout_frame(&framer->layout, framer->at, framer->n, framer->offset, limit,
                                 framer->at_end, batch, &used, &wanted, &reason, error);
        use(framer, used);
        switch (framed) {
        case CM_FRAME_FULL:
            return end_batch(framer, batch, false);
        case CM_FRAME_LIMIT:
            if (framer->head != NULL && framer->offset < framer->limit)
                break; /* only the head's own limit: go on with the packets */
            return end_batch(framer, batch, true);
        case CM_FRAME_MORE:
            if (framer->n == 0 && framer->at_end)
                return end_batch(framer, batch, true);
            if (framer->at_end)
                return cm_error_set(error, CAPMILL_E_INTERNAL, 0,
                                    "a record at the end of the input is never complete");
            if (batch->n_packets > 0 || batch->n_events > 0)
                return end_batch(framer, batch,
                                 false); /* its bytes must stay: let it go before the segment does */
            status = fetch(framer, wanted, error);
            if (status < 0)
                return status;
            break;
        case CM_FRAME_DAMAGE:
            if (error != NULL && error->status < 0)
                return error->status;
            framer->searching = true;
            framer->damage_place = framer->offset;
            framer->damage_reason = reason;
            use(framer, framer->n > 0 ? 1 : 0); /* what stands here is known to be none */
            break;
        case CM_FRAME_UNSETTLED:
            framer->result.unsettled = true;
            return end_batch(framer, batch, true);
        }
    }
}

/* --- the head of an input --- */

enum capmill_status cm_head_frame(struct cm_head *head, const struct cm_layout *layout, size_t header_bytes,
                                  const uint8_t *bytes, size_t n, bool at_end,
                                  struct cm_interfaces *interfaces, struct cm_error *error)
{
    struct cm_interfaces scratch;
    struct cm_layout walk = *layout;
    struct cm_batch *batch = cm_batch_create(0);
    uint64_t offset = header_bytes;
    enum cm_frame_result framed;
    enum capmill_status status = CAPMILL_OK;

    if (batch == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a batch");
    cm_interfaces_init(&scratch);
    head->at_header = *layout;
    head->header_bytes = header_bytes;
    head->at_packets = *layout;
    head->at_packets.interfaces = interfaces;
    head->first_packet = header_bytes;

    /* first where the packets begin, with a table that is thrown away; then again up to there, with the real
     * one */
    walk.interfaces = layout->kind == CM_CAPTURE_PCAP ? layout->interfaces : &scratch;
    for (;;) {
        size_t used = 0;
        size_t wanted = 0;
        const char *reason = NULL;

        cm_batch_reset(batch);
        framed = cm_layout_frame(&walk, bytes + offset, n - (size_t)offset, offset, UINT64_MAX, at_end, batch,
                                 &used, &wanted, &reason, error);
        if (batch->n_packets > 0) {
            head->first_packet = batch->packets[0].place;
            break;
        }
        offset += used;
        head->first_packet = offset;
        if (framed != CM_FRAME_FULL || used == 0)
            break;
    }
    offset = header_bytes;
    while (layout->kind == CM_CAPTURE_PCAPNG && offset < head->first_packet) {
        size_t used = 0;
        size_t wanted = 0;
        const char *reason = NULL;

        cm_batch_reset(batch);
        framed = cm_layout_frame(&head->at_packets, bytes + offset, n - (size_t)offset, offset,
                                 head->first_packet, at_end, batch, &used, &wanted, &reason, error);
        offset += used;
        if (framed != CM_FRAME_FULL || used == 0)
            break;
    }
    if (error != NULL && error->status < 0)
        status = error->status;
    head->at_packets.last_time_ns = layout->last_time_ns;
    cm_interfaces_fini(&scratch);
    cm_batch_destroy(batch);
    return status;
}
