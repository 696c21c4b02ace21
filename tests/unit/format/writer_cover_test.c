/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of names, addresses, comments and times beside the packets where they must not be told. */
#include "unit/format/writer_bytes.h"

/* Maps that a reader of these tests can do in the head: the last byte grows by one; times move by 10 s. */
static void map_ipv4(void *context, uint8_t address[4])
{
    ++*(int *)context;
    address[3]++;
}

static void map_ipv6(void *context, uint8_t address[16])
{
    ++*(int *)context;
    address[15]++;
}

static void map_mac(void *context, uint8_t address[6])
{
    ++*(int *)context;
    address[5]++;
}

static void hide_name(void *context, const char *name, size_t n, char text_ret[24])
{
    ++*(int *)context;
    snprintf(text_ret, 24, "host-%u-%c", (unsigned)n, name[0]);
}

static uint64_t move_time(void *context, uint64_t time_ns)
{
    ++*(int *)context;
    return time_ns + UINT64_C(10000000000);
}

static struct cm_writer_cover whole_cover(int *calls, bool hide)
{
    return (struct cm_writer_cover){.context = calls,
                                    .hide = hide,
                                    .ipv4 = map_ipv4,
                                    .ipv6 = map_ipv6,
                                    .mac = map_mac,
                                    .name = hide_name,
                                    .time = move_time};
}

/* A writer of pcapng from pcapng with one interface that is known. */
static void begin_covered(struct written *with, const struct cm_writer_cover *cover, bool from, bool to,
                          struct cm_time_units units)
{
    struct cm_writer_options options = {.kind = CM_CAPTURE_PCAPNG, .big_endian = to};

    open_writer(with, CM_CAPTURE_PCAPNG, from, &options);
    add_interface(&with->table, 0, 0, from, units, NULL);
    add_input(with);
    cm_writer_set_cover(with->writer, cover);
    cm_check_eq(cm_writer_interface(with->writer, 0, 0, &with->out, &with->error), CAPMILL_OK);
    with->out.n = 0;
}

static void metadata(struct written *with, const struct built *block)
{
    uint8_t *exact = malloc(block->n);

    memcpy(exact, block->data, block->n);
    cm_check_eq(cm_writer_metadata(with->writer, 0, 0, exact, block->n, &with->out, &with->error),
                CAPMILL_OK);
    free(exact);
}

static void put_name_record(struct built *to, uint16_t type, const void *value, uint16_t n)
{
    put_option(to, type, value, n);
}

