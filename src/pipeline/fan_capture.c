/* SPDX-License-Identifier: Apache-2.0 */
/* From ordered blocks to one capture. Not for tables, and not for deciding the order. */
#include "pipeline/fan_capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "os/thread.h"
#include "sink/turns.h"

/* Encoded blocks that may wait for a slow disk or reader: some for each of many threads, at most. */
#define MOST_AHEAD_BYTES (64u * 1024 * 1024)

struct cm_fan_capture {
    struct cm_fan_capture_options options;
    struct cm_written written;
    struct cm_file_outlet *outlet;
    struct cm_outlet table;
    struct cm_turns *turns;
    struct cm_mutex lock; /* guards `spare` */
    struct ticket *spare; /* written, for blocks to come: fresh memory costs as much as the encoding */
    /* of whoever settles */
    bool any_settled;
    uint64_t slice_end; /* of the slice that the latest packet went to */
    /* of whoever writes: what a file begins with */
    const uint8_t *header;
    size_t n_header;
};

/* A stretch of a block within one slice. */
struct stretch {
    size_t first;            /* packet */
    uint64_t time_ns;        /* of its first packet, as written */
    size_t header, n_header; /* in `texts`: what a new file begins with; none: no new file */
    size_t offset, n;        /* in the encoded bytes */
};

/* Bytes that come before a packet. */
struct event_bytes {
    size_t before;
    size_t offset, n; /* in `texts` */
};

/* A block on its way: settled, then encoded. */
struct ticket {
    struct ticket *next;
    struct stretch *stretches;
    size_t n_stretches, stretches_capacity;
    struct event_bytes *events;
    size_t n_events, events_capacity;
    uint8_t *texts;
    size_t n_texts, texts_capacity;
    uint8_t *bytes;
    size_t n, capacity;
};

static void free_ticket(struct ticket *ticket)
{
    if (ticket == NULL)
        return;
    free(ticket->stretches);
    free(ticket->events);
    free(ticket->texts);
    free(ticket->bytes);
    free(ticket);
}

/* NULL: no memory. */
static struct ticket *take_ticket(struct cm_fan_capture *capture)
{
    struct ticket *ticket;

    cm_mutex_lock(&capture->lock);
    ticket = capture->spare;
    if (ticket != NULL)
        capture->spare = ticket->next;
    cm_mutex_unlock(&capture->lock);
    if (ticket == NULL)
        return calloc(1, sizeof(*ticket));
    ticket->n_stretches = ticket->n_events = 0;
    ticket->n_texts = ticket->n = 0;
    return ticket;
}

/* Those that wait for their turn are bounded, and so are these. */
static void keep_ticket(struct cm_fan_capture *capture, struct ticket *ticket)
{
    cm_mutex_lock(&capture->lock);
    ticket->next = capture->spare;
    capture->spare = ticket;
    cm_mutex_unlock(&capture->lock);
}

static enum capmill_status no_memory(const struct cm_fan_capture *capture, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", capture->options.path);
}

/* --- settling --- */

static bool keep_text(struct ticket *ticket, const uint8_t *bytes, size_t n, size_t *offset_ret)
{
    if (!CM_GROW(ticket->texts, ticket->texts_capacity, ticket->n_texts + n, 512))
        return false;
    if (n > 0)
        memcpy(ticket->texts + ticket->n_texts, bytes, n);
    *offset_ret = ticket->n_texts;
    ticket->n_texts += n;
    return true;
}

static enum capmill_status begin_stretch(struct cm_fan_capture *capture, struct ticket *ticket, size_t first,
                                         uint64_t time_ns, bool new_file, struct cm_error *error)
{
    struct stretch *stretch;
    const uint8_t *header = NULL;
    size_t n = 0;
    enum capmill_status status = CAPMILL_OK;

    if (new_file)
        status = cm_written_header(&capture->written, &header, &n, error);
    if (status < 0)
        return status;
    if (!CM_GROW(ticket->stretches, ticket->stretches_capacity, ticket->n_stretches + 1, 1))
        return no_memory(capture, error);
    stretch = &ticket->stretches[ticket->n_stretches++];
    *stretch = (struct stretch){.first = first, .time_ns = time_ns, .n_header = n};
    return keep_text(ticket, header, n, &stretch->header) ? CAPMILL_OK : no_memory(capture, error);
}

static enum capmill_status settle_event(struct cm_fan_capture *capture, struct ticket *ticket,
                                        const struct cm_ordered_event *event, struct cm_error *error)
{
    const struct cm_encoder *encoder = &capture->written.encoder;
    struct event_bytes *kept;
    const uint8_t *bytes = NULL;
    size_t n = 0;
    enum capmill_status status =
        encoder->event(encoder->context, event->input, event->event, &bytes, &n, error);

    if (status < 0 || n == 0)
        return status;
    if (!CM_GROW(ticket->events, ticket->events_capacity, ticket->n_events + 1, 8))
        return no_memory(capture, error);
    kept = &ticket->events[ticket->n_events++];
    *kept = (struct event_bytes){.before = event->before, .n = n};
    return keep_text(ticket, bytes, n, &kept->offset) ? CAPMILL_OK : no_memory(capture, error);
}

