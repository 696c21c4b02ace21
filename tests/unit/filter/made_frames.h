/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of filters: what a packet is, said in plain fields, and its bytes made from them. Headers
 * come from wire/, as in a run; what rules must answer is worked out from the plain fields alone. */
#ifndef CM_TESTS_DRAWN_FRAMES_H
#define CM_TESTS_DRAWN_FRAMES_H

#include <stdbool.h>
#include <stdlib.h>

#include "core/batch.h"
#include "unit/check.h"
#include "wire/headers.h"

#define DRAWN_PAYLOAD 24u
#define DRAWN_FRAME   160u

struct made_frame {
    uint8_t ip_version; /* 4, 6; 0: see eth_type */
    uint16_t eth_type;  /* of frames without IP */
    uint8_t n_tags;     /* VLAN */
    uint8_t protocol;
    uint8_t src[16], dst[16]; /* 4 bytes of IPv4 */
    uint16_t src_port, dst_port;
    uint8_t tcp_flags;
    bool is_later_fragment;
    uint8_t payload[DRAWN_PAYLOAD];
    uint32_t n_payload;
    uint32_t n_padding; /* after the IP packet: bytes 'a', which are no payload */
    uint32_t n_cut;     /* bytes not captured, from the end */
    uint64_t time_ns;
    uint16_t link_type;
};

static inline uint64_t made_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t made_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)(made_random(state) % n);
}

static inline uint32_t made_transport_bytes(const struct made_frame *frame)
{
    if (frame->ip_version == 0 || frame->is_later_fragment)
        return 0;
    switch (frame->protocol) {
    case 6:
        return 20;
    case 17:
    case 1:
    case 58:
        return 8;
    case 132:
        return 12;
    default:
        return 0;
    }
}

static inline bool made_has_ports(const struct made_frame *frame)
{
    return made_transport_bytes(frame) > 0 && frame->protocol != 1 && frame->protocol != 58;
}

static inline uint32_t made_l4_at(const struct made_frame *frame)
{
    return 14 + 4u * frame->n_tags + (frame->ip_version == 4 ? 20 : 40) +
           (frame->ip_version == 6 && frame->is_later_fragment ? 8 : 0);
}

/* Bytes on the wire. */
static inline uint32_t made_length(const struct made_frame *frame)
{
    if (frame->ip_version == 0)
        return 14 + 4u * frame->n_tags + 28;
    return made_l4_at(frame) + made_transport_bytes(frame) + frame->n_payload + frame->n_padding;
}

static inline uint32_t made_caplen(const struct made_frame *frame)
{
    return made_length(frame) - frame->n_cut;
}

static inline uint8_t *made_put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return to + 2;
}

/* Exactly made_length() bytes. */
static inline void made_write(const struct made_frame *frame, uint8_t *to)
{
    const uint32_t n_transport = made_transport_bytes(frame);
    const uint32_t n_l4 = n_transport + frame->n_payload;

    memset(to, 0, DRAWN_FRAME);
    memset(to, 2, 12);
    to += 12;
    for (unsigned tag = 0; tag < frame->n_tags; tag++) {
        to = made_put16(to, 0x8100);
        to = made_put16(to, 7 + tag);
    }
    to = made_put16(to, frame->ip_version == 4 ? 0x0800 : frame->ip_version == 6 ? 0x86dd : frame->eth_type);
    if (frame->ip_version == 0) {
        if (frame->eth_type == 0x0806)
            memcpy(to, "\0\1\x08\0\6\4\0\1", 8);
        return;
    }
    if (frame->ip_version == 4) {
        to[0] = 0x45;
        made_put16(to + 2, 20 + n_l4);
        made_put16(to + 6, frame->is_later_fragment ? 100 : 0);
        to[8] = 64;
        to[9] = frame->protocol;
        memcpy(to + 12, frame->src, 4);
        memcpy(to + 16, frame->dst, 4);
        to += 20;
    } else {
        to[0] = 0x60;
        made_put16(to + 4, n_l4 + (frame->is_later_fragment ? 8 : 0));
        to[6] = frame->is_later_fragment ? 44 : frame->protocol;
        to[7] = 64;
        memcpy(to + 8, frame->src, 16);
        memcpy(to + 24, frame->dst, 16);
        to += 40;
        if (frame->is_later_fragment) {
            to[0] = frame->protocol;
            made_put16(to + 2, 800);
            to += 8;
        }
    }
    if (made_has_ports(frame)) {
        made_put16(to, frame->src_port);
        made_put16(to + 2, frame->dst_port);
    }
    if (frame->protocol == 6 && n_transport > 0) {
        to[12] = 0x50;
        to[13] = frame->tcp_flags;
    } else if (frame->protocol == 17 && n_transport > 0) {
        made_put16(to + 4, 8 + frame->n_payload);
    }
    memcpy(to + n_transport, frame->payload, frame->n_payload);
    memset(to + n_l4, 'a', frame->n_padding);
}

