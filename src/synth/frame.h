/* SPDX-License-Identifier: Apache-2.0 */
/* One synthetic Ethernet frame: headers, payload and checksums. Not for which frames there are
 * (traffic.h). */
#ifndef CM_SYNTH_FRAME_H
#define CM_SYNTH_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "synth/endpoints.h"
#include "synth/synth.h"

enum cm_synth_frame_protocol { CM_SYNTH_FRAME_TCP, CM_SYNTH_FRAME_UDP, CM_SYNTH_FRAME_ICMP };

/* A kind of frame: its headers. */
struct cm_synth_frame_class {
    uint8_t protocol; /* enum cm_synth_frame_protocol */
    bool ipv6;
    uint8_t n_tags;
};
#define CM_SYNTH_FRAME_CLASSES 18

static inline uint32_t cm_synth_frame_class_number(struct cm_synth_frame_class c)
{
    return (uint32_t)(c.protocol * 2 + c.ipv6) * 3 + c.n_tags;
}

/* Bytes of headers up to the payload, TCP options apart. */
static inline uint32_t cm_synth_frame_header_bytes(struct cm_synth_frame_class c)
{
    static const uint8_t transport[3] = {20, 8, 8};

    return 14u + 4u * c.n_tags + (c.ipv6 ? 40u : 20u) + transport[c.protocol];
}

/* Maximum segment size and window scale, in SYN segments. */
#define CM_SYNTH_FRAME_SYN_OPTIONS 8

enum cm_synth_frame_tcp_flags {
    CM_SYNTH_TCP_FIN = 1,
    CM_SYNTH_TCP_SYN = 2,
    CM_SYNTH_TCP_RST = 4,
    CM_SYNTH_TCP_PSH = 8,
    CM_SYNTH_TCP_ACK = 16,
};

struct cm_synth_frame {
    struct cm_synth_frame_class class;
    bool from_server;
    bool syn_options;
    uint8_t tcp_flags;
    uint16_t mss;
    uint16_t ip_id;
    uint16_t icmp_sequence;
    uint32_t bytes; /* at least its headers, at most 65535 */
    uint32_t seq, ack;
    uint64_t payload_key;
    struct cm_synth_endpoints ends;
};

/* What payloads are made of; shared, read-only. */
struct cm_synth_frame_payload {
    enum cm_recipe_payload kind;
    uint8_t *text;  /* TEXT: CM_SYNTH_FRAME_TEXT_BYTES of it */
    uint32_t *sums; /* sums[i]: of the little-endian 16-bit words before word i, modulo 2^32 */
};
/* A payload is a stretch of the text that starts in its first half: the greatest one fits behind any
 * start. */
#define CM_SYNTH_FRAME_TEXT_BYTES (1u << 17)

enum capmill_status cm_synth_frame_payload_init(struct cm_synth_frame_payload *payload,
                                                enum cm_recipe_payload kind, uint64_t seed,
                                                struct cm_error *error);
void cm_synth_frame_payload_fini(struct cm_synth_frame_payload *payload);

/* Writes frame->bytes at `out`, and may write up to CM_SYNTH_FRAME_SLACK more that mean nothing. */
#define CM_SYNTH_FRAME_SLACK 16
void cm_synth_frame_write(const struct cm_synth_frame *frame, const struct cm_synth_frame_payload *payload,
                          uint8_t *out);

#endif