static uint64_t written_time(const struct cm_fan_capture *capture, uint64_t time_ns)
{
    const struct cm_encoder *encoder = &capture->written.encoder;

    return encoder->time == NULL ? time_ns : encoder->time(encoder->context, time_ns);
}

/* Slices: packets are in order of time, so a new one begins where the old one ends. */
static bool begins_slice(struct cm_fan_capture *capture, uint64_t time_ns)
{
    if (capture->any_settled && (capture->table.slice_end == NULL || time_ns < capture->slice_end ||
                                 capture->slice_end == UINT64_MAX))
        return false;
    capture->any_settled = true;
    if (capture->table.slice_end != NULL)
        capture->slice_end = capture->table.slice_end(capture->table.context, time_ns);
    return true;
}

/* Events without packets go into the latest slice; the first time of all where there is none. */
static enum capmill_status begin_rest(struct cm_fan_capture *capture, struct ticket *ticket,
                                      struct cm_error *error)
{
    uint64_t time_ns = !capture->any_settled     ? written_time(capture, 0)
                       : capture->slice_end == 0 ? 0
                                                 : capture->slice_end - 1;

    return begin_stretch(capture, ticket, 0, time_ns, begins_slice(capture, time_ns), error);
}

enum capmill_status cm_fan_capture_settle(struct cm_fan_capture *capture,
                                          const struct cm_ordered_block *block, const uint64_t *first_ns,
                                          void **ticket_ret, struct cm_error *error)
{
    struct ticket *ticket = take_ticket(capture);
    bool is_sliced = capture->table.slice_end != NULL;
    size_t event = 0;
    enum capmill_status status = CAPMILL_OK;

    if (ticket == NULL)
        return no_memory(capture, error);
    if (capture->written.encoder.first != NULL && first_ns != NULL)
        cm_written_set_first(&capture->written, *first_ns);
    /* without slices the first packet alone says where the block goes */
    for (size_t i = 0; i < block->n_packets && status >= 0; i++) {
        uint64_t time_ns = is_sliced || i == 0 ? written_time(capture, block->packets[i].time_ns) : 0;
        bool begins = (is_sliced || i == 0) && begins_slice(capture, time_ns);

        if (begins || i == 0)
            status = begin_stretch(capture, ticket, i, time_ns, begins, error);
        while (status >= 0 && event < block->n_events && block->events[event].before <= i)
            status = settle_event(capture, ticket, &block->events[event++], error);
        if (!is_sliced && event == block->n_events)
            break;
    }
    if (status >= 0 && event < block->n_events && block->n_packets == 0)
        status = begin_rest(capture, ticket, error);
    while (status >= 0 && event < block->n_events)
        status = settle_event(capture, ticket, &block->events[event++], error);
    if (status < 0)
        free_ticket(ticket);
    else
        *ticket_ret = ticket;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_fan_capture_drop(struct cm_fan_capture *capture, void *ticket)
{
    (void)capture;
    free_ticket(ticket);
}

/* --- encoding --- */

static bool put(struct ticket *ticket, const uint8_t *bytes, size_t n)
{
    if (!CM_GROW(ticket->bytes, ticket->capacity, ticket->n + n, 64 * 1024))
        return false;
    memcpy(ticket->bytes + ticket->n, bytes, n);
    ticket->n += n;
    return true;
}

static bool put_packet(struct cm_fan_capture *capture, struct ticket *ticket,
                       const struct cm_ordered_packet *ordered, const struct cm_packet *packet)
{
    struct cm_record record = {ordered->record, ordered->time_ns, ordered->record_bytes, ordered->interface,
                               cm_place_input(ordered->place)};
    size_t n = cm_written_bytes_as(&capture->written, &record, packet);

    if (!CM_GROW(ticket->bytes, ticket->capacity, ticket->n + n, 64 * 1024))
        return false;
    cm_written_put_as(&capture->written, &record, packet, ticket->bytes + ticket->n);
    ticket->n += n;
    return true;
}

enum capmill_status cm_fan_capture_take(struct cm_fan_capture *capture, const struct cm_ordered_block *block,
                                        const struct cm_packet_rows *packets, void *ticket_context,
                                        struct cm_error *error)
{
    struct ticket *ticket = ticket_context;
    size_t event = 0;
    size_t stretch = 0;
    bool good = true;

    for (size_t i = 0; i <= block->n_packets && good; i++) {
        while (stretch < ticket->n_stretches && ticket->stretches[stretch].first <= i)
            ticket->stretches[stretch++].offset = ticket->n;
        while (event < ticket->n_events && ticket->events[event].before <= i && good) {
            good = put(ticket, ticket->texts + ticket->events[event].offset, ticket->events[event].n);
            event++;
        }
        if (i < block->n_packets && good)
            good = put_packet(capture, ticket, &block->packets[i], &packets->packets[i]);
    }
    if (!good) {
        free_ticket(ticket);
        return no_memory(capture, error);
    }
    for (size_t i = 0; i < ticket->n_stretches; i++)
        ticket->stretches[i].n = (i + 1 < ticket->n_stretches ? ticket->stretches[i + 1].offset : ticket->n) -
                                 ticket->stretches[i].offset;
    return cm_turns_put(capture->turns, block->sequence, ticket, ticket->n + ticket->n_texts, error);
}

/* --- writing --- */

static enum capmill_status header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                  struct cm_error *error)
{
    struct cm_fan_capture *capture = context;

