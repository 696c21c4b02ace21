/* SPDX-License-Identifier: Apache-2.0 */
/* What stands beside packets and must not be told: addresses, names, comments, times of pcapng options and name
 * records (draft-ietf-opsawg-pcapng, sections 3.5 and 4). How addresses and names are mapped is the caller's. */
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"
#include "format/writer_int.h"

#define NAME_TEXT_BYTES 24u

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "wlx08beac0b176e": systems spell out the address of a device that they know no place for. */
static bool spells_mac(const uint8_t *name, size_t n)
{
    size_t run = 0;

    for (size_t i = 0; i < n; i++) {
        uint8_t lower = name[i] | 0x20;

        run = is_digit(name[i]) || (lower >= 'a' && lower <= 'f') ? run + 1 : 0;
        if (run == 12)
            return true;
    }
    return false;
}

/* The name of a network device, as systems give them: "eth0", "enp3s0", "eth0.100", "br-lan". Names of pipes,
 * remote captures ("rpcap://host/eth0") and Windows devices tell of users, hosts and machines. */
static bool is_device_name(const uint8_t *name, size_t n)
{
    enum { GREATEST = 15 }; /* IFNAMSIZ of Linux and the BSDs, less the final zero */
    bool numbers = false;   /* behind a dot or colon: a VLAN or an alias */

    if (n == 0 || n > GREATEST || !is_letter(name[0]) || spells_mac(name, n))
        return false;
    for (size_t i = 1; i < n; i++) {
        if (name[i] == '.' || name[i] == ':')
            numbers = true;
        else if (!is_digit(name[i]) && (numbers || (!is_letter(name[i]) && name[i] != '-' && name[i] != '_')))
            return false;
    }
    return true;
}

/* An EUI-64 that was made of a MAC address has ff fe, or ff ff, in its middle. */
static bool holds_mac(const uint8_t *eui64)
{
    return eui64[3] == 0xff && eui64[4] >= 0xfe;
}

static bool hides_interface_option(uint16_t code, const uint8_t *value, size_t n)
{
    switch (code) {
    case CM_OPTION_INTERFACE_NAME:
        return !is_device_name(value, n);
    case CM_OPTION_INTERFACE_IPV4:
        return n != 8;
    case CM_OPTION_INTERFACE_IPV6:
        return n != 17;
    case CM_OPTION_INTERFACE_MAC: /* these name one machine of all */
    case CM_OPTION_INTERFACE_EUI64:
    case CM_OPTION_INTERFACE_DESCRIPTION: /* a user's own words */
    case CM_OPTION_INTERFACE_FILTER:      /* may name addresses, as text or in instructions */
    case CM_OPTION_INTERFACE_OS:
    case CM_OPTION_INTERFACE_HARDWARE:
        return true;
    default:
        return code > 17; /* if_rxspeed; all others below are numbers */
    }
}

bool cm_cover_hides_option(const struct cm_writer_cover *cover, enum cm_option_list list, uint16_t code,
                           const uint8_t *value, size_t n)
{
    if (!cover->hide)
        return false;
    if (code == CM_OPTION_COMMENT)
        return true;
    switch (list) {
    case CM_OPTIONS_SECTION:
        return code != CM_OPTION_SECTION_APPLICATION; /* not what machine it was, nor what ran on it */
    case CM_OPTIONS_INTERFACE:
        return hides_interface_option(code, value, n);
    case CM_OPTIONS_PACKET:
        return code == CM_OPTION_PACKET_VERDICT || code > 8; /* epb_processid_threadid */
    case CM_OPTIONS_STATISTICS:
        return code > 8; /* isb_usrdeliv */
    case CM_OPTIONS_NAMES:
        return !(code == CM_OPTION_NAMES_IPV4 && n == 4) && !(code == CM_OPTION_NAMES_IPV6 && n == 16);
    case CM_OPTIONS_SECRETS:
        break;
    }
    return true;
}

void cm_cover_time(const struct cm_options_way *way, uint8_t *words)
{
    uint64_t ticks =
        (uint64_t)cm_load_u32_as(words, way->to_big) << 32 | cm_load_u32_as(words + 4, way->to_big);
    bool saturated;

    if (way->cover->time == NULL || way->units == NULL)
        return;
    ticks = cm_ticks_from_ns(
        way->units, way->cover->time(way->cover->context, cm_time_to_ns(way->units, ticks, &saturated)),
        true);
    cm_store_u32_as(words, (uint32_t)(ticks >> 32), way->to_big);
    cm_store_u32_as(words + 4, (uint32_t)ticks, way->to_big);
}

