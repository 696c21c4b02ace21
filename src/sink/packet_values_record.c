/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of a packet's record: time, lengths, bytes, and where it came from. Not for what its headers say. */
#include "sink/packet_columns_int.h"
#include "sink/table_time.h"

static inline uint64_t timestamp_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return cm_table_time(fill->packets[i].time_ns);
}

bool cm_fill_timestamp(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_always(fill, values, timestamp_of);
}

static inline uint64_t caplen_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->packets[i].caplen;
}

bool cm_fill_caplen(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_always(fill, values, caplen_of);
}

static inline uint64_t origlen_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->packets[i].origlen;
}

bool cm_fill_origlen(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_always(fill, values, origlen_of);
}

static inline uint64_t packet_number_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->numbers[i];
}

bool cm_fill_packet_number(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_always(fill, values, packet_number_of);
}

static inline uint64_t file_offset_of(const struct cm_packet_fill *fill, uint32_t i)
{
    return fill->packets[i].place;
}

bool cm_fill_file_offset(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    return cm_fill_always(fill, values, file_offset_of);
}

bool cm_fill_payload(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    for (uint32_t i = 0; i < fill->n; i++)
        values->spans[i] = (struct cm_span){fill->packets[i].data, fill->packets[i].caplen};
    return true;
}

/* Packets mostly come from where the one before them came from. */
bool cm_fill_interface(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    struct cm_span text = {NULL, 0};

    for (uint32_t i = 0; i < fill->n; i++) {
        const bool is_other = i == 0 || fill->inputs[i] != fill->inputs[i - 1] ||
                              fill->packets[i].interface != fill->packets[i - 1].interface;

        if (is_other &&
            !cm_input_texts_interface(fill->texts, fill->inputs[i], fill->packets[i].interface, &text))
            return false;
        values->spans[i] = text;
        values->present[i] = text.bytes != NULL;
        values->n_absent += text.bytes == NULL;
    }
    return true;
}

bool cm_fill_file(const struct cm_packet_fill *fill, struct cm_packet_values *values)
{
    struct cm_span text = {NULL, 0};

    for (uint32_t i = 0; i < fill->n; i++) {
        if ((i == 0 || fill->inputs[i] != fill->inputs[i - 1]) &&
            !cm_input_texts_path(fill->texts, fill->inputs[i], &text))
            return false;
        values->spans[i] = text;
        values->present[i] = text.bytes != NULL;
        values->n_absent += text.bytes == NULL;
    }
    return true;
}