    /* none came with a packet: an output without packets */
    if (capture->header == NULL)
        return cm_written_header(&capture->written, bytes_ret, n_ret, error);
    *bytes_ret = capture->header;
    *n_ret = capture->n_header;
    return CAPMILL_OK;
}

static enum capmill_status work(void *context, void *item, struct cm_error *error)
{
    struct cm_fan_capture *capture = context;
    const struct cm_outlet *table = &capture->table;
    struct ticket *ticket = item;
    enum capmill_status status = CAPMILL_OK;

    for (size_t i = 0; i < ticket->n_stretches && status >= 0; i++) {
        const struct stretch *stretch = &ticket->stretches[i];
        struct cm_place place;

        capture->header = stretch->n_header > 0 ? ticket->texts + stretch->header : NULL;
        capture->n_header = stretch->n_header;
        status = table->reserve(table->context, stretch->time_ns, stretch->n, &place, error);
        if (status >= 0 && stretch->n > 0)
            status = table->write(table->context, &place, ticket->bytes + stretch->offset, stretch->n, error);
        capture->header = NULL;
    }
    keep_ticket(capture, ticket);
    return status;
}

static void discard(void *context, void *item)
{
    (void)context;
    free_ticket(item);
}

/* --- set-up --- */

static bool is_input(void *context, const struct cm_file_facts *facts)
{
    const struct cm_fan_capture *capture = context;

    return cm_inputs_have(capture->options.inputs, facts);
}

enum capmill_status cm_fan_capture_create(const struct cm_fan_capture_options *options,
                                          struct cm_fan_capture **capture_ret, struct cm_error *error)
{
    struct cm_fan_capture *capture = calloc(1, sizeof(*capture));
    struct cm_file_outlet_options outlet = options->outlet;
    struct cm_turns_options turns = {.name = "cm-capture",
                                     .limit_bytes = cm_min_u64(MOST_AHEAD_BYTES, options->memory_bytes),
                                     .own_thread = options->n_threads > 1,
                                     .context = capture,
                                     .work = work,
                                     .discard = discard};
    enum capmill_status status;

    if (capture == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for output %s", options->path);
    capture->options = *options;
    cm_mutex_init(&capture->lock);
    status = cm_written_open(&capture->written, options->inputs, options->wish, options->transform,
                             outlet.slice_ns != 0, error);
    outlet.path = options->path;
    outlet.n_threads = 1; /* the turns' */
    outlet.header = header;
    outlet.is_input = is_input;
    outlet.context = capture;
    outlet.slice_extension = capture->written.kind == CM_CAPTURE_PCAPNG ? ".pcapng" : ".pcap";
    if (status >= 0)
        status = cm_file_outlet_create(&outlet, &capture->outlet, error);
    if (status >= 0) {
        capture->table = cm_file_outlet_table(capture->outlet);
        status = cm_turns_create(&turns, &capture->turns, error);
    }
    if (status < 0)
        cm_fan_capture_destroy(capture);
    else
        *capture_ret = capture;
    return status < 0 ? status : CAPMILL_OK;
}

void cm_fan_capture_destroy(struct cm_fan_capture *capture)
{
    if (capture == NULL)
        return;
    cm_turns_destroy(capture->turns); /* first: its thread uses the rest */
    while (capture->spare != NULL) {
        struct ticket *ticket = capture->spare;

        capture->spare = ticket->next;
        free_ticket(ticket);
    }
    cm_mutex_fini(&capture->lock);
    cm_file_outlet_destroy(capture->outlet);
    cm_written_close(&capture->written);
    free(capture);
}

enum capmill_status cm_fan_capture_finish(struct cm_fan_capture *capture, struct cm_error *error)
{
    return cm_turns_finish(capture->turns, error);
}

enum capmill_status cm_fan_capture_commit(struct cm_fan_capture *capture, struct cm_error *error)
{
    return cm_file_outlet_commit(capture->outlet, error);
}

void cm_fan_capture_abort(struct cm_fan_capture *capture)
{
    cm_turns_abort(capture->turns);
}

const struct cm_written *cm_fan_capture_written(const struct cm_fan_capture *capture)
{
    return &capture->written;
}

const struct cm_file_outlet *cm_fan_capture_outlet(const struct cm_fan_capture *capture)
{
    return capture->outlet;
}
