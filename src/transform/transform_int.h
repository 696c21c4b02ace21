/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: the compiled transform, and one packet in the making. Each kind of change
 * is a file; transform.c calls them in the order that the door names. */
#ifndef CM_TRANSFORM_INT_H
#define CM_TRANSFORM_INT_H

#include <string.h>

#include "base/address_parse.h"
#include "base/checked.h"
#include "base/endian.h"
#include "transform/transform.h"
#include "wire/headers.h"
#include "wire/numbers.h"

/* --- why a packet is not what was asked for; the texts are in transform.c --- */

enum cm_reason {
    CM_REASON_LINK_TYPE,       /* nothing in it is known */
    CM_REASON_MAC_LINK_TYPE,   /* where its hardware addresses are is not known */
    CM_REASON_CUT,             /* headers end before an address that was to be changed */
    CM_REASON_BAD,             /* headers contradict themselves */
    CM_REASON_DEEP,            /* more tunnels than are followed */
    CM_REASON_NO_IPV4_FORM,    /* of an IPv6 address, beside one that becomes IPv4 */
    CM_REASON_FAMILY_INNER,    /* the other IP version is asked for in an inner or quoted header */
    CM_REASON_FAMILY_FIELD,    /* ... in ARP, neighbour discovery, options: there it has no room */
    CM_REASON_FAMILY_LINK,     /* ... behind a link header that is not re-framed */
    CM_REASON_FAMILY_FRAGMENT, /* ... of a fragment */
    CM_REASON_FAMILY_OPTIONS,  /* ... of a packet with IPv4 options or IPv6 extension headers */
    CM_REASON_FAMILY_PROTOCOL, /* ... of a protocol that means something else there: ICMP, IGMP */
    CM_REASON_FAMILY_LENGTH,   /* ... of a packet too long for IPv4 */
    CM_REASON_CHECKSUM,        /* a sum that cannot be brought up to date from what is there */
    CM_REASONS
};

/* --- address_map.c --- */

struct cm_address_map;

/* NULL in *map_ret where no rule has an effect. */
enum capmill_status cm_address_map_create(const struct capmill_word *words, size_t n,
                                          const struct cm_transform_options *options,
                                          struct cm_address_map **map_ret, struct cm_error *error);
void cm_address_map_destroy(struct cm_address_map *map);
/* Whether a rule leads from IPv4 to IPv6 (`from` 4), or back (6). */
bool cm_address_map_crosses(const struct cm_address_map *map, uint8_t from);
/* The address that stands in a header of `version` for the one at `address`: of version 4 or 6, and of that of
 * the header where no rule matches. True where one did. An IPv4-mapped IPv6 address follows IPv4 rules and
 * stays IPv4-mapped. */
bool cm_address_map_find(const struct cm_address_map *map, uint8_t version, const uint8_t *address,
                         struct cm_address *new_ret);

/* The same for the case that is in every packet: an IPv4 address as a number, in place. False where it would become
 * IPv6; then it is spoilt. */
bool cm_address_map_find_ipv4(const struct cm_address_map *map, uint32_t *address);

/* --- anonymize.c, anonymize_absent.c --- */

struct cm_anonymizer; /* read-only once made */
enum capmill_status cm_anonymizer_create(const uint8_t key[CM_TRANSFORM_KEY_BYTES], const char *origin,
                                         struct cm_anonymizer **anonymizer_ret, struct cm_error *error);
void cm_anonymizer_destroy(struct cm_anonymizer *anonymizer);
/* In place. IPv4-mapped IPv6 addresses stay IPv4-mapped, their IPv4 part as it is elsewhere. */
void cm_anonymizer_ipv4(const struct cm_anonymizer *anonymizer, uint8_t address[4]);
void cm_anonymizer_ipv6(const struct cm_anonymizer *anonymizer, uint8_t address[16]);
uint64_t cm_anonymizer_name(const struct cm_anonymizer *anonymizer, const char *name, size_t n);

/* --- mac_map.c, vlan_map.c, port_map.c --- */

struct cm_mac_map;
enum capmill_status cm_mac_map_create(const struct capmill_word *words, size_t n,
                                      const struct cm_transform_options *options, struct cm_mac_map **map_ret,
                                      struct cm_error *error);
void cm_mac_map_destroy(struct cm_mac_map *map);
bool cm_mac_map_find(const struct cm_mac_map *map, const uint8_t mac[6], uint8_t new_ret[6]);

