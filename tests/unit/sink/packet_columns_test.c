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