static void cover_ipv4(const struct cm_writer_cover *cover, uint8_t *address)
{
    if (cover->ipv4 != NULL)
        cover->ipv4(cover->context, address);
}

static void cover_ipv6(const struct cm_writer_cover *cover, uint8_t *address)
{
    if (cover->ipv6 != NULL)
        cover->ipv6(cover->context, address);
}

static void cover_mac(const struct cm_writer_cover *cover, uint8_t *address)
{
    if (cover->mac != NULL)
        cover->mac(cover->context, address);
}

static void cover_eui64(const struct cm_writer_cover *cover, uint8_t *address)
{
    uint8_t mac[6];

    if (!holds_mac(address))
        return;
    memcpy(mac, address, 3);
    memcpy(mac + 3, address + 5, 3);
    cover_mac(cover, mac);
    memcpy(address, mac, 3);
    memcpy(address + 5, mac + 3, 3);
}

static void cover_interface_option(const struct cm_writer_cover *cover, uint16_t code, uint8_t *value,
                                   size_t n)
{
    if (code == CM_OPTION_INTERFACE_IPV4 && n == 8)
        cover_ipv4(cover, value);
    else if (code == CM_OPTION_INTERFACE_IPV6 && n == 17)
        cover_ipv6(cover, value);
    else if (code == CM_OPTION_INTERFACE_MAC && n == 6)
        cover_mac(cover, value);
    else if (code == CM_OPTION_INTERFACE_EUI64 && n == 8)
        cover_eui64(cover, value);
}

void cm_cover_option(const struct cm_options_way *way, enum cm_option_list list, uint16_t code,
                     uint8_t *value, size_t n)
{
    if (list == CM_OPTIONS_INTERFACE)
        cover_interface_option(way->cover, code, value, n);
    else if (list == CM_OPTIONS_STATISTICS && n == 8 &&
             (code == CM_OPTION_STATISTICS_START || code == CM_OPTION_STATISTICS_END))
        cm_cover_time(way, value);
    else if (list == CM_OPTIONS_NAMES && code == CM_OPTION_NAMES_IPV4 && n == 4)
        cover_ipv4(way->cover, value);
    else if (list == CM_OPTIONS_NAMES && code == CM_OPTION_NAMES_IPV6 && n == 16)
        cover_ipv6(way->cover, value);
}

/* --- name records --- */

static size_t address_bytes(uint16_t type)
{
    switch (type) {
    case CM_NAME_RECORD_IPV4:
        return 4;
    case CM_NAME_RECORD_IPV6:
        return 16;
    case CM_NAME_RECORD_EUI48:
        return 6;
    case CM_NAME_RECORD_EUI64:
        return 8;
    default:
        return 0;
    }
}

static void cover_address(const struct cm_writer_cover *cover, uint16_t type, uint8_t *address)
{
    switch (type) {
    case CM_NAME_RECORD_IPV4:
        cover_ipv4(cover, address);
        break;
    case CM_NAME_RECORD_IPV6:
        cover_ipv6(cover, address);
        break;
    case CM_NAME_RECORD_EUI48:
        cover_mac(cover, address);
        break;
    case CM_NAME_RECORD_EUI64:
        cover_eui64(cover, address);
        break;
    default:
        break;
    }
}

/* Pseudonyms of the names in names[0..n) at `out`, as many as fit into `limit` bytes. */
static size_t store_pseudonyms(const struct cm_writer_cover *cover, const uint8_t *names, size_t n,
                               size_t limit, uint8_t *out)
{
    size_t written = 0;

    while (n != 0 && limit - written >= NAME_TEXT_BYTES) {
        const uint8_t *end = memchr(names, 0, n);
        size_t name_bytes = end == NULL ? n : (size_t)(end - names), text_bytes;
        char text[NAME_TEXT_BYTES] = "";

        if (name_bytes != 0) {
            cover->name(cover->context, (const char *)names, name_bytes, text);
            text[sizeof(text) - 1] = 0;
            text_bytes = strlen(text) + 1;
            memcpy(out + written, text, text_bytes);
            written += text_bytes;
        }
        names += name_bytes;
        n -= name_bytes;
        if (n != 0) {
            names++;
            n--;
        }
    }
    return written;
}

