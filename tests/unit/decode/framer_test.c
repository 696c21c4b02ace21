/* SPDX-License-Identifier: Apache-2.0 */
/* What the framer says of single ranges, however the source cuts the bytes. */
#include "decode/decode.h"

#include "unit/decode/memory_source.h"
#include "wire/headers.h"

/* Header-only and empty-but-for-a-section captures: no packets, all bytes taken. */
CM_TEST(framer, captures_without_packets)
{
    for (unsigned pcapng = 0; pcapng < 2; pcapng++) {
        struct made made = {0};
        struct cm_seams *seams = cm_seams_create();
        struct cm_seams *apart_seams = cm_seams_create();
        struct framed framed;

        if (pcapng)
            put_section(&made, 1, 0);
        else
            put_pcap_header(&made, 0xa1b2c3d4, 4, 1);
        cm_check(framed_as_chain(&framed, seams, made.bytes, made.n, 4096, 1));
        cm_check_eq(framed.n, 0);
        cm_check_eq(framed.n_events, pcapng);
        cm_check_eq(framed.n_damages, 0);
        cm_check_eq(cm_seams_landing(seams), made.n);
        cm_check(framed_apart(&framed, apart_seams, made.bytes, made.n, made.n, 4096, 1));
        cm_check_eq(framed.n, 0);
        cm_check_eq(cm_seams_landing(apart_seams), made.n);
        cm_seams_destroy(seams);
        cm_seams_destroy(apart_seams);
        made_free(&made);
    }
}

/* Start, landing and end of each range of a chain, with a record over whole ranges. */
CM_TEST(framer, a_record_belongs_to_the_range_in_which_it_starts)
{
    struct made made = {0};
    struct cm_framer *framer = cm_framer_create();
    struct cm_interfaces interfaces;
    struct cm_layout layout = {.interfaces = &interfaces};
    struct cm_error error = {0};
    struct memory_source source;
    struct framed framed = {0};
    size_t header_bytes;
    static const struct {
        uint64_t start, landing;
        uint64_t n_packets;
        bool end;
    } expected[] = {
        {24, 4040, 1, false},     {4040, 14056, 1, false}, {14056, 14056, 0, false},
        {14056, 16384, 1, false}, {16384, 18400, 1, true},
    };

    cm_interfaces_init(&interfaces);
    put_pcap_header(&made, 0xa1b2c3d4, 4, 1);
    put_record(&made, 1, 0, 4000, 4000);   /* 24..4040 */
    put_record(&made, 2, 0, 10000, 10000); /* 4040..14056: begins in range 0 */
    put_record(&made, 3, 0, 2312, 2312);   /* 14056..16384 */
    put_record(&made, 4, 0, 2000, 2000);   /* 16384..18400 */
    cm_check_eq(cm_layout_open(&layout, "made", made.bytes, made.n, true, &header_bytes, &error), CAPMILL_OK);
    memory_source_init(&source, made.bytes, made.n, 0, 3);
    cm_framer_begin_chain(framer, &layout, header_bytes, &source.base, 7, 4040);
    for (size_t i = 0; i < CM_ARRAY_COUNT(expected); i++) {
        const struct cm_range_result *result = cm_framer_result(framer);
        static const uint64_t limits[] = {4040, 8192, 12288, 16384, 20480};

        if (i > 0)
            cm_framer_next_range(framer, limits[i]);
        framed_range(&framed, framer, i, made.bytes, made.n);
        if (expected[i].n_packets > 0)
            cm_check_eq(result->start, expected[i].start);
        cm_check_eq(result->landing, expected[i].landing);
        cm_check_eq(result->n_packets, expected[i].n_packets);
        cm_check_eq(result->end_of_input, expected[i].end);
        cm_check(result->open_damage == CM_NOWHERE && !result->unsettled && result->n_damages == 0);
    }
    cm_check_eq(framed.n, 4);
    framed_free(&framed);
    cm_framer_destroy(framer);
    cm_check_eq(source.n_out, 0);
    cm_interfaces_fini(&interfaces);
    made_free(&made);
}

