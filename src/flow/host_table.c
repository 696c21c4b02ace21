/* SPDX-License-Identifier: Apache-2.0 */
/* Counts per address. Addresses of both families are one kind of key here: this runs once per flow, not per
 * packet. */
#include "flow/host_table.h"

#include <stdlib.h>
#include <string.h>

#include "flow/key_set.h"
#include "flow/record_sort.h"
#include "flow/runs.h"

#define CHUNK     128u /* as in tally.c */
#define KEY_WORDS 3u
#define WORDS     (sizeof(struct cm_host_record) / sizeof(uint64_t))
#define OCCUPIED  UINT64_C(1)
static_assert(sizeof(struct cm_host_record) == (KEY_WORDS + 4) * sizeof(uint64_t), "a key and four counts");
static_assert(WORDS <= CM_RECORD_WORDS_MAX, "runs take records of so many words");

struct cm_host_table {
    struct cm_key_set hosts;
    struct cm_runs *runs; /* NULL until the first spill */
    size_t memory_bytes;
    const char *temp_dir;
    unsigned n_waiting;
    uint64_t waiting[CHUNK][WORDS]; /* records to be counted */
    uint64_t hashes[CHUNK];
};

static void merge_records(uint64_t *into, const uint64_t *from)
{
    for (unsigned i = KEY_WORDS; i < WORDS; i++)
        into[i] += from[i];
}

static const struct cm_run_shape host_shape = {WORDS, KEY_WORDS, merge_records};

enum capmill_status cm_host_table_create(size_t memory_bytes, const char *temp_dir,
                                         const struct cm_flow_seed *seed, struct cm_host_table **table_ret,
                                         struct cm_error *error)
{
    struct cm_host_table *table = calloc(1, sizeof(*table));
    enum capmill_status status;

    *table_ret = NULL;
    if (table == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for addresses");
    table->memory_bytes = memory_bytes;
    table->temp_dir = temp_dir;
    status = cm_key_set_init(&table->hosts, WORDS, KEY_WORDS, seed, error);
    if (status != CAPMILL_OK) {
        cm_host_table_destroy(table);
        return status;
    }
    *table_ret = table;
    return CAPMILL_OK;
}

void cm_host_table_destroy(struct cm_host_table *table)
{
    if (table == NULL)
        return;
    cm_key_set_fini(&table->hosts);
    cm_runs_destroy(table->runs);
    free(table);
}

static enum capmill_status spill(struct cm_host_table *table, struct cm_error *error)
{
    enum capmill_status status;

    if (table->hosts.n == 0)
        return CAPMILL_OK;
    if (table->runs == NULL && (table->runs = cm_runs_create(&host_shape, table->temp_dir)) == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "out of memory for spilled addresses");
    cm_key_set_pack(&table->hosts);
    cm_record_sort(table->hosts.slots, table->hosts.n, WORDS, KEY_WORDS);
    status = cm_runs_begin(table->runs, error);
    if (status == CAPMILL_OK)
        status = cm_runs_put(table->runs, table->hosts.slots, table->hosts.n, error);
    if (status == CAPMILL_OK)
        status = cm_runs_end(table->runs, error);
    cm_key_set_clear(&table->hosts);
    return status;
}

static enum capmill_status count_waiting(struct cm_host_table *table, struct cm_error *error)
{
    struct cm_key_set *hosts = &table->hosts;
    enum capmill_status status = CAPMILL_OK;

    if (cm_key_set_peak_bytes(hosts, table->n_waiting) > table->memory_bytes)
        status = spill(table, error);
    if (status == CAPMILL_OK)
        status = cm_key_set_reserve(hosts, table->n_waiting, error);
    if (status != CAPMILL_OK)
        return status;
    for (unsigned i = 0; i < table->n_waiting; i++) {
        table->hashes[i] = cm_key_set_hash(&hosts->seed, table->waiting[i], KEY_WORDS);
        cm_key_set_prefetch(hosts, table->hashes[i], WORDS);
    }
    for (unsigned i = 0; i < table->n_waiting; i++) {
        uint64_t *slot = cm_key_set_take(hosts, table->waiting[i], table->hashes[i], WORDS, KEY_WORDS);

        if ((slot[KEY_WORDS - 1] & CM_KEY_SET_FLAGS) == 0) {
            slot[KEY_WORDS - 1] |= OCCUPIED;
            memset(slot + KEY_WORDS, 0, (WORDS - KEY_WORDS) * sizeof(uint64_t));
        }
        merge_records(slot, table->waiting[i]);
    }
    table->n_waiting = 0;
    return CAPMILL_OK;
}

static void note(struct cm_host_table *table, const uint64_t address[2], const struct cm_flow_counts *counts,
                 enum cm_flow_direction sent)
{
    uint64_t *record = table->waiting[table->n_waiting++];

    record[0] = address[0];
    record[1] = address[1];
    record[2] = 0;
    record[3] = counts->n_packets[sent];
    record[4] = counts->n_bytes[sent];
    record[5] = counts->n_packets[!sent];
    record[6] = counts->n_bytes[!sent];
}

enum capmill_status cm_host_table_add(struct cm_host_table *table, const struct cm_flow_record *flow,
                                      struct cm_error *error)
{
    note(table, flow->key.words, &flow->counts, CM_FLOW_FROM_LOW);
    note(table, flow->key.words + 2, &flow->counts, CM_FLOW_FROM_HIGH);
    return table->n_waiting + 2 > CHUNK ? count_waiting(table, error) : CAPMILL_OK;
}

static void hand_out(const uint64_t *words, void (*each)(void *context, const struct cm_host_record *host),
                     void *context)
{
    struct cm_host_record record;

    memcpy(&record, words, sizeof(record));
    record.spare = 0; /* where the slot had its mark */
    each(context, &record);
}

enum capmill_status cm_host_table_each(struct cm_host_table *table,
                                       void (*each)(void *context, const struct cm_host_record *host),
                                       void *context, struct cm_error *error)
{
    struct cm_run_walk *walk = NULL;
    const uint64_t *record;
    enum capmill_status status = count_waiting(table, error);

    if (status == CAPMILL_OK && table->runs == NULL) {
        for (size_t i = 0; i < table->hosts.capacity; i++)
            if ((table->hosts.slots[i * WORDS + KEY_WORDS - 1] & CM_KEY_SET_FLAGS) != 0)
                hand_out(table->hosts.slots + i * WORDS, each, context);
        return CAPMILL_OK;
    }
    if (status == CAPMILL_OK)
        status = spill(table, error);
    if (status == CAPMILL_OK)
        status = cm_run_walk_open(table->runs, table->memory_bytes, &walk, error);
    while (status == CAPMILL_OK && (status = cm_run_walk_next(walk, &record, error)) == CAPMILL_OK)
        hand_out(record, each, context);
    cm_run_walk_close(walk);
    return status == CAPMILL_END ? CAPMILL_OK : status;
}
