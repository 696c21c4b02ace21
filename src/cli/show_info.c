/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a capture: one screen of text, or one object of JSON. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/quantity.h"
#include "base/time_text.h"
#include "cli/show.h"

#define NS_PER_SECOND 1e9
#define LABEL_COLUMNS 16

static void print_label(struct cm_printer *printer, const char *label)
{
    cm_printer_format(printer, "%-*s", LABEL_COLUMNS, label);
}

static void print_row(struct cm_printer *printer, const char *label, const char *format, ...) CM_PRINTF(3, 4);

static void print_row(struct cm_printer *printer, const char *label, const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print_label(printer, label);
    cm_printer_text(printer, text);
    cm_printer_text(printer, "\n");
}

static void print_count(struct cm_printer *printer, const char *label, uint64_t count)
{
    char text[CM_QUANTITY_TEXT_BYTES];

    print_row(printer, label, "%s", cm_count_text(count, text));
}

static const char *link_type_name(const struct capmill_interface_info *interface)
{
    return interface->link_type_name != NULL ? interface->link_type_name : "unknown";
}

/* 0 is what pcapng calls "no limit". */
static const char *snaplen_text(uint32_t snaplen, char text_ret[CM_QUANTITY_TEXT_BYTES])
{
    if (snaplen == 0)
        return "no limit";
    snprintf(text_ret, CM_QUANTITY_TEXT_BYTES, "%" PRIu32, snaplen);
    return text_ret;
}

static void print_interfaces(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    char count[CM_QUANTITY_TEXT_BYTES], snaplen[CM_QUANTITY_TEXT_BYTES];

    if (info->n_interfaces == 1 && info->interfaces[0].name[0] == 0) {
        print_row(printer, "Link type", "%s (%u)", link_type_name(info->interfaces),
                  info->interfaces[0].link_type);
        print_row(printer, "Snaplen", "%s", snaplen_text(info->interfaces[0].snaplen, snaplen));
        return;
    }
    for (size_t i = 0; i < info->n_interfaces; i++) {
        const struct capmill_interface_info *interface = &info->interfaces[i];

        print_label(printer, i == 0 ? "Interfaces" : "");
        if (info->n_sections > 1)
            cm_printer_format(printer, "section %" PRIu32 " ", interface->section);
        cm_printer_format(printer, "%" PRIu32 ": ", interface->id);
        if (interface->name[0] != 0) {
            cm_printer_foreign(printer, interface->name);
            cm_printer_text(printer, ", ");
        }
        cm_printer_format(printer, "%s (%u), snaplen %s, %s %s\n", link_type_name(interface),
                          interface->link_type, snaplen_text(interface->snaplen, snaplen),
                          cm_count_text(interface->n_packets, count),
                          interface->n_packets == 1 ? "packet" : "packets");
    }
}

/* A bit rate with its prefix of 1000. */
static void print_rates(double bits_per_second, double packets_per_second, struct cm_printer *printer)
{
    static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
    unsigned unit = 0;
    char packets[CM_QUANTITY_TEXT_BYTES];

    for (; bits_per_second >= 999.5 && unit < 4; unit++)
        bits_per_second /= 1000;
    if (packets_per_second < 100)
        print_row(printer, "Rate", "%.3g %s, %.3g packets/s", bits_per_second, units[unit],
                  packets_per_second);
    else
        print_row(printer, "Rate", "%.3g %s, %s packets/s", bits_per_second, units[unit],
                  cm_count_text((uint64_t)(packets_per_second + 0.5), packets));
}

static uint64_t duration_ns(const struct capmill_capture_info *info)
{
    return info->last_ns - info->first_ns;
}

static bool has_rates(const struct capmill_capture_info *info)
{
    return info->has_times && info->n_packets > 0 && duration_ns(info) > 0;
}

static double packets_per_second(const struct capmill_capture_info *info)
{
    return (double)info->n_packets * NS_PER_SECOND / (double)duration_ns(info);
}

static double bits_per_second(const struct capmill_capture_info *info)
{
    return (double)info->original_bytes * 8 * NS_PER_SECOND / (double)duration_ns(info);
}

