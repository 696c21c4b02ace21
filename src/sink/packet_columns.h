/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as rows of a table: which columns there are, what each is called, and their values from the bytes
 * of packets as they are written. The names and meanings are docs/export.md's; those of pcap-toolkit keep
 * theirs. Not for encoding (format/) and not for files. */
#ifndef CM_SINK_PACKET_COLUMNS_H
#define CM_SINK_PACKET_COLUMNS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text_fault.h"
#include "core/packet.h"
#include "flow/flow_facts.h"
#include "format/table_encoder.h"
#include "wire/headers.h"

/* Packets in output order, as they are written: changed ones after the change. Borrowed for a call. */
struct cm_packet_rows {
    uint32_t n;                       /* at most CM_TABLE_MAX_ROWS */
    const struct cm_packet *packets;  /* `data`, lengths, time, `place`, `interface`, `link_type` are used */
    const struct cm_headers *headers; /* of each; of the innermost packet where that was asked for */
    const uint32_t *inputs;           /* of each: number of its input */
    const uint64_t *numbers;          /* of each: its number in its input, from 1 */
    const struct cm_flow_facts *const *flows; /* of each; NULL elements: no flow. NULL: not asked for */
};

struct cm_packet_columns_options {
    const char *const *names; /* NULL: the default set */
    size_t n_names;
    bool unidirectional; /* flow ids of one direction */
    bool bloom_flow_id;
    void *context;
    const char *(*input_path)(void *context, uint32_t input);
    /* Name of an interface, or its number as text where it has no name; NULL where the capture's format knows
     * no interfaces. Lasts as long as the inputs. Any thread. */
    const char *(*interface_name)(void *context, uint32_t input, uint32_t interface);
};

struct cm_packet_columns; /* shared by threads, read-only once it is made */

/* CAPMILL_E_USAGE with the nearest known name where one is not known, or twice there. */
enum capmill_status cm_packet_columns_create(const struct cm_packet_columns_options *options,
                                             struct cm_packet_columns **columns_ret, struct cm_error *error);
void cm_packet_columns_destroy(struct cm_packet_columns *columns);
const struct cm_table_schema *cm_packet_columns_schema(const struct cm_packet_columns *columns);
bool cm_packet_columns_want_headers(const struct cm_packet_columns *columns);
bool cm_packet_columns_want_flows(const struct cm_packet_columns *columns); /* flow_packets and the like */
/* Every name there is, with its doc and whether it is in the default set; NULL after the last. */
const struct cm_column *cm_packet_column_known(size_t i, bool *is_default_ret);

struct cm_packet_columns_local; /* scratch of one thread */
struct cm_packet_columns_local *cm_packet_columns_local_create(const struct cm_packet_columns *columns);
void cm_packet_columns_local_destroy(struct cm_packet_columns_local *local); /* NULL accepted */
/* The values of these packets; borrowed from `local` and from the packets until the next call. */
enum capmill_status cm_packet_columns_fill(const struct cm_packet_columns *columns,
                                           struct cm_packet_columns_local *local,
                                           const struct cm_packet_rows *packets,
                                           struct cm_table_rows *rows_ret, struct cm_error *error);

#endif
