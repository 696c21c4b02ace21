/* SPDX-License-Identifier: Apache-2.0 */
/* Every character there is. */
#include "base/digits.h"

#include "unit/check.h"

CM_TEST(digits, every_character)
{
    static const char hex[] = "00112233445566778899aAbBcCdDeEfF"; /* twice each */

    for (int i = 0; i < 256; i++) {
        const char c = (char)i;
        const char *found = c == 0 ? NULL : strchr(hex, c);

        cm_check_eq(cm_hex_value(c), found == NULL ? -1 : (int)(found - hex) / 2);
        cm_check_eq(cm_is_digit(c), c != 0 && strchr("0123456789", c) != NULL);
        cm_check_eq(cm_lower(c), i >= 'A' && i <= 'Z' ? c + 32 : c);
    }
}
