/* SPDX-License-Identifier: Apache-2.0 */
/* Thrift's compact protocol, written into growing bytes: what the metadata of a Parquet file is made of. Not for
 * reading, and no types but those that Parquet has (thrift-compact-protocol.md). */
#ifndef CM_FORMAT_THRIFT_H
#define CM_FORMAT_THRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/bytes.h"

enum cm_thrift_type {
    CM_THRIFT_TRUE = 1, /* of a field: type and value in one; of a list: the type of truth values */
    CM_THRIFT_FALSE = 2,
    CM_THRIFT_I8 = 3,
    CM_THRIFT_I32 = 5,
    CM_THRIFT_I64 = 6,
    CM_THRIFT_BINARY = 8,
    CM_THRIFT_LIST = 9,
    CM_THRIFT_STRUCT = 12,
};

#define CM_THRIFT_MAX_DEPTH 8 /* a column's metadata lies 4 deep, a logical type's unit 5 */

/* Zeroed at first. A failure sticks: what follows does nothing, and whoever uses the bytes asks
 * cm_thrift_status first. */
struct cm_thrift {
    struct cm_bytes out;
    bool failed;
    unsigned depth;
    int16_t last_id[CM_THRIFT_MAX_DEPTH]; /* fields are written as distances to the one before */
};

/* Empty again, for a struct of its own. It ends with cm_thrift_end. */
void cm_thrift_begin(struct cm_thrift *thrift);
void cm_thrift_end(struct cm_thrift *thrift); /* of any struct */
enum capmill_status cm_thrift_status(const struct cm_thrift *thrift, struct cm_error *error);

/* Fields, in ascending order of their ids. */
void cm_thrift_bool(struct cm_thrift *thrift, int16_t id, bool value);
void cm_thrift_i8(struct cm_thrift *thrift, int16_t id, int8_t value);
void cm_thrift_i32(struct cm_thrift *thrift, int16_t id, int32_t value);
void cm_thrift_i64(struct cm_thrift *thrift, int16_t id, int64_t value);
void cm_thrift_binary(struct cm_thrift *thrift, int16_t id, const void *bytes, size_t n);
void cm_thrift_text(struct cm_thrift *thrift, int16_t id, const char *text);
void cm_thrift_struct(struct cm_thrift *thrift, int16_t id);
void cm_thrift_empty_struct(struct cm_thrift *thrift, int16_t id);
/* `n` items follow. */
void cm_thrift_list(struct cm_thrift *thrift, int16_t id, enum cm_thrift_type type, size_t n);

/* Items of a list. */
void cm_thrift_item_bool(struct cm_thrift *thrift, bool value);
void cm_thrift_item_i32(struct cm_thrift *thrift, int32_t value);
void cm_thrift_item_i64(struct cm_thrift *thrift, int64_t value);
void cm_thrift_item_binary(struct cm_thrift *thrift, const void *bytes, size_t n);
void cm_thrift_item_struct(struct cm_thrift *thrift);
/* Items that were written elsewhere, one after the other. */
void cm_thrift_items(struct cm_thrift *thrift, const void *bytes, size_t n);

#endif