struct made_frames {
    struct cm_batch batch;
    struct cm_headers headers[CM_BATCH_CAPACITY];
    uint8_t *bytes[CM_BATCH_CAPACITY]; /* each ends where the packet does */
};

static inline struct made_frames *made_frames_create(void)
{
    struct made_frames *made = calloc(1, sizeof(*made));

    cm_check(made != NULL);
    made->batch.selected_all = true;
    return made;
}

static inline void made_frames_destroy(struct made_frames *made)
{
    for (uint32_t i = 0; i < CM_BATCH_CAPACITY; i++)
        free(made->bytes[i]);
    free(made);
}

static inline void made_frames_fill(struct made_frames *made, const struct made_frame *frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t caplen = made_caplen(&frames[i]);
        uint8_t whole[DRAWN_FRAME];

        cm_check(made_length(&frames[i]) <= DRAWN_FRAME);
        made_write(&frames[i], whole);
        free(made->bytes[i]);
        made->bytes[i] = malloc(caplen);
        cm_check(made->bytes[i] != NULL);
        memcpy(made->bytes[i], whole, caplen);
        made->batch.packets[i] = (struct cm_packet){.data = made->bytes[i],
                                                    .time_ns = frames[i].time_ns,
                                                    .caplen = caplen,
                                                    .origlen = made_length(&frames[i]),
                                                    .link_type = frames[i].link_type};
    }
    made->batch.n_packets = n;
    made->batch.n_selected = 0;
    made->batch.selected_all = true;
}

/* What the decode operator does; what is not selected is made to look like nonsense. */
static inline void made_frames_decode(struct made_frames *made)
{
    struct cm_batch *batch = &made->batch;

    memset(made->headers, 0xee, sizeof(made->headers));
    for (uint32_t i = 0; i < cm_batch_n_selected(batch); i++) {
        const uint32_t at = cm_batch_selected(batch, i);

        cm_wire_decode(batch->packets[at].link_type, batch->packets[at].data, batch->packets[at].caplen,
                       &made->headers[at]);
    }
    batch->headers = made->headers;
}

/* --- drawing --- */

static inline void made_draw_address(uint64_t *state, uint8_t version, uint8_t address[16])
{
    const uint8_t v4[4] = {(uint8_t)(10 + made_below(state, 2)), 0, (uint8_t)made_below(state, 2),
                           (uint8_t)made_below(state, 4)};

    memset(address, 0, 16);
    if (version == 4) {
        memcpy(address, v4, 4);
    } else if (made_below(state, 3) == 0) { /* mapped */
        address[10] = address[11] = 0xff;
        memcpy(address + 12, v4, 4);
    } else {
        memcpy(address, "\x20\x01\x0d\xb8", 4);
        address[7] = (uint8_t)made_below(state, 2);
        address[15] = (uint8_t)made_below(state, 4);
    }
}

#define DRAWN_START_NS UINT64_C(1700000000000000000)

static inline void made_draw(uint64_t *state, struct made_frame *frame)
{
    static const uint8_t protocols[] = {6, 6, 6, 17, 17, 1, 58, 132, 47};
    uint32_t room;

    memset(frame, 0, sizeof(*frame));
    frame->link_type = 1;
    frame->time_ns = DRAWN_START_NS + made_below(state, 1000) * UINT64_C(1000000);
    frame->n_tags = made_below(state, 4) == 0 ? (uint8_t)(1 + made_below(state, 2)) : 0;
    if (made_below(state, 12) == 0) {
        frame->eth_type = made_below(state, 2) == 0 ? 0x0806 : 0x88cc;
        return;
    }
    frame->ip_version = made_below(state, 3) == 0 ? 6 : 4;
    frame->protocol = protocols[made_below(state, sizeof(protocols))];
    made_draw_address(state, frame->ip_version, frame->src);
    made_draw_address(state, frame->ip_version, frame->dst);
    frame->is_later_fragment = made_below(state, 15) == 0;
    if (made_has_ports(frame)) {
        frame->src_port = (uint16_t)(made_below(state, 3) == 0 ? 80 : 1000 + made_below(state, 6));
        frame->dst_port = (uint16_t)(made_below(state, 3) == 0 ? 443 : 1000 + made_below(state, 6));
    }
    if (frame->protocol == 6)
        frame->tcp_flags = (uint8_t)(made_random(state) & made_random(state));
    frame->n_payload = made_below(state, DRAWN_PAYLOAD + 1);
    for (uint32_t i = 0; i < frame->n_payload; i++)
        frame->payload[i] = (uint8_t)(made_below(state, 9) == 0 ? '\n' : 'a' + made_below(state, 4));
    frame->n_padding = made_below(state, 3) == 0 ? made_below(state, 10) : 0;
    room = made_length(frame) - made_l4_at(frame); /* the IP header is always captured */
    if (made_below(state, 10) == 0 && room > 0)
        frame->n_cut = made_below(state, room + 1);
}

#endif
