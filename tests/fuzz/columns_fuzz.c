/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as packets of any link type, decoded and put in all columns, and in rows of flows: nothing but what was
 * captured is read, every value fits its column, every text is one, and rows do not depend on which packets were
 * asked for together. The input: a link type (2 bytes), bits (1: one-way flows, 2: the innermost packet), how much
 * longer packets were on the wire; then packets, each with its length in two bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "sink/flow_rows.h"
#include "wire/headers.h"

#define require(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            abort();                                                                                         \
    } while (0)

#define MAX_PACKETS 64u
#define MAX_COLUMNS 64u

struct input {
    struct cm_packet packets[MAX_PACKETS];
    struct cm_headers headers[MAX_PACKETS];
    uint32_t inputs[MAX_PACKETS];
    uint64_t numbers[MAX_PACKETS];
    const struct cm_flow_facts *flows[MAX_PACKETS];
    uint8_t *memory[MAX_PACKETS];
    uint32_t n;
    bool unidirectional;
};

static const char *path_of(void *context, uint32_t input)
{
    return input % 2 ? "\xff" : "a";
}

static const char *interface_of(void *context, uint32_t input, uint32_t interface)
{
    return interface % 3 == 0 ? NULL : interface % 3 == 1 ? "e\xc3" : "0";
}

static void read_packet(struct input *input, uint16_t link_type, unsigned bits, unsigned more,
                        const uint8_t *bytes, uint32_t n)
{
    const uint32_t at = input->n++;
    uint8_t *memory = malloc(n + 1); /* one byte in front, for packets of none */
    uint8_t *data;

    require(memory != NULL);
    data = memory + 1;
    memcpy(data, bytes, n);
    input->memory[at] = memory;
    input->packets[at] = (struct cm_packet){.data = data,
                                            .time_ns = n > 8 ? cm_load_be64(bytes + n - 8) : n,
                                            .place = at,
                                            .caplen = n,
                                            .origlen = n + more,
                                            .interface = at % 4,
                                            .link_type = link_type};
    if (bits & 2)
        cm_wire_decode_innermost(link_type, data, n, &input->headers[at]);
    else
        cm_wire_decode(link_type, data, n, &input->headers[at]);
    input->inputs[at] = at / 3;
    input->numbers[at] = at + 1;
}

static void read_input(struct input *input, const uint8_t *bytes, size_t n)
{
    const uint16_t link_type = cm_load_be16(bytes);
    size_t at = 4;

    input->unidirectional = bytes[2] & 1;
    while (n - at >= 2 && input->n < MAX_PACKETS) {
        size_t length = cm_load_be16(bytes + at);

        at += 2;
        length = length < n - at ? length : n - at;
        read_packet(input, link_type, bytes[2], bytes[3] * 8u, bytes + at, (uint32_t)length);
        at += length;
    }
}

static struct cm_packet_rows rows_from(const struct input *input, uint32_t first, uint32_t n)
{
    return (struct cm_packet_rows){n,
                                   input->packets + first,
                                   input->headers + first,
                                   input->inputs + first,
                                   input->numbers + first,
                                   input->flows + first};
}

/* --- what must hold --- */

static void require_text(const struct cm_span *span)
{
    char *text = malloc(span->n + 1u);
    uint32_t n = 0;

    require(text != NULL);
    if (span->n > 0)
        memcpy(text, span->bytes, span->n);
    text[span->n] = 0;
    for (size_t length; n < span->n; n += (uint32_t)length) {
        length = cm_utf8_length((const unsigned char *)text + n);
        require(length > 0);
    }
    free(text);
}

static void require_sound(const struct cm_table_schema *schema, const struct cm_table_rows *rows)
{
    static const uint64_t most[] = {
        [CM_COLUMN_UINT8] = UINT8_MAX,   [CM_COLUMN_UINT16] = UINT16_MAX, [CM_COLUMN_UINT32] = UINT32_MAX,
        [CM_COLUMN_UINT64] = UINT64_MAX, [CM_COLUMN_INT64] = INT64_MAX,   [CM_COLUMN_TIME_NS] = INT64_MAX};

    for (size_t c = 0; c < schema->n_columns; c++) {
        const struct cm_column_values *values = &rows->columns[c];

        require(schema->columns[c].nullable || values->present == NULL);
        for (uint32_t i = 0; i < rows->n_rows; i++) {
            const bool present = values->present == NULL || values->present[i] == 1;

            if (values->numbers != NULL)
                require(values->numbers[i] <= (present ? most[schema->columns[c].type] : 0));
            else if (schema->columns[c].type == CM_COLUMN_TEXT)
                require_text(&values->spans[i]);
            require(present || values->spans == NULL || values->spans[i].n == 0);
        }
    }
}

