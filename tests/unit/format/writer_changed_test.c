/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that change on the way: every record that is read, into every form that is written, with other
 * lengths and times, read back by capmill's own reader; and records that lie about their lengths. */
#include "core/batch.h"
#include "format/records.h"
#include "unit/format/writer_bytes.h"

#define CAPLEN  61u
#define ORIGLEN 100u
#define SECONDS 1700000000u
#define MICROS  123456u
#define SLL     113u

enum from_kind {
    FROM_STANDARD,
    FROM_NANOSECONDS,
    FROM_SWAPPED, /* origlen first */
    FROM_NOKIA,
    FROM_MODIFIED,
    FROM_MODIFIED_28,
    FROM_IXIA,
    FROM_ENHANCED,
    FROM_SIMPLE,
    FROM_OBSOLETE,
    FROM_KINDS
};

struct case_of {
    enum from_kind from;
    bool from_big, to_big;
    enum cm_capture_kind to;
    bool nanoseconds; /* pcap output */
    bool hide;
    bool bytes_change;
};

static const uint64_t own_time_ns = UINT64_C(1700000000123456000);

static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i * 7 + 3);
}

static void put_pattern(struct built *to, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        to->data[to->n++] = pattern(i);
}

static uint8_t pcap_header_bytes(enum from_kind from)
{
    switch (from) {
    case FROM_NOKIA:
        return 20;
    case FROM_MODIFIED:
        return 24;
    case FROM_MODIFIED_28:
        return 28;
    default:
        return 16;
    }
}

/* Packet options of every sort; a comment goes first. */
static void put_options(struct built *to)
{
    put_option(to, CM_OPTION_COMMENT, "secret words", 12);
    put_option_u32(to, CM_OPTION_PACKET_FLAGS, 1);
    put_option(to, CM_OPTION_PACKET_HASH, "\2abcd", 5);
    put_option(to, CM_OPTION_PACKET_VERDICT, "\0verdict", 8);
    put_option_end(to);
}

static void make_record(const struct case_of *of, struct built *record)
{
    memset(record, 0, sizeof(*record));
    record->big = of->from_big;
    switch (of->from) {
    case FROM_ENHANCED:
        begin_enhanced(record, 0, UINT64_C(1000000) * SECONDS + MICROS, "", 0, ORIGLEN);
        cm_store_u32_as(record->data + 20, CAPLEN, record->big);
        put_pattern(record, CAPLEN);
        put_padding(record);
        put_options(record);
        end_block(record);
        break;
    case FROM_OBSOLETE:
        begin_enhanced(record, 0, UINT64_C(1000000) * SECONDS + MICROS, "", 0, ORIGLEN);
        cm_store_u32_as(record->data, CM_BLOCK_PACKET_OBSOLETE, record->big);
        cm_store_u16_as(record->data + 8, 0, record->big);
        cm_store_u16_as(record->data + 10, 77, record->big); /* drops */
        cm_store_u32_as(record->data + 20, CAPLEN, record->big);
        put_pattern(record, CAPLEN);
        put_padding(record);
        end_block(record);
        break;
    case FROM_SIMPLE:
        begin_block(record, CM_BLOCK_PACKET_SIMPLE);
        put_u32(record, CAPLEN);
        put_pattern(record, CAPLEN);
        end_block(record);
        break;
    default:
        put_record(record, SECONDS, of->from == FROM_NANOSECONDS ? MICROS * 1000 : MICROS,
                   of->from == FROM_SWAPPED ? ORIGLEN : CAPLEN, of->from == FROM_SWAPPED ? CAPLEN : ORIGLEN);
        record->n = pcap_header_bytes(of->from);
        put_pattern(record, CAPLEN);
        break;
    }
}

static bool is_pcap(enum from_kind from)
{
    return from < FROM_ENHANCED;
}

static void begin_case(const struct case_of *of, uint32_t growth_bytes, bool retimed, struct written *with)
{
    struct cm_writer_options options = {.kind = of->to,
                                        .big_endian = of->to_big,
                                        .nanoseconds = of->nanoseconds,
                                        .link_type = SLL,
                                        .snaplen = 96,
                                        .keep_simple_packets = true,
                                        .growth_bytes = growth_bytes,
                                        .retimed = retimed,
                                        .bytes_change = of->bytes_change};
    struct cm_interface interface = {
        .link_type = SLL, .snaplen = 96, .units = MICRO, .big_endian = of->from_big};

    open_writer(with, is_pcap(of->from) ? CM_CAPTURE_PCAP : CM_CAPTURE_PCAPNG, of->from_big, &options);
    with->layout.record_header_bytes = pcap_header_bytes(of->from);
    with->layout.nanoseconds = of->from == FROM_NANOSECONDS;
    with->layout.lengths_swapped = of->from == FROM_SWAPPED;
    with->layout.link_type = SLL;
    if (of->from == FROM_NANOSECONDS)
        interface.units = NANO;
    cm_check_eq(cm_interfaces_append(&with->table, &interface, NULL, 0, &with->error), CAPMILL_OK);
    add_input(with);
    if (of->hide)
        cm_writer_set_cover(with->writer, &(struct cm_writer_cover){.hide = true});
    cm_check_eq(cm_writer_header(with->writer, &with->out, &with->error), CAPMILL_OK);
    cm_check_eq(cm_writer_interface(with->writer, 0, 0, &with->out, &with->error), CAPMILL_OK);
}

