/* SPDX-License-Identifier: Apache-2.0 */
/* A test tool: what the framer finds in a file, one line per packet, event and damage. `frame_dump [--block
 * N] FILE`: in one go, or fed N bytes at a time. Exit status 0: framed; 3: with damage; 1: not a capture.
 * Scripts of tests/differential read its lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/frame_drive.h"

static uint8_t *read_file(const char *path, size_t *n_ret)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t n = 0, capacity = 0, got;

    if (file == NULL)
        return NULL;
    do {
        if (n == capacity) {
            capacity = capacity == 0 ? 1 << 20 : 2 * capacity;
            bytes = realloc(bytes, capacity);
            if (bytes == NULL)
                abort();
        }
        got = fread(bytes + n, 1, capacity - n, file);
        n += got;
    } while (got > 0);
    fclose(file);
    *n_ret = n;
    return bytes;
}

static const char *event_name(enum cm_event_type type)
{
    static const char *const names[] = {"", "section", "interface", "metadata", "damage"};

    return names[type];
}

static void print_items(const struct cm_driven *driven)
{
    uint64_t number = 0;

    for (size_t i = 0; i < driven->n_items; i++) {
        const struct cm_driven_item *item = &driven->items[i];
        const struct cm_packet *p = &item->packet;

        if (item->event.type == 0)
            printf("packet %" PRIu64 " time_ns %" PRIu64 " caplen %" PRIu32 " origlen %" PRIu32
                   " link_type %u interface %" PRIu32 " offset %" PRIu64 " flags %u id %" PRIu32 "\n",
                   ++number, p->time_ns, p->caplen, p->origlen, p->link_type, p->interface, p->place,
                   p->flags, cm_interfaces_get(&driven->interfaces, p->interface)->id);
        else
            printf("%s offset %" PRIu64 " bytes %" PRIu64 " interface %" PRIu32 " %s\n",
                   event_name(item->event.type), item->event.place, item->event.n_bytes,
                   item->event.interface, item->event.reason != NULL ? item->event.reason : "");
    }
}

int main(int argc, char **argv)
{
    struct cm_driven driven;
    size_t feed_bytes = 0, n;
    uint8_t *bytes;
    int status;

    if (argc == 4 && strcmp(argv[1], "--block") == 0) {
        feed_bytes = strtoul(argv[2], NULL, 10);
        argv += 2;
    } else if (argc != 2) {
        fprintf(stderr, "usage: frame_dump [--block N] FILE\n");
        return 2;
    }
    bytes = read_file(argv[1], &n);
    if (bytes == NULL) {
        fprintf(stderr, "cannot read %s\n", argv[1]);
        return 1;
    }
    cm_drive(&driven, argv[1], bytes, n, feed_bytes);
    if (driven.status == CAPMILL_OK)
        printf("file format %s variant %s endian %s version %u.%u snaplen %" PRIu32 " interfaces %" PRIu32
               "\n",
               cm_layout_format_name(&driven.layout), cm_layout_variant_name(&driven.layout),
               driven.layout.big_endian ? "big" : "little", driven.layout.version_major,
               driven.layout.version_minor, driven.layout.snaplen, driven.interfaces.n);
    else
        printf("error %s: %s\n", capmill_status_name(driven.status), driven.error.text);
    print_items(&driven);
    printf("total packets %zu damages %zu damaged_bytes %" PRIu64 "\n", driven.n_packets, driven.n_damages,
           driven.damaged_bytes);
    status = driven.status < 0 ? 1 : driven.n_damages > 0 ? 3 : 0;
    cm_driven_free(&driven);
    free(bytes);
    return status;
}
