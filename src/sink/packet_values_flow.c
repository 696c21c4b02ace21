/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of a packet's flow: its ids, and what a pass before this one found out about it. */
#include "sink/packet_columns_int.h"
#include "sink/table_time.h"

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

/* --- facts of a first pass --- */

static inline bool flow_packets_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->flows[i] != NULL ? fill->flows[i]->n_packets : 0;
    return fill->flows[i] != NULL;
}

bool cm_fill_flow_packets(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, flow_packets_of);
}

static inline bool flow_bytes_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->flows[i] != NULL ? fill->flows[i]->n_bytes : 0;
    return fill->flows[i] != NULL;
}

bool cm_fill_flow_bytes(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, flow_bytes_of);
}

static inline bool flow_first_ns_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->flows[i] != NULL ? cm_table_time(fill->flows[i]->first_ns) : 0;
    return fill->flows[i] != NULL;
}

bool cm_fill_flow_first_ns(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, flow_first_ns_of);
}

static inline bool flow_last_ns_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->flows[i] != NULL ? cm_table_time(fill->flows[i]->last_ns) : 0;
    return fill->flows[i] != NULL;
}

bool cm_fill_flow_last_ns(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, flow_last_ns_of);
}

static inline struct cm_span flow_direction_of(const struct cm_packet_fill *fill, uint32_t i)
{
    static const struct cm_span ways[2] = {{(const uint8_t *)"forward", 7}, {(const uint8_t *)"reverse", 7}};
    const bool from_high = fill->tuples[i] != NULL && fill->tuples[i]->direction == CM_FLOW_FROM_HIGH;

    if (fill->flows[i] == NULL || fill->tuples[i] == NULL)
        return (struct cm_span){NULL, 0};
    return ways[from_high != fill->flows[i]->first_from_high];
}

bool cm_fill_flow_direction(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, flow_direction_of);
}
