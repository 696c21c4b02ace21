/* SPDX-License-Identifier: Apache-2.0 */
/* How columns of flows are filled: shared by flow_rows.c and flow_values.c. For these files only. */
#ifndef CM_SINK_FLOW_ROWS_INT_H
#define CM_SINK_FLOW_ROWS_INT_H

#include "base/address_text.h"
#include "flow/sessions.h"
#include "format/table_encoder.h"

/* Room of a row's text: an address is the longest. */
#define CM_FLOW_TEXT_BYTES CM_IPV6_TEXT_BYTES

/* Where a column's values go; what its type does not need is NULL. */
struct cm_flow_values {
    uint64_t *numbers;
    struct cm_span *spans;
    uint8_t *present; /* of nullable columns */
    char *chars;      /* of texts: CM_FLOW_TEXT_BYTES a row */
    uint32_t n_absent;
};

typedef void cm_flow_filler(const struct cm_session *const *sessions, uint32_t n,
                            struct cm_flow_values *values);

struct cm_flow_column {
    struct cm_column column;
    cm_flow_filler *fill;
};

/* flow_values.c */
extern const struct cm_flow_column cm_flow_column_table[];
extern const size_t cm_n_flow_columns;

#endif
