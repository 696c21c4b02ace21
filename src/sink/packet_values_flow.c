/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of a packet's flow: its ids, and what a pass before this one found out about it. */
#include "sink/packet_columns_int.h"

static inline bool flow_id_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->tuples[i] != NULL ? fill->tuples[i]->flow_id : 0;
    return fill->tuples[i] != NULL;
}

bool cm_fill_flow_id(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, flow_id_of);
}

static inline struct cm_span community_id_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->tuples[i] != NULL ? cm_tuple_community_id(fill->tuples[i]) : (struct cm_span){NULL, 0};
}

bool cm_fill_community_id(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, community_id_of);
}