/* Write the record with the change; the caller's bytes are the pattern. */
static void write_changed(struct written *with, const struct cm_written_packet *packet,
                          const struct cm_packet_change *change)
{
    size_t n = cm_writer_changed_bytes(with->writer, packet, change->caplen);
    size_t at = cm_writer_data_offset(with->writer, packet);
    uint8_t *exact = malloc(n);

    cm_check(exact != NULL && at + change->caplen <= n);
    memset(exact, 0xee, n);
    for (uint32_t i = 0; i < change->caplen; i++)
        exact[at + i] = pattern(i);
    cm_check_eq(cm_writer_changed_packet(with->writer, packet, change, exact), n);
    with->out.data = realloc(with->out.data, with->out.n + n);
    cm_check(with->out.data != NULL);
    memcpy(with->out.data + with->out.n, exact, n);
    with->out.n = with->out.capacity = with->out.n + n;
    free(exact);
}

/* The one packet of a capture, by the reader. */
static void read_back(const struct cm_bytes *file, struct cm_batch *batch, struct cm_interfaces *table)
{
    struct cm_layout layout = {.interfaces = table};
    struct cm_error error = {0};
    size_t at = 0, used = 0, wanted = 0;
    const char *reason = NULL;

    cm_interfaces_init(table);
    cm_check_eq(cm_layout_open(&layout, "written", file->data, file->n, true, &at, &error), CAPMILL_OK);
    memset(batch, 0, sizeof(*batch));
    cm_check_eq(cm_layout_frame(&layout, file->data + at, file->n - at, at, UINT64_MAX, true, batch, &used,
                                &wanted, &reason, &error),
                CM_FRAME_MORE);
    cm_check_eq(used, file->n - at);
    cm_check_eq(batch->n_packets, 1);
    for (uint32_t i = 0; i < batch->n_events; i++)
        cm_check(batch->events[i].type != CM_EVENT_DAMAGE);
}

static bool contains(const struct cm_bytes *file, const char *text)
{
    size_t n = strlen(text);

    for (size_t at = 0; at + n <= file->n; at++)
        if (memcmp(file->data + at, text, n) == 0)
            return true;
    return false;
}

static void check_case(const struct case_of *of, const struct cm_packet_change *change)
{
    struct cm_batch *batch = malloc(sizeof(*batch));
    struct cm_interfaces read_table;
    struct cm_record_body body;
    struct written with;
    struct built record;
    uint64_t time_ns = change->has_time ? change->time_ns : own_time_ns;
    uint8_t *exact;
    struct cm_written_packet packet = {.time_ns = own_time_ns};

    cm_check(batch != NULL);
    make_record(of, &record);
    packet.record = exact = malloc(record.n);
    packet.record_bytes = (uint32_t)record.n;
    memcpy(exact, record.data, record.n);
    begin_case(of, 20, change->has_time, &with);
    cm_writer_body(with.writer, &packet, &body);
    cm_check_eq(body.caplen, CAPLEN);
    cm_check_eq(body.origlen, of->from == FROM_SIMPLE ? CAPLEN : ORIGLEN);
    cm_check_eq(body.link_type, SLL);
    cm_check_eq(body.has_time, of->from != FROM_SIMPLE);
    for (uint32_t i = 0; i < CAPLEN; i++)
        cm_check_eq(body.data[i], pattern(i));

    write_changed(&with, &packet, change);
    read_back(&with.out, batch, &read_table);
    cm_check_eq(batch->packets[0].caplen, change->caplen);
    cm_check_eq(batch->packets[0].origlen, change->origlen);
    if (of->to == CM_CAPTURE_PCAP ? !of->nanoseconds : of->from != FROM_NANOSECONDS)
        time_ns = (time_ns + 500) / 1000 * 1000;
    cm_check_eq(batch->packets[0].time_ns, time_ns);
    for (uint32_t i = 0; i < change->caplen; i++)
        cm_check_eq(batch->packets[0].data[i], pattern(i));
    cm_check_eq(cm_interfaces_get(&read_table, 0)->snaplen, 116);
    if (of->to == CM_CAPTURE_PCAPNG && of->from == FROM_ENHANCED) {
        cm_check_eq(contains(&with.out, "secret words"), !of->hide);
        cm_check_eq(contains(&with.out, "verdict"), !of->hide);
        cm_check_eq(contains(&with.out, "abcd"), !of->bytes_change); /* the hash */
        cm_check_eq(cm_writer_dropped(with.writer), of->bytes_change);
        cm_check_eq(cm_writer_hidden(with.writer), of->hide ? 2 : 0);
    } else {
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        cm_check_eq(cm_writer_hidden(with.writer), 0);
    }
    free(exact);
    free(batch);
    cm_interfaces_fini(&read_table);
    close_writer(&with);
}