static const uint8_t ipv6_one[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t ipv6_two[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};

/* As the block stands in the input, and as it must be written. */
static void make_names(struct built *block, bool covered, bool hide)
{
    uint8_t value[64];
    size_t n;

    begin_block(block, CM_BLOCK_NAMES);
    memcpy(value, covered ? "\x0a\0\0\x02" : "\x0a\0\0\x01", 4);
    n = 4;
    memcpy(value + n, hide ? "host-3-w\0host-3-f" : "www\0ftp", hide ? 18 : 8);
    n += hide ? 18 : 8;
    put_name_record(block, 1, value, (uint16_t)n);
    memcpy(value, covered ? ipv6_two : ipv6_one, 16);
    memcpy(value + 16, hide ? "host-1-x" : "x", hide ? 9 : 2);
    put_name_record(block, 2, value, hide ? 25 : 18);
    memcpy(value, covered ? "\2\0\0\0\0\x06" : "\2\0\0\0\0\x05", 6);
    memcpy(value + 6, "p c 1", 6);
    if (!hide)
        put_name_record(block, 3, value, 12);
    memcpy(value, covered ? "\2\0\0\xff\xfe\0\0\x06" : "\2\0\0\xff\xfe\0\0\x05", 8);
    memcpy(value + 8, "q", 2);
    if (!hide)
        put_name_record(block, 4, value, 10);
    if (!hide) {
        put_name_record(block, 4, "12345678r", 10); /* not made of a MAC address */
        put_name_record(block, 99, "whatever", 8);
    }
    put_u32(block, 0);
    if (!hide) {
        put_option(block, CM_OPTION_COMMENT, "told", 4);
        put_option(block, CM_OPTION_NAMES_SERVER, "ns.example", 10);
    }
    put_option(block, CM_OPTION_NAMES_IPV4, covered ? "\x0a\0\0\x36" : "\x0a\0\0\x35", 4);
    put_option(block, CM_OPTION_NAMES_IPV6, covered ? ipv6_two : ipv6_one, 16);
    put_option_end(block);
    end_block(block);
}

CM_TEST(writer_cover, name_records_go_through_the_maps_and_names_become_pseudonyms)
{
    for (int i = 0; i < 8; i++) {
        bool from = i & 1, to = i & 2, hide = i & 4;
        struct built block = {.big = from}, expected = {.big = to};
        struct cm_writer_cover cover;
        struct written with;
        int calls = 0;

        cover = whole_cover(&calls, hide);
        begin_covered(&with, &cover, from, to, MICRO);
        make_names(&block, false, false);
        metadata(&with, &block);
        make_names(&expected, true, hide);
        check_out(&with, &expected);
        cm_check_eq(cm_writer_hidden(with.writer), hide ? 6 : 0);
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        cm_check_eq(calls, hide ? 4 + 3 : 6);
        metadata(&with, &block); /* written once */
        cm_check_eq(with.out.n, 0);
        close_writer(&with);
    }
}

CM_TEST(writer_cover, broken_name_lists_are_cut_and_counted)
{
    struct built block = {0}, expected = {0};
    struct cm_writer_cover cover;
    struct written with;
    int calls = 0;

    cover = whole_cover(&calls, true);
    begin_covered(&with, &cover, false, false, MICRO);
    begin_block(&block, CM_BLOCK_NAMES);
    put_name_record(&block, 1, "\x0a\0\0", 3); /* too short for its address */
    put_name_record(&block, 1, "\x0a\0\0\x01\0\0unended", 13);
    put_u16(&block, 1);
    put_u16(&block, 5000);
    put_u32(&block, 0);
    end_block(&block);
    metadata(&with, &block);
    begin_block(&expected, CM_BLOCK_NAMES);
    put_name_record(&expected, 1, "\x0a\0\0\x02host-7-u", 13);
    put_u32(&expected, 0);
    end_block(&expected);
    check_out(&with, &expected);
    cm_check_eq(cm_writer_hidden(with.writer), 1);
    cm_check_eq(cm_writer_dropped(with.writer), 1);
    close_writer(&with);
}

CM_TEST(writer_cover, pseudonyms_that_outgrow_a_record_or_a_block_end_it)
{
    /* records of 32,000 names of one letter each, as many as a block holds; each name becomes nine bytes */
    enum { NAMES_BYTES = 64000, RECORDS = 250 };
    size_t n = 8 + RECORDS * (4 + 4 + NAMES_BYTES) + 4 + 4;
    uint8_t *block = calloc(1, n);
    struct cm_writer_cover cover;
    struct written with;
    int calls = 0;

    cover = whole_cover(&calls, true);
    begin_covered(&with, &cover, false, false, MICRO);
    cm_store_u32_as(block, CM_BLOCK_NAMES, false);
    cm_store_u32_as(block + 4, (uint32_t)n, false);
    for (size_t i = 0, at = 8; i < RECORDS; i++, at += 8 + NAMES_BYTES) {
        cm_store_u16_as(block + at, 1, false);
        cm_store_u16_as(block + at + 2, 4 + NAMES_BYTES, false);
        for (size_t k = 0; k < NAMES_BYTES; k += 2)
            block[at + 8 + k] = 'n';
    }
    cm_store_u32_as(block + n - 4, (uint32_t)n, false);
    cm_check_eq(cm_writer_metadata(with.writer, 0, 0, block, n, &with.out, &with.error), CAPMILL_OK);
    cm_check(with.out.n > 15000000 && with.out.n <= CM_MAX_BLOCK_BYTES);
    cm_check_eq(cm_load_u32_as(with.out.data + 4, false), with.out.n);
    cm_check_eq(cm_load_u32_as(with.out.data + with.out.n - 4, false), with.out.n);
    free(block);
    close_writer(&with);
}

static void make_interface(struct built *block, bool covered, bool hide, const char *name)
{
    uint8_t value[24] = "\x0a\0\0\x01\xff\0\0\0";

    begin_block(block, CM_BLOCK_INTERFACE);
    put_u16(block, 1);
    put_u16(block, 0);
    put_u32(block, 65535);
    if (!hide)
        put_option(block, CM_OPTION_COMMENT, "told", 4);
    put_option(block, CM_OPTION_INTERFACE_NAME, name, (uint16_t)strlen(name));
    if (!hide)
        put_option(block, CM_OPTION_INTERFACE_DESCRIPTION, "uplink to the bank", 18);
    value[3] += covered;
    put_option(block, CM_OPTION_INTERFACE_IPV4, value, 8);
    memcpy(value, covered ? ipv6_two : ipv6_one, 16);
    value[16] = 64;
    put_option(block, CM_OPTION_INTERFACE_IPV6, value, 17);
    if (!hide) {
        put_option(block, CM_OPTION_INTERFACE_MAC, covered ? "\2\0\0\0\0\6" : "\2\0\0\0\0\5", 6);
        put_option(block, CM_OPTION_INTERFACE_EUI64,
                   covered ? "\2\0\0\xff\xfe\0\0\6" : "\2\0\0\xff\xfe\0\0\5", 8);
    }
    put_option(block, CM_OPTION_INTERFACE_TIME_RESOLUTION, "\x06", 1);
    if (!hide)
        put_option(block, CM_OPTION_INTERFACE_FILTER, "\0host 10.0.0.1", 14);
    if (!hide)
        put_option(block, CM_OPTION_INTERFACE_OS, "Linux 6.1", 9);
    if (!hide) {
        put_u16(block, CM_OPTION_CUSTOM_TEXT);
        put_u16(block, 8);
        put_u32(block, 32473);
        put_bytes(block, "text", 4);
    }
    put_option_end(block);
    end_block(block);
}

CM_TEST(writer_cover, interfaces_tell_no_address_and_equal_ones_stay_equal)
{
    for (int i = 0; i < 8; i++) {
        bool from = i & 1, to = i & 2, hide = i & 4;
        struct built block = {.big = from}, expected = {.big = to};
        struct cm_writer_options options = {.kind = CM_CAPTURE_PCAPNG, .big_endian = to};
        struct cm_writer_cover cover;
        struct written with;
        int calls = 0;

        cover = whole_cover(&calls, hide);
        open_writer(&with, CM_CAPTURE_PCAPNG, from, &options);
        make_interface(&block, false, false, "enp3s0.100");
        add_interface(&with.table, 0, 0, from, MICRO, &block);
        add_interface(&with.table, 1, 0, from, MICRO, &block);
        add_input(&with);
        cm_writer_set_cover(with.writer, &cover);
        cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
        make_interface(&expected, true, hide, "enp3s0.100");
        check_out(&with, &expected);
        cm_check_eq(cm_writer_interface(with.writer, 0, 1, &with.out, &with.error), CAPMILL_OK);
        cm_check_eq(with.out.n, 0);
        cm_check_eq(cm_writer_hidden(with.writer), hide ? 2 * 7 : 0);
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        close_writer(&with);
    }
}

static bool name_stays(const char *name)
{
    struct cm_writer_options options = {.kind = CM_CAPTURE_PCAPNG};
    struct cm_writer_cover cover = {.hide = true};
    struct built block = {0};
    struct written with;
    bool stays;

    open_writer(&with, CM_CAPTURE_PCAPNG, false, &options);
    begin_block(&block, CM_BLOCK_INTERFACE);
    put_u32(&block, 1);
    put_u32(&block, 0);
    put_option(&block, CM_OPTION_INTERFACE_NAME, name, (uint16_t)strlen(name));
    put_option_end(&block);
    end_block(&block);
    add_interface(&with.table, 0, 0, false, MICRO, &block);
    add_input(&with);
    cm_writer_set_cover(with.writer, &cover);
    cm_check_eq(cm_writer_interface(with.writer, 0, 0, &with.out, &with.error), CAPMILL_OK);
    stays = cm_writer_hidden(with.writer) == 0;
    cm_check_eq(with.out.n, stays ? block.n : 20 + 4);
    close_writer(&with);
    return stays;
}

CM_TEST(writer_cover, only_names_of_devices_stay)
{
    static const char *const stay[] = {"eth0",   "lo",        "enp0s31f6", "eth0.100",
                                       "eth0:1", "br-1a2b3c", "wlan0_mon"};
    static const char *const go[] = {"",
                                     "rpcap://10.0.0.1/eth0",
                                     "\\Device\\NPF_{DB2A}",
                                     "/home/me/pipe",
                                     "host.example",
                                     "10.0.0.1",
                                     "me@host",
                                     "wlx08beac0b176e",
                                     "averyveryverylongname"};

    for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
        cm_check_that(name_stays(stay[i]), "%s", stay[i]);
    for (size_t i = 0; i < sizeof(go) / sizeof(go[0]); i++)
        cm_check_that(!name_stays(go[i]), "%s", go[i]);
}

static void make_statistics(struct built *block, uint64_t ticks, bool hide)
{
    begin_block(block, CM_BLOCK_STATISTICS);
    put_u32(block, 0);
    put_u32(block, (uint32_t)(ticks >> 32));
    put_u32(block, (uint32_t)ticks);
    if (!hide)
        put_option(block, CM_OPTION_COMMENT, "told", 4);
    for (uint16_t code = 2; code <= 3; code++) {
        put_u16(block, code);
        put_u16(block, 8);
        put_u32(block, (uint32_t)((ticks + code) >> 32));
        put_u32(block, (uint32_t)(ticks + code));
    }
    put_option_u64(block, 4, 123456);
    put_option_end(block);
    end_block(block);
}

CM_TEST(writer_cover, times_of_statistics_move_in_their_interfaces_units)
{
    static const struct {
        struct cm_time_units units;
        uint64_t ticks, moved;
    } cases[] = {
        {{.exponent = 6}, UINT64_C(1700000000123456), UINT64_C(1700000010123456)},
        {{.exponent = 9}, UINT64_C(1700000000123456789), UINT64_C(1700000010123456789)},
        {{.exponent = 0, .offset_s = 100}, 7, 17},
        /* nanoseconds are no whole ticks here: only rounding to the nearest finds the way back */
        {{.exponent = 20, .binary = true}, 1700000000000001, 1700000000000001 + 10 * (1 << 20)},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 8; i++) {
        bool from = i & 1, to = i & 2, hide = i & 4;
        struct built block = {.big = from}, expected = {.big = to};
        struct cm_writer_cover cover;
        struct written with;
        int calls = 0;

        cover = whole_cover(&calls, hide);
        begin_covered(&with, &cover, from, to, cases[i / 8].units);
        make_statistics(&block, cases[i / 8].ticks, false);
        metadata(&with, &block);
        make_statistics(&expected, cases[i / 8].moved, hide);
        check_out(&with, &expected);
        cm_check_eq(calls, 3);
        cm_check_eq(cm_writer_hidden(with.writer), hide);
        close_writer(&with);
    }
}

CM_TEST(writer_cover, secrets_custom_journal_and_unknown_blocks_are_hidden)
{
    static const uint32_t types[] = {CM_BLOCK_SECRETS, CM_BLOCK_CUSTOM, CM_BLOCK_CUSTOM_NO_COPY,
                                     CM_BLOCK_JOURNAL, 0x1234};

    for (int i = 0; i < 8; i++) {
        bool from = i & 1, to = i & 2, hide = i & 4;
        struct cm_writer_cover cover;
        struct written with;
        int calls = 0;

        cover = whole_cover(&calls, hide);
        begin_covered(&with, &cover, from, to, MICRO);
        for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
            struct built block = {.big = from};

            begin_block(&block, types[t]);
            put_u32(&block, 0x544c534b);
            put_u32(&block, 4);
            put_bytes(&block, "key!", 4);
            end_block(&block);
            metadata(&with, &block);
            if (hide) {
                cm_check_eq(with.out.n, 0);
                cm_check_eq(cm_writer_hidden(with.writer), t + 1);
            }
        }
        if (!hide) {
            cm_check(with.out.n != 0);
            cm_check_eq(cm_writer_hidden(with.writer), 0);
        }
        close_writer(&with);
    }
}

