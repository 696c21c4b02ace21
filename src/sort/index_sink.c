/* SPDX-License-Identifier: Apache-2.0 */
/* The first read of a sort by index: what each packet's place and time is, and nothing of its bytes. */
#include "sort/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "os/thread.h"
#include "sort/index_int.h"
#include "sort/order.h"

struct shared {
    struct cm_encoder encoder;
    bool numbered; /* for a taker: packets know their number in place of a written length */
    bool as_read;
    const uint64_t *sequence_base;
    uint64_t memory_bytes;
    struct cm_mutex lock; /* guards the index and the event lists */
    struct cm_index *index;
    struct run_events *events; /* by number, like runs */
};

/* Events of a range, until the ranges are all there and can be strung together in order. */
struct run_events {
    struct cm_sort_event *first;
};

struct local {
    struct cm_index_entry *entries;
    struct cm_index_entry *scratch;
    size_t n, capacity;
    uint64_t n_seen; /* packets of the range, kept or not */
    struct cm_sort_event *events, **last_event;
};

static enum capmill_status open_local(void *context, unsigned thread, void **local_ret,
                                      struct cm_error *error)
{
    struct local *local = calloc(1, sizeof(*local));

    (void)context;
    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for thread %u", thread);
    local->last_event = &local->events;
    *local_ret = local;
    return CAPMILL_OK;
}

