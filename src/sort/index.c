/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the runs of an index together in order of time (merging inputs as they are: index_merge.c). Runs that follow one another are only laid end to
 * end; others are dealt into buckets by the top bits of their times, and each bucket put in order by
 * itself. */
#include "sort/index_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "os/memory.h"
#include "sort/order.h"

/* Buckets by time: enough that a bucket of an evenly filled gigabyte is some hundred packets, few enough that
 * the write heads of a dealing thread stay in a second-level cache. */
#define BUCKET_BITS 12
#define N_BUCKETS   (1u << BUCKET_BITS)

struct slab { /* runs dealt by one task, in order */
    uint64_t first_run, end_run;
    uint64_t *heads; /* by bucket: counts, then places */
};

struct ordering {
    struct cm_index *index;
    struct slab *slabs;
    size_t n_slabs;
    uint64_t *starts; /* by run, when they are laid end to end */
    uint64_t *bucket_starts;
    uint64_t min_ns;
    unsigned shift;
    _Atomic bool out_of_memory;
};

void cm_index_destroy(struct cm_index *index)
{
    if (index == NULL)
        return;
    for (uint64_t i = 0; i < index->n_runs; i++)
        free(index->runs[i].entries);
    free(index->runs);
    if (index->entries != NULL)
        cm_memory_unmap(index->entries, index->entries_bytes);
    cm_sort_events_free(index->events);
    free(index);
}

uint64_t cm_index_packets(const struct cm_index *index)
{
    return index->n;
}

static void lay(void *argument, size_t run_number)
{
    struct ordering *ordering = argument;
    struct cm_index_run *run = &ordering->index->runs[run_number];

    if (run->n > 0)
        memcpy(ordering->index->entries + ordering->starts[run_number], run->entries,
               run->n * sizeof(*run->entries));
    free(run->entries);
    run->entries = NULL;
}

static unsigned bucket_of(const struct ordering *ordering, uint64_t time_ns)
{
    return (unsigned)((time_ns - ordering->min_ns) >> ordering->shift);
}

static void count(void *argument, size_t slab_number)
{
    struct ordering *ordering = argument;
    struct slab *slab = &ordering->slabs[slab_number];

    for (uint64_t r = slab->first_run; r < slab->end_run; r++) {
        const struct cm_index_run *run = &ordering->index->runs[r];

        for (size_t i = 0; i < run->n; i++)
            slab->heads[bucket_of(ordering, run->entries[i].time_ns)]++;
    }
}

static void deal(void *argument, size_t slab_number)
{
    struct ordering *ordering = argument;
    struct slab *slab = &ordering->slabs[slab_number];

    for (uint64_t r = slab->first_run; r < slab->end_run; r++) {
        struct cm_index_run *run = &ordering->index->runs[r];

        for (size_t i = 0; i < run->n; i++)
            ordering->index->entries[slab->heads[bucket_of(ordering, run->entries[i].time_ns)]++] =
                run->entries[i];
        free(run->entries);
        run->entries = NULL;
    }
}

static void order_bucket(void *argument, size_t bucket)
{
    struct ordering *ordering = argument;
    uint64_t first = ordering->bucket_starts[bucket];
    size_t n = (size_t)(ordering->bucket_starts[bucket + 1] - first);
    struct cm_index_entry *scratch;

    if (n < 2)
        return;
    scratch = malloc(n * sizeof(*scratch));
    if (scratch == NULL) {
        atomic_store(&ordering->out_of_memory, true);
        return;
    }
    cm_sort_index_entries(ordering->index->entries + first, scratch, n);
    free(scratch);
}

/* Are the runs in order one after the other? Fills `starts`. */
static bool chained(const struct cm_index *index, uint64_t *starts)
{
    uint64_t sum = 0;
    uint64_t last_ns = 0;
    bool in_order = true;

    for (uint64_t i = 0; i < index->n_runs; i++) {
        const struct cm_index_run *run = &index->runs[i];

        starts[i] = sum;
        sum += run->n;
        if (run->n == 0)
            continue;
        if (run->entries[0].time_ns < last_ns)
            in_order = false;
        last_ns = cm_max_u64(last_ns, run->entries[run->n - 1].time_ns);
    }
    return in_order;
}