/* Append one record, where it takes no more than `limit` bytes. */
static enum capmill_status cover_record(const struct cm_writer *writer, uint16_t type, const uint8_t *value,
                                        size_t n, size_t limit, struct cm_bytes *out,
                                        struct cm_left_out *left_out, struct cm_error *error)
{
    enum { RECORD_HEADER_BYTES = 4 };
    const struct cm_writer_cover *cover = &writer->cover;
    bool big = writer->options.big_endian, hide = cover->hide;
    size_t address = address_bytes(type), padded;
    bool names_machine = type == CM_NAME_RECORD_EUI48 || type == CM_NAME_RECORD_EUI64;
    bool known = address != 0 && n >= address && !(hide && names_machine);
    enum capmill_status status;
    uint8_t *record;

    if (hide && (!known || cover->name == NULL)) {
        left_out->hidden++;
        return CAPMILL_OK;
    }
    status = cm_bytes_reserve(out, RECORD_HEADER_BYTES + UINT16_MAX + 3, error);
    if (status != CAPMILL_OK)
        return status;
    record = out->data + out->n;
    if (hide) {
        memcpy(record + RECORD_HEADER_BYTES, value, address);
        n = address + store_pseudonyms(cover, value + address, n - address, UINT16_MAX - address,
                                       record + RECORD_HEADER_BYTES + address);
    } else {
        memcpy(record + RECORD_HEADER_BYTES, value, n);
    }
    padded = cm_align_up(n, 4);
    if (RECORD_HEADER_BYTES + padded > limit) {
        left_out->dropped++;
        return CAPMILL_OK;
    }
    cm_store_u16_as(record, type, big);
    cm_store_u16_as(record + 2, (uint16_t)n, big);
    memset(record + RECORD_HEADER_BYTES + n, 0, padded - n);
    if (known)
        cover_address(cover, type, record + RECORD_HEADER_BYTES);
    out->n += RECORD_HEADER_BYTES + padded;
    return CAPMILL_OK;
}

enum capmill_status cm_cover_names(const struct cm_writer *writer, bool from_big, const uint8_t *body,
                                   size_t n, struct cm_bytes *out, struct cm_left_out *left_out,
                                   struct cm_error *error)
{
    enum { END_BYTES = 4 };
    struct cm_options_way way = {
        .from_big = from_big, .to_big = writer->options.big_endian, .cover = &writer->cover};
    enum capmill_status status = cm_bytes_reserve(out, CM_BLOCK_MIN_BYTES + END_BYTES, error);
    size_t start = out->n, at = 0, n_block;
    bool ended = false;

    if (status != CAPMILL_OK)
        return status;
    cm_store_u32_as(out->data + start, CM_BLOCK_NAMES, way.to_big);
    out->n += CM_BLOCK_HEADER_BYTES;
    while (n - at >= 4 && !ended) {
        uint16_t type = cm_load_u16_as(body + at, from_big);
        size_t value_bytes = cm_load_u16_as(body + at + 2, from_big), next = at + 4;

        ended = type == CM_NAME_RECORD_END;
        if (!ended) {
            /* pseudonyms are longer than many names: what comes behind them must still fit */
            size_t used, left;

            next += cm_align_up(value_bytes, 4);
            if (next > n)
                break;
            used = out->n - start + END_BYTES + (n - next) + CM_BLOCK_TRAILER_BYTES;
            left = used < CM_MAX_BLOCK_BYTES ? CM_MAX_BLOCK_BYTES - used : 0;
            status = cover_record(writer, type, body + at + 4, value_bytes, left, out, left_out, error);
            if (status != CAPMILL_OK)
                return status;
        }
        at = next;
    }
    if (!ended)
        left_out->dropped++;
    status = cm_bytes_reserve(out, END_BYTES + (n - at) + CM_BLOCK_TRAILER_BYTES, error);
    if (status != CAPMILL_OK)
        return status;
    memset(out->data + out->n, 0, END_BYTES);
    out->n += END_BYTES;
    if (ended)
        out->n += cm_options_convert(CM_OPTIONS_NAMES, body + at, n - at, &way, out->data + out->n, left_out);
    out->n += CM_BLOCK_TRAILER_BYTES;
    n_block = out->n - start;
    cm_store_u32_as(out->data + start + 4, (uint32_t)n_block, way.to_big);
    cm_store_u32_as(out->data + out->n - CM_BLOCK_TRAILER_BYTES, (uint32_t)n_block, way.to_big);
    return CAPMILL_OK;
}
