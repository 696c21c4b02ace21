/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream over memory holds. */
#include "os/stream.h"

#include "unit/check.h"

CM_TEST(stream, holds_exactly_the_bytes)
{
    static const char bytes[] = {'a', '\r', '\n', 0, 26, '\n', 'z'};
    char read[sizeof(bytes) + 1];
    struct cm_error error = {0};
    FILE *streams[8];

    for (int i = 0; i < 8; i++) /* several at a time */
        cm_check_that(cm_stream_open_bytes(bytes, sizeof(bytes), &streams[i], &error) == CAPMILL_OK, "%s",
                      error.text);
    for (int i = 0; i < 8; i++) {
        cm_check_eq(fread(read, 1, sizeof(read), streams[i]), sizeof(bytes));
        cm_check_mem(read, bytes, sizeof(bytes));
        cm_check_eq(fseek(streams[i], 4, SEEK_SET), 0);
        cm_check_eq(fgetc(streams[i]), 26);
        cm_check_eq(fclose(streams[i]), 0);
    }
}