struct cm_vlan_map {
    uint16_t ids[4096];
};
enum capmill_status cm_vlan_map_create(const struct capmill_word *words, size_t n,
                                       const struct cm_transform_options *options,
                                       struct cm_vlan_map **map_ret, struct cm_error *error);

struct cm_port_map;
enum capmill_status cm_port_map_create(const struct capmill_word *words, size_t n,
                                       const struct cm_transform_options *options,
                                       struct cm_port_map **map_ret, struct cm_error *error);
void cm_port_map_destroy(struct cm_port_map *map);
uint16_t cm_port_map_find(const struct cm_port_map *map, uint8_t protocol, uint16_t port);

/* --- truncate.c --- */

#define CM_TRUNCATE_NEVER UINT64_MAX

struct cm_truncate_rule {
    bool any_protocol, any_port;
    uint8_t protocol;
    uint16_t first_port, last_port;
    uint64_t max_payload_bytes;
};
struct cm_truncation {
    struct cm_truncate_rule *rules;
    size_t n_rules;
    uint64_t max_payload_bytes; /* CM_TRUNCATE_NEVER where not given */
};
enum capmill_status cm_truncation_create(const struct cm_transform_options *options,
                                         struct cm_truncation *truncation_ret, struct cm_error *error);

/* --- retime.c --- */

struct cm_retime {
    bool active, has_start;
    uint64_t start_ns;
    uint64_t numerator, denominator; /* of the scale; both 1 where none */
    bool offset_negative;
    uint64_t offset_ns;
};
enum capmill_status cm_retime_create(const struct cm_transform_options *options, struct cm_retime *retime_ret,
                                     struct cm_error *error);

/* --- the whole --- */

struct cm_transform {
    struct cm_retime retime;
    struct cm_address_map *addresses; /* NULL in each: nothing of that kind */
    struct cm_anonymizer *anonymizer;
    struct cm_mac_map *macs;
    struct cm_vlan_map *vlans;
    struct cm_port_map *ports;
    struct cm_truncation truncation;
    enum capmill_checksums checksums;
    bool changes_addresses; /* map or anonymisation */
    bool changes_headers;   /* any byte, checksums apart */
    bool crosses_families, truncates;
    uint64_t n_changed, n_by_reason[CM_REASONS];
    struct cm_transform_count counts[CM_REASONS];
};

/* Pseudonyms found lately, direct-mapped: a few thousand hosts make up most of what is captured, and computing
 * one costs a hundred times what finding it does. */
#define CM_ANONYMIZED_IPV4 8192
#define CM_ANONYMIZED_IPV6 2048
struct cm_anonymized_ipv4 {
    uint32_t from, to; /* as numbers */
};
struct cm_anonymized_ipv6 {
    uint8_t from[16], to[16];
};

struct cm_transform_local {
    struct cm_transform *transform;
    uint64_t n_changed, n_by_reason[CM_REASONS];
    uint8_t *scratch; /* a whole packet that is then cut; NULL where none is */
    size_t scratch_bytes;
    struct cm_anonymized_ipv4 *ipv4; /* NULL where nothing is anonymised */
    struct cm_anonymized_ipv6 *ipv6;
};

/* --- one packet in the making --- */

#define CM_CHANGE_LAYERS 9
#define CM_NO_PLACE      UINT32_MAX

/* One network header with what is around it. Offsets count from the first byte of the packet as written. */
struct cm_layer {
    struct cm_headers headers;
    uint32_t ethernet_at;                             /* its Ethernet header, or CM_NO_PLACE */
    uint32_t pseudo_source_at, pseudo_destination_at; /* the addresses that transport sums count */
    bool quoted;                                      /* by an error message: cut by whoever quoted it */
};

struct cm_change {
    const struct cm_transform *transform;
    struct cm_transform_local *local; /* NULL: lengths alone are asked for */
    const uint8_t *old;               /* the packet as read */
    uint32_t old_caplen, origlen;     /* origlen: as read */
    uint16_t link_type;
    uint8_t *bytes;       /* as written, before it is cut; NULL while lengths are planned */
    uint32_t caplen;      /* of `bytes` */
    uint32_t kept;        /* of it, after truncation */
    int32_t growth;       /* 20, 0 or -20: what is behind the outermost IP header moved by this */
    uint32_t changed_end; /* behind the last byte that changed; 0: none did */
    uint32_t reasons;     /* a bit for each */
    bool has_pair;        /* `pair` holds the new addresses of the outermost header */
    struct cm_address pair[2];
    unsigned n_layers; /* at least 1 */
    struct cm_layer layers[CM_CHANGE_LAYERS];
};

