/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of transport headers. */
#include "sink/packet_columns_int.h"

static inline bool src_port_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].src_port;
    return (fill->headers[i].flags & CM_HEADERS_PORTS) != 0;
}

bool cm_fill_src_port(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, src_port_of);
}

static inline bool dst_port_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].dst_port;
    return (fill->headers[i].flags & CM_HEADERS_PORTS) != 0;
}

bool cm_fill_dst_port(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, dst_port_of);
}

static inline bool tcp_flags_of(const struct cm_packet_fill *fill, uint32_t i, uint64_t *value_ret)
{
    *value_ret = fill->headers[i].tcp_flags;
    return (fill->headers[i].flags & CM_HEADERS_TCP_FLAGS) != 0;
}

bool cm_fill_tcp_flags(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_optional(fill, values, tcp_flags_of);
}
