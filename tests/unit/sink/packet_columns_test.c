/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of packets: exact values of packets built by hand, and nothing but what was captured. */
#include "sink/packet_columns.h"

#include "flow/flow_id.h"
#include "unit/sink/made_rows.h"

static const char *path_of(void *context, uint32_t input)
{
    return input == 0 ? "in/one.pcapng" : "in/tw\xff\xc3\xb6.pcap";
}

static const char *interface_of(void *context, uint32_t input, uint32_t interface)
{
    static const char *const names[] = {"eth0", "wl\x80n", "2"};

    return input == 0 && interface < 3 ? names[interface] : NULL;
}

struct columns {
    struct cm_packet_columns *columns;
    struct cm_packet_columns_local *local;
};

/* Columns by name; none: the default ones. */
static struct columns open_columns(const char *const *names, size_t n, bool unidirectional)
{
    const struct cm_packet_columns_options options = {.names = names,
                                                      .n_names = n,
                                                      .unidirectional = unidirectional,
                                                      .input_path = path_of,
                                                      .interface_name = interface_of};
    struct columns opened = {0};
    struct cm_error error = {0};

    cm_check_that(cm_packet_columns_create(&options, &opened.columns, &error) == CAPMILL_OK, "%s",
                  error.text);
    opened.local = cm_packet_columns_local_create(opened.columns);
    cm_check(opened.local != NULL);
    return opened;
}

/* Every column there is. */
static struct columns open_all(bool unidirectional)
{
    const char *names[64];
    const struct cm_column *column;
    bool is_default;
    size_t n = 0;

    for (; (column = cm_packet_column_known(n, &is_default)) != NULL; n++) {
        cm_check(n < 64);
        names[n] = column->name;
    }
    return open_columns(names, n, unidirectional);
}

static void close_columns(struct columns *opened)
{
    cm_packet_columns_local_destroy(opened->local);
    cm_packet_columns_destroy(opened->columns);
}

static struct seen_rows fill_columns(const struct columns *opened, const struct made_rows *made,
                                     uint32_t first, uint32_t n)
{
    const struct cm_packet_rows packets = made_rows_view(made, first, n);
    struct seen_rows seen = {cm_packet_columns_schema(opened->columns), {0}};
    struct cm_error error = {0};

    cm_check_that(cm_packet_columns_fill(opened->columns, opened->local, &packets, &seen.rows, &error) ==
                      CAPMILL_OK,
                  "%s", error.text);
    cm_check_eq(seen.rows.n_rows, n);
    check_rows_are_sound(&seen);
    return seen;
}

CM_TEST(packet_columns, the_default_set_and_its_order)
{
    static const char *const expected[] = {"timestamp_ns",  "src_ip",    "dst_ip",      "src_port",
                                           "dst_port",      "protocol",  "flow_id",     "caplen",
                                           "origlen",       "tcp_flags", "payload",     "time",
                                           "packet_number", "interface", "community_id"};
    struct columns opened = open_columns(NULL, 0, false);
    const struct cm_table_schema *schema = cm_packet_columns_schema(opened.columns);

    cm_check_str(schema->record_name, "Packet");
    cm_check_eq(schema->n_columns, CM_ARRAY_COUNT(expected));
    for (size_t i = 0; i < schema->n_columns; i++) {
        cm_check_str(schema->columns[i].name, expected[i]);
        cm_check(schema->columns[i].doc != NULL);
        cm_check(!schema->columns[i].bloom);
    }
    cm_check(cm_packet_columns_want_headers(opened.columns));
    cm_check(!cm_packet_columns_want_flows(opened.columns));
    close_columns(&opened);
}

static void check_refused_columns(const char *const *names, size_t n, const char *message)
{
    const struct cm_packet_columns_options options = {.names = names, .n_names = n};
    struct cm_packet_columns *columns = NULL;
    struct cm_error error = {0};

    cm_check_eq(cm_packet_columns_create(&options, &columns, &error), CAPMILL_E_USAGE);
    cm_check(columns == NULL);
    cm_check_str(error.text, message);
}

