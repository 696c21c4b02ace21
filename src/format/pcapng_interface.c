/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an interface description block: link type, snaplen, units of time, name (draft-ietf-opsawg-pcapng,
 * section 4.2). */
#include <string.h>

#include "base/endian.h"
#include "format/pcapng.h"

static void take_name(struct cm_interface *interface, const uint8_t *value, uint16_t n)
{
    size_t used = 0;

    while (used < n && used < sizeof(interface->name) - 1 && value[used] != 0)
        used++;
    /* not in the middle of an UTF-8 character */
    if (used < n && used == sizeof(interface->name) - 1)
        while (used > 0 && (value[used] & 0xc0) == 0x80)
            used--;
    memcpy(interface->name, value, used);
    interface->name[used] = 0;
}

bool cm_pcapng_read_interface(const uint8_t *block, uint32_t n, bool big_endian,
                              struct cm_interface *interface_ret)
{
    const uint8_t *option = block + CM_BLOCK_INTERFACE_FIXED;
    uint32_t left = n - CM_BLOCK_INTERFACE_FIXED - CM_BLOCK_TRAILER_BYTES;

    memset(interface_ret, 0, sizeof(*interface_ret));
    interface_ret->link_type = cm_load_u16_as(block + 8, big_endian);
    interface_ret->snaplen = cm_load_u32_as(block + 12, big_endian);
    interface_ret->units.exponent = CM_PCAPNG_DEFAULT_EXPONENT;
    interface_ret->big_endian = big_endian;

    while (left >= CM_OPTION_HEADER_BYTES) {
        uint16_t code = cm_load_u16_as(option, big_endian);
        uint16_t length = cm_load_u16_as(option + 2, big_endian);
        const uint8_t *value = option + CM_OPTION_HEADER_BYTES;
        uint32_t padded = (uint32_t)cm_pcapng_padded(length);

        if (code == CM_OPTION_END)
            return true;
        left -= CM_OPTION_HEADER_BYTES;
        if (length > left)
            return false;
        switch (code) {
        case CM_OPTION_INTERFACE_NAME:
            take_name(interface_ret, value, length);
            break;
        case CM_OPTION_INTERFACE_TIME_RESOLUTION:
            if (length >= 1) {
                interface_ret->units.binary = (value[0] & 0x80) != 0;
                interface_ret->units.exponent = value[0] & 0x7f;
            }
            break;
        case CM_OPTION_INTERFACE_TIME_OFFSET:
            if (length >= 8)
                interface_ret->units.offset_s = (int64_t)cm_load_u64_as(value, big_endian);
            break;
        default:
            break;
        }
        if (padded >= left)
            return true; /* the last value's padding may be missing */
        option = value + padded;
        left -= padded;
    }
    return left == 0;
}