static void require_same(const struct cm_table_schema *schema, const struct cm_table_rows *all, uint32_t row,
                         const struct cm_table_rows *one)
{
    for (size_t c = 0; c < schema->n_columns; c++) {
        const struct cm_column_values *a = &all->columns[c], *b = &one->columns[c];

        require((a->present == NULL || a->present[row]) == (b->present == NULL || b->present[0]));
        if (a->numbers != NULL)
            require(a->numbers[row] == b->numbers[0]);
        else
            require(
                a->spans[row].n == b->spans[0].n &&
                (b->spans[0].n == 0 || memcmp(a->spans[row].bytes, b->spans[0].bytes, b->spans[0].n) == 0));
    }
}

/* --- */

struct columns {
    struct cm_packet_columns *columns;
    struct cm_packet_columns_local *together, *alone;
};

/* Made once and kept: caches are megabytes, which take longer to make than an input takes to try. What they remember
 * of inputs before must not matter. */
static const struct columns *columns_of(bool unidirectional)
{
    static struct columns kept[2];
    struct columns *made = &kept[unidirectional];
    const char *names[MAX_COLUMNS];
    struct cm_packet_columns_options options = {.names = names,
                                                .unidirectional = unidirectional,
                                                .input_path = path_of,
                                                .interface_name = interface_of};
    const struct cm_column *column;
    bool is_default;

    if (made->columns != NULL)
        return made;
    for (; (column = cm_packet_column_known(options.n_names, &is_default)) != NULL; options.n_names++)
        names[options.n_names] = column->name;
    require(cm_packet_columns_create(&options, &made->columns, NULL) == CAPMILL_OK);
    made->together = cm_packet_columns_local_create(made->columns);
    made->alone = cm_packet_columns_local_create(made->columns);
    require(made->together != NULL && made->alone != NULL);
    return made;
}

static void try_columns(const struct input *input)
{
    const struct columns *made = columns_of(input->unidirectional);
    const struct cm_table_schema *schema = cm_packet_columns_schema(made->columns);
    const struct cm_packet_rows packets = rows_from(input, 0, input->n);
    struct cm_table_rows all, one;

    require(cm_packet_columns_fill(made->columns, made->together, &packets, &all, NULL) == CAPMILL_OK);
    require_sound(schema, &all);
    for (uint32_t i = 0; i < input->n; i++) {
        const struct cm_packet_rows packet = rows_from(input, i, 1);

        require(cm_packet_columns_fill(made->columns, made->alone, &packet, &one, NULL) == CAPMILL_OK);
        require_same(schema, &all, i, &one);
    }
}

static void try_flows(const struct input *input)
{
    const struct cm_flow_rows_options options = {
        .unidirectional = input->unidirectional, .idle_ns = 1000, .active_ns = 5000, .memory_bytes = 1 << 20};
    const struct cm_packet_rows packets = rows_from(input, 0, input->n);
    uint64_t n_packets = 0, n_expected = 0;
    struct cm_flow_updates *updates;
    struct cm_flow_rows *flows;
    struct cm_table_rows rows;

    require(cm_flow_rows_create(&options, &flows, NULL) == CAPMILL_OK);
    require(cm_flow_updates_make(flows, &packets, &updates, NULL) == CAPMILL_OK);
    require(cm_flow_rows_add(flows, updates, NULL) == CAPMILL_OK);
    free(updates);
    require(cm_flow_rows_add(flows, NULL, NULL) == CAPMILL_OK);
    while (cm_flow_rows_next(flows, &rows, NULL) == CAPMILL_OK) {
        const struct cm_table_schema *schema = cm_flow_rows_schema(flows);

        require_sound(schema, &rows);
        for (size_t c = 0; c < schema->n_columns; c++)
            for (uint32_t i = 0; i < rows.n_rows && strcmp(schema->columns[c].name, "packets") == 0; i++)
                n_packets += rows.columns[c].numbers[i];
    }
    for (uint32_t i = 0; i < input->n; i++)
        n_expected += (input->headers[i].flags & CM_HEADERS_ADDRESSES) != 0;
    require(n_packets == n_expected);
    cm_flow_rows_destroy(flows);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct input *input;

    if (n < 4 || n > 1u << 17)
        return 0;
    input = calloc(1, sizeof(*input));
    require(input != NULL);
    read_input(input, bytes, n);
    try_columns(input);
    try_flows(input);
    for (uint32_t i = 0; i < input->n; i++)
        free(input->memory[i]);
    free(input);
    return 0;
}
