/* SPDX-License-Identifier: Apache-2.0 */
/* All of it, and nothing beside it. */
#include "base/wipe.h"

#include "unit/check.h"

CM_TEST(wipe, exactly_what_is_named)
{
    char bytes[34];

    memset(bytes, 'x', sizeof(bytes));
    cm_wipe(bytes + 1, 32);
    cm_check_eq(bytes[0], 'x');
    for (int i = 1; i <= 32; i++)
        cm_check_eq(bytes[i], 0);
    cm_check_eq(bytes[33], 'x');
}
