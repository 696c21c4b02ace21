/* SPDX-License-Identifier: Apache-2.0 */
/* Merging inputs that keep their own order: always the one goes on whose next packet is earliest, the first of
 * them where times are equal. What is out of order within an input stays so (as mergecap has it). */
#include <stdlib.h>
#include <string.h>

#include "sort/index_int.h"

struct lane {         /* one input */
    uint64_t time_ns; /* of its next packet */
    uint64_t run, end_run;
    size_t at; /* in the run */
};

struct merge {
    struct cm_index *index;
    struct lane *lanes; /* a heap by (time, input) */
    size_t n;
};

static bool goes_first(const struct merge *merge, const struct lane *a, const struct lane *b)
{
    const struct cm_index_run *runs = merge->index->runs;

    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : runs[a->run].input < runs[b->run].input;
}

/* The lane at `i` got a later packet: put it where it belongs. */
static void sink_lane(struct merge *merge, size_t i)
{
    struct lane lane = merge->lanes[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= merge->n)
            break;
        if (child + 1 < merge->n && goes_first(merge, &merge->lanes[child + 1], &merge->lanes[child]))
            child++;
        if (!goes_first(merge, &merge->lanes[child], &lane))
            break;
        merge->lanes[i] = merge->lanes[child];
        i = child;
    }
    merge->lanes[i] = lane;
}

/* On to the next run with packets; false: the input has no more. */
static bool next_run(struct cm_index *index, struct lane *lane)
{
    while (lane->run < lane->end_run && lane->at == index->runs[lane->run].n) {
        free(index->runs[lane->run].entries);
        index->runs[lane->run].entries = NULL;
        lane->run++;
        lane->at = 0;
    }
    if (lane->run == lane->end_run)
        return false;
    lane->time_ns = index->runs[lane->run].entries[lane->at].time_ns;
    return true;
}

static void make_lanes(struct merge *merge)
{
    struct cm_index *index = merge->index;
    uint64_t run = 0;

    while (run < index->n_runs) {
        struct lane lane = {.run = run};

        while (run < index->n_runs && index->runs[run].input == index->runs[lane.run].input)
            run++;
        lane.end_run = run;
        if (next_run(index, &lane))
            merge->lanes[merge->n++] = lane;
    }
    for (size_t i = merge->n / 2; i-- > 0;)
        sink_lane(merge, i);
}

static size_t count_inputs(const struct cm_index *index)
{
    size_t n = index->n_runs > 0 ? 1 : 0;

    for (uint64_t i = 1; i < index->n_runs; i++)
        n += index->runs[i].input != index->runs[i - 1].input;
    return n;
}

/* The greater of the first lane's followers is what it may go on up to. */
static const struct lane *second_lane(const struct merge *merge)
{
    if (merge->n < 2)
        return NULL;
    return merge->n > 2 && goes_first(merge, &merge->lanes[2], &merge->lanes[1]) ? &merge->lanes[2]
                                                                                 : &merge->lanes[1];
}

enum capmill_status cm_index_merge(struct cm_index *index, struct cm_error *error)
{
    struct merge merge = {.index = index, .lanes = calloc(count_inputs(index) + 1, sizeof(struct lane))};
    struct cm_index_entry *out = index->entries;

    if (merge.lanes == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to merge inputs");
    make_lanes(&merge);
    while (merge.n > 0) {
        struct lane *lane = &merge.lanes[0];
        const struct cm_index_run *run = &index->runs[lane->run];
        const struct lane *second = second_lane(&merge);
        size_t first = lane->at;

        /* as long as it stays the first: inputs that follow one another are copied a run at a time */
        do
            lane->at++;
        while (lane->at < run->n && (second == NULL || run->entries[lane->at].time_ns < second->time_ns ||
                                     (run->entries[lane->at].time_ns == second->time_ns &&
                                      run->input < index->runs[second->run].input)));
        memcpy(out, run->entries + first, (lane->at - first) * sizeof(*out));
        out += lane->at - first;
        if (lane->at < run->n)
            lane->time_ns = run->entries[lane->at].time_ns;
        else if (!next_run(index, lane))
            merge.lanes[0] = merge.lanes[--merge.n];
        if (merge.n > 0)
            sink_lane(&merge, 0);
    }
    free(merge.lanes);
    return CAPMILL_OK;
}
