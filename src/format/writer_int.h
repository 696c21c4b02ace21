/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the capture writer share: its state, and the doors between them. Only for src/format. */
#ifndef CM_FORMAT_WRITER_INT_H
#define CM_FORMAT_WRITER_INT_H

#include <stdatomic.h>

#include "format/capture_writer.h"

/* An array that grows without moving what it holds: slab k holds FIRST << k elements. One thread at a time
 * makes elements; any thread may look for one meanwhile, also for one that is not there yet. A slab's pointer
 * is published zeroed; what is written into an element later is the business of who writes it. */
#define CM_SLABS            27
#define CM_SLAB_FIRST_COUNT 4u
struct cm_slabs {
    _Atomic(void *) slab[CM_SLABS];
};
/* Zeroed memory for element `index`, made if it is not there; NULL where memory cannot be had. */
void *cm_slabs_make(struct cm_slabs *slabs, uint32_t index, size_t element_bytes);
void cm_slabs_free(struct cm_slabs *slabs);

/* Where element `index` lies, NULL where nobody made it. */
static inline void *cm_slabs_get(const struct cm_slabs *slabs, uint32_t index, size_t element_bytes)
{
    uint64_t from_first = (uint64_t)index / CM_SLAB_FIRST_COUNT + 1;
    unsigned k = 63u - (unsigned)__builtin_clzll(from_first);
    uint64_t before = (((uint64_t)1 << k) - 1) * CM_SLAB_FIRST_COUNT;
    void *slab;

    if (k >= CM_SLABS)
        return NULL;
    /* acquire: pairs with cm_slabs_make, so that the slab is seen zeroed */
    slab = atomic_load_explicit(&slabs->slab[k], memory_order_acquire);
    return slab == NULL ? NULL : (char *)slab + (index - before) * element_bytes;
}

/* An interface's output id and 1; 0: no event made it known yet. This is all that packets take from what
 * events write: everything else of an interface they read from the input's table, whose entries never change.
 * So a packet's length may be asked by any thread while the event of its interface is handled by another, or
 * before it. */
struct cm_writer_output_id {
    _Atomic uint32_t plus_1;
};

struct cm_writer_input_state {
    bool present;
    bool verbatim; /* every packet is written as it was read */
    struct cm_layout layout;
    const struct cm_interfaces *table;
    struct cm_interface otherwise; /* stands for an interface that the table does not have */
    struct cm_slabs output_ids;    /* struct cm_writer_output_id */
    uint32_t n_interfaces;         /* known ones are below this; for the event thread */
};

/* Open-addressing table from a 64-bit key to a number, for the event thread. Equal keys may occur several
 * times. */
struct cm_writer_map {
    uint64_t *keys;
    uint32_t *values; /* + 1; 0: free */
    uint32_t n;
    uint32_t capacity; /* a power of two, or 0 */
};

/* Bytes that were written once, kept to recognise them. */
struct cm_written_block {
    uint64_t hash;
    size_t offset; /* into cm_writer.kept */
    size_t n;
};

/* How often a section brought an interface block that equals others. */
struct cm_section_count {
    uint32_t input;
    uint32_t section;
    uint32_t class_number;
    uint32_t count;
};

/* Interface blocks that equal each other as written. */
struct cm_interface_class {
    struct cm_written_block block;
    uint32_t *ids; /* output ids, ascending */
    uint32_t n_ids;
    uint32_t capacity;
};

struct cm_writer {
    struct cm_writer_options options;
    char *application;
    struct cm_slabs inputs; /* struct cm_writer_input_state */

    struct cm_bytes section_options; /* of the written section header, in its byte order, without end */
    bool section_seen;
    bool header_written;

    struct cm_bytes kept; /* bytes of interface blocks and of names and secrets, to recognise equal ones */
    struct cm_interface_class *classes;
    uint32_t n_classes, classes_capacity;
    struct cm_writer_map classes_by_hash;
    struct cm_section_count *counts;
    uint32_t n_counts, counts_capacity;
    struct cm_writer_map counts_by_key;
    uint32_t n_output_interfaces;

    struct cm_written_block *metadata;
    uint32_t n_metadata, metadata_capacity;
    struct cm_writer_map metadata_by_hash;

    struct cm_writer_cover cover;
    bool covers; /* something of `cover` is set */

    struct cm_writer_tally *tally; /* a pointer, because packets are written through a const writer */
};

/* Relaxed: sums for the closing report. */
struct cm_writer_tally {
    _Atomic uint64_t dropped, hidden;
};

/* Blocks and options that were left out: for want of a way to carry them, and to hide them. */
struct cm_left_out {
    uint64_t dropped, hidden;
};

