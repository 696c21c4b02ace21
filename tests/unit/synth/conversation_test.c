/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations are what two TCP hosts could have said: an observer who keeps the state of every connection
 * finds nothing wrong, and what is sent again is the same. */
#include "unit/synth/made_capture.h"
#include "wire/headers.h"

#define MAX_CONNECTIONS 4096

enum { CLIENT, SERVER };

struct connection {
    uint64_t key;
    uint32_t first[2];  /* initial sequence numbers */
    uint32_t next[2];   /* relative; what each side sends next */
    uint32_t closed[2]; /* FIN seen */
    uint32_t stage;     /* packets of the handshake seen */
    uint32_t n_packets;
    uint32_t hole[2], hole_end[2]; /* a segment that was overtaken */
    uint64_t last_payload[2];      /* hash of the last data segment of each side */
    uint32_t last_seq[2], last_length[2];
    bool reset;
    bool done;
};

struct observer {
    struct connection *connections;
    uint32_t n;
    uint64_t n_data, n_again, n_overtaken, n_resets, n_done;
};

static uint64_t hash_bytes(const uint8_t *bytes, size_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Connections live inside a block: the newest are searched first. */
static struct connection *find(struct observer *observer, uint64_t key)
{
    for (uint32_t i = observer->n; i > 0; i--) {
        if (observer->connections[i - 1].key == key)
            return &observer->connections[i - 1];
    }
    return NULL;
}

static void check_data(struct observer *observer, struct connection *c, unsigned side, uint32_t seq,
                       const uint8_t *payload, uint32_t n)
{
    uint64_t hash = hash_bytes(payload, n);

    observer->n_data++;
    if (seq == c->next[side]) {
        c->next[side] += n;
    } else if (seq > c->next[side]) {
        cm_check_that(c->hole_end[side] == 0, "a second segment overtakes");
        c->hole[side] = c->next[side];
        c->hole_end[side] = seq;
        c->next[side] = seq + n;
        observer->n_overtaken++;
    } else if (c->hole_end[side] != 0) {
        cm_check_eq(seq, c->hole[side]);
        cm_check_eq(seq + n, c->hole_end[side]);
        c->hole_end[side] = 0;
    } else {
        cm_check_eq(seq, c->last_seq[side]);
        cm_check_eq(n, c->last_length[side]);
        cm_check(hash == c->last_payload[side]);
        observer->n_again++;
    }
    c->last_seq[side] = seq;
    c->last_length[side] = n;
    c->last_payload[side] = hash;
}

static void check_handshake(struct connection *c, unsigned side, uint8_t flags, uint32_t seq, uint32_t ack)
{
    switch (c->stage++) {
    case 0:
        cm_check_eq(flags, 2);
        cm_check_eq(side, CLIENT);
        cm_check_eq(ack, 0);
        c->first[CLIENT] = seq;
        c->next[CLIENT] = 1;
        break;
    case 1:
        cm_check_eq(flags, 0x12);
        cm_check_eq(side, SERVER);
        cm_check_eq(ack, c->first[CLIENT] + 1);
        c->first[SERVER] = seq;
        c->next[SERVER] = 1;
        break;
    default:
        cm_check_eq(flags, 0x10);
        cm_check_eq(side, CLIENT);
        cm_check_eq(seq, c->first[CLIENT] + 1);
        cm_check_eq(ack, c->first[SERVER] + 1);
        break;
    }
}

static void observe(struct observer *observer, const struct made_packet *packet)
{
    struct cm_headers headers;
    const uint8_t *l4, *src, *dst;
    uint32_t n, bytes;
    uint64_t key;
    unsigned side;
    struct connection *c;
    uint8_t flags;

    cm_wire_decode(1, packet->data, packet->caplen, &headers);
    if (headers.protocol != 6)
        return;
    bytes = headers.ip_version == 4 ? 4 : 16;
    src = cm_headers_source(&headers, packet->data);
    dst = cm_headers_destination(&headers, packet->data);
    side = headers.src_port >= 32768 ? CLIENT : SERVER;
    key = hash_bytes(src, bytes) + hash_bytes(dst, bytes) + (uint64_t)headers.src_port * headers.dst_port;
    l4 = packet->data + headers.l4_offset;
    flags = headers.tcp_flags;
    n = packet->caplen - headers.payload_offset;

    c = find(observer, key);
    if (c == NULL) {
        cm_check(observer->n < MAX_CONNECTIONS);
        c = &observer->connections[observer->n++];
        c->key = key;
    }
    cm_check_that(!c->done, "a packet after the end");
    c->n_packets++;
    if (c->stage < 3) {
        cm_check_eq(n, 0);
        check_handshake(c, side, flags, cm_load_be32(l4 + 4), cm_load_be32(l4 + 8));
        return;
    }
    cm_check(flags & 0x10);
    cm_check_eq(flags & 0x02, 0);
    /* Everything that was seen is acknowledged, and nothing else: segments still missing apart. */
    if (c->hole_end[!side] == 0)
        cm_check_eq(cm_load_be32(l4 + 8) - c->first[!side], c->next[!side]);
    if (n > 0) {
        cm_check(!c->closed[side]);
        check_data(observer, c, side, cm_load_be32(l4 + 4) - c->first[side], l4 + 20, n);
    } else {
        cm_check_eq(cm_load_be32(l4 + 4) - c->first[side], c->next[side]);
    }
    if (flags & 1) {
        cm_check(!c->closed[side]);
        c->closed[side] = 1;
        c->next[side]++;
    } else if (flags & 4) {
        c->done = c->reset = true;
        observer->n_resets++;
    } else if (c->closed[0] && c->closed[1]) {
        c->done = true;
    }
    observer->n_done += c->done;
}

static int compare_times(const void *a, const void *b)
{
    const struct made_packet *x = a, *y = b;

    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return x->data < y->data ? -1 : x->data > y->data; /* stable: places in the file */
}

/* The capture in order of time, seen whole. */
static struct observer observe_sorted(const char *text)
{
    struct made_capture made = made_capture(text, false);
    struct made_packet *packets = malloc((size_t)made.n_packets * sizeof(*packets));
    struct observer observer = {0};
    uint64_t n = 0;

    observer.connections = calloc(MAX_CONNECTIONS, sizeof(*observer.connections));
    cm_check(packets != NULL && observer.connections != NULL);
    for (size_t at = made_first(&made); made_next(&made, &at, &packets[n]);) {
        if (++n == made.n_packets)
            break;
    }
    cm_check_eq(n, made.n_packets);
    qsort(packets, (size_t)n, sizeof(*packets), compare_times);
    for (uint64_t i = 0; i < n; i++)
        observe(&observer, &packets[i]);
    /* Blocks are whole but for the last: at least those conversations came to their end. */
    cm_check(made.n_blocks < 2 || observer.n_done > observer.n / 2);
    free(packets);
    free(observer.connections);
    observer.connections = NULL;
    made_free(&made);
    return observer;
}

CM_TEST(conversation, nothing_is_wrong_without_loss)
{
    struct observer seen =
        observe_sorted("size = 12M\ntcp = conversations\nprotocols = tcp\ntcp-reset = 10%");

    cm_check(seen.n > 300);
    cm_check_eq(seen.n_again, 0);
    cm_check_eq(seen.n_overtaken, 0);
    cm_check_that(seen.n_resets > seen.n / 20 && seen.n_resets < seen.n / 5, "%" PRIu64 " of %u were reset",
                  seen.n_resets, seen.n);
}

CM_TEST(conversation, whole_blocks_hold_whole_conversations)
{
    struct cm_synth *synth = made_synth("size = 20M\ntcp = conversations");
    char text[128];
    struct observer seen;

    snprintf(text, sizeof(text), "packets = %" PRIu32 "\ntcp = conversations",
             2 * cm_synth_block_packets(synth, 0));
    seen = observe_sorted(text);
    cm_check_eq(seen.n_done, seen.n);
    cm_synth_destroy(synth);
}

CM_TEST(conversation, sorting_puts_displaced_conversations_in_order)
{
    struct observer seen;

    seen = observe_sorted(
        "size = 8M\ntcp = conversations\norder = displaced\ndisplaced = 30%\ndisplaced-by = 3ms");
    cm_check_eq(seen.n_again + seen.n_overtaken, 0);
    seen = observe_sorted("size = 8M\ntcp = conversations\norder = shuffled\nipv6 = 50%\nvlan = 50%");
    cm_check_eq(seen.n_again + seen.n_overtaken, 0);
    /* Times that coincide are in order of place. */
    seen = observe_sorted("size = 8M\ntcp = conversations\norder = shuffled\nrate = 20Mpps");
    cm_check_eq(seen.n_again + seen.n_overtaken, 0);
}

CM_TEST(conversation, segments_are_repeated_and_overtaken_as_often_as_asked)
{
    struct observer seen = observe_sorted(
        "size = 12M\ntcp = conversations\nprotocols = tcp\ntcp-retransmit = 5%\ntcp-reorder = 3%");
    double again = (double)seen.n_again / (double)seen.n_data;
    double overtaken = (double)seen.n_overtaken / (double)seen.n_data;

    cm_check_that(again > 0.042 && again < 0.053, "%g of all segments again", again);
    cm_check_that(overtaken > 0.025 && overtaken < 0.032, "%g of all segments overtaken", overtaken);
}
