/* SPDX-License-Identifier: Apache-2.0 */
/* The error record keeps the first failure and takes context in front. */
#include "base/error.h"

#include "unit/check.h"

CM_TEST(error, first_failure_wins)
{
    struct cm_error error = {0};

    cm_check_eq(cm_error_set(&error, CAPMILL_E_IO, 5, "cannot read %s", "a.pcap"), CAPMILL_E_IO);
    cm_check_eq(cm_error_set(&error, CAPMILL_E_MEMORY, 0, "later"), CAPMILL_E_MEMORY);
    cm_check_eq(error.status, CAPMILL_E_IO);
    cm_check_eq(error.system_code, 5);
    cm_check_str(error.text, "cannot read a.pcap");
}

CM_TEST(error, context_goes_in_front_and_needs_a_failure)
{
    struct cm_error error = {0};

    cm_check_eq(cm_error_context(&error, "nothing"), CAPMILL_OK);
    cm_check_str(error.text, "");
    cm_error_set(&error, CAPMILL_E_NO_SPACE, 28, "disk full");
    cm_check_eq(cm_error_context(&error, "slice %d", 3), CAPMILL_E_NO_SPACE);
    cm_check_str(error.text, "slice 3: disk full");
}

CM_TEST(error, overlong_texts_are_cut_not_overrun)
{
    struct cm_error error = {0};
    char text[3 * CM_ERROR_TEXT_BYTES];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    cm_error_set(&error, CAPMILL_E_IO, 0, "%s", text);
    cm_check_eq(strlen(error.text), CM_ERROR_TEXT_BYTES - 1);
    cm_error_context(&error, "%s", text);
    cm_check_eq(strlen(error.text), CM_ERROR_TEXT_BYTES - 1);
}

CM_TEST(error, every_status_has_a_name)
{
    for (int status = CAPMILL_E_INTERNAL; status <= CAPMILL_END; status++)
        cm_check(strcmp(capmill_status_name((enum capmill_status)status), "unknown status") != 0);
}