CM_TEST(packet_columns, names_that_make_no_table_are_refused)
{
    static const char *const near[] = {"src_ip", "dst_prot"}, *const far[] = {"zzzzzz"};
    static const char *const twice[] = {"time", "caplen", "time"};

    check_refused_columns(near, 2, "a packet has no column 'dst_prot'; did you mean 'dst_port'?");
    check_refused_columns(far, 1, "a packet has no column 'zzzzzz'");
    check_refused_columns(twice, 3, "column 'time' is there twice");
    check_refused_columns(twice, 0, "a table needs at least one column");
}

CM_TEST(packet_columns, a_column_asks_for_no_more_than_it_needs)
{
    static const char *const names[] = {"time", "payload", "file", "interface", "packet_number"};
    struct columns opened = open_columns(names, 5, false);

    cm_check(!cm_packet_columns_want_headers(opened.columns));
    close_columns(&opened);
}

/* 1.2.3.4:1122 to 5.6.7.8:3344, whose Community ID is published, and back. */
static void put_published_tcp(struct packet *packet, bool back)
{
    uint32_t ip;

    put_ethernet(packet, 0x0800);
    ip = put_ipv4(packet, 6);
    memcpy(packet->bytes + ip + 12, back ? "\5\6\7\10\1\2\3\4" : "\1\2\3\4\5\6\7\10", 8);
    put_tcp(packet, back ? 3344 : 1122, back ? 1122 : 3344, back ? 0x12 : 0x02);
    fill(packet, 0xaa, 7);
    close_ipv4(packet, ip);
}