static void print_times(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    char text[CM_TIME_TEXT_BYTES], duration[CM_QUANTITY_TEXT_BYTES];

    if (!info->has_times)
        return;
    print_row(printer, "First packet", "%s", cm_time_text(info->first_ns, text));
    print_row(printer, "Last packet", "%s", cm_time_text(info->last_ns, text));
    print_row(printer, "Duration", "%s s", cm_seconds_text(duration_ns(info), duration));
}

static void print_packets(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    print_count(printer, "Packets", info->n_packets);
    if (info->n_packets == 0)
        return;
    print_count(printer, "Captured bytes", info->captured_bytes);
    print_count(printer, "Original bytes", info->original_bytes);
    print_row(printer, "Average size", "%.1f bytes, from %" PRIu32 " to %" PRIu32,
              (double)info->captured_bytes / (double)info->n_packets, info->min_length, info->max_length);
    if (has_rates(info))
        print_rates(bits_per_second(info), packets_per_second(info), printer);
}

static void print_addresses_and_flows(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    char source[CM_QUANTITY_TEXT_BYTES], destination[CM_QUANTITY_TEXT_BYTES];
    const char *about = info->approximate ? "about " : "";

    print_row(printer, "Addresses", "%s%s source, %s%s destination", about,
              cm_count_text(info->n_src_addresses, source), about,
              cm_count_text(info->n_dst_addresses, destination));
    print_row(printer, "Flows", "%s%s", about, cm_count_text(info->n_flows, source));
}

static void print_order_and_damage(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    char count[CM_QUANTITY_TEXT_BYTES], bytes[CM_QUANTITY_TEXT_BYTES], late[CM_QUANTITY_TEXT_BYTES];

    if (info->n_packets > 0 && info->n_out_of_order == 0)
        print_row(printer, "Order", "in time order");
    else if (info->n_out_of_order > 0)
        print_row(printer, "Order", "not in order: %s %s earlier than the one before, at most %s late",
                  cm_count_text(info->n_out_of_order, count),
                  info->n_out_of_order == 1 ? "packet" : "packets",
                  cm_duration_text(info->max_late_ns, late));
    if (info->n_damages == 0)
        print_row(printer, "Damage", "none");
    else
        print_row(printer, "Damage", "%s %s, %s bytes skipped", cm_count_text(info->n_damages, count),
                  info->n_damages == 1 ? "place" : "places", cm_count_text(info->damaged_bytes, bytes));
}

void cm_show_capture(const struct capmill_capture_info *info, struct cm_printer *printer)
{
    char size[CM_QUANTITY_TEXT_BYTES], count[CM_QUANTITY_TEXT_BYTES];

    print_label(printer, "File");
    cm_printer_foreign(printer, info->path);
    cm_printer_text(printer, "\n");
    if (info->format != NULL && info->format[0] != 0) {
        bool has_variant = info->variant != NULL && info->variant[0] != 0;
        print_row(printer, "Format", "%s%s%s%s, %s-endian, %s", info->format, has_variant ? " (" : "",
                  has_variant ? info->variant : "", has_variant ? ")" : "",
                  info->big_endian ? "big" : "little", info->nanoseconds ? "nanoseconds" : "microseconds");
    }
    if (info->file_bytes < 1024)
        print_row(printer, "Size", "%s", cm_size_text(info->file_bytes, size));
    else
        print_row(printer, "Size", "%s (%s bytes)", cm_size_text(info->file_bytes, size),
                  cm_count_text(info->file_bytes, count));
    if (info->n_sections > 1)
        print_count(printer, "Sections", info->n_sections);
    print_interfaces(info, printer);
    print_times(info, printer);
    print_packets(info, printer);
    print_addresses_and_flows(info, printer);
    print_order_and_damage(info, printer);
}

static void add_interfaces(const struct capmill_capture_info *info, struct cm_json *json)
{
    cm_json_array_begin(json, "interfaces");
    for (size_t i = 0; i < info->n_interfaces; i++) {
        const struct capmill_interface_info *interface = &info->interfaces[i];

        cm_json_object_begin(json, NULL);
        cm_json_count(json, "section", interface->section);
        cm_json_count(json, "id", interface->id);
        cm_json_text(json, "name", interface->name);
        cm_json_count(json, "link_type", interface->link_type);
        cm_json_text(json, "link_type_name", interface->link_type_name);
        cm_json_count(json, "snaplen_bytes", interface->snaplen);
        cm_json_count(json, "packets", interface->n_packets);
        cm_json_object_end(json);
    }
    cm_json_array_end(json);
}

