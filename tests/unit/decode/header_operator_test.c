/* SPDX-License-Identifier: Apache-2.0 */
/* The decode operator fills the header column of the packets that stay, each from its own bytes. */
#include "decode/decode.h"
#include "unit/check.h"
#include "wire/headers.h"
#include "wire/numbers.h"

#define N 8u

/* IPv4 and a UDP header whose source port tells which packet it is. */
static void make_packet(uint8_t bytes[28], uint16_t port)
{
    static const uint8_t headers[28] = {0x45, 0, 0,  28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0,
                                        0,    1, 10, 0,  0, 2, 0, 0, 0,  53, 0, 8, 0,  0};

    memcpy(bytes, headers, sizeof(headers));
    bytes[20] = (uint8_t)(port >> 8);
    bytes[21] = (uint8_t)port;
}

static struct cm_batch *make_batch(uint8_t bytes[N][28])
{
    struct cm_batch *batch = cm_batch_create(sizeof(struct cm_headers));

    cm_check(batch != NULL);
    for (uint32_t i = 0; i < N; i++) {
        make_packet(bytes[i], (uint16_t)(1000 + i));
        batch->packets[i] =
            (struct cm_packet){.data = bytes[i], .caplen = 28, .origlen = 28, .link_type = CM_LINK_RAW};
        batch->headers[i].src_port = 7;
    }
    batch->n_packets = N;
    return batch;
}

static void process(struct cm_batch *batch)
{
    const struct cm_operator operator= cm_decode_operator(false);
    struct cm_error error = {0};

    cm_check(operator.open == NULL && operator.close == NULL);
    cm_check_eq(operator.process(operator.shared, NULL, batch, &error), CAPMILL_OK);
}

CM_TEST(header_operator, every_packet_where_all_stay)
{
    uint8_t bytes[N][28];
    struct cm_batch *batch = make_batch(bytes);

    process(batch);
    for (uint32_t i = 0; i < N; i++) {
        cm_check_eq(batch->headers[i].ip_version, 4);
        cm_check_eq(batch->headers[i].src_port, 1000 + i);
    }
    cm_batch_destroy(batch);
}

CM_TEST(header_operator, of_a_narrowed_batch_only_what_stays)
{
    uint8_t bytes[N][28];
    struct cm_batch *batch = make_batch(bytes);

    batch->selected_all = false;
    for (uint16_t i = 1; i < N; i += 3)
        batch->selection[batch->n_selected++] = i;
    process(batch);
    for (uint32_t i = 0; i < N; i++)
        cm_check_eq(batch->headers[i].src_port, i % 3 == 1 ? 1000 + i : 7);
    batch->n_selected = 0;
    for (uint32_t i = 0; i < N; i++)
        batch->headers[i].src_port = 7;
    process(batch);
    for (uint32_t i = 0; i < N; i++)
        cm_check_eq(batch->headers[i].src_port, 7);
    cm_batch_destroy(batch);
}