CM_TEST(writer_cover, section_headers_tell_neither_machine_nor_comment)
{
    struct cm_writer_options options = {.kind = CM_CAPTURE_PCAPNG};
    struct built section = {.big = true}, expected = {0};
    struct cm_writer_cover cover = {.hide = true};
    struct written with;

    open_writer(&with, CM_CAPTURE_PCAPNG, true, &options);
    add_input(&with);
    cm_writer_set_cover(with.writer, &cover);
    for (int i = 0; i < 2; i++) {
        struct built *to = i == 0 ? &section : &expected;

        begin_block(to, CM_BLOCK_SECTION);
        put_u32(to, CM_PCAPNG_BYTE_ORDER_MAGIC);
        put_u16(to, 1);
        put_u16(to, 0);
        put_u64(to, UINT64_MAX);
        if (i == 0)
            put_option(to, CM_OPTION_COMMENT, "told", 4);
        if (i == 0) {
            put_option(to, CM_OPTION_SECTION_HARDWARE, "hw", 2);
            put_option(to, CM_OPTION_SECTION_OS, "os", 2);
        }
        put_option(to, CM_OPTION_SECTION_APPLICATION, "app", 3);
        if (i == 0)
            put_option(to, 77, "?", 1);
        put_option_end(to);
        end_block(to);
    }
    cm_check_eq(cm_writer_section(with.writer, 0, section.data, section.n, &with.error), CAPMILL_OK);
    cm_check_eq(cm_writer_header(with.writer, &with.out, &with.error), CAPMILL_OK);
    check_out(&with, &expected);
    cm_check_eq(cm_writer_hidden(with.writer), 4);
    close_writer(&with);
}