static inline void cm_change_reason(struct cm_change *change, enum cm_reason reason)
{
    change->reasons |= 1u << reason;
}

/* Note that bytes up to `end` are no longer what they were. */
static inline void cm_change_note(struct cm_change *change, uint32_t end)
{
    if (end > change->changed_end)
        change->changed_end = end;
}

static inline void cm_change_put(struct cm_change *change, uint32_t at, const uint8_t *bytes, size_t n)
{
    if (memcmp(change->bytes + at, bytes, n) == 0)
        return;
    memcpy(change->bytes + at, bytes, n);
    cm_change_note(change, at + (uint32_t)n);
}

static inline void cm_change_put16(struct cm_change *change, uint32_t at, uint16_t value)
{
    if (cm_load_be16(change->bytes + at) == value)
        return;
    cm_store_be16(change->bytes + at, value);
    cm_change_note(change, at + 2);
}

/* layers.c: find all headers in change->old. */
void cm_change_layers(struct cm_change *change);
/* Whether a link type that is decoded carries hardware addresses. */
bool cm_link_has_macs(uint16_t link_type);

/* reframe.c: the new addresses of the outermost header, whether it becomes one of the other version, and how
 * the packet's length changes by that. Then, with bytes, the header itself (or a plain copy). */
void cm_reframe_plan(struct cm_change *change);
void cm_reframe_copy(struct cm_change *change);

/* address_places.c: all addresses, everywhere. */
void cm_change_addresses(struct cm_change *change);
/* One address in place, mapped and anonymised; counted where a rule asks for the other version. */
void cm_change_ipv4(struct cm_change *change, uint32_t at);
void cm_change_ipv6(struct cm_change *change, uint32_t at);

/* icmp_places.c: addresses and hardware addresses within ICMP and ICMPv6 messages. */
void cm_change_icmp(struct cm_change *change, const struct cm_layer *layer);

void cm_change_macs(struct cm_change *change); /* mac_map.c */
void cm_change_mac(struct cm_change *change, uint32_t at);
void cm_change_vlans(struct cm_change *change); /* vlan_map.c */
void cm_change_ports(struct cm_change *change); /* port_map.c */
/* truncate.c: how much of the packet stays: reads change->old, knows growth. */
void cm_truncate_plan(struct cm_change *change);
/* checksum_fix.c: as the transform's checksums say. */
void cm_change_checksums(struct cm_change *change);

/* In place, with the thread's cache. */
uint32_t cm_local_anonymize_ipv4_number(struct cm_transform_local *local, uint32_t address);
void cm_local_anonymize_ipv4(struct cm_transform_local *local, uint8_t address[4]);
void cm_local_anonymize_ipv6(struct cm_transform_local *local, uint8_t address[16]);

/* --- wishes (wish.c) --- */

/* Splits "A=B". CAPMILL_E_USAGE where there is no '=' or a side is empty. */
struct cm_wish_sides {
    const char *left, *right;
    size_t n_left, n_right;
};
enum capmill_status cm_wish_split(const struct capmill_word *word, const char *example,
                                  struct cm_wish_sides *sides_ret, struct cm_error *error);
/* "ORIGIN: 'VALUE' TEXT", as filters speak */
enum capmill_status cm_wish_refuse(const struct capmill_word *word, struct cm_error *error,
                                   const char *format, ...) CM_PRINTF(3, 4);
/* "ORIGIN: 'VALUE' is no NOUN: WHAT at column N", for a mistake in the part of the value that begins at `part`. */
enum capmill_status cm_wish_refuse_at(const struct capmill_word *word, const char *noun, const char *part,
                                      const struct cm_text_fault *fault, struct cm_error *error);
/* The form of cm_wish_refuse; a word without a value stands for a whole rule. */
void cm_wish_warn(const struct cm_transform_options *options, const struct capmill_word *word,
                  const char *format, ...) CM_PRINTF(3, 4);

/* Whether an IPv6 address is ::ffff:a.b.c.d. */
static inline bool cm_ipv6_is_mapped(const uint8_t address[16])
{
    return cm_load_u64(address) == 0 && cm_load_be32(address + 8) == 0x0000ffff;
}

static inline void cm_ipv6_from_ipv4(uint8_t ipv6_ret[16], const uint8_t ipv4[4])
{
    memset(ipv6_ret, 0, 10);
    ipv6_ret[10] = ipv6_ret[11] = 0xff;
    memcpy(ipv6_ret + 12, ipv4, 4);
}

#endif
