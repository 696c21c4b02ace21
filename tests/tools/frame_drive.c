/* SPDX-License-Identifier: Apache-2.0 */
/* The loop around cm_layout_open, _frame and _resync, with a check of their promises at every step. */
#include "tools/frame_drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROMISE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition);                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Bytes of the input from `offset` on, as many as were fed. */
struct window {
    const uint8_t *input;
    size_t input_bytes;
    size_t feed_bytes;
    size_t offset;
    size_t n;
    uint8_t *bytes;
};

static bool at_end(const struct window *w)
{
    return w->offset + w->n == w->input_bytes;
}

/* Drop `used` bytes and feed until `wanted` are there, or all. */
static void slide(struct window *w, size_t used, size_t wanted)
{
    size_t n = w->n - used;
    size_t left = w->input_bytes - w->offset - used;

    while (n < wanted && n < left)
        n = w->feed_bytes == 0 || w->feed_bytes > left - n ? left : n + w->feed_bytes;
    free(w->bytes);
    w->offset += used;
    w->n = n;
    w->bytes = malloc(n > 0 ? n : 1);
    PROMISE(w->bytes != NULL);
    if (n > 0)
        memcpy(w->bytes, w->input + w->offset, n);
}

static uint64_t checksum(const uint8_t *p, size_t n)
{
    uint64_t sum = 14695981039346656037ull; /* FNV-1a */

    for (size_t i = 0; i < n; i++)
        sum = (sum ^ p[i]) * 1099511628211ull;
    return sum;
}

static struct cm_driven_item *add_item(struct cm_driven *driven)
{
    if (driven->n_items == driven->capacity) {
        driven->capacity = driven->capacity == 0 ? 64 : 2 * driven->capacity;
        driven->items = realloc(driven->items, driven->capacity * sizeof(driven->items[0]));
        PROMISE(driven->items != NULL);
    }
    memset(&driven->items[driven->n_items], 0, sizeof(driven->items[0]));
    return &driven->items[driven->n_items++];
}

static void add_event(struct cm_driven *driven, const struct cm_event *event, const struct window *w)
{
    struct cm_driven_item *item = add_item(driven);

    item->event = *event;
    item->event.before_packet = 0;
    item->event.record = NULL;
    if (event->type == CM_EVENT_DAMAGE) {
        PROMISE(event->reason != NULL && event->record == NULL);
        driven->damaged_bytes += event->n_bytes;
        driven->n_damages++;
    } else {
        PROMISE(event->record == w->bytes + (event->place - w->offset));
        PROMISE(event->n_bytes <= w->n - (event->place - w->offset));
        item->checksum = checksum(event->record, event->n_bytes);
    }
}

static void add_packet(struct cm_driven *driven, const struct cm_packet *packet, const struct window *w)
{
    struct cm_driven_item *item = add_item(driven);
    const uint8_t *record = cm_packet_record(packet);

    PROMISE(packet->place >= w->offset && record == w->bytes + (packet->place - w->offset));
    PROMISE(packet->record_bytes <= w->n - (packet->place - w->offset));
    PROMISE(packet->record_before + (uint64_t)packet->caplen <= packet->record_bytes);
    PROMISE(packet->caplen <= CM_MAX_PACKET_BYTES_LONG && packet->interface < driven->interfaces.n);
    PROMISE(packet->link_type == cm_interfaces_get(&driven->interfaces, packet->interface)->link_type);
    item->packet = *packet;
    item->packet.data = NULL;
    item->checksum = checksum(record, packet->record_bytes);
    driven->n_packets++;
}

static void flush(struct cm_driven *driven, struct cm_batch *batch, const struct window *w)
{
    uint32_t next_event = 0;

    PROMISE(batch->n_packets <= CM_BATCH_CAPACITY && batch->n_events <= CM_BATCH_EVENTS);
    for (uint32_t i = 0; i <= batch->n_packets; i++) {
        while (next_event < batch->n_events && batch->events[next_event].before_packet == i)
            add_event(driven, &batch->events[next_event++], w);
        if (i < batch->n_packets)
            add_packet(driven, &batch->packets[i], w);
    }
    PROMISE(next_event == batch->n_events);
    batch->n_packets = 0;
    batch->n_events = 0;
}

