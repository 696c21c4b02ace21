/* SPDX-License-Identifier: Apache-2.0 */
/* The header column of a batch, filled while its bytes are warm. What headers mean is wire/'s. */
#include "decode/decode.h"

#include "wire/headers.h"

static enum capmill_status process(void *shared, void *local, struct cm_batch *batch, struct cm_error *error)
{
    (void)shared;
    (void)local;
    (void)error;
    for (uint32_t i = 0; i < batch->n_packets; i++) {
        const struct cm_packet *packet = &batch->packets[i];

        cm_wire_decode(packet->link_type, packet->data, packet->caplen, &batch->headers[i]);
    }
    return CAPMILL_OK;
}

struct cm_operator cm_decode_operator(void)
{
    return (struct cm_operator){.name = "decode", .process = process};
}