static void add_capture(const struct capmill_capture_info *info, const char *key, struct cm_json *json)
{
    cm_json_object_begin(json, key);
    if (key == NULL)
        cm_json_text(json, "path", info->path);
    if (info->format != NULL && info->format[0] != 0) {
        cm_json_text(json, "format", info->format);
        if (info->variant != NULL && info->variant[0] != 0)
            cm_json_text(json, "variant", info->variant);
        cm_json_text(json, "byte_order", info->big_endian ? "big" : "little");
        cm_json_text(json, "resolution", info->nanoseconds ? "ns" : "us");
        cm_json_count(json, "sections", info->n_sections);
    }
    cm_json_count(json, "file_bytes", info->file_bytes);
    if (info->n_interfaces > 0)
        add_interfaces(info, json);
    cm_json_count(json, "packets", info->n_packets);
    cm_json_count(json, "captured_bytes", info->captured_bytes);
    cm_json_count(json, "original_bytes", info->original_bytes);
    if (info->n_packets > 0) {
        cm_json_count(json, "min_captured_bytes", info->min_length);
        cm_json_count(json, "max_captured_bytes", info->max_length);
        cm_json_rate(json, "average_captured_bytes", (double)info->captured_bytes / (double)info->n_packets);
    }
    if (info->has_times) {
        cm_json_time(json, "first_time", info->first_ns);
        cm_json_time(json, "last_time", info->last_ns);
        cm_json_seconds(json, "duration_seconds", duration_ns(info));
    }
    if (has_rates(info)) {
        cm_json_rate(json, "packets_per_second", packets_per_second(info));
        cm_json_rate(json, "bits_per_second", bits_per_second(info));
    }
    cm_json_count(json, "source_addresses", info->n_src_addresses);
    cm_json_count(json, "destination_addresses", info->n_dst_addresses);
    cm_json_count(json, "flows", info->n_flows);
    cm_json_bool(json, "approximate", info->approximate);
    cm_json_bool(json, "in_order", info->n_out_of_order == 0);
    cm_json_count(json, "packets_out_of_order", info->n_out_of_order);
    cm_json_seconds(json, "max_late_seconds", info->max_late_ns);
    cm_json_count(json, "damages", info->n_damages);
    cm_json_count(json, "damaged_bytes", info->damaged_bytes);
    cm_json_object_end(json);
}

const struct capmill_capture_info *cm_show_whole(const struct capmill_run *run)
{
    const struct capmill_capture_info *captures;
    size_t n_captures = capmill_run_captures(run, &captures);
    const struct capmill_capture_info *total = capmill_run_total(run);

    if (n_captures == 1 || total == NULL)
        return n_captures > 0 ? &captures[0] : total;
    return total;
}

void cm_show_capture_members(const struct capmill_run *run, struct cm_json *json)
{
    const struct capmill_capture_info *captures;
    size_t n_captures = capmill_run_captures(run, &captures);
    const struct capmill_capture_info *whole = cm_show_whole(run);

    cm_json_array_begin(json, "captures");
    for (size_t i = 0; i < n_captures; i++)
        add_capture(&captures[i], NULL, json);
    cm_json_array_end(json);
    if (whole != NULL)
        add_capture(whole, "total", json);
}

void cm_show_info(const struct capmill_run *run, const struct cm_typed *typed, struct cm_printer *printer)
{
    const struct capmill_capture_info *captures;
    size_t n_captures = capmill_run_captures(run, &captures);
    struct cm_json json;

    if (typed->json) {
        cm_json_init(&json, printer, false);
        cm_json_object_begin(&json, NULL);
        cm_show_capture_members(run, &json);
        cm_json_object_end(&json);
        return;
    }
    for (size_t i = 0; i < n_captures; i++) {
        if (i > 0)
            cm_printer_text(printer, "\n");
        cm_show_capture(&captures[i], printer);
    }
    if (n_captures > 1 && capmill_run_total(run) != NULL) {
        cm_printer_text(printer, "\n");
        cm_show_capture(capmill_run_total(run), printer);
    }
}
