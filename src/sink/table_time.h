/* SPDX-License-Identifier: Apache-2.0 */
/* Times as tables hold them. */
#ifndef CM_SINK_TABLE_TIME_H
#define CM_SINK_TABLE_TIME_H

#include <stdint.h>

/* Readers take times for signed numbers: from the year 2262 on all are the greatest. */
static inline uint64_t cm_table_time(uint64_t time_ns)
{
    return time_ns <= INT64_MAX ? time_ns : INT64_MAX;
}

#endif