static enum capmill_status deal_into_buckets(struct ordering *ordering, const struct cm_parallel *parallel,
                                             struct cm_error *error)
{
    struct cm_index *index = ordering->index;
    uint64_t max_ns = 0;
    uint64_t sum = 0;
    uint64_t per_slab;

    ordering->min_ns = UINT64_MAX;
    for (uint64_t i = 0; i < index->n_runs; i++) {
        const struct cm_index_run *run = &index->runs[i];

        if (run->n == 0)
            continue;
        ordering->min_ns = cm_min_u64(ordering->min_ns, run->entries[0].time_ns);
        max_ns = cm_max_u64(max_ns, run->entries[run->n - 1].time_ns);
    }
    while ((max_ns - ordering->min_ns) >> ordering->shift >= N_BUCKETS)
        ordering->shift++;

    /* a few slabs a thread even the work out; each needs its own heads */
    ordering->n_slabs = (size_t)cm_min_u64(index->n_runs, 4u * (uint64_t)parallel->n_threads);
    per_slab = (index->n_runs + ordering->n_slabs - 1) / ordering->n_slabs;
    ordering->slabs = calloc(ordering->n_slabs, sizeof(*ordering->slabs));
    ordering->bucket_starts = calloc(N_BUCKETS + 1, sizeof(*ordering->bucket_starts));
    if (ordering->slabs == NULL || ordering->bucket_starts == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to put the index in order");
    for (size_t s = 0; s < ordering->n_slabs; s++) {
        struct slab *slab = &ordering->slabs[s];

        slab->first_run = cm_min_u64(s * per_slab, index->n_runs);
        slab->end_run = cm_min_u64(slab->first_run + per_slab, index->n_runs);
        slab->heads = calloc(N_BUCKETS, sizeof(*slab->heads));
        if (slab->heads == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to put the index in order");
    }
    parallel->run(parallel->context, ordering->n_slabs, count, ordering);
    for (unsigned bucket = 0; bucket < N_BUCKETS; bucket++) {
        ordering->bucket_starts[bucket] = sum;
        for (size_t s = 0; s < ordering->n_slabs; s++) {
            uint64_t n = ordering->slabs[s].heads[bucket];

            ordering->slabs[s].heads[bucket] = sum;
            sum += n;
        }
    }
    ordering->bucket_starts[N_BUCKETS] = sum;
    parallel->run(parallel->context, ordering->n_slabs, deal, ordering);
    parallel->run(parallel->context, N_BUCKETS, order_bucket, ordering);
    if (atomic_load(&ordering->out_of_memory))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to put the index in order");
    return CAPMILL_OK;
}

enum capmill_status cm_index_order(struct cm_index *index, const struct cm_parallel *parallel,
                                   struct cm_error *error)
{
    struct ordering ordering = {.index = index};
    enum capmill_status status = CAPMILL_OK;

    if (index->n == 0)
        return CAPMILL_OK;
    index->entries_bytes = (size_t)index->n * sizeof(*index->entries);
    index->entries = cm_memory_map(index->entries_bytes);
    ordering.starts = malloc((size_t)index->n_runs * sizeof(*ordering.starts));
    if (index->entries == NULL || ordering.starts == NULL)
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for an index of %" PRIu64 " packets",
                              index->n);
    else if (index->order == CM_SORT_AS_READ)
        status = cm_index_merge(index, error);
    else if (chained(index, ordering.starts))
        parallel->run(parallel->context, (size_t)index->n_runs, lay, &ordering);
    else
        status = deal_into_buckets(&ordering, parallel, error);
    for (size_t s = 0; ordering.slabs != NULL && s < ordering.n_slabs; s++)
        free(ordering.slabs[s].heads);
    free(ordering.slabs);
    free(ordering.bucket_starts);
    free(ordering.starts);
    return status;
}
