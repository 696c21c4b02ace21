/* SPDX-License-Identifier: Apache-2.0 */
/* Tables on their way to a file: a schema, rows as columns, and the contract of what encodes them (parquet.h,
 * avro.h, jsonl.h). No files, no threads: encoded bytes go to a function of the caller.
 *
 * Work is divided so that several threads encode for one file: any thread turns rows into a *part*
 * (encode), and whoever writes the file adds the parts in order (add). What a file's bytes are depends on the
 * rows and on where the parts were cut, and on nothing else: no clock, no thread, no address. */
#ifndef CM_FORMAT_TABLE_ENCODER_H
#define CM_FORMAT_TABLE_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "codec/codec.h"

/* What a value is. Numbers of every width travel as uint64_t (signed ones as their bits); the type says what
 * readers of the file are told and how wide it is stored. */
enum cm_column_type {
    CM_COLUMN_UINT8 = 1,
    CM_COLUMN_UINT16,
    CM_COLUMN_UINT32,
    CM_COLUMN_UINT64,
    CM_COLUMN_INT64,
    CM_COLUMN_TIME_NS, /* nanoseconds since 1970, UTC */
    CM_COLUMN_TEXT,    /* UTF-8 */
    CM_COLUMN_BYTES,
};

/* What the values of a column are usually like: a hint for encodings, never a promise. */
enum cm_column_habit {
    CM_HABIT_REPEATS = 0, /* few different values, again and again: addresses, ports, flags */
    CM_HABIT_RISES,       /* each a little more than the one before: times, numbers, offsets */
    CM_HABIT_DIFFERS,     /* no value tells of another: payload, checksums */
};

struct cm_column {
    const char *name;
    const char *doc; /* a sentence for schemas; NULL: none */
    enum cm_column_type type;
    enum cm_column_habit habit;
    bool nullable;
    bool hex;   /* UINT64: JSON shows 16 hexadecimal digits, as people read flow ids */
    bool bloom; /* a bloom filter is wanted where the format has them */
    bool order; /* TIME_NS, INT64: rows may be in ascending order of it; declared where it is true */
};

struct cm_table_schema {
    const char *record_name; /* Avro: "Packet" */
    const struct cm_column *columns;
    size_t n_columns;
};

struct cm_span {
    const uint8_t *bytes; /* may be NULL where n is 0 */
    uint32_t n;
};

struct cm_column_values {
    const uint8_t *present;      /* one byte a row, 0 or 1; NULL: all rows have a value */
    const uint64_t *numbers;     /* one a row, 0 where absent; NULL for TEXT and BYTES */
    const struct cm_span *spans; /* TEXT and BYTES: one a row, empty where absent */
};

/* Rows in order, borrowed for the call; at most CM_TABLE_MAX_ROWS. */
#define CM_TABLE_MAX_ROWS 65536u
struct cm_table_rows {
    uint32_t n_rows;
    const struct cm_column_values *columns; /* as many as the schema has */
};

/* What a file says of itself. Copied nowhere: outlives the encoder. */
struct cm_table_note {
    const char *key, *value;
};

struct cm_table_options {
    const struct cm_table_schema *schema; /* outlives the encoder */
    const struct cm_table_note *notes;    /* likewise */
    size_t n_notes;
    enum cm_codec codec;       /* CM_CODEC_DEFAULT: the format's own: snappy for Parquet, none for others */
    int level;                 /* 0: the codec's usual one */
    uint64_t row_group_bytes;  /* Parquet: encoded bytes at which a row group ends; 0: 128 MiB */
    uint64_t row_group_rows;   /* Parquet: rows at which one ends; 0: 1048576 */
    bool compress_payload;     /* JSON: values of BYTES columns are zstd frames, then base64 */
    bool wide_numbers_as_text; /* JSON: integers above 2^53 as strings */
};

/* Rows on their way to a file, of one thread's making. Formats put this first in a struct of their own. */
struct cm_table_part {
    uint32_t n_rows;
    uint64_t n_bytes; /* memory that it holds */
};

/* Where a file's bytes go, one after the other. */
struct cm_table_put {
    void *context;
    enum capmill_status (*put)(void *context, const void *bytes, size_t n, struct cm_error *error);
};

struct cm_table_file; /* a file under construction; its memory is the encoder's */

struct cm_table_encoder {
    const char *extension; /* ".parquet" */
    void *context;
    /* State of a thread that encodes: scratch memory, compressors. NULL-safe close. */
    enum capmill_status (*open)(void *context, void **local_ret, struct cm_error *error);
    void (*close)(void *context, void *local);
    /* Rows become a part; nothing of `rows` is kept. Any thread, each with its own `local`. */
    enum capmill_status (*encode)(void *context, void *local, const struct cm_table_rows *rows,
                                  struct cm_table_part **part_ret, struct cm_error *error);
    void (*discard)(void *context, struct cm_table_part *part); /* any thread; NULL accepted */
    /* Files: one caller at a time for all of them. `put` is copied. */
    enum capmill_status (*begin)(void *context, const struct cm_table_put *put,
                                 struct cm_table_file **file_ret, struct cm_error *error);
    /* Takes the part, also when it fails. */
    enum capmill_status (*add)(struct cm_table_file *file, struct cm_table_part *part,
                               struct cm_error *error);
    /* Memory that the file holds until its row group ends, and a way to end it early. */
    uint64_t (*held_bytes)(const struct cm_table_file *file);
    enum capmill_status (*flush)(struct cm_table_file *file, struct cm_error *error);
    /* What is left, and the end of the file. Frees it, whatever the answer; `end` NULL-safe is not needed. */
    enum capmill_status (*end)(struct cm_table_file *file, struct cm_error *error);
    void (*drop)(struct cm_table_file *file); /* frees a file that is given up; NULL accepted */
    void (*destroy)(void *context);           /* NULL accepted; all files ended or dropped */
};

#endif
