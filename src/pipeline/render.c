/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of a block, as they are written. Not for what outputs make of them. */
#include "pipeline/render.h"

#include <stdlib.h>

#include "base/grow.h"
#include "wire/headers.h"

/* Memory for changed packets, taken in stretches: what lies in one stays where it is while others come. A block
 * nearly always fits into one, which is kept. */
#define STRETCH_BYTES (CM_BLOCK_BYTES + CM_BLOCK_PACKETS * CM_TRANSFORM_GROWTH_BYTES)

struct stretch {
    struct stretch *next;
    size_t n_bytes;
    uint8_t bytes[];
};

struct cm_render_local {
    void *change; /* the transform's, of this thread */
    uint32_t n;
    struct cm_packet packets[CM_BLOCK_PACKETS];
    struct cm_headers headers[CM_BLOCK_PACKETS];
    uint32_t inputs[CM_BLOCK_PACKETS];
    uint64_t numbers[CM_BLOCK_PACKETS];
    const struct cm_flow_facts *flows[CM_BLOCK_PACKETS];
    struct cm_packet_rows rows;
    struct stretch *stretches; /* the one in use first */
    size_t used;
};

enum capmill_status cm_renderer_open(struct cm_renderer *renderer, struct cm_inputs *inputs,
                                     struct cm_transform *transform, struct cm_error *error)
{
    /* the form that holds every link type */
    const struct cm_writer_wish wish = {.kind = CM_WRITER_KIND_PCAPNG};

    return cm_written_open(&renderer->records, inputs, &wish, transform, false, error);
}

void cm_renderer_close(struct cm_renderer *renderer)
{
    cm_written_close(&renderer->records);
}

enum capmill_status cm_render_open(struct cm_renderer *renderer, struct cm_render_local **local_ret,
                                   struct cm_error *error)
{
    const struct cm_encoder *encoder = &renderer->records.encoder;
    struct cm_render_local *local = calloc(1, sizeof(*local));
    enum capmill_status status = CAPMILL_OK;

    if (local == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the packets of a block");
    if (encoder->open != NULL)
        status = encoder->open(encoder->context, &local->change, error);
    if (status < 0)
        free(local);
    else
        *local_ret = local;
    return status < 0 ? status : CAPMILL_OK;
}

static void free_stretches(struct stretch *from)
{
    while (from != NULL) {
        struct stretch *next = from->next;

        free(from);
        from = next;
    }
}

void cm_render_close(struct cm_renderer *renderer, struct cm_render_local *local)
{
    const struct cm_encoder *encoder = &renderer->records.encoder;

    if (local == NULL)
        return;
    if (encoder->close != NULL)
        encoder->close(encoder->context, local->change);
    free_stretches(local->stretches);
    free(local);
}

void cm_render_begin(struct cm_render_local *local)
{
    local->n = 0;
    local->used = 0;
    if (local->stretches != NULL) {
        free_stretches(local->stretches->next);
        local->stretches->next = NULL;
    }
}

/* Room for a changed packet; NULL: no memory. */
static uint8_t *get_room(struct cm_render_local *local, size_t n)
{
    struct stretch *stretch = local->stretches;

    if (stretch == NULL || n > stretch->n_bytes - local->used) {
        size_t n_bytes = n > STRETCH_BYTES ? n : STRETCH_BYTES;

        stretch = malloc(sizeof(*stretch) + n_bytes);
        if (stretch == NULL)
            return NULL;
        stretch->next = local->stretches;
        stretch->n_bytes = n_bytes;
        local->stretches = stretch;
        local->used = 0;
    }
    return stretch->bytes + local->used;
}

enum capmill_status cm_render_add(struct cm_renderer *renderer, struct cm_render_local *local,
                                  const struct cm_record *record, uint64_t place, uint64_t number,
                                  struct cm_error *error)
{
    uint32_t i = local->n;
    struct cm_packet *packet = &local->packets[i];
    size_t room = cm_written_room(&renderer->records, record);
    uint8_t *scratch = NULL;
    enum capmill_status status;

    if (room > 0) {
        scratch = get_room(local, room);
        if (scratch == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to change packets");
    }
    status = cm_written_render(&renderer->records, local->change, record, scratch, room, packet, error);
    if (status < 0)
        return status;
    if (room > 0)
        local->used += packet->caplen;
    packet->place = place;
    if (renderer->headers && renderer->innermost)
        cm_wire_decode_innermost(packet->link_type, packet->data, packet->caplen, &local->headers[i]);
    else if (renderer->headers)
        cm_wire_decode(packet->link_type, packet->data, packet->caplen, &local->headers[i]);
    local->inputs[i] = record->input;
    local->numbers[i] = number;
    if (renderer->facts != NULL)
        local->flows[i] = cm_flow_facts_find(renderer->facts, packet, &local->headers[i]);
    local->n++;
    return CAPMILL_OK;
}

const struct cm_packet_rows *cm_render_rows(struct cm_renderer *renderer, struct cm_render_local *local)
{
    local->rows = (struct cm_packet_rows){.n = local->n,
                                          .packets = local->packets,
                                          .headers = local->headers,
                                          .inputs = local->inputs,
                                          .numbers = local->numbers,
                                          .flows = renderer->facts != NULL ? local->flows : NULL};
    return &local->rows;
}
