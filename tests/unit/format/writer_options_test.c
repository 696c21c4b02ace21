/* SPDX-License-Identifier: Apache-2.0 */
/* What is written follows from what is read, unless the user wishes otherwise. */
#include "unit/format/writer_bytes.h"

enum { MAX_INPUTS = 3 };

struct inputs {
    struct cm_layout layouts[MAX_INPUTS];
    struct cm_interfaces tables[MAX_INPUTS];
    struct cm_writer_input inputs[MAX_INPUTS];
    uint32_t n;
};

static void add(struct inputs *to, enum cm_capture_kind kind, bool big)
{
    cm_interfaces_init(&to->tables[to->n]);
    to->layouts[to->n] = (struct cm_layout){.kind = kind, .big_endian = big, .zone_offset = 1, .sigfigs = 2};
    to->inputs[to->n].layout = &to->layouts[to->n];
    to->inputs[to->n].interfaces = &to->tables[to->n];
    to->n++;
}

/* An interface of the input added last. */
static void describe(struct inputs *to, uint16_t link_type, uint32_t snaplen, uint8_t exponent, bool binary)
{
    struct cm_interface interface = {
        .link_type = link_type, .snaplen = snaplen, .units = {.exponent = exponent, .binary = binary}};
    struct cm_error error = {0};

    cm_check_eq(cm_interfaces_append(&to->tables[to->n - 1], &interface, NULL, 0, &error), CAPMILL_OK);
}

static struct cm_writer_options derive(struct inputs *from, enum cm_writer_kind_wish kind,
                                       enum cm_writer_units_wish units)
{
    struct cm_writer_wish wish = {.kind = kind, .units = units, .application = "a"};
    struct cm_writer_options options;
    struct cm_error error = {0};

    cm_check_eq(cm_writer_options_derive(from->inputs, from->n, &wish, &options, &error), CAPMILL_OK);
    cm_check_str(options.application, "a");
    return options;
}

static void forget(struct inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++)
        cm_interfaces_fini(&inputs->tables[i]);
    inputs->n = 0;
}

CM_TEST(writer_options, the_first_input_decides_kind_and_byte_order)
{
    struct inputs in = {0};
    struct cm_writer_options options;

    add(&in, CM_CAPTURE_PCAP, true);
    describe(&in, 1, 96, 6, false);
    add(&in, CM_CAPTURE_PCAPNG, false);
    describe(&in, 1, 1500, 6, false);
    options = derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO);
    cm_check_eq(options.kind, CM_CAPTURE_PCAP);
    cm_check(options.big_endian);
    cm_check(!options.nanoseconds);
    cm_check_eq(options.link_type, 1);
    cm_check_eq(options.snaplen, 1500);
    cm_check_eq(options.zone_offset, 1);
    cm_check_eq(options.sigfigs, 2);
    cm_check_eq(derive(&in, CM_WRITER_KIND_PCAPNG, CM_WRITER_UNITS_AUTO).kind, CM_CAPTURE_PCAPNG);
    forget(&in);

    add(&in, CM_CAPTURE_PCAPNG, false);
    describe(&in, 1, 0, 6, false);
    options = derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO);
    cm_check_eq(options.kind, CM_CAPTURE_PCAPNG);
    cm_check(!options.big_endian);
    cm_check_eq(options.snaplen, 262144); /* no limit is the greatest */
    cm_check(options.keep_simple_packets);
    add(&in, CM_CAPTURE_PCAPNG, false);
    cm_check(!derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO).keep_simple_packets);
    forget(&in);
}

CM_TEST(writer_options, no_limit_among_limits_is_the_greatest_snaplen)
{
    struct inputs in = {0};

    add(&in, CM_CAPTURE_PCAP, false);
    describe(&in, 1, 300000, 6, false);
    cm_check_eq(derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO).snaplen, 300000);
    describe(&in, 1, 0, 6, false);
    cm_check_eq(derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO).snaplen, 262144);
    forget(&in);
}

CM_TEST(writer_options, nanoseconds_where_any_units_are_finer_than_microseconds)
{
    static const struct {
        uint8_t exponent;
        bool binary, finer;
    } units[] = {{6, false, false}, {3, false, false}, {7, false, true},  {9, false, true},
                 {12, false, true}, {10, true, false}, {19, true, false}, {20, true, true}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct inputs in = {0};

        add(&in, CM_CAPTURE_PCAPNG, false);
        describe(&in, 1, 0, 6, false);
        describe(&in, 1, 0, units[i].exponent, units[i].binary);
        cm_check_eq(derive(&in, CM_WRITER_KIND_PCAP, CM_WRITER_UNITS_AUTO).nanoseconds, units[i].finer);
        cm_check(derive(&in, CM_WRITER_KIND_PCAP, CM_WRITER_UNITS_NANO).nanoseconds);
        cm_check(!derive(&in, CM_WRITER_KIND_PCAP, CM_WRITER_UNITS_MICRO).nanoseconds);
        forget(&in);
    }
}

CM_TEST(writer_options, mixed_link_types_need_pcapng)
{
    struct cm_writer_wish wish = {.kind = CM_WRITER_KIND_PCAP};
    struct cm_writer_options options;
    struct cm_error error = {0};
    struct inputs in = {0};

    add(&in, CM_CAPTURE_PCAP, false);
    describe(&in, 1, 0, 6, false);
    add(&in, CM_CAPTURE_PCAP, false);
    describe(&in, 1, 0, 6, false);
    add(&in, CM_CAPTURE_PCAP, false);
    describe(&in, 60000, 0, 6, false);
    cm_check_eq(derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO).kind, CM_CAPTURE_PCAPNG);
    cm_check_eq(derive(&in, CM_WRITER_KIND_PCAPNG, CM_WRITER_UNITS_AUTO).kind, CM_CAPTURE_PCAPNG);
    cm_check_eq(cm_writer_options_derive(in.inputs, in.n, &wish, &options, &error), CAPMILL_E_UNSUPPORTED);
    cm_check_str(error.text,
                 "a pcap file holds one link type, and the input has ETHERNET and link type 60000; "
                 "pcapng can hold both");
    forget(&in);
}

CM_TEST(writer_options, an_input_without_interfaces_can_still_be_written)
{
    struct inputs in = {0};
    struct cm_writer_options options;

    add(&in, CM_CAPTURE_PCAPNG, true);
    options = derive(&in, CM_WRITER_KIND_PCAP, CM_WRITER_UNITS_AUTO);
    cm_check_eq(options.kind, CM_CAPTURE_PCAP);
    cm_check_eq(options.link_type, 1);
    cm_check_eq(options.snaplen, 262144);
    forget(&in);
    cm_check_eq(derive(&in, CM_WRITER_KIND_AUTO, CM_WRITER_UNITS_AUTO).kind,
                CM_CAPTURE_PCAP); /* no input at all */
    cm_check_eq(derive(&in, CM_WRITER_KIND_PCAPNG, CM_WRITER_UNITS_AUTO).kind, CM_CAPTURE_PCAPNG);
}