/* Damage that reaches past its range is left open, and told with its place and reason. */
CM_TEST(framer, damage_past_the_limit_stays_open)
{
    struct made made = {0};
    struct cm_framer *framer = cm_framer_create();
    struct cm_interfaces interfaces;
    struct cm_layout layout = {.interfaces = &interfaces};
    struct cm_error error = {0};
    struct memory_source source;
    struct framed framed = {0};
    const struct cm_range_result *result;
    size_t header_bytes;
    size_t sound;

    cm_interfaces_init(&interfaces);
    put_pcap_header(&made, 0xa1b2c3d4, 4, 1);
    put_record(&made, 1, 0, 1000, 1000);
    put_noise(&made, 9000, 5);
    sound = made.n;
    for (uint32_t i = 0; i < 10; i++)
        put_record(&made, 2, 0, 984, 984);
    cm_check_eq(cm_layout_open(&layout, "made", made.bytes, made.n, true, &header_bytes, &error), CAPMILL_OK);
    memory_source_init(&source, made.bytes, made.n, 0, 9);
    cm_framer_begin_chain(framer, &layout, header_bytes, &source.base, 0, 4096);
    result = cm_framer_result(framer);

    framed_range(&framed, framer, 0, made.bytes, made.n);
    cm_check_eq(result->open_damage, 1040);
    cm_check(result->open_reason != NULL);
    cm_check_eq(result->landing, 4096);
    cm_check_eq(result->n_damages, 0);
    cm_framer_next_range(framer, 8192);
    framed_range(&framed, framer, 1, made.bytes, made.n);
    cm_check_eq(result->open_damage, 1040);
    cm_check_eq(result->start, CM_NOWHERE);
    cm_check_eq(result->landing, 8192);
    cm_framer_next_range(framer, 12288);
    framed_range(&framed, framer, 2, made.bytes, made.n);
    cm_check_eq(result->start, sound);
    cm_check_eq(result->open_damage, CM_NOWHERE);
    cm_check_eq(result->n_damages, 0);
    cm_check_eq(result->damaged_bytes, 0);
    cm_framer_next_range(framer, UINT64_MAX);
    framed_range(&framed, framer, 3, made.bytes, made.n);
    cm_check(result->end_of_input);
    cm_check_eq(framed.n, 11);
    framed_free(&framed);
    cm_framer_destroy(framer);
    cm_check_eq(source.n_out, 0);
    cm_interfaces_fini(&interfaces);
    made_free(&made);
}

/* Packets of a mapping are where the mapping has them: nothing is copied, also after a search. */
CM_TEST(framer, mapped_bytes_are_not_copied)
{
    struct made made = {0};
    struct cm_framer *framer = cm_framer_create();
    struct cm_batch *batch = cm_batch_create(0);
    struct cm_interfaces interfaces;
    struct cm_interfaces private;
    struct cm_layout layout = {.interfaces = &private};
    struct cm_head head;
    struct cm_error error = {0};
    struct memory_source source;
    size_t header_bytes;
    enum capmill_status status = CAPMILL_OK;
    size_t n = 0;

    cm_interfaces_init(&interfaces);
    cm_interfaces_init(&private);
    put_pcap_header(&made, 0xa1b2c3d4, 4, 1);
    for (uint32_t i = 0; i < 1000; i++)
        put_record(&made, 1, i, 1000, 1000);
    cm_check_eq(cm_layout_open(&layout, "made", made.bytes, made.n, true, &header_bytes, &error), CAPMILL_OK);
    cm_check_eq(cm_head_frame(&head, &layout, header_bytes, made.bytes, 4096, false, &interfaces, &error),
                CAPMILL_OK);
    memory_source_init(&source, made.bytes, made.n, 24 + 1016 * 100 + 7, 1);
    source.mapped = true;
    source.least_bytes = source.most_bytes = 10000; /* far less than a search wants to see */
    cm_framer_begin_range(framer, &head, &source.base, 0, 1, source.offset, UINT64_MAX);
    while (status == CAPMILL_OK) {
        status = cm_framer_next(framer, batch, &error);
        cm_check(status >= 0);
        for (uint32_t i = 0; i < batch->n_packets; i++)
            cm_check(cm_packet_record(&batch->packets[i]) == made.bytes + batch->packets[i].place);
        n += batch->n_packets;
        cm_batch_reset(batch);
    }
    cm_check_eq(n, 1000 - 101);
    cm_batch_destroy(batch);
    cm_framer_destroy(framer);
    cm_interfaces_fini(&interfaces);
    cm_interfaces_fini(&private);
    made_free(&made);
}

