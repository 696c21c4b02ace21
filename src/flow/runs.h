/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted runs of fixed-size records in scratch files, and the walk that merges them: what tables do when
 * memory ends. Merging sorted runs needs a small buffer per run and no luck with hash values, so a hostile
 * input cannot make a partition that fits nowhere. One thread at a time. */
#ifndef CM_FLOW_RUNS_H
#define CM_FLOW_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Records are `n_words` 64-bit words (at most CM_RECORD_WORDS_MAX) in host order. The first `n_key_words` are
 * the key, compared as numbers; the last of them without its low 24 bits, which are flags (flow/key.h). */
struct cm_run_shape {
    unsigned n_words;
    unsigned n_key_words;
    void (*merge)(uint64_t *into, const uint64_t *from); /* two records of one key become one */
};

struct cm_runs;

/* Nothing is opened before the first run. `shape` and `temp_dir` (NULL: the system's) must outlive it. NULL:
 * no memory. */
struct cm_runs *cm_runs_create(const struct cm_run_shape *shape, const char *temp_dir);
void cm_runs_destroy(struct cm_runs *runs); /* NULL accepted; the files are gone then */
size_t cm_runs_count(const struct cm_runs *runs);

/* Write one run: begin, put records in ascending order of distinct keys, end. After a failure the runs are
 * fit only to be destroyed. */
enum capmill_status cm_runs_begin(struct cm_runs *runs, struct cm_error *error);
enum capmill_status cm_runs_put(struct cm_runs *runs, const uint64_t *records, size_t n,
                                struct cm_error *error);
enum capmill_status cm_runs_end(struct cm_runs *runs, struct cm_error *error);

/* All runs of `from` become `into`'s; same shape. However many are moved, `into` holds some twenty files
 * open at most. After a failure both are fit only to be destroyed. */
enum capmill_status cm_runs_move(struct cm_runs *into, struct cm_runs *from, struct cm_error *error);

/* Walk over all records of all runs in ascending order of keys, each key once. Where there are more runs than
 * can be merged at once they are merged into fewer first (and stay so). `memory_bytes` bounds the buffers; at
 * least CM_RUNS_MEMORY_MIN are taken. Several walks may follow each other. */
#define CM_RUNS_MEMORY_MIN ((size_t)512 << 10)
struct cm_run_walk;
enum capmill_status cm_run_walk_open(struct cm_runs *runs, size_t memory_bytes, struct cm_run_walk **walk_ret,
                                     struct cm_error *error);
/* CAPMILL_OK and a record that stays valid until the next call; CAPMILL_END. */
enum capmill_status cm_run_walk_next(struct cm_run_walk *walk, const uint64_t **record_ret,
                                     struct cm_error *error);
void cm_run_walk_close(struct cm_run_walk *walk); /* NULL accepted */

#endif
