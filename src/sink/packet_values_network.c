/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of link and network headers. */
#include "sink/packet_columns_int.h"

static const struct cm_span no_text = {NULL, 0};

static inline struct cm_span src_ip_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->tuples[i] != NULL ? cm_tuple_src(fill->tuples[i]) : no_text;
}

bool cm_fill_src_ip(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, src_ip_of);
}

static inline struct cm_span dst_ip_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->tuples[i] != NULL ? cm_tuple_dst(fill->tuples[i]) : no_text;
}

bool cm_fill_dst_ip(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_spans(fill, values, dst_ip_of);
}

static inline bool protocol_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].protocol;
    return fill->headers[i].ip_version != 0;
}

bool cm_fill_protocol(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, protocol_of);
}
