/* SPDX-License-Identifier: Apache-2.0 */
/* Pools under several threads: what is handed out belongs to one holder until its last reference is gone,
 * whichever thread drops it; nothing is lost. */
#include <stdio.h>
#include <string.h>

#include "core/batch.h"
#include "core/ring.h"
#include "core/segment.h"
#include "os/thread.h"
#include "stress/team.h"

#define N_WORKERS     3
#define N_BYTES       (16 * 1024)
#define HEADERS_BYTES 16

struct scene {
    struct cm_segment_pool *segments;
    struct cm_batch_pool *batches;
    struct cm_ring *to_next[N_WORKERS]; /* worker i pushes, worker i + 1 pops: a circle */
    struct worker {
        struct scene *scene;
        size_t index;
    } workers[N_WORKERS];
};

/* Every eighth word: enough to meet another holder's mark, cheap enough to do many rounds. */
static void mark(struct cm_segment *segment, uint64_t value)
{
    segment->n_bytes = N_BYTES;
    segment->offset = value;
    for (size_t at = 0; at < N_BYTES; at += 64)
        memcpy(segment->bytes + at, &value, sizeof(value));
}

static void check_mark(const struct cm_segment *segment)
{
    stress_check(segment->n_bytes == N_BYTES);
    for (size_t at = 0; at < N_BYTES; at += 64) {
        uint64_t value;

        memcpy(&value, segment->bytes + at, sizeof(value));
        stress_check(value == segment->offset);
    }
}

static void check_and_release(struct scene *scene, struct cm_batch *batch)
{
    stress_check(batch->n_segments == 1 && batch->n_packets == 1);
    stress_check(batch->packets[0].place == batch->segments[0]->offset);
    check_mark(batch->segments[0]);
    cm_batch_pool_release(scene->batches, batch);
}

/* Each turn: a segment, filled, under one batch that goes to the neighbour and one that stays; the two are
 * given up in an order that chance decides. */
static void work(struct member *member)
{
    struct worker *worker = member->context;
    struct scene *scene = worker->scene;
    struct cm_ring *in = scene->to_next[(worker->index + N_WORKERS - 1) % N_WORKERS];
    struct cm_ring *out = scene->to_next[worker->index];
    void *arrived;

    while (!team_stopped(member)) {
        struct cm_segment *segment = cm_segment_pool_acquire(scene->segments);
        struct cm_batch *batches[2];

        stress_check(segment != NULL && segment->n_bytes == 0 && segment->references == 1);
        mark(segment, (uint64_t)worker->index << 56 | member->n_done);
        for (size_t i = 0; i < 2; i++) {
            batches[i] = cm_batch_pool_acquire(scene->batches);
            stress_check(batches[i] != NULL && batches[i]->n_segments == 0 && batches[i]->n_packets == 0);
            stress_check(cm_batch_rest_on(batches[i], segment));
            batches[i]->n_packets = 1;
            batches[i]->packets[0].place = segment->offset;
            memset((void *)batches[i]->headers, (int)worker->index,
                   (size_t)HEADERS_BYTES * CM_BATCH_CAPACITY);
        }
        cm_segment_release(segment);
        member->n_done++;
        if (cm_ring_push_burst(out, (void *const *)&batches[0], 1) == 0)
            check_and_release(scene, batches[0]);
        random_pause(member);
        check_and_release(scene, batches[1]);
        while (random_below(member, 3) != 0 && cm_ring_pop_burst(in, &arrived, 1) == 1)
            check_and_release(scene, arrived);
    }
    cm_ring_close(out);
    while (cm_ring_pop_wait(in, &arrived))
        check_and_release(scene, arrived);
}

int main(int argc, char **argv)
{
    struct scene scene = {0};
    struct team team = {.name = "segment and batch pools", .seconds = stress_seconds(argc, argv, 2)};

    scene.segments = cm_segment_pool_create(512, N_BYTES);
    scene.batches = cm_batch_pool_create(HEADERS_BYTES);
    stress_check(scene.segments != NULL && scene.batches != NULL);
    for (size_t i = 0; i < N_WORKERS; i++) {
        scene.to_next[i] = cm_ring_create(8);
        stress_check(scene.to_next[i] != NULL);
        scene.workers[i] = (struct worker){&scene, i};
        team_add(&team, work, &scene.workers[i]);
    }
    team_run(&team, NULL, NULL);
    /* a leak, or a segment made where a free one lay, would show here: each worker holds one, its ring eight
     * and its neighbour one more at most */
    stress_check(cm_segment_pool_count(scene.segments) <= N_WORKERS * (1 + 8 + 1));
    for (size_t i = 0; i < N_WORKERS; i++)
        cm_ring_destroy(scene.to_next[i]);
    cm_batch_pool_destroy(scene.batches);
    cm_segment_pool_destroy(scene.segments);
    return 0;
}
