/* SPDX-License-Identifier: Apache-2.0 */
/* What to write, from what is read: kind, byte order, units, link type. The user's wish comes first. */
#include <string.h>

#include "base/checked.h"
#include "format/link_types.h"
#include "format/writer_int.h"

/* What all interfaces of all inputs say together. */
struct survey {
    uint64_t n_interfaces;
    uint16_t link_type;       /* of the first */
    uint16_t other_link_type; /* the first that differs */
    uint16_t link_type_high;
    bool mixed, high_mixed;
    bool unlimited;
    uint32_t snaplen;
    bool finer_than_micro;
};

bool cm_writer_finer_than_micro(const struct cm_time_units *units)
{
    /* 2^-19 s is 1.9 microseconds, 2^-20 s is 0.95 */
    return units->binary ? units->exponent >= 20 : units->exponent > 6;
}

static void look_at(struct survey *survey, const struct cm_interface *interface)
{
    if (survey->n_interfaces++ == 0) {
        survey->link_type = interface->link_type;
        survey->link_type_high = interface->link_type_high;
    }
    if (!survey->mixed && interface->link_type != survey->link_type) {
        survey->mixed = true;
        survey->other_link_type = interface->link_type;
    }
    survey->high_mixed |= interface->link_type_high != survey->link_type_high;
    survey->unlimited |= interface->snaplen == 0;
    if (interface->snaplen > survey->snaplen)
        survey->snaplen = interface->snaplen;
    survey->finer_than_micro |= cm_writer_finer_than_micro(&interface->units);
}

uint32_t cm_writer_raised_snaplen(const struct cm_writer_options *options, uint32_t snaplen)
{
    if (snaplen == 0 || snaplen >= CM_MAX_PACKET_BYTES)
        return snaplen;
    return (uint32_t)cm_min_u64((uint64_t)snaplen + options->growth_bytes, CM_MAX_PACKET_BYTES);
}

enum capmill_status cm_writer_options_derive(const struct cm_writer_input *inputs, uint32_t n_inputs,
                                             const struct cm_writer_wish *wish,
                                             struct cm_writer_options *options_ret, struct cm_error *error)
{
    struct survey survey = {0};
    static const struct cm_layout nothing = {.kind = CM_CAPTURE_PCAP};
    const struct cm_layout *first = n_inputs == 0 ? &nothing : inputs[0].layout;

    for (uint32_t i = 0; i < n_inputs; i++)
        for (uint32_t k = 0; k < inputs[i].interfaces->n; k++)
            look_at(&survey, cm_interfaces_get(inputs[i].interfaces, k));
    if (wish->kind == CM_WRITER_KIND_PCAP && survey.mixed) {
        char one[CM_LINK_TYPE_TEXT_BYTES], other[CM_LINK_TYPE_TEXT_BYTES];

        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "a pcap file holds one link type, and the input has %s and %s; pcapng can hold both",
            cm_link_type_text(survey.link_type, one), cm_link_type_text(survey.other_link_type, other));
    }
    memset(options_ret, 0, sizeof(*options_ret));
    if (wish->kind == CM_WRITER_KIND_PCAP)
        options_ret->kind = CM_CAPTURE_PCAP;
    else if (wish->kind == CM_WRITER_KIND_PCAPNG || survey.mixed)
        options_ret->kind = CM_CAPTURE_PCAPNG;
    else
        options_ret->kind = first->kind;
    options_ret->big_endian = first->big_endian;
    options_ret->application = wish->application;
    options_ret->keep_simple_packets = n_inputs == 1;

    options_ret->nanoseconds = wish->units == CM_WRITER_UNITS_NANO ||
                               (wish->units == CM_WRITER_UNITS_AUTO && survey.finer_than_micro);
    options_ret->link_type = survey.n_interfaces == 0 ? CM_LINK_TYPE_ETHERNET : survey.link_type;
    options_ret->link_type_high = survey.high_mixed ? 0 : survey.link_type_high;
    /* 0 in a pcap header is read by some as a length of nothing */
    options_ret->snaplen = survey.unlimited || survey.snaplen == 0 ? CM_MAX_PACKET_BYTES : survey.snaplen;
    if (first->kind == CM_CAPTURE_PCAP) {
        options_ret->zone_offset = first->zone_offset;
        options_ret->sigfigs = first->sigfigs;
    }
    return CAPMILL_OK;
}