CM_TEST(writer_cover, options_of_packets_are_counted_once_and_only_when_written)
{
    for (int i = 0; i < 4; i++) {
        bool from = i & 1, to = i & 2;
        struct built block = {.big = from}, expected = {.big = to};
        struct cm_written_packet packet = {0};
        struct cm_writer_cover cover = {.hide = true};
        struct written with;

        begin_covered(&with, &cover, from, to, MICRO);
        begin_enhanced(&block, 0, 5, "packet", 6, 6);
        put_option(&block, CM_OPTION_COMMENT, "told", 4);
        put_option_u32(&block, CM_OPTION_PACKET_FLAGS, 1);
        put_option(&block, CM_OPTION_PACKET_VERDICT, "\0x", 2);
        put_option(&block, 99, "?", 1);
        put_option_end(&block);
        end_block(&block);
        begin_enhanced(&expected, 0, 5, "packet", 6, 6);
        put_option_u32(&expected, CM_OPTION_PACKET_FLAGS, 1);
        put_option_end(&expected);
        end_block(&expected);
        packet.record = block.data;
        packet.record_bytes = (uint32_t)block.n;
        for (int k = 0; k < 5; k++)
            cm_writer_packet_bytes(with.writer, &packet);
        cm_writer_changed_bytes(with.writer, &packet, 6);
        cm_check_eq(cm_writer_hidden(with.writer), 0);
        check_packet(&with, 0, 0, &block, &expected);
        cm_check_eq(cm_writer_hidden(with.writer), 3);
        cm_check_eq(cm_writer_dropped(with.writer), 0);
        close_writer(&with);
    }
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* All blocks in `out` have the same length at both ends, and fill it. */
static void check_sound(const struct cm_bytes *out, bool big)
{
    size_t at = 0;

    while (at < out->n) {
        size_t n = out->n - at < 12 ? 0 : cm_load_u32_as(out->data + at + 4, big);

        cm_check(n >= 12 && n % 4 == 0 && n <= out->n - at);
        cm_check_eq(cm_load_u32_as(out->data + at + n - 4, big), n);
        at += n;
    }
}

CM_TEST(writer_cover, broken_blocks_become_sound_ones_or_none)
{
    uint64_t state = 7;

    for (int i = 0; i < 8000; i++) {
        bool from = i & 1, to = i & 2, hide = i & 4;
        uint32_t kind = next_random(&state) % 3;
        struct built block = {.big = from};
        struct cm_writer_cover cover;
        struct written with;
        int calls = 0;

        if (kind == 0)
            make_names(&block, false, false);
        else if (kind == 1)
            make_statistics(&block, UINT64_C(1700000000123456), false);
        else
            make_interface(&block, false, false, "eth0");
        for (int k = 0; k < 3; k++) {
            size_t at = 8 + next_random(&state) % (block.n - 12);
            uint32_t how = next_random(&state) % 3;

            block.data[at] = how == 0 ? 0xff : how == 1 ? 0 : (uint8_t)next_random(&state);
        }
        /* a block of any whole number of words, its options or records cut anywhere */
        block.n -= next_random(&state) % (uint32_t)((block.n - 24) / 4) * 4;
        cm_store_u32_as(block.data + 4, (uint32_t)block.n, from);
        cover = whole_cover(&calls, hide);
        begin_covered(&with, &cover, from, to, MICRO);
        if (kind == 2) {
            uint8_t *exact = malloc(block.n);
            struct cm_interface interface = {
                .link_type = 1, .units = MICRO, .section = 1, .big_endian = from};

            memcpy(exact, block.data, block.n);
            cm_check_eq(cm_interfaces_append(&with.table, &interface, exact, (uint32_t)block.n, &with.error),
                        CAPMILL_OK);
            cm_check_eq(cm_writer_interface(with.writer, 0, 1, &with.out, &with.error), CAPMILL_OK);
            free(exact);
        } else {
            metadata(&with, &block);
        }
        check_sound(&with.out, to);
        close_writer(&with);
    }
}
