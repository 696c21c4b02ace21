/* SPDX-License-Identifier: Apache-2.0 */
/* headers_dump CAPTURE: what wire/ says of each packet, a line a packet, for
 * tests/differential/headers_vs_tshark.py. It frames sound pcap and pcapng by itself, as plainly as can be,
 * so that it proves wire/ without the reader that the program uses; at the first record that is not sound it
 * stops.
 *
 * Columns, separated by tabs: packet number, link type, Ethernet type, inner offset (or -), then each packet
 * from the outermost to the innermost as version,source,destination,protocol,source port,destination port,TCP
 * flags,marks (empty where not known; marks: f fragment, l later fragment, c cut, b bad, i ICMP). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/address_text.h"
#include "base/endian.h"
#include "wire/headers.h"
#include "wire/names.h"

#define MAX_INTERFACES 65536

static void print_address(const struct cm_headers *headers, const uint8_t *address)
{
    char text[CM_IPV6_TEXT_BYTES] = "";

    if (address != NULL && headers->ip_version == 4)
        cm_ipv4_text(address, text);
    else if (address != NULL)
        cm_ipv6_text(address, text);
    printf("%s,", text);
}

static void print_layer(const struct cm_headers *headers, const uint8_t *data)
{
    printf("\t%u,", headers->ip_version);
    print_address(headers, cm_headers_source(headers, data));
    print_address(headers, cm_headers_destination(headers, data));
    if (headers->ip_version != 0)
        printf("%u", headers->protocol);
    if (headers->flags & CM_HEADERS_PORTS)
        printf(",%u,%u,", headers->src_port, headers->dst_port);
    else
        printf(",,,");
    if (headers->flags & CM_HEADERS_TCP_FLAGS)
        printf("%u", headers->tcp_flags);
    printf(",%s%s%s%s%s", headers->flags & CM_HEADERS_FRAGMENT ? "f" : "",
           headers->flags & CM_HEADERS_LATER_FRAGMENT ? "l" : "", headers->flags & CM_HEADERS_CUT ? "c" : "",
           headers->flags & CM_HEADERS_BAD ? "b" : "", headers->flags & CM_HEADERS_ICMP ? "i" : "");
}

static void print_packet(uint64_t number, uint16_t link_type, const uint8_t *data, uint32_t caplen)
{
    struct cm_headers headers;

    cm_wire_decode(link_type, data, caplen, &headers);
    printf("%" PRIu64 "\t%u\t%u\t", number, link_type, headers.eth_type);
    if (headers.inner_kind == CM_INNER_NONE)
        printf("-");
    else
        printf("%u", headers.inner_offset);
    print_layer(&headers, data);
    for (int depth = 0; depth < 8 && cm_wire_decode_inner(data, caplen, &headers, &headers); depth++)
        print_layer(&headers, data);
    printf("\n");
}

static bool dump_pcap(const uint8_t *bytes, size_t n)
{
    uint32_t magic = cm_load_be32(bytes);
    bool big = magic >> 24 == 0xa1;
    uint32_t header_bytes = magic == 0xa1b2cd34 || magic == 0x34cdb2a1 ? 24 : 16;
    uint16_t link_type;
    uint64_t number = 0;

    if (n < 24)
        return false;
    link_type = (uint16_t)cm_load_u32_as(bytes + 20, big);
    for (size_t at = 24; n - at >= header_bytes;) {
        uint32_t caplen = cm_load_u32_as(bytes + at + 8, big);

        at += header_bytes;
        if (caplen > n - at)
            break;
        print_packet(++number, link_type, bytes + at, caplen);
        at += caplen;
    }
    return true;
}

static bool dump_pcapng(const uint8_t *bytes, size_t n)
{
    static uint16_t link_types[MAX_INTERFACES];
    static uint32_t snaplens[MAX_INTERFACES];
    uint32_t n_interfaces = 0;
    uint64_t number = 0;
    bool big = false;

    for (size_t at = 0; n - at >= 12;) {
        const uint8_t *block = bytes + at;
        uint32_t type, block_bytes, interface = 0, caplen = 0, data_at = 0;

        if (cm_load_be32(block) == 0x0a0d0d0a) {
            big = cm_load_be32(block + 8) == 0x1a2b3c4d;
            n_interfaces = 0;
        }
        type = cm_load_u32_as(block, big);
        block_bytes = cm_load_u32_as(block + 4, big);
        if (block_bytes < 12 || block_bytes > n - at)
            break;
        if (type == 1 && block_bytes >= 20 && n_interfaces < MAX_INTERFACES) {
            link_types[n_interfaces] = cm_load_u16_as(block + 8, big);
            snaplens[n_interfaces++] = cm_load_u32_as(block + 12, big);
        } else if (type == 6 && block_bytes >= 32) {
            interface = cm_load_u32_as(block + 8, big);
            caplen = cm_load_u32_as(block + 20, big);
            data_at = 28;
        } else if (type == 2 && block_bytes >= 32) {
            interface = cm_load_u16_as(block + 8, big);
            caplen = cm_load_u32_as(block + 20, big);
            data_at = 28;
        } else if (type == 3 && block_bytes >= 16) {
            caplen = cm_load_u32_as(block + 8, big);
            if (n_interfaces > 0 && snaplens[0] != 0 && snaplens[0] < caplen)
                caplen = snaplens[0];
            data_at = 12;
        }
        if (data_at != 0) {
            if (interface >= n_interfaces || caplen > block_bytes - data_at - 4)
                break;
            print_packet(++number, link_types[interface], block + data_at, caplen);
        }
        at += block_bytes;
    }
    return true;
}

static uint8_t *read_whole(const char *path, size_t *n_ret)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t n = 0, capacity = 0;

    if (file == NULL)
        return NULL;
    for (;;) {
        size_t got;

        if (n == capacity) {
            uint8_t *more = realloc(bytes, capacity = capacity * 2 + 65536);

            if (more == NULL)
                break;
            bytes = more;
        }
        got = fread(bytes + n, 1, capacity - n, file);
        if (got == 0)
            break;
        n += got;
    }
    fclose(file);
    *n_ret = n;
    return bytes;
}

int main(int argc, char **argv)
{
    uint8_t *bytes;
    uint32_t magic;
    size_t n = 0;
    bool known = false;

    if (argc != 2) {
        fprintf(stderr, "usage: headers_dump CAPTURE\n");
        return 2;
    }
    bytes = read_whole(argv[1], &n);
    if (bytes == NULL) {
        fprintf(stderr, "headers_dump: cannot read %s\n", argv[1]);
        return 1;
    }
    magic = n >= 4 ? cm_load_be32(bytes) : 0;
    if (magic == 0x0a0d0d0a)
        known = dump_pcapng(bytes, n);
    else if (magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || magic == 0xa1b23c4d || magic == 0x4d3cb2a1 ||
             magic == 0xa1b2cd34 || magic == 0x34cdb2a1)
        known = dump_pcap(bytes, n);
    free(bytes);
    if (!known) {
        fprintf(stderr, "headers_dump: %s is neither pcap nor pcapng\n", argv[1]);
        return 3;
    }
    return 0;
}
