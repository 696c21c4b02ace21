/* SPDX-License-Identifier: Apache-2.0 */
/* The merge of inputs that keep their order, against the plainest model of it: look at all, take the earliest. */
#include "unit/check.h"
#include "unit/sort/drawn.h"

#include <stdlib.h>

#include "sort/index_int.h"

#define MAX_INPUTS 9u
#define MAX_RUNS   6u /* of an input */
#define MAX_LENGTH 40u

struct drawn_input {
    struct cm_index_entry entries[MAX_RUNS * MAX_LENGTH];
    size_t n, at;
};

/* Runs of several inputs, some empty, of times that are often equal and not always in order. */
static void draw_index(struct cm_index *index, struct drawn_input *inputs, uint32_t n_inputs, uint64_t *seed)
{
    uint64_t spread = drawn_in(seed, 0, 3) == 0 ? 2 : 300;
    bool ordered = drawn_in(seed, 0, 1) == 1;
    bool apart = drawn_in(seed, 0, 3) == 0; /* inputs follow one another */

    *index = (struct cm_index){.order = CM_SORT_AS_READ};
    index->runs = calloc(MAX_INPUTS * MAX_RUNS + 1, sizeof(*index->runs));
    for (uint32_t input = 0; input < n_inputs; input++) {
        uint64_t n_runs = drawn_in(seed, 1, MAX_RUNS);
        uint64_t time_ns = apart ? input * UINT64_C(100000) : 0;

        for (uint64_t r = 0; r < n_runs; r++) {
            struct cm_index_run *run = &index->runs[index->n_runs++];

            run->input = input;
            run->n = drawn_in(seed, 0, 2) == 0 ? 0 : (size_t)drawn_in(seed, 1, MAX_LENGTH);
            run->entries = run->n > 0 ? malloc(run->n * sizeof(*run->entries)) : NULL;
            for (size_t i = 0; i < run->n; i++) {
                time_ns = ordered ? time_ns + drawn_in(seed, 0, spread)
                                  : (apart ? input * UINT64_C(100000) : 0) + drawn_in(seed, 0, spread);
                run->entries[i] = (struct cm_index_entry){
                    .time_ns = time_ns,
                    .place = cm_place_of(input, inputs[input].n),
                    .record_bytes = (uint32_t)drawn(seed),
                };
                inputs[input].entries[inputs[input].n++] = run->entries[i];
            }
            index->n += run->n;
        }
    }
    index->entries = calloc((size_t)index->n + 1, sizeof(*index->entries));
}

static const struct cm_index_entry *model_next(struct drawn_input *inputs, uint32_t n_inputs)
{
    struct drawn_input *best = NULL;

    for (uint32_t input = 0; input < n_inputs; input++) {
        struct drawn_input *other = &inputs[input];

        if (other->at < other->n &&
            (best == NULL || other->entries[other->at].time_ns < best->entries[best->at].time_ns))
            best = other;
    }
    return best == NULL ? NULL : &best->entries[best->at++];
}

CM_TEST(index_merge, is_what_looking_at_all_inputs_gives)
{
    struct drawn_input *inputs = malloc(MAX_INPUTS * sizeof(*inputs));

    for (uint64_t i = 0; i < 600; i++) {
        uint64_t seed = i;
        uint32_t n_inputs = (uint32_t)drawn_in(&seed, 1, MAX_INPUTS);
        struct cm_index index;
        struct cm_error error = {0};

        memset(inputs, 0, MAX_INPUTS * sizeof(*inputs));
        draw_index(&index, inputs, n_inputs, &seed);
        cm_check_eq(cm_index_merge(&index, &error), CAPMILL_OK);
        for (uint64_t k = 0; k < index.n; k++) {
            const struct cm_index_entry *expected = model_next(inputs, n_inputs);

            cm_check_that(memcmp(&index.entries[k], expected, sizeof(*expected)) == 0,
                          "seed %" PRIu64 ": entry %" PRIu64 " has place %" PRIx64 ", expected %" PRIx64, i,
                          k, index.entries[k].place, expected->place);
        }
        cm_check(model_next(inputs, n_inputs) == NULL);
        for (uint64_t r = 0; r < index.n_runs; r++)
            cm_check(index.runs[r].entries == NULL); /* runs give their memory back as they are used up */
        free(index.runs);
        free(index.entries);
    }
    free(inputs);
}
