/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as they are written, once for all outputs: records become packets, changed where the job says so, with
 * their headers beside them. */
#ifndef CM_PIPELINE_RENDER_H
#define CM_PIPELINE_RENDER_H

#include "flow/flow_facts.h"
#include "pipeline/written.h"
#include "sink/packet_columns.h"

struct cm_renderer {
    struct cm_written records;               /* reads records and changes packets; writes nothing */
    bool headers;                            /* are wanted */
    bool innermost;                          /* headers of the innermost packet */
    const struct cm_flow_facts_table *facts; /* NULL: not asked for */
};

/* `transform` may be NULL. Zeroed but for the flags, which the caller sets. */
enum capmill_status cm_renderer_open(struct cm_renderer *renderer, struct cm_inputs *inputs,
                                     struct cm_transform *transform, struct cm_error *error);
void cm_renderer_close(struct cm_renderer *renderer);

struct cm_render_local; /* of one thread */
enum capmill_status cm_render_open(struct cm_renderer *renderer, struct cm_render_local **local_ret,
                                   struct cm_error *error);
void cm_render_close(struct cm_renderer *renderer, struct cm_render_local *local); /* NULL accepted */
/* Begin again with no packets. */
void cm_render_begin(struct cm_render_local *local);
/* One more, at most CM_BLOCK_PACKETS; `number` from 1 in its input. */
enum capmill_status cm_render_add(struct cm_renderer *renderer, struct cm_render_local *local,
                                  const struct cm_record *record, uint64_t place, uint64_t number,
                                  struct cm_error *error);
/* Those that were added; borrowed until the next begin. */
const struct cm_packet_rows *cm_render_rows(struct cm_renderer *renderer, struct cm_render_local *local);

#endif