static struct case_of numbered_case(int number)
{
    return (struct case_of){.from = (enum from_kind)(number % FROM_KINDS),
                            .from_big = number / FROM_KINDS & 1,
                            .to_big = number / FROM_KINDS & 2,
                            .to = number / FROM_KINDS & 4 ? CM_CAPTURE_PCAP : CM_CAPTURE_PCAPNG,
                            .nanoseconds = (number / FROM_KINDS & 12) == 12,
                            .hide = number / FROM_KINDS & 16,
                            .bytes_change = number / FROM_KINDS & 32};
}
#define CASES (FROM_KINDS * 64)

CM_TEST(writer_changed, every_record_in_every_form_with_other_lengths_and_times)
{
    static const struct cm_packet_change changes[] = {
        {CAPLEN, ORIGLEN, false, 0},
        {0, ORIGLEN, false, 0},
        {22, ORIGLEN, false, 0},
        {CAPLEN + 20, ORIGLEN + 20, false, 0},
        {CAPLEN, ORIGLEN, true, UINT64_C(1500000000999999500)}, /* the nearest microsecond is a second on */
        {30, 30, true, UINT64_C(4294967295000000001)},          /* the last second of a pcap file */
        {30, 30, true, 1},
    };

    for (int number = 0; number < CASES; number++) {
        struct case_of of = numbered_case(number);

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
            check_case(&of, &changes[i]);
    }
}

CM_TEST(writer_changed, a_packet_changed_into_itself_is_what_is_written_without_changes)
{
    for (int number = 0; number < CASES; number++) {
        struct case_of of = numbered_case(number);
        struct written with;
        struct built record;
        struct cm_written_packet packet = {.time_ns = own_time_ns};
        struct cm_packet_change change = {0};
        struct cm_record_body body;
        uint8_t *plain, *changed;
        size_t n;

        if (of.from == FROM_ENHANCED && of.bytes_change) /* its hash is left out */
            continue;
        make_record(&of, &record);
        /* a cooked CAN frame: its id is in the file's byte order, and is turned round with it */
        for (int turn = 0; turn < 2; turn++) {
            size_t header = is_pcap(of.from) ? pcap_header_bytes(of.from) : of.from == FROM_SIMPLE ? 12 : 28;

            if (turn == 1)
                cm_store_be16(record.data + header + 14, 0x000c);
            packet.record = record.data;
            packet.record_bytes = (uint32_t)record.n;
            begin_case(&of, of.from == FROM_SIMPLE, false, &with);
            n = cm_writer_packet_bytes(with.writer, &packet);
            plain = malloc(n);
            cm_check_eq(cm_writer_packet(with.writer, &packet, plain), n);
            cm_writer_body(with.writer, &packet, &body);
            change.caplen = body.caplen;
            change.origlen = body.origlen;
            cm_check_eq(cm_writer_changed_bytes(with.writer, &packet, body.caplen), n);
            changed = malloc(n);
            memcpy(changed + cm_writer_data_offset(with.writer, &packet), body.data, body.caplen);
            cm_check_eq(cm_writer_changed_packet(with.writer, &packet, &change, changed), n);
            cm_check_mem(changed, plain, n);
            free(plain);
            free(changed);
            close_writer(&with);
        }
    }
}

CM_TEST(writer_changed, simple_packets_become_enhanced_ones_where_times_or_growth_are_announced)
{
    struct case_of of = {.from = FROM_SIMPLE, .to = CM_CAPTURE_PCAPNG};
    struct built record, expected = {0};
    struct written with;

    make_record(&of, &record);
    begin_enhanced(&expected, 0, UINT64_C(1000000) * SECONDS + MICROS, record.data + 12, CAPLEN, CAPLEN);
    end_block(&expected);
    for (int i = 0; i < 3; i++) {
        begin_case(&of, i == 1 ? 20 : 0, i == 2, &with);
        check_packet(&with, 0, own_time_ns, &record, i == 0 ? &record : &expected);
        close_writer(&with);
    }
}

