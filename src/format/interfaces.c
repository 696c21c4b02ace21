/* SPDX-License-Identifier: Apache-2.0 */
/* The interface table of one input: entries that never move and an index over them. What an interface
 * description says is read in pcapng_interface.c. */
#include "format/interfaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INTERFACES  1000000u
#define MAX_BLOCK_BYTES (256u * 1024 * 1024)
/* Nearly every capture has one interface, and a run may have a hundred thousand inputs. */
#define FIRST_CAPACITY 2u

/* An index array with the one that it replaced behind it: a reader may still hold the older. */
struct cm_interface_index {
    struct cm_interface_index *older;
    struct cm_interface *entries[];
};

void cm_interfaces_init(struct cm_interfaces *table)
{
    memset(table, 0, sizeof(*table));
}

void cm_interfaces_fini(struct cm_interfaces *table)
{
    for (uint32_t i = 0; i < table->n; i++) {
        free(table->index[i]->block);
        free(table->index[i]);
    }
    for (struct cm_interface_index *index = table->replaced, *older; index != NULL; index = older) {
        older = index->older;
        free(index);
    }
    memset(table, 0, sizeof(*table));
}

static bool grow_index(struct cm_interfaces *table)
{
    uint32_t capacity = table->index_capacity == 0 ? FIRST_CAPACITY : 2 * table->index_capacity;
    struct cm_interface_index *grown = malloc(sizeof(*grown) + capacity * sizeof(grown->entries[0]));

    if (grown == NULL)
        return false;
    if (table->n > 0)
        memcpy(grown->entries, table->index, table->n * sizeof(grown->entries[0]));
    grown->older = table->replaced;
    table->replaced = grown;
    table->index_capacity = capacity;
    /* release: pairs with cm_interfaces_get, which then sees the copied pointers */
    __atomic_store_n(&table->index, grown->entries, __ATOMIC_RELEASE);
    return true;
}

enum capmill_status cm_interfaces_append(struct cm_interfaces *table, const struct cm_interface *interface,
                                         const uint8_t *block, uint32_t block_bytes, struct cm_error *error)
{
    struct cm_interface *entry = NULL;
    uint8_t *copy = NULL;

    if (table->n >= MAX_INTERFACES)
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "more than %u interfaces in one capture",
                            MAX_INTERFACES);
    if (block_bytes > MAX_BLOCK_BYTES - table->block_bytes)
        return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                            "interface descriptions of more than %u MiB in one capture",
                            MAX_BLOCK_BYTES >> 20);
    if (table->n == table->index_capacity && !grow_index(table))
        goto no_memory;
    if (block != NULL) {
        copy = malloc(block_bytes > 0 ? block_bytes : 1);
        if (copy == NULL)
            goto no_memory;
        memcpy(copy, block, block_bytes);
    }
    entry = malloc(sizeof(*entry));
    if (entry == NULL)
        goto no_memory;
    *entry = *interface;
    snprintf(entry->number, sizeof(entry->number), "%u", (unsigned)interface->id);
    entry->block = copy;
    entry->block_bytes = block != NULL ? block_bytes : 0;
    table->block_bytes += entry->block_bytes;
    table->index[table->n] = entry;
    /* release: pairs with cm_interfaces_get, which then sees the entry whole */
    __atomic_store_n(&table->n, table->n + 1, __ATOMIC_RELEASE);
    return CAPMILL_OK;

no_memory:
    free(copy);
    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for interface %u of the capture", table->n);
}

const struct cm_interface *cm_interfaces_get(const struct cm_interfaces *table, uint32_t index)
{
    /* acquire: pairs with the append that published the entry */
    if (index >= __atomic_load_n(&table->n, __ATOMIC_ACQUIRE))
        return NULL;
    return __atomic_load_n(&table->index, __ATOMIC_ACQUIRE)[index];
}
