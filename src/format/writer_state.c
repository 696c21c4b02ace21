/* SPDX-License-Identifier: Apache-2.0 */
/* The containers under the capture writer: arrays that do not move, growing buffers, a table of hashes. They
 * know nothing of captures. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "format/writer_int.h"

void *cm_slabs_make(struct cm_slabs *slabs, uint32_t index, size_t element_bytes)
{
    uint64_t from_first = (uint64_t)index / CM_SLAB_FIRST_COUNT + 1;
    unsigned k = 63u - (unsigned)__builtin_clzll(from_first);

    if (k >= CM_SLABS)
        return NULL;
    /* relaxed: only the caller's side makes slabs. release: pairs with cm_slabs_get, which then sees zeroes
     */
    if (atomic_load_explicit(&slabs->slab[k], memory_order_relaxed) == NULL)
        atomic_store_explicit(&slabs->slab[k], calloc((size_t)CM_SLAB_FIRST_COUNT << k, element_bytes),
                              memory_order_release);
    return cm_slabs_get(slabs, index, element_bytes);
}

void cm_slabs_free(struct cm_slabs *slabs)
{
    for (unsigned k = 0; k < CM_SLABS; k++) {
        /* relaxed: nobody else has the array any more */
        free(atomic_load_explicit(&slabs->slab[k], memory_order_relaxed));
        atomic_store_explicit(&slabs->slab[k], NULL, memory_order_relaxed);
    }
}

static enum capmill_status no_memory(size_t n, struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get %" PRIu64 " bytes of memory for the output",
                        (uint64_t)n);
}

enum capmill_status cm_writer_grow(void **array, uint32_t n, uint32_t *capacity, size_t element_bytes,
                                   struct cm_error *error)
{
    uint32_t wanted = *capacity < 8 ? 8 : *capacity * 2;
    size_t n_bytes;
    void *grown;

    if (n < *capacity)
        return CAPMILL_OK;
    if (wanted <= *capacity || !cm_mul_size(wanted, element_bytes, &n_bytes))
        return no_memory(SIZE_MAX, error);
    grown = realloc(*array, n_bytes);
    if (grown == NULL)
        return no_memory(n_bytes, error);
    *array = grown;
    *capacity = wanted;
    return CAPMILL_OK;
}

uint64_t cm_writer_hash(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

/* Keys are hashes, so their low bits choose the place. `at` is one more than the place found last, 0 at
 * first. */
bool cm_writer_map_next(const struct cm_writer_map *map, uint64_t key, uint32_t *at, uint32_t *value_ret)
{
    uint32_t mask = map->capacity - 1;

    if (map->capacity == 0)
        return false;
    for (uint32_t step = *at; step < map->capacity; step++) {
        uint32_t place = ((uint32_t)key + step) & mask;

        if (map->values[place] == 0)
            return false;
        if (map->keys[place] == key) {
            *value_ret = map->values[place] - 1;
            *at = step + 1;
            return true;
        }
    }
    return false;
}

static void put(struct cm_writer_map *map, uint64_t key, uint32_t stored)
{
    uint32_t mask = map->capacity - 1, place = (uint32_t)key & mask;

    while (map->values[place] != 0)
        place = (place + 1) & mask;
    map->keys[place] = key;
    map->values[place] = stored;
}

static enum capmill_status rehash(struct cm_writer_map *map, struct cm_error *error)
{
    struct cm_writer_map larger = {.n = map->n, .capacity = map->capacity == 0 ? 16 : map->capacity * 2};

    if (larger.capacity == 0)
        return no_memory(SIZE_MAX, error);
    larger.keys = calloc(larger.capacity, sizeof(*larger.keys));
    larger.values = calloc(larger.capacity, sizeof(*larger.values));
    if (larger.keys == NULL || larger.values == NULL) {
        cm_writer_map_free(&larger);
        return no_memory((size_t)larger.capacity * 12, error);
    }
    for (uint32_t place = 0; place < map->capacity; place++)
        if (map->values[place] != 0)
            put(&larger, map->keys[place], map->values[place]);
    cm_writer_map_free(map);
    *map = larger;
    return CAPMILL_OK;
}

enum capmill_status cm_writer_map_add(struct cm_writer_map *map, uint64_t key, uint32_t value,
                                      struct cm_error *error)
{
    if (map->n >= map->capacity / 2) {
        enum capmill_status status = rehash(map, error);

        if (status != CAPMILL_OK)
            return status;
    }
    put(map, key, value + 1);
    map->n++;
    return CAPMILL_OK;
}

void cm_writer_map_free(struct cm_writer_map *map)
{
    free(map->keys);
    free(map->values);
    memset(map, 0, sizeof(*map));
}