static inline void cm_writer_count(const struct cm_writer *writer, const struct cm_left_out *left_out)
{
    if (left_out->dropped != 0)
        atomic_fetch_add_explicit(&writer->tally->dropped, left_out->dropped, memory_order_relaxed);
    if (left_out->hidden != 0)
        atomic_fetch_add_explicit(&writer->tally->hidden, left_out->hidden, memory_order_relaxed);
}

static inline void cm_writer_count_dropped(const struct cm_writer *writer, uint64_t n)
{
    cm_writer_count(writer, &(struct cm_left_out){.dropped = n});
}

/* The cover that options of this writer go under; NULL: none. */
static inline const struct cm_writer_cover *cm_writer_cover_of(const struct cm_writer *writer)
{
    return writer->covers ? &writer->cover : NULL;
}

static inline struct cm_writer_input_state *cm_writer_input_get(const struct cm_writer *writer,
                                                                uint32_t input)
{
    return cm_slabs_get(&writer->inputs, input, sizeof(struct cm_writer_input_state));
}

/* The interface's entry in the input's table; where there is none, one of the input's byte order and units.
 * By any thread, at any time after the input was added. */
static inline const struct cm_interface *cm_writer_interface_get(const struct cm_writer_input_state *input,
                                                                 uint32_t interface)
{
    const struct cm_interface *found = cm_interfaces_get(input->table, interface);

    return found != NULL ? found : &input->otherwise;
}

/* False where no event made the interface known yet; then *id_ret is 0. By any thread; the caller's own order
 * of an interface's event before its packets makes the id be there when they are written. */
bool cm_writer_output_id(const struct cm_writer_input_state *input, uint32_t interface, uint32_t *id_ret);

/* Remember that `value` goes with `key`. */
enum capmill_status cm_writer_map_add(struct cm_writer_map *map, uint64_t key, uint32_t value,
                                      struct cm_error *error);
/* The values of `key` one after the other: *at is 0 at first; false at the end. */
bool cm_writer_map_next(const struct cm_writer_map *map, uint64_t key, uint32_t *at, uint32_t *value_ret);
void cm_writer_map_free(struct cm_writer_map *map);
uint64_t cm_writer_hash(const void *data, size_t n);
/* Make room for one more element in a growing array. */
enum capmill_status cm_writer_grow(void **array, uint32_t n, uint32_t *capacity, size_t element_bytes,
                                   struct cm_error *error);

/* A packet as its record tells it, whatever the format. */
struct cm_record_view {
    const uint8_t *data;
    uint32_t caplen;
    uint32_t origlen;
    uint16_t link_type;
    bool big_endian; /* of the record */
    bool has_time;
    uint64_t ticks;         /* pcapng */
    uint32_t seconds;       /* pcap */
    uint32_t fraction;      /* pcap */
    uint32_t type;          /* pcapng: block type, 0 where the block is no packet */
    uint16_t drops;         /* obsolete packet block */
    const uint8_t *options; /* pcapng: option area, without trailer */
    size_t options_bytes;
};
/* Both check every length against record_bytes; what does not fit is cut. */
void cm_record_view_pcap(const struct cm_layout *layout, const uint8_t *record, uint32_t record_bytes,
                         struct cm_record_view *view_ret);
void cm_record_view_pcapng(const struct cm_interface *interface, const uint8_t *record, uint32_t record_bytes,
                           struct cm_record_view *view_ret);
static inline void cm_record_view(const struct cm_writer_input_state *input,
                                  const struct cm_written_packet *packet, struct cm_record_view *view_ret)
{
    if (input->layout.kind == CM_CAPTURE_PCAP)
        cm_record_view_pcap(&input->layout, packet->record, packet->record_bytes, view_ret);
    else
        cm_record_view_pcapng(cm_writer_interface_get(input, packet->interface), packet->record,
                              packet->record_bytes, view_ret);
}

/* writer_options.c: a snap length that is a limit (not 0), as it must be written where packets grow. Readers
 * refuse, or cut to it, what is longer; one beyond CM_MAX_PACKET_BYTES is left alone. */
uint32_t cm_writer_raised_snaplen(const struct cm_writer_options *options, uint32_t snaplen);

/* writer_pcap.c: output is pcap. */
#define CM_WRITTEN_PCAP_HEADER_BYTES 16u
bool cm_writer_pcap_verbatim(const struct cm_writer_options *options, const struct cm_layout *layout);
enum capmill_status cm_writer_pcap_header(const struct cm_writer_options *options, struct cm_bytes *out,
                                          struct cm_error *error);
size_t cm_writer_pcap_packet_bytes(const struct cm_writer_input_state *input,
                                   const struct cm_written_packet *packet);
size_t cm_writer_pcap_packet(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                             const struct cm_written_packet *packet, uint8_t *out);
size_t cm_writer_pcap_changed_packet(const struct cm_writer *writer,
                                     const struct cm_writer_input_state *input,
                                     const struct cm_written_packet *packet,
                                     const struct cm_packet_change *change, uint8_t *out);