CM_TEST(packet_columns, default_values_of_tcp_over_ipv4)
{
    struct made_rows *made = made_rows_create();
    struct columns opened = open_columns(NULL, 0, false);
    struct packet forth = {.n = 0}, back = {.n = 0};
    struct cm_flow_key key;
    enum cm_flow_direction direction;
    struct seen_rows seen;

    put_published_tcp(&forth, false);
    put_published_tcp(&back, true);
    made_rows_put(made, CM_LINK_ETHERNET, &forth, forth.n);
    made_rows_put(made, CM_LINK_ETHERNET, &back, back.n)->origlen = 1500;
    seen = fill_columns(&opened, made, 0, 2);
    cm_check_eq(cm_flow_key_make(&made->packets[0], &made->headers[0], false, &key, &direction),
                CM_FLOW_IPV4);
    check_number(&seen, "timestamp_ns", 1, INT64_C(1700000000000000001));
    check_number(&seen, "time", 1, INT64_C(1700000000000000001));
    check_text(&seen, "src_ip", 0, "1.2.3.4");
    check_text(&seen, "src_ip", 1, "5.6.7.8");
    check_text(&seen, "dst_ip", 0, "5.6.7.8");
    check_text(&seen, "dst_ip", 1, "1.2.3.4");
    check_number(&seen, "src_port", 0, 1122);
    check_number(&seen, "dst_port", 0, 3344);
    check_number(&seen, "src_port", 1, 3344);
    check_number(&seen, "protocol", 0, 6);
    check_number(&seen, "flow_id", 0, cm_flow_id(&key));
    check_number(&seen, "flow_id", 1, cm_flow_id(&key));
    check_number(&seen, "caplen", 1, back.n);
    check_number(&seen, "origlen", 1, 1500);
    check_number(&seen, "tcp_flags", 0, 2);
    check_number(&seen, "tcp_flags", 1, 0x12);
    check_number(&seen, "packet_number", 1, 2);
    check_text(&seen, "interface", 0, "eth0");
    check_text(&seen, "community_id", 0, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    check_text(&seen, "community_id", 1, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    cm_check(seen.rows.columns[column_at(&seen, "payload")].spans[0].bytes == made->packets[0].data);
    cm_check_eq(seen.rows.columns[column_at(&seen, "payload")].spans[0].n, forth.n);
    close_columns(&opened);
    made_rows_destroy(made);
}

/* --- packets of all kinds --- */

static void put_vlan(struct packet *packet, unsigned tag, unsigned type)
{
    put16(packet, tag);
    put16(packet, type);
}

/* Two tags, eight bytes of IPv4 options, UDP with five bytes, and padding that belongs to none of them. */
static void put_tagged_udp(struct packet *packet)
{
    uint32_t ip;

    put_ethernet(packet, 0x88a8);
    put_vlan(packet, 0xe064, 0x8100);
    put_vlan(packet, 0x2fff, 0x0800);
    ip = put_ipv4(packet, 17);
    packet->bytes[ip] = 0x47;
    fill(packet, 1, 8);
    put_udp(packet, 53, 5353, 13);
    fill(packet, 0xbb, 5);
    close_ipv4(packet, ip);
    fill(packet, 0, 9);
}

/* Hop-by-hop options, a fragment header (the first fragment), TCP with twelve bytes of options. */
static void put_extended_tcp(struct packet *packet)
{
    uint32_t ip;

    put_ethernet(packet, 0x86dd);
    ip = put_ipv6(packet, 0);
    put8(packet, 44);
    put8(packet, 0);
    fill(packet, 0, 6);
    put32(packet, 0x06000001);
    put32(packet, 0xcafe);
    put_tcp(packet, 443, 50000, 0x18);
    packet->bytes[packet->n - 8] = 0x80;
    fill(packet, 1, 12);
    fill(packet, 0xcc, 33);
    close_ipv6(packet, ip);
}

static void put_later_fragment(struct packet *packet)
{
    uint32_t ip;

    put_ethernet(packet, 0x0800);
    ip = put_ipv4(packet, 17);
    set16(packet, ip + 6, 100);
    fill(packet, 0xdd, 30);
    close_ipv4(packet, ip);
}

static void put_echo(struct packet *packet, bool answer)
{
    uint32_t ip;

    put_ethernet(packet, 0x0800);
    ip = put_ipv4(packet, 1);
    memcpy(packet->bytes + ip + 12, answer ? "\5\6\7\10\1\2\3\4" : "\1\2\3\4\5\6\7\10", 8);
    put8(packet, answer ? 0 : 8);
    put8(packet, 0);
    fill(packet, 0, 6);
    fill(packet, 0xee, 56);
    close_ipv4(packet, ip);
}

/* Destination unreachable, port unreachable; a type of IPv6. */
static void put_unreachable6(struct packet *packet)
{
    uint32_t ip;

    put_ethernet(packet, 0x86dd);
    ip = put_ipv6(packet, 58);
    put8(packet, 1);
    put8(packet, 4);
    fill(packet, 0, 46);
    close_ipv6(packet, ip);
}

static void put_arp(struct packet *packet)
{
    put_ethernet(packet, 0x0806);
    put32(packet, 0x00010800);
    put32(packet, 0x06040001);
    fill(packet, 0x0a, 20);
}

/* Cooked: the sender's address and its length lie in front of the type. */
static void put_cooked(struct packet *packet, unsigned address_bytes)
{
    uint32_t ip;

    put16(packet, 4);
    put16(packet, 1);
    put16(packet, address_bytes);
    put32(packet, 0x02005e10);
    put32(packet, 0x00fe0000);
    put16(packet, 0x0800);
    ip = put_ipv4(packet, 132);
    put16(packet, 7);
    put16(packet, 9);
    fill(packet, 0, 8);
    fill(packet, 1, 16);
    close_ipv4(packet, ip);
}

static void put_cooked2(struct packet *packet)
{
    put16(packet, 0x0806);
    put16(packet, 0);
    put32(packet, 3);
    put16(packet, 1);
    put8(packet, 0);
    put8(packet, 6);
    put32(packet, 0x0a0b0c0d);
    put32(packet, 0x0e0f0000);
    fill(packet, 0, 28);
}

#define KINDS 10u

/* Answers the link type. */
static uint16_t put_kind(struct packet *packet, unsigned kind)
{
    packet->n = 0;
    switch (kind) {
    case 0:
        put_published_tcp(packet, false);
        return CM_LINK_ETHERNET;
    case 1:
        put_tagged_udp(packet);
        return CM_LINK_ETHERNET;
    case 2:
        put_extended_tcp(packet);
        return CM_LINK_ETHERNET;
    case 3:
        put_later_fragment(packet);
        return CM_LINK_ETHERNET;
    case 4:
        put_echo(packet, false);
        return CM_LINK_ETHERNET;
    case 5:
        put_echo(packet, true);
        return CM_LINK_ETHERNET;
    case 6:
        put_unreachable6(packet);
        return CM_LINK_ETHERNET;
    case 7:
        put_arp(packet);
        return CM_LINK_ETHERNET;
    case 8:
        put_cooked(packet, 6);
        return CM_LINK_LINUX_SLL;
    default:
        put_cooked2(packet);
        return CM_LINK_LINUX_SLL2;
    }
}

CM_TEST(packet_columns, values_of_packets_of_all_kinds)
{
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);
    struct packet packet;
    struct seen_rows seen;

    for (unsigned kind = 0; kind < KINDS; kind++) {
        const uint16_t link_type = put_kind(&packet, kind);

        made_rows_put(made, link_type, &packet, packet.n);
    }
    seen = fill_columns(&all, made, 0, KINDS);

    check_number(&seen, "tcp_seq", 0, 1000);
    check_number(&seen, "tcp_ack", 0, 2000);
    check_number(&seen, "tcp_window", 0, 512);
    check_number(&seen, "payload_len", 0, 7);
    check_number(&seen, "ttl", 0, 64);
    check_number(&seen, "ip_id", 0, 0x1234);
    check_text(&seen, "src_mac", 0, "04:04:04:04:04:04");
    check_text(&seen, "dst_mac", 0, "02:02:02:02:02:02");
    check_null(&seen, "vlan", 0);
    check_null(&seen, "icmp_type", 0);
    check_null(&seen, "flow_packets", 0);
    check_null(&seen, "flow_direction", 0);

    check_number(&seen, "vlan", 1, 100);
    check_number(&seen, "vlan_inner", 1, 4095);
    check_number(&seen, "eth_type", 1, 0x0800);
    check_number(&seen, "src_port", 1, 53);
    check_number(&seen, "payload_len", 1, 5);
    check_null(&seen, "tcp_seq", 1);
    check_null(&seen, "tcp_flags", 1);

    check_text(&seen, "src_ip", 2, "2001:db8::1");
    check_text(&seen, "dst_ip", 2, "2001:db8::2");
    check_number(&seen, "eth_type", 2, 0x86dd);
    check_number(&seen, "protocol", 2, 6);
    check_number(&seen, "ttl", 2, 64);
    check_null(&seen, "ip_id", 2);
    check_number(&seen, "tcp_flags", 2, 0x18);
    check_number(&seen, "tcp_window", 2, 512);
    check_number(&seen, "payload_len", 2, 33);

    check_number(&seen, "protocol", 3, 17);
    check_null(&seen, "src_port", 3);
    check_null(&seen, "payload_len", 3);
    check_number(&seen, "ip_id", 3, 0x1234);
    check_text(&seen, "src_ip", 3, "10.0.0.1");

    check_number(&seen, "icmp_type", 4, 8);
    check_number(&seen, "icmp_code", 4, 0);
    check_number(&seen, "payload_len", 4, 56);
    check_text(&seen, "community_id", 4, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0=");
    check_number(&seen, "icmp_type", 5, 0);
    check_text(&seen, "community_id", 5, "1:crodRHL2FEsHjbv3UkRrfbs4bZ0=");
    cm_check(number_in(&seen, "flow_id", 4) == number_in(&seen, "flow_id", 5));
    check_number(&seen, "icmp_type", 6, 1);
    check_number(&seen, "icmp_code", 6, 4);
    check_number(&seen, "payload_len", 6, 40);

    check_number(&seen, "eth_type", 7, 0x0806);
    check_null(&seen, "src_ip", 7);
    check_null(&seen, "protocol", 7);
    check_null(&seen, "flow_id", 7);
    check_null(&seen, "community_id", 7);
    check_null(&seen, "ttl", 7);

    check_text(&seen, "src_mac", 8, "02:00:5e:10:00:fe");
    check_null(&seen, "dst_mac", 8);
    check_number(&seen, "protocol", 8, 132);
    check_number(&seen, "dst_port", 8, 9);
    check_number(&seen, "payload_len", 8, 16);
    check_text(&seen, "src_mac", 9, "0a:0b:0c:0d:0e:0f");
    close_columns(&all);
    made_rows_destroy(made);
}

/* What may be otherwise for the beginning of a packet: what was captured of it, ids that want the
 * ports, and what stands behind the last tag or extension header that is there. */
static bool depends_on_capture(const char *name)
{
    static const char *const names[] = {"timestamp_ns",  "time",    "caplen",       "payload",
                                        "packet_number", "flow_id", "community_id", "file_offset",
                                        "eth_type",      "protocol"};

    for (size_t i = 0; i < CM_ARRAY_COUNT(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void check_row_knows_no_more(const struct seen_rows *seen, uint32_t part, uint32_t whole)
{
    for (size_t c = 0; c < seen->schema->n_columns; c++) {
        const struct cm_column_values *values = &seen->rows.columns[c];
        const char *name = seen->schema->columns[c].name;

        if (depends_on_capture(name) || (values->present != NULL && !values->present[part]))
            continue;
        cm_check_that(values->present == NULL || values->present[whole], "%s", name);
        if (values->numbers != NULL)
            cm_check_that(values->numbers[part] == values->numbers[whole], "%s", name);
        else
            cm_check_that(
                values->spans[part].n == values->spans[whole].n &&
                    memcmp(values->spans[part].bytes, values->spans[whole].bytes, values->spans[part].n) == 0,
                "%s", name);
    }
}

/* Every beginning of every packet: nothing behind its end is read, and nothing is told that the whole does not
 * say. */
CM_TEST(packet_columns, beginnings_of_packets_know_less_and_nothing_else)
{
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);
    struct packet packet;

    for (unsigned kind = 0; kind < KINDS; kind++) {
        const uint16_t link_type = put_kind(&packet, kind);
        struct seen_rows seen;

        made_rows_clear(made);
        for (uint32_t n = 0; n <= packet.n; n++)
            made_rows_put(made, link_type, &packet, n);
        seen = fill_columns(&all, made, 0, made->n);
        for (uint32_t n = 0; n < packet.n; n++)
            check_row_knows_no_more(&seen, n, packet.n);
    }
    close_columns(&all);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, payload_is_counted_on_the_wire)
{
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);
    struct packet tcp = {.n = 0}, offloaded = {.n = 0};
    struct seen_rows seen;

    put_extended_tcp(&tcp);
    made_rows_put(made, CM_LINK_ETHERNET, &tcp, 14 + 40 + 16 + 20); /* options cut, their length captured */
    made_rows_put(made, CM_LINK_ETHERNET, &tcp, 14 + 40 + 16 + 13); /* and not captured */
    put_published_tcp(&offloaded, false);
    set16(&offloaded, 14 + 2, 0);
    made_rows_put(made, CM_LINK_ETHERNET, &offloaded, offloaded.n)->origlen = 20054;
    seen = fill_columns(&all, made, 0, 3);
    check_number(&seen, "payload_len", 0, 33);
    check_null(&seen, "payload_len", 1);
    check_number(&seen, "payload_len", 2, 20000);
    close_columns(&all);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, mapped_addresses_stay_as_written_and_the_flow_is_ipv4)
{
    struct made_rows *made = made_rows_create();
    struct columns opened = open_columns(NULL, 0, false);
    struct packet plain = {.n = 0}, mapped = {.n = 0};
    struct seen_rows seen;
    uint32_t ip;

    put_published_tcp(&plain, false);
    put_ethernet(&mapped, 0x86dd);
    ip = put_ipv6(&mapped, 6);
    memcpy(mapped.bytes + ip + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16);
    memcpy(mapped.bytes + ip + 24, "\0\0\0\0\0\0\0\0\0\0\xff\xff\5\6\7\10", 16);
    put_tcp(&mapped, 1122, 3344, 2);
    close_ipv6(&mapped, ip);
    made_rows_put(made, CM_LINK_ETHERNET, &plain, plain.n);
    made_rows_put(made, CM_LINK_ETHERNET, &mapped, mapped.n);
    seen = fill_columns(&opened, made, 0, 2);
    check_text(&seen, "src_ip", 1, "::ffff:1.2.3.4");
    check_text(&seen, "dst_ip", 1, "::ffff:5.6.7.8");
    cm_check(number_in(&seen, "flow_id", 0) == number_in(&seen, "flow_id", 1));
    check_text(&seen, "community_id", 1, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    close_columns(&opened);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, one_way_flows)
{
    struct made_rows *made = made_rows_create();
    struct columns opened = open_columns(NULL, 0, true);
    struct packet packet = {.n = 0};
    struct cm_flow_key key;
    enum cm_flow_direction direction;
    struct seen_rows seen;

    put_published_tcp(&packet, false);
    made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n);
    packet.n = 0;
    put_published_tcp(&packet, true);
    made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n);
    seen = fill_columns(&opened, made, 0, 2);
    for (uint32_t i = 0; i < 2; i++) {
        cm_flow_key_make(&made->packets[i], &made->headers[i], true, &key, &direction);
        check_number(&seen, "flow_id", i, cm_flow_id(&key));
    }
    cm_check(number_in(&seen, "flow_id", 0) != number_in(&seen, "flow_id", 1));
    check_text(&seen, "community_id", 1, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
    close_columns(&opened);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, facts_of_flows_and_the_way_in_them)
{
    const struct cm_flow_facts facts = {
        .n_packets = 70, .n_bytes = 71000, .first_ns = 5, .last_ns = UINT64_MAX, .first_from_high = true};
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);
    struct packet packet;
    struct seen_rows seen;

    cm_check(cm_packet_columns_want_flows(all.columns));
    for (unsigned back = 0; back < 2; back++) {
        packet.n = 0;
        put_published_tcp(&packet, back);
        made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n);
        made->flows[back] = &facts;
    }
    seen = fill_columns(&all, made, 0, 2);
    check_number(&seen, "flow_packets", 0, 70);
    check_number(&seen, "flow_bytes", 1, 71000);
    check_number(&seen, "flow_first_ns", 0, 5);
    check_number(&seen, "flow_last_ns", 0, INT64_MAX);
    check_text(&seen, "flow_direction", 0, "reverse"); /* 1.2.3.4 is the low endpoint */
    check_text(&seen, "flow_direction", 1, "forward");
    close_columns(&all);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, texts_of_inputs_are_mended_where_they_are_no_texts)
{
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);
    struct packet packet = {.n = 0};

    put_arp(&packet);
    for (uint32_t i = 0; i < 600; i++)
        made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n)->interface = i % 3;
    made->inputs[5] = 1;
    made->packets[6].time_ns = UINT64_MAX;
    made->packets[7].time_ns = 0;
    for (int call = 0; call < 3; call++) {
        const struct seen_rows seen = fill_columns(&all, made, 0, made->n);

        check_text(&seen, "interface", 0, "eth0");
        check_text(&seen, "interface", 1, "wl\xef\xbf\xbdn");
        check_text(&seen, "interface", 598, "wl\xef\xbf\xbdn");
        check_text(&seen, "interface", 599, "2");
        check_null(&seen, "interface", 5);
        check_text(&seen, "file", 4, "in/one.pcapng");
        check_text(&seen, "file", 5, "in/tw\xef\xbf\xbd\xc3\xb6.pcap");
        check_text(&seen, "file", 6, "in/one.pcapng");
        check_number(&seen, "file_offset", 6, 6024);
        check_number(&seen, "timestamp_ns", 6, INT64_MAX);
        check_number(&seen, "time", 6, INT64_MAX);
        check_number(&seen, "time", 7, 0);
    }
    close_columns(&all);
    made_rows_destroy(made);
}

