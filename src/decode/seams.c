/* SPDX-License-Identifier: Apache-2.0 */
/* Folding range results in order: see seams.h for what is proved and why that is enough. */
#include "decode/seams.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

struct pending { /* a result that came before its turn */
    bool present;
    struct cm_range_result result;
};

struct cm_seams {
    struct pending *pending; /* ring of `capacity`, by sequence number */
    size_t capacity;
    uint64_t next;    /* sequence number whose turn it is */
    uint64_t landing; /* of the chain so far */
    uint64_t open_damage;
    const char *open_reason;
    bool disproved;
    uint64_t disproved_at;
    uint64_t n_packets;
    uint64_t n_damages;
    uint64_t damaged_bytes;
    size_t n_located;
    struct cm_damage *damages;
    size_t damages_capacity;
};

struct cm_seams *cm_seams_create(void)
{
    struct cm_seams *seams = calloc(1, sizeof(*seams));

    if (seams != NULL) {
        seams->open_damage = CM_NOWHERE;
        seams->landing = CM_NOWHERE;
    }
    return seams;
}

void cm_seams_destroy(struct cm_seams *seams)
{
    if (seams == NULL)
        return;
    free(seams->pending);
    free(seams->damages);
    free(seams);
}

static void locate(struct cm_seams *seams, const struct cm_damage *damage)
{
    if (seams->n_located == CM_SEAMS_DAMAGES)
        return;
    if (!CM_GROW(seams->damages, seams->damages_capacity, seams->n_located + 1, 16))
        return; /* counted all the same: only the place is not told */
    seams->damages[seams->n_located++] = *damage;
}

static void close_damage(struct cm_seams *seams, uint64_t end)
{
    struct cm_damage damage = {seams->open_damage, end - seams->open_damage, seams->open_reason};

    locate(seams, &damage);
    seams->n_damages++;
    seams->damaged_bytes += damage.n_bytes;
    seams->open_damage = CM_NOWHERE;
}

static void disprove(struct cm_seams *seams, uint64_t place)
{
    seams->disproved = true;
    seams->disproved_at = place;
}

static void fold(struct cm_seams *seams, const struct cm_range_result *result)
{
    if (seams->disproved)
        return;
    if (result->unsettled) {
        disprove(seams, result->landing);
        return;
    }
    if (seams->open_damage != CM_NOWHERE) {
        if (result->start != CM_NOWHERE)
            close_damage(seams, result->start);
    } else if (seams->next > 0) {
        if (result->start == CM_NOWHERE) {
            /* nothing starts here: right when the record before reaches past this range, or the input
             * ended */
            if (seams->landing < result->landing) {
                disprove(seams, seams->landing);
                return;
            }
            return; /* the left chain's landing stands */
        }
        if (result->start != seams->landing) {
            disprove(seams, seams->landing < result->start ? seams->landing : result->start);
            return;
        }
    }
    if (result->start != CM_NOWHERE || seams->next == 0 || result->end_of_input)
        seams->landing = result->landing;
    if (result->open_damage != CM_NOWHERE && seams->open_damage == CM_NOWHERE) {
        seams->open_damage = result->open_damage;
        seams->open_reason = result->open_reason;
    }
    for (uint64_t i = 0; i < result->n_damages && i < CM_RANGE_DAMAGES; i++)
        locate(seams, &result->damages[i]);
    seams->n_damages += result->n_damages;
    seams->damaged_bytes += result->damaged_bytes;
    seams->n_packets += result->n_packets;
}

static bool make_room(struct cm_seams *seams, uint64_t sequence)
{
    size_t capacity = seams->capacity == 0 ? 4 : seams->capacity;
    struct pending *pending;

    while (sequence - seams->next >= capacity)
        capacity *= 2;
    if (capacity == seams->capacity)
        return true;
    pending = calloc(capacity, sizeof(*pending));
    if (pending == NULL)
        return false;
    for (size_t i = 0; i < seams->capacity; i++)
        pending[(seams->next + i) % capacity] = seams->pending[(seams->next + i) % seams->capacity];
    free(seams->pending);
    seams->pending = pending;
    seams->capacity = capacity;
    return true;
}

bool cm_seams_add(struct cm_seams *seams, uint64_t sequence, const struct cm_range_result *result)
{
    if (!make_room(seams, sequence)) {
        disprove(seams,
                 result->landing); /* without memory for the proof there is no proof: one chain needs none */
        return false;
    }
    seams->pending[sequence % seams->capacity] = (struct pending){.present = true, .result = *result};
    while (seams->pending[seams->next % seams->capacity].present) {
        struct pending *turn = &seams->pending[seams->next % seams->capacity];

        fold(seams, &turn->result);
        turn->present = false;
        seams->next++;
    }
    return !seams->disproved;
}

void cm_seams_finish(struct cm_seams *seams, uint64_t size)
{
    if (seams->open_damage != CM_NOWHERE)
        close_damage(seams, size);
    free(seams->pending); /* thousands of inputs keep only what they found */
    seams->pending = NULL;
    seams->capacity = 0;
}

bool cm_seams_disproved(const struct cm_seams *seams)
{
    return seams->disproved;
}

uint64_t cm_seams_disproved_at(const struct cm_seams *seams)
{
    return seams->disproved_at;
}

uint64_t cm_seams_landing(const struct cm_seams *seams)
{
    return seams->landing;
}

uint64_t cm_seams_packets(const struct cm_seams *seams)
{
    return seams->n_packets;
}

size_t cm_seams_damages(const struct cm_seams *seams, const struct cm_damage **damages_ret,
                        uint64_t *n_damages_ret, uint64_t *n_bytes_ret)
{
    *damages_ret = seams->damages;
    *n_damages_ret = seams->n_damages;
    *n_bytes_ret = seams->damaged_bytes;
    return seams->n_located;
}