static enum capmill_status hand_in(struct shared *shared, struct local *local, uint32_t input,
                                   uint64_t number, struct cm_error *error)
{
    struct cm_index *index = shared->index;
    struct cm_index_entry *entries = NULL;
    size_t before;
    enum capmill_status status = CAPMILL_OK;

    if (local->n > 0) {
        if (!shared->as_read)
            cm_sort_index_entries(local->entries, local->scratch, local->n);
        entries = malloc(local->n * sizeof(*entries));
        if (entries == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the index of a range");
        memcpy(entries, local->entries, local->n * sizeof(*entries));
    }
    cm_mutex_lock(&shared->lock);
    before = index->runs_capacity;
    if (!CM_GROW_BOTH(index->runs, shared->events, index->runs_capacity, (size_t)number + 1, 256)) {
        status =
            cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an index of %" PRIu64 " ranges", number);
    } else if (index->runs_capacity > before) {
        memset(index->runs + before, 0, (index->runs_capacity - before) * sizeof(*index->runs));
        memset(shared->events + before, 0, (index->runs_capacity - before) * sizeof(*shared->events));
    }
    if (status == CAPMILL_OK) {
        index->runs[number] =
            (struct cm_index_run){.entries = entries, .n = local->n, .n_seen = local->n_seen, .input = input};
        shared->events[number].first = local->events;
        index->n_runs = number + 1 > index->n_runs ? number + 1 : index->n_runs;
        index->n += local->n;
        /* twice: the runs, and the whole that is made of them */
        if (index->n * 2 * sizeof(*entries) > shared->memory_bytes)
            status =
                cm_error_set(error, CAPMILL_E_MEMORY, 0,
                             "putting this input in order takes an index of more than %" PRIu64
                             " MiB (%zu bytes for each packet), which --memory does not allow; allow more",
                             shared->memory_bytes >> 20, 2 * sizeof(*entries));
    } else {
        free(entries);
        cm_sort_events_free(local->events);
    }
    cm_mutex_unlock(&shared->lock);
    local->n = 0;
    local->n_seen = 0;
    local->events = NULL;
    local->last_event = &local->events;
    return status;
}

static enum capmill_status consume(void *context, void *local_context, struct cm_batch *batch,
                                   struct cm_error *error)
{
    struct shared *shared = context;
    struct local *local = local_context;
    uint32_t n = cm_batch_n_selected(batch);

    if (!CM_GROW_BOTH(local->entries, local->scratch, local->capacity, local->n + n, 16384))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the index of a range");
    for (uint32_t i = 0; i < n; i++) {
        const struct cm_packet *packet = &batch->packets[cm_batch_selected(batch, i)];
        struct cm_index_entry *entry = &local->entries[local->n + i];

        *entry = (struct cm_index_entry){.time_ns = packet->time_ns,
                                         .place = cm_place_of(batch->input, packet->place),
                                         .record_bytes = packet->record_bytes,
                                         .written_bytes = packet->record_bytes,
                                         .interface = packet->interface,
                                         .flags = cm_ordered_flags(packet)};
        if (shared->numbered) {
            cm_number_split(local->n_seen + cm_batch_selected(batch, i) + 1, &entry->written_bytes,
                            &entry->flags);
        } else if (!shared->encoder.verbatim) {
            struct cm_record record = {cm_packet_record(packet), packet->time_ns, packet->record_bytes,
                                       packet->interface, batch->input};

            entry->written_bytes = (uint32_t)shared->encoder.length(shared->encoder.context, &record);
        }
    }
    local->n += n;
    local->n_seen += batch->n_packets;
    for (uint32_t i = 0; i < batch->n_events; i++) {
        if (batch->events[i].type == CM_EVENT_DAMAGE)
            continue;
        *local->last_event = cm_sort_event_create(batch->input, &batch->events[i]);
        if (*local->last_event == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of the input");
        local->last_event = &(*local->last_event)->next;
    }
    if (!batch->last_of_sequence)
        return CAPMILL_OK;
    return hand_in(shared, local, batch->input, shared->sequence_base[batch->input] + batch->sequence, error);
}

static enum capmill_status combine(void *context, void *local_context, struct cm_error *error)
{
    struct local *local = local_context;

    (void)context;
    (void)error;
    if (local == NULL)
        return CAPMILL_OK;
    cm_sort_events_free(local->events);
    free(local->entries);
    free(local->scratch);
    free(local);
    return CAPMILL_OK;
}

static void free_events(struct shared *shared)
{
    for (uint64_t i = 0; shared->events != NULL && shared->index != NULL && i < shared->index->n_runs; i++)
        cm_sort_events_free(shared->events[i].first);
    free(shared->events);
    shared->events = NULL;
}

/* Numbers within the run become numbers within the input. In order of runs. */
static void number_run(struct cm_index *index, uint64_t number)
{
    struct cm_index_run *run = &index->runs[number];
    const struct cm_index_run *before = number > 0 ? &index->runs[number - 1] : NULL;

    run->number_base =
        before != NULL && before->input == run->input ? before->number_base + before->n_seen : 0;
    for (size_t i = 0; i < run->n && run->number_base > 0; i++) {
        struct cm_index_entry *entry = &run->entries[i];

        cm_number_split(run->number_base + cm_number_join(entry->written_bytes, entry->flags),
                        &entry->written_bytes, &entry->flags);
    }
}

static enum capmill_status finish(void *context, struct cm_error *error)
{
    struct shared *shared = context;
    struct cm_sort_event **end = &shared->index->events;

    (void)error;
    for (uint64_t i = 0; i < shared->index->n_runs && shared->numbered; i++)
        number_run(shared->index, i);
    for (uint64_t i = 0; i < shared->index->n_runs; i++) {
        *end = shared->events[i].first;
        shared->events[i].first = NULL;
        while (*end != NULL)
            end = &(*end)->next;
    }
    return CAPMILL_OK;
}

static void close_shared(void *context)
{
    struct shared *shared = context;

    free_events(shared);
    cm_index_destroy(shared->index);
    cm_mutex_fini(&shared->lock);
    free(shared);
}

enum capmill_status cm_index_sink_create(const struct cm_sort_options *options, struct cm_sink *sink_ret,
                                         struct cm_error *error)
{
    struct shared *shared = calloc(1, sizeof(*shared));

    if (shared != NULL)
        shared->index = calloc(1, sizeof(*shared->index));
    if (shared == NULL || shared->index == NULL) {
        free(shared);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an index");
    }
    shared->numbered = options->taker != NULL;
    shared->as_read = options->order == CM_SORT_AS_READ;
    if (!shared->numbered)
        shared->encoder = *options->encoder;
    shared->index->order = options->order;
    shared->sequence_base = options->sequence_base;
    shared->memory_bytes = options->memory_bytes;
    cm_mutex_init(&shared->lock);
    *sink_ret = (struct cm_sink){.name = "sort index",
                                 .shared = shared,
                                 .open = open_local,
                                 .consume = consume,
                                 .combine = combine,
                                 .finish = finish,
                                 .close = close_shared};
    return CAPMILL_OK;
}

struct cm_index *cm_index_sink_take(struct cm_sink *sink)
{
    struct shared *shared = sink->shared;
    struct cm_index *index = shared->index;

    free_events(shared);
    shared->index = NULL;
    return index;
}
