/* SPDX-License-Identifier: Apache-2.0 */
/* Which output interface each input's interface becomes. Equal descriptions are shared between sections and
 * inputs, but never within one section, where they are different interfaces that happen to look alike. */
#include <string.h>

#include "base/endian.h"
#include "format/link_types.h"
#include "format/writer_int.h"

bool cm_writer_output_id(const struct cm_writer_input_state *input, uint32_t interface, uint32_t *id_ret)
{
    const struct cm_writer_output_id *id =
        cm_slabs_get(&input->output_ids, interface, sizeof(struct cm_writer_output_id));
    /* acquire: pairs with the end of cm_writer_interface; who sees an id also sees the slot's slab as it was
     */
    uint32_t plus_1 = id == NULL ? 0 : atomic_load_explicit(&id->plus_1, memory_order_acquire);

    *id_ret = plus_1 == 0 ? 0 : plus_1 - 1;
    return plus_1 != 0;
}

/* The class of blocks that equal block[0..n), made if there is none. */
static enum capmill_status class_of(struct cm_writer *writer, const uint8_t *block, size_t n,
                                    uint32_t *class_ret, struct cm_error *error)
{
    uint64_t hash = cm_writer_hash(block, n);
    struct cm_interface_class *added;
    enum capmill_status status;
    uint32_t at = 0;

    while (cm_writer_map_next(&writer->classes_by_hash, hash, &at, class_ret)) {
        const struct cm_written_block *known = &writer->classes[*class_ret].block;

        if (known->n == n && memcmp(writer->kept.data + known->offset, block, n) == 0)
            return CAPMILL_OK;
    }
    status = cm_writer_grow((void **)&writer->classes, writer->n_classes, &writer->classes_capacity,
                            sizeof(*writer->classes), error);
    if (status != CAPMILL_OK)
        return status;
    added = &writer->classes[writer->n_classes];
    memset(added, 0, sizeof(*added));
    added->block.hash = hash;
    added->block.offset = writer->kept.n;
    added->block.n = n;
    status = cm_bytes_append(&writer->kept, block, n, error);
    if (status == CAPMILL_OK)
        status = cm_writer_map_add(&writer->classes_by_hash, hash, writer->n_classes, error);
    if (status == CAPMILL_OK)
        *class_ret = writer->n_classes++;
    return status;
}

/* How many of the class this section had before; one more from now on. */
static enum capmill_status count_in_section(struct cm_writer *writer, uint32_t input, uint32_t section,
                                            uint32_t class_number, uint32_t *before_ret,
                                            struct cm_error *error)
{
    uint32_t key_fields[3] = {input, section, class_number}, at = 0, found;
    uint64_t key = cm_writer_hash(key_fields, sizeof(key_fields));
    struct cm_section_count *count;
    enum capmill_status status;

    while (cm_writer_map_next(&writer->counts_by_key, key, &at, &found)) {
        count = &writer->counts[found];
        if (count->input == input && count->section == section && count->class_number == class_number) {
            *before_ret = count->count++;
            return CAPMILL_OK;
        }
    }
    status = cm_writer_grow((void **)&writer->counts, writer->n_counts, &writer->counts_capacity,
                            sizeof(*writer->counts), error);
    if (status == CAPMILL_OK)
        status = cm_writer_map_add(&writer->counts_by_key, key, writer->n_counts, error);
    if (status != CAPMILL_OK)
        return status;
    count = &writer->counts[writer->n_counts++];
    count->input = input;
    count->section = section;
    count->class_number = class_number;
    count->count = 1;
    *before_ret = 0;
    return CAPMILL_OK;
}

/* Give the interface whose block stands at out->data[start..] an output id; the block is taken back from
 * `out` where one like it was written before. */
static enum capmill_status assign(struct cm_writer *writer, const struct cm_writer_input_state *input,
                                  uint32_t input_number, const struct cm_interface *interface, size_t start,
                                  struct cm_bytes *out, uint32_t *id_ret, struct cm_error *error)
{
    struct cm_interface_class *class;
    uint32_t class_number, before = 0;
    enum capmill_status status = class_of(writer, out->data + start, out->n - start, &class_number, error);

    /* a pcap file has one interface: nothing to count */
    if (status == CAPMILL_OK && input->layout.kind == CM_CAPTURE_PCAPNG)
        status = count_in_section(writer, input_number, interface->section, class_number, &before, error);
    if (status != CAPMILL_OK)
        return status;
    class = &writer->classes[class_number];
    if (before < class->n_ids) {
        *id_ret = class->ids[before];
        out->n = start;
        return CAPMILL_OK;
    }
    status = cm_writer_grow((void **)&class->ids, class->n_ids, &class->capacity, sizeof(*class->ids), error);
    if (status != CAPMILL_OK)
        return status;
    *id_ret = class->ids[class->n_ids++] = writer->n_output_interfaces++;
    return CAPMILL_OK;
}

static enum capmill_status check_link_type(const struct cm_writer *writer,
                                           const struct cm_interface *interface, struct cm_error *error)
{
    char expected[CM_LINK_TYPE_TEXT_BYTES], found[CM_LINK_TYPE_TEXT_BYTES];

    if (interface->link_type == writer->options.link_type)
        return CAPMILL_OK;
    return cm_error_set(
        error, CAPMILL_E_UNSUPPORTED, 0,
        "a pcap file holds one link type, and the input has %s after %s; pcapng can hold both",
        cm_link_type_text(interface->link_type, found),
        cm_link_type_text(writer->options.link_type, expected));
}

enum capmill_status cm_writer_interface(struct cm_writer *writer, uint32_t input, uint32_t interface,
                                        struct cm_bytes *out, struct cm_error *error)
{
    struct cm_writer_input_state *from = cm_writer_input_get(writer, input);
    const struct cm_interface *described;
    struct cm_writer_output_id *known;
    enum capmill_status status = CAPMILL_OK;
    size_t start = out->n;
    struct cm_left_out left_out = {0};
    uint32_t id = 0;

    if (from == NULL || !from->present || (described = cm_interfaces_get(from->table, interface)) == NULL)
        return cm_error_set(error, CAPMILL_E_INTERNAL, 0, "input %u has no interface %u", input, interface);
    if (cm_writer_output_id(from, interface, &id))
        return CAPMILL_OK;
    known = cm_slabs_make(&from->output_ids, interface, sizeof(*known));
    if (known == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "cannot get memory for interface %u", interface);
    if (writer->options.kind == CM_CAPTURE_PCAP) {
        status = check_link_type(writer, described, error);
    } else {
        status =
            cm_writer_block_interface(writer, described, from->layout.nanoseconds, out, &left_out, error);
        if (status == CAPMILL_OK)
            status = assign(writer, from, input, described, start, out, &id, error);
        if (status != CAPMILL_OK)
            out->n = start;
    }
    if (status != CAPMILL_OK)
        return status;
    cm_writer_count(writer, &left_out);
    if (interface >= from->n_interfaces)
        from->n_interfaces = interface + 1;
    /* release: pairs with cm_writer_output_id on the threads that write packets */
    atomic_store_explicit(&known->plus_1, id + 1, memory_order_release);
    return CAPMILL_OK;
}
