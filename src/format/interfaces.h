/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of one input, and the units of their times: plain data and one append-only table. How files are
 * read and which thread frames is not known here. */
#ifndef CM_FORMAT_INTERFACES_H
#define CM_FORMAT_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Units of an interface's timestamps: ticks of 10^-exponent or 2^-exponent seconds, from `offset_s` after
 * 1970. */
struct cm_time_units {
    uint8_t exponent;
    bool binary;
    int64_t offset_s;
};

/* An interface of one input, in the order found. For pcap exactly one, made from the file header. */
struct cm_interface {
    uint16_t link_type;      /* LINKTYPE_ */
    uint16_t link_type_high; /* upper 16 bits of a pcap header's link type (FCS length), kept for writing */
    uint32_t snaplen;        /* as the file says; 0: no limit */
    struct cm_time_units units;
    uint32_t section; /* number of its section in the input, from 0 */
    uint32_t id;      /* within its section */
    bool big_endian;  /* of `block` */
    uint8_t *block;   /* the whole interface description block; NULL for pcap; owned by the table */
    uint32_t block_bytes;
    char name[64];   /* if_name, cut to fit; "" where there is none */
    char number[12]; /* `id` as text; set by append */
};

/* The interfaces of one input. Appended by the one thread that frames in order; others read what was complete
 * when they were handed the table's pointer (entries never move). Freed by fini. */
struct cm_interfaces {
    uint32_t n;
    uint32_t n_sections;
    struct cm_interface **index; /* n pointers; a replaced array stays readable until fini */
    uint32_t index_capacity;
    struct cm_interface_index *replaced;
    uint64_t block_bytes; /* of all kept blocks: bounded, so that a hostile file cannot fill the memory */
};
void cm_interfaces_init(struct cm_interfaces *table);
void cm_interfaces_fini(struct cm_interfaces *table);
/* Copies `*interface` and `block` (may be NULL). At most 1,000,000 interfaces with 256 MiB of blocks: then
 * CAPMILL_E_FORMAT. */
enum capmill_status cm_interfaces_append(struct cm_interfaces *table, const struct cm_interface *interface,
                                         const uint8_t *block, uint32_t block_bytes, struct cm_error *error);
/* NULL where there is no such entry. */
const struct cm_interface *cm_interfaces_get(const struct cm_interfaces *table, uint32_t index);

/* Its name, or its number where it has none. */
static inline const char *cm_interface_label(const struct cm_interface *interface)
{
    return interface->name[0] != 0 ? interface->name : interface->number;
}

/* Ticks of an interface to nanoseconds since 1970, saturating (sets *saturated_ret). */
uint64_t cm_time_to_ns(const struct cm_time_units *units, uint64_t ticks, bool *saturated_ret);

#endif
