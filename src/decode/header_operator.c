/* SPDX-License-Identifier: Apache-2.0 */
/* The header column of a batch, filled while its bytes are warm. What headers mean is wire/'s. */
#include "decode/decode.h"

#include "wire/headers.h"

static inline void decode(struct cm_batch *batch, bool innermost)
{
    const uint32_t n = cm_batch_n_selected(batch);

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = cm_batch_selected(batch, i);
        const struct cm_packet *packet = &batch->packets[at];

        if (innermost)
            cm_wire_decode_innermost(packet->link_type, packet->data, packet->caplen, &batch->headers[at]);
        else
            cm_wire_decode(packet->link_type, packet->data, packet->caplen, &batch->headers[at]);
    }
}

static enum capmill_status process(void *shared, void *local, struct cm_batch *batch, struct cm_error *error)
{
    (void)shared;
    (void)local;
    (void)error;
    decode(batch, false);
    return CAPMILL_OK;
}

static enum capmill_status process_innermost(void *shared, void *local, struct cm_batch *batch,
                                             struct cm_error *error)
{
    (void)shared;
    (void)local;
    (void)error;
    decode(batch, true);
    return CAPMILL_OK;
}

struct cm_operator cm_decode_operator(bool innermost)
{
    return (struct cm_operator){.name = "decode", .process = innermost ? process_innermost : process};
}
