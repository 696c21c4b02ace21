/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the JSON lines encoder share: the columns as they are written, and rows as text. For this room
 * alone. */
#ifndef CM_FORMAT_JSONL_INT_H
#define CM_FORMAT_JSONL_INT_H

#include "format/finished_part_int.h"
#include "format/json_value_int.h"
#include "format/table_encoder.h"
#include "simd/base64.h"

enum cm_jsonl_kind {
    CM_JSONL_UNSIGNED = 1,
    CM_JSONL_SIGNED,
    CM_JSONL_UNSIGNED_OR_TEXT, /* text where it is beyond 2^53 */
    CM_JSONL_SIGNED_OR_TEXT,
    CM_JSONL_HEX,
    CM_JSONL_TIME,
    CM_JSONL_TEXT,
    CM_JSONL_BASE64,
    CM_JSONL_PACKED, /* zstd, then base64 */
};

/* Names are copied in steps of this many bytes, whatever their length: a copy of a length that is known costs two
 * instructions. Room for the rest of the step is what is reserved for the value (jsonl_row.c asserts it). */
#define CM_JSONL_NAME_STEP 32u

struct cm_jsonl_column {
    enum cm_jsonl_kind kind;
    uint32_t n_name;
    char *name; /* `,"name":`, and the quotation mark of a value that has one; whole steps of memory */
};

struct cm_jsonl {
    struct cm_finished_spares spares; /* first: finished_part_int.h */
    enum cm_codec codec;
    int level;
    bool compress_values;
    cm_base64_encode *base64;
    struct cm_jsonl_column *columns;
    size_t n_columns;
    uint64_t fixed_most; /* the most a row takes without its texts and bytes */
    uint8_t empty[1024]; /* what a compressed file without rows is; codecs want room */
    size_t n_empty;
};

/* Of one thread. */
struct cm_jsonl_row_state {
    struct cm_json_clock clock;
    struct cm_compressor *values; /* NULL: not asked for */
    uint8_t *packed;              /* a value's frame */
    size_t packed_room, packed_wanted;
    enum capmill_status status; /* why a value could not be written */
};

enum capmill_status cm_jsonl_columns_make(struct cm_jsonl *jsonl, const struct cm_table_options *options,
                                          struct cm_error *error);
void cm_jsonl_columns_free(struct cm_jsonl *jsonl);

/* The most that row `row` takes as text; UINT64_MAX where a value is more than can be encoded. Sees to it that
 * state->packed_wanted is no less than the frame of any of its values may need. */
uint64_t cm_jsonl_row_most(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                           const struct cm_table_rows *rows, uint32_t row);

/* Write rows `from` to `end` - 1. There is room for what cm_jsonl_row_most said of them. */
enum capmill_status cm_jsonl_rows(const struct cm_jsonl *jsonl, struct cm_jsonl_row_state *state,
                                  const struct cm_table_rows *rows, uint32_t from, uint32_t end, char *out,
                                  size_t *n_ret, struct cm_error *error);

#endif