CM_TEST(writer_changed, runs_are_not_copied_where_times_or_growth_are_announced)
{
    struct case_of of = {.from = FROM_STANDARD, .to = CM_CAPTURE_PCAP};
    struct written with;

    for (int i = 0; i < 3; i++) {
        begin_case(&of, i == 1 ? 20 : 0, i == 2, &with);
        cm_check_eq(cm_writer_verbatim(with.writer, 0), i == 0);
        close_writer(&with);
    }
}

static uint32_t raised(uint32_t snaplen, uint32_t growth_bytes, bool to_pcap)
{
    struct case_of of = {.from = FROM_STANDARD, .to = CM_CAPTURE_PCAP};
    struct cm_writer_options options = {.snaplen = snaplen, .growth_bytes = growth_bytes};
    struct built block = {0};
    struct written with;
    uint32_t written;

    options.kind = to_pcap ? CM_CAPTURE_PCAP : CM_CAPTURE_PCAPNG;
    open_writer(&with, CM_CAPTURE_PCAPNG, of.from_big, &options);
    begin_block(&block, CM_BLOCK_INTERFACE);
    put_u32(&block, 1);
    put_u32(&block, snaplen);
    end_block(&block);
    add_interface(&with.table, 0, 0, false, MICRO, &block);
    add_input(&with);
    if (to_pcap) {
        cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);
        written = cm_load_u32_as(with.out.data + 16, false);
    } else {
        cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
        written = cm_load_u32_as(with.out.data + 12, false);
    }
    close_writer(&with);
    return written;
}

CM_TEST(writer_changed, snap_lengths_that_are_limits_are_raised_by_growth)
{
    for (int to_pcap = 0; to_pcap < 2; to_pcap++) {
        cm_check_eq(raised(96, 0, to_pcap), 96);
        cm_check_eq(raised(96, 20, to_pcap), 116);
        cm_check_eq(raised(0, 20, to_pcap), 0);
        cm_check_eq(raised(262140, 20, to_pcap), 262144);
        cm_check_eq(raised(262144, 20, to_pcap), 262144);
        cm_check_eq(raised(300000, 20, to_pcap), 300000);
        cm_check_eq(raised(UINT32_MAX, 20, to_pcap), UINT32_MAX);
        cm_check_eq(raised(5, UINT32_MAX, to_pcap), 262144);
    }
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* Ask and write everything of a record that may be anything; memory is exact, so a sanitizer sees one byte too
 * many on either side. */
static void check_hostile(const struct written *with, const uint8_t *bytes, uint32_t n)
{
    static const int more[] = {0, 1, -1, 20, -1000000};
    struct cm_written_packet packet = {.record_bytes = n, .time_ns = own_time_ns};
    uint8_t *record = malloc(n == 0 ? 1 : n), *out;
    struct cm_record_body body;
    size_t n_out;

    cm_check(record != NULL);
    memcpy(record, bytes, n);
    packet.record = record;
    n_out = cm_writer_packet_bytes(with->writer, &packet);
    out = malloc(n_out == 0 ? 1 : n_out);
    cm_check_eq(cm_writer_packet(with->writer, &packet, out), n_out);
    free(out);
    cm_writer_body(with->writer, &packet, &body);
    cm_check(body.data >= record && body.caplen <= n - (size_t)(body.data - record));
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        struct cm_packet_change change = {.has_time = i & 1, .time_ns = UINT64_MAX};
        size_t at = cm_writer_data_offset(with->writer, &packet);
        int64_t caplen = (int64_t)body.caplen + more[i];

        change.caplen = caplen < 0 ? 0 : (uint32_t)caplen;
        change.origlen = change.caplen;
        n_out = cm_writer_changed_bytes(with->writer, &packet, change.caplen);
        out = malloc(n_out);
        cm_check(out != NULL && at + change.caplen <= n_out);
        memset(out + at, 0xff, change.caplen);
        cm_check_eq(cm_writer_changed_packet(with->writer, &packet, &change, out), n_out);
        free(out);
    }
    free(record);
}

CM_TEST(writer_changed, hostile_records_never_write_beyond_what_was_foretold)
{
    uint64_t state = 1;

    for (int number = 0; number < CASES; number++) {
        struct case_of of = numbered_case(number);
        struct built record;
        struct written with;

        make_record(&of, &record);
        begin_case(&of, 0, false, &with);
        for (uint32_t n = 0; n <= record.n; n++)
            check_hostile(&with, record.data, n);
        for (int i = 0; i < 300; i++) {
            struct built broken = record;

            for (int k = 0; k < 3; k++) {
                uint32_t at = next_random(&state) % (uint32_t)record.n, kind = next_random(&state) % 3;

                broken.data[at] = kind == 0 ? 0xff : kind == 1 ? 0 : (uint8_t)next_random(&state);
            }
            check_hostile(&with, broken.data, (uint32_t)record.n - next_random(&state) % 5);
        }
        close_writer(&with);
    }
}
