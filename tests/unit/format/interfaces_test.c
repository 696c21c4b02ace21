/* SPDX-License-Identifier: Apache-2.0 */
/* The interface table grows without moving its entries and stops at its bounds. */
#include <stdlib.h>

#include "format/interfaces.h"

#include "unit/check.h"

CM_TEST(interfaces, entries_never_move_and_keep_their_blocks)
{
    struct cm_interfaces table;
    const struct cm_interface *first = NULL;

    cm_interfaces_init(&table);
    cm_check(cm_interfaces_get(&table, 0) == NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        struct cm_interface interface = {.link_type = (uint16_t)i, .id = i};
        uint8_t block[4] = {(uint8_t)i, (uint8_t)(i >> 8), 3, 4};

        cm_check_eq(cm_interfaces_append(&table, &interface, i % 2 ? block : NULL, 4, NULL), CAPMILL_OK);
        if (i == 0)
            first = cm_interfaces_get(&table, 0);
    }
    cm_check_eq(table.n, 1000);
    cm_check(cm_interfaces_get(&table, 0) == first);
    cm_check(cm_interfaces_get(&table, 1000) == NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        const struct cm_interface *interface = cm_interfaces_get(&table, i);

        cm_check_eq(interface->id, i);
        cm_check_eq(interface->block_bytes, i % 2 ? 4 : 0);
        if (i % 2)
            cm_check_eq(interface->block[0] + 256 * interface->block[1], i);
        else
            cm_check(interface->block == NULL);
    }
    cm_interfaces_fini(&table);
    cm_check_eq(table.n, 0);
    cm_interfaces_fini(&table); /* any state */
}

CM_TEST(interfaces, a_hostile_number_of_them_ends_in_an_error)
{
    struct cm_interfaces table;
    struct cm_interface interface = {.link_type = 1};
    struct cm_error error = {0};

    cm_interfaces_init(&table);
    for (uint32_t i = 0; i < 1000000; i++)
        if (cm_interfaces_append(&table, &interface, NULL, 0, &error) != CAPMILL_OK)
            break;
    cm_check_eq(table.n, 1000000);
    cm_check_eq(cm_interfaces_append(&table, &interface, NULL, 0, &error), CAPMILL_E_FORMAT);
    cm_check(strstr(error.text, "1000000") != NULL);
    cm_check_eq(table.n, 1000000);
    cm_interfaces_fini(&table);
}

CM_TEST(interfaces, hostile_blocks_end_in_an_error)
{
    struct cm_interfaces table;
    struct cm_interface interface = {.link_type = 1};
    struct cm_error error = {0};
    uint8_t *block = calloc(1, 16 << 20);

    cm_interfaces_init(&table);
    for (uint32_t i = 0; i < 16; i++)
        cm_check_eq(cm_interfaces_append(&table, &interface, block, 16 << 20, &error), CAPMILL_OK);
    cm_check_eq(cm_interfaces_append(&table, &interface, block, 1, &error), CAPMILL_E_FORMAT);
    cm_check_eq(table.n, 16);
    cm_interfaces_fini(&table);
    free(block);
}