/* Skip damage at the window's beginning. False: the input ends with it. */
static bool skip_damage(struct cm_driven *driven, struct window *w, const char *reason)
{
    struct cm_event event = {.type = CM_EVENT_DAMAGE, .place = w->offset, .reason = reason};
    size_t skip = 0, wanted = 0;
    enum capmill_status status;

    PROMISE(reason != NULL);
    while ((status = cm_layout_resync(&driven->layout, w->bytes, w->n, at_end(w), &skip, &wanted)) ==
           CAPMILL_AGAIN) {
        PROMISE(!at_end(w) && wanted > 0 && skip <= w->n && (skip > 0 || w->n < CM_RESYNC_BYTES));
        slide(w, skip, w->n - skip + wanted);
    }
    PROMISE(status == CAPMILL_OK || (status == CAPMILL_END && skip == w->n));
    slide(w, skip, 1);
    event.n_bytes = w->offset - event.place;
    PROMISE(event.n_bytes > 0); /* progress: the place found is not the damaged one */
    add_event(driven, &event, w);
    return status == CAPMILL_OK;
}

static void frame_all(struct cm_driven *driven, struct window *w, struct cm_batch *batch)
{
    for (;;) {
        size_t used, wanted;
        const char *reason;
        enum cm_frame_result result =
            cm_layout_frame(&driven->layout, w->bytes, w->n, w->offset, UINT64_MAX, at_end(w), batch, &used,
                            &wanted, &reason, &driven->error);

        PROMISE(used <= w->n && driven->layout.framed_to == w->offset + used);
        flush(driven, batch, w);
        switch (result) {
        case CM_FRAME_FULL:
            PROMISE(used > 0);
            slide(w, used, 1);
            break;
        case CM_FRAME_MORE:
            if (wanted == 0) {
                PROMISE(at_end(w) && used == w->n);
                return;
            }
            PROMISE(!at_end(w) && wanted > w->n - used);
            slide(w, used, wanted);
            break;
        case CM_FRAME_DAMAGE:
            slide(w, used, 1);
            if (driven->error.status < 0) {
                driven->status = driven->error.status;
                return;
            }
            if (!skip_damage(driven, w, reason))
                return;
            break;
        default:
            PROMISE(!"a result that was not asked for");
        }
    }
}

void cm_drive(struct cm_driven *driven, const char *path, const uint8_t *bytes, size_t n, size_t feed_bytes)
{
    struct window w = {.input = bytes, .input_bytes = n, .feed_bytes = feed_bytes};
    struct cm_batch *batch = calloc(1, sizeof(*batch));

    PROMISE(batch != NULL);
    memset(driven, 0, sizeof(*driven));
    cm_interfaces_init(&driven->interfaces);
    slide(&w, 0, 1);
    for (;;) {
        driven->layout.interfaces = &driven->interfaces;
        driven->status = cm_layout_open(&driven->layout, path, w.bytes, w.n, at_end(&w),
                                        &driven->header_bytes, &driven->error);
        if (driven->status != CAPMILL_AGAIN)
            break;
        PROMISE(!at_end(&w) && w.n < 64 * 1024 && driven->interfaces.n == 0);
        slide(&w, 0, w.n + 1);
    }
    PROMISE(driven->status == driven->error.status);
    if (driven->status == CAPMILL_OK) {
        PROMISE(driven->header_bytes <= w.n);
        slide(&w, driven->header_bytes, 1);
        frame_all(driven, &w, batch);
    }
    free(w.bytes);
    free(batch);
}

void cm_driven_free(struct cm_driven *driven)
{
    cm_interfaces_fini(&driven->interfaces);
    free(driven->items);
    memset(driven, 0, sizeof(*driven));
}

static bool equal_items(const struct cm_driven_item *a, const struct cm_driven_item *b)
{
    const struct cm_packet *p = &a->packet, *q = &b->packet;
    const struct cm_event *e = &a->event, *f = &b->event;

    return a->checksum == b->checksum && p->time_ns == q->time_ns && p->place == q->place &&
           p->caplen == q->caplen && p->origlen == q->origlen && p->record_bytes == q->record_bytes &&
           p->record_before == q->record_before && p->flags == q->flags && p->interface == q->interface &&
           p->link_type == q->link_type && e->type == f->type && e->place == f->place &&
           e->n_bytes == f->n_bytes && e->interface == f->interface && e->reason == f->reason;
}

bool cm_driven_equal(const struct cm_driven *a, const struct cm_driven *b, size_t *at_ret)
{
    size_t n = a->n_items < b->n_items ? a->n_items : b->n_items;

    for (*at_ret = 0; *at_ret < n; ++*at_ret)
        if (!equal_items(&a->items[*at_ret], &b->items[*at_ret]))
            return false;
    return a->n_items == b->n_items && a->status == b->status && a->interfaces.n == b->interfaces.n &&
           a->layout.variant == b->layout.variant && a->header_bytes == b->header_bytes;
}