/* writer_pcapng.c: output is pcapng. */
enum capmill_status cm_writer_pcapng_header(struct cm_writer *writer, struct cm_bytes *out,
                                            struct cm_error *error);
size_t cm_writer_pcapng_packet_bytes(const struct cm_writer *writer,
                                     const struct cm_writer_input_state *input,
                                     const struct cm_written_packet *packet);
size_t cm_writer_pcapng_packet(const struct cm_writer *writer, const struct cm_writer_input_state *input,
                               const struct cm_written_packet *packet, uint8_t *out);
size_t cm_writer_pcapng_changed_bytes(const struct cm_writer *writer,
                                      const struct cm_writer_input_state *input,
                                      const struct cm_written_packet *packet, uint32_t caplen);
size_t cm_writer_pcapng_changed_packet(const struct cm_writer *writer,
                                       const struct cm_writer_input_state *input,
                                       const struct cm_written_packet *packet,
                                       const struct cm_packet_change *change, uint8_t *out);

/* writer_blocks.c: blocks that are no packets. Each appends one whole block to `out`. */
enum capmill_status cm_writer_block_interface(const struct cm_writer *writer,
                                              const struct cm_interface *interface, bool nanoseconds,
                                              struct cm_bytes *out, struct cm_left_out *left_out,
                                              struct cm_error *error);
/* Of a statistics block: `output_id` takes the place of its interface id, `units` are those of its times.
 * Appends nothing where the block is not carried; then *left_out is at least one greater. */
enum capmill_status cm_writer_block_metadata(const struct cm_writer *writer, bool from_big,
                                             uint32_t output_id, const struct cm_time_units *units,
                                             const uint8_t *block, size_t n, struct cm_bytes *out,
                                             struct cm_left_out *left_out, struct cm_error *error);
/* The byte order of a block, told from itself; `otherwise` where it reads the same both ways. */
bool cm_writer_block_order(const uint8_t *block, size_t n, bool otherwise);

/* writer_endian.c: an option list in the other byte order. */
enum cm_option_list {
    CM_OPTIONS_SECTION,
    CM_OPTIONS_INTERFACE,
    CM_OPTIONS_PACKET,
    CM_OPTIONS_STATISTICS,
    CM_OPTIONS_NAMES,
    CM_OPTIONS_SECRETS,
};
/* How the options of a list are carried. */
struct cm_options_way {
    bool from_big, to_big;
    bool changed;                        /* the packet's bytes change: a hash of them would not be true */
    const struct cm_writer_cover *cover; /* NULL: nothing is covered */
    const struct cm_time_units *units;   /* of statistics; NULL: their times are left alone */
};
/* Convert options[0..n) of one byte order to another, or the same, at `out` (NULL: measure only), which takes
 * at most n bytes. Answers the length. The list is cut at the first option that does not fit; options of
 * unknown layout (where the order changes), custom ones that are not to be copied and those that are hidden
 * are left out; each of these is counted. An end of options is written where one was read, or where the list
 * was cut. */
size_t cm_options_convert(enum cm_option_list list, const uint8_t *options, size_t n,
                          const struct cm_options_way *way, uint8_t *out, struct cm_left_out *left_out);

/* writer_cover.c: what stands beside packets, and must not be told. */
bool cm_cover_hides_option(const struct cm_writer_cover *cover, enum cm_option_list list, uint16_t code,
                           const uint8_t *value, size_t n);
/* Change a stored value, already in way->to_big order, in place. */
void cm_cover_option(const struct cm_options_way *way, enum cm_option_list list, uint16_t code,
                     uint8_t *value, size_t n);
/* The same for a time of way->units: high word, low word. */
void cm_cover_time(const struct cm_options_way *way, uint8_t *words);
/* Append a name resolution block with the given body, its addresses and names covered. */
enum capmill_status cm_cover_names(const struct cm_writer *writer, bool from_big, const uint8_t *body,
                                   size_t n, struct cm_bytes *out, struct cm_left_out *left_out,
                                   struct cm_error *error);

/* writer_host_order.c: the packet's bytes at `out`, with what stands in the file's byte order inside a packet
 * of its link type turned round where the orders differ. */
void cm_record_store_data(const struct cm_record_view *view, bool to_big, uint8_t *out);
/* The same for bytes that stand there already. */
void cm_record_turn_data(uint16_t link_type, bool from_big, bool to_big, uint8_t *data, uint32_t caplen);

/* `time_ns` in an interface's ticks, saturating: rounded down as when units are converted, or to the nearest.
 */
uint64_t cm_ticks_from_ns(const struct cm_time_units *units, uint64_t time_ns, bool nearest);

#endif