static enum capmill_status fail_next(struct cm_source *source, struct cm_segment **segment_ret,
                                     struct cm_error *error)
{
    struct memory_source *memory = (struct memory_source *)source;

    if (memory->offset >= 100000)
        return cm_error_set(error, CAPMILL_E_IO, 5, "the disk is gone");
    return memory_next(source, segment_ret, error);
}

CM_TEST(framer, failures_of_the_source_are_passed_on)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct made made = {0};
        struct cm_framer *framer = cm_framer_create();
        struct cm_batch *batch = cm_batch_create(0);
        struct cm_interfaces interfaces;
        struct cm_layout layout = {.interfaces = &interfaces};
        struct cm_error error = {0};
        struct memory_source source;
        size_t header_bytes;
        enum capmill_status status;

        cm_interfaces_init(&interfaces);
        put_pcap_header(&made, 0xa1b2c3d4, 4, 1);
        for (uint32_t i = 0; i < 10; i++)
            put_record(&made, 1, i, seed % 2 == 0 ? 60000 : 1000, 60000);
        if (seed % 2 == 1)
            put_noise(&made, 200000, 3); /* fails amid a search */
        cm_check_eq(cm_layout_open(&layout, "made", made.bytes, made.n, true, &header_bytes, &error),
                    CAPMILL_OK);
        memory_source_init(&source, made.bytes, made.n, 0, seed);
        source.base.next = fail_next;
        cm_framer_begin_chain(framer, &layout, header_bytes, &source.base, 0, UINT64_MAX);
        do {
            cm_batch_reset(batch);
            status = cm_framer_next(framer, batch, &error);
        } while (status == CAPMILL_OK);
        cm_check_eq(status, CAPMILL_E_IO);
        cm_check_str(error.text, "the disk is gone");
        cm_batch_destroy(batch);
        cm_framer_destroy(framer);
        cm_check_eq(source.n_out, 0);
        cm_interfaces_fini(&interfaces);
        made_free(&made);
    }
}

/* The header column is what wire/ says of each packet. */
CM_TEST(framer, headers_are_filled_for_every_packet)
{
    struct cm_operator decode = cm_decode_operator(false);
    struct cm_batch *batch = cm_batch_create(sizeof(struct cm_headers));
    uint8_t frame[60] = {[12] = 0x08, [13] = 0x00, [14] = 0x45, [17] = 46, [22] = 64, [23] = 17};
    struct cm_error error = {0};

    batch->n_packets = CM_BATCH_CAPACITY;
    for (uint32_t i = 0; i < CM_BATCH_CAPACITY; i++)
        batch->packets[i] =
            (struct cm_packet){.data = frame, .caplen = i % 61, .origlen = 60, .link_type = i % 2 ? 1 : 101};
    cm_check_eq(decode.process(decode.shared, NULL, batch, &error), CAPMILL_OK);
    for (uint32_t i = 0; i < CM_BATCH_CAPACITY; i++) {
        struct cm_headers expected;

        memset(&expected, 0, sizeof(expected));
        cm_wire_decode(batch->packets[i].link_type, frame, i % 61, &expected);
        cm_check_eq(batch->headers[i].eth_type, expected.eth_type);
        cm_check_eq(batch->headers[i].payload_offset, expected.payload_offset);
    }
    cm_batch_destroy(batch);
}