/* --- many tuples --- */

/* Tuple by number, every third IPv6, in little memory. */
static void put_numbered(struct packet *packet, uint32_t number)
{
    uint32_t ip;

    packet->n = 0;
    if (number % 3 == 0) {
        put16(packet, 0x86dd);
        ip = put_ipv6(packet, 17);
        memcpy(packet->bytes + ip + 12, &number, 4);
    } else {
        put16(packet, 0x0800);
        ip = put_ipv4(packet, 17);
        memcpy(packet->bytes + ip + 12, &number, 4);
    }
    put_udp(packet, number & 0xffff, 53, 8);
    if (number % 3 == 0)
        close_ipv6(packet, ip);
    else
        close_ipv4(packet, ip);
}

static void check_numbered(const struct seen_rows *seen, uint32_t row, uint32_t number)
{
    uint8_t bytes[4];
    char expected[64];

    memcpy(bytes, &number, 4);
    if (number % 3 == 0) {
        check_number(seen, "src_port", row, number & 0xffff);
        return;
    }
    snprintf(expected, sizeof(expected), "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    check_text(seen, "src_ip", row, expected);
    check_text(seen, "dst_ip", row, "10.0.0.2");
}

static void put_row(struct made_rows *made, uint32_t number)
{
    struct packet bare, framed = {.n = 0};

    put_numbered(&bare, number);
    fill(&framed, 2, 12);
    memcpy(framed.bytes + framed.n, bare.bytes, bare.n);
    framed.n += bare.n;
    made_rows_put(made, CM_LINK_ETHERNET, &framed, framed.n);
}

/* More tuples in a call than the cache remembers, each twice, and again in a call whose rows are others: every
 * text stays what it was until the call's end, and equals what a cache that is asked for nothing else says. */
CM_TEST(packet_columns, more_tuples_than_are_remembered)
{
    struct made_rows *made = made_rows_create();
    struct columns opened = open_columns(NULL, 0, false), fresh = open_columns(NULL, 0, false);

    for (uint32_t i = 0; i < CM_TABLE_MAX_ROWS; i++)
        put_row(made, i / 2 * 7919 + (i % 2 == 0 ? 0 : 1));
    for (uint32_t first = 0; first < 3; first++) {
        const struct seen_rows seen = fill_columns(&opened, made, first, CM_TABLE_MAX_ROWS - first);

        for (uint32_t row = 0; row < seen.rows.n_rows; row++) {
            const uint32_t i = row + first;

            check_numbered(&seen, row, i / 2 * 7919 + (i % 2 == 0 ? 0 : 1));
        }
        for (uint32_t row = 0; row < seen.rows.n_rows; row += 997) {
            const struct seen_rows one = fill_columns(&fresh, made, row + first, 1);
            char text[128], expected[128];

            check_number(&seen, "flow_id", row, number_in(&one, "flow_id", 0));
            cm_check_str(text_in(&seen, "community_id", row, text),
                         text_in(&one, "community_id", 0, expected));
            cm_check_str(text_in(&seen, "src_ip", row, text), text_in(&one, "src_ip", 0, expected));
        }
    }
    close_columns(&fresh);
    close_columns(&opened);
    made_rows_destroy(made);
}

CM_TEST(packet_columns, a_call_of_no_packets)
{
    struct made_rows *made = made_rows_create();
    struct columns all = open_all(false);

    fill_columns(&all, made, 0, 0);
    close_columns(&all);
    made_rows_destroy(made);
}
