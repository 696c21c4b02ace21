/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that are the bytes of the file already, and files to which such parts are only added: what Avro and JSON
 * lines have in common behind table_encoder.h. For this room alone. */
#ifndef CM_FORMAT_FINISHED_PART_INT_H
#define CM_FORMAT_FINISHED_PART_INT_H

#include <stdatomic.h>

#include "format/table_encoder.h"

struct cm_finished_part {
    struct cm_table_part head;
    size_t n, room;
    size_t n_touched; /* the greatest `n` that this memory ever had: behind it nothing was written */
    uint8_t bytes[];
};

/* Memory of parts that were written or discarded, for parts to come. What a part needs is known only when it is
 * written, so it asks for the most; memory that is given back to the system and asked for again comes in pages of
 * zeroes, one fault each, which cost as much as the encoding. The spares are never more than the parts that there
 * were at one time. An encoder's context begins with them. */
#define CM_FINISHED_SPARES 32
struct cm_finished_spares {
    _Atomic(struct cm_finished_part *) slots[CM_FINISHED_SPARES];
};

void cm_finished_spares_fini(struct cm_finished_spares *spares);

/* An empty part with room for `n` bytes. Any thread. */
enum capmill_status cm_finished_take(struct cm_finished_spares *spares, uint64_t n,
                                     struct cm_finished_part **part_ret, struct cm_error *error);
/* Makes `*part` have room for `more` bytes behind bytes[n]. It may move; where memory cannot be had it is as it
 * was. */
enum capmill_status cm_finished_reserve(struct cm_finished_part **part, uint64_t more,
                                        struct cm_error *error);
/* Say what the part holds. */
struct cm_table_part *cm_finished_close(struct cm_finished_part *part, uint32_t n_rows);
/* The function of an encoder. */
void cm_finished_discard(void *context, struct cm_table_part *part);

/* Starts a file with the `n` bytes of its header. */
enum capmill_status cm_finished_begin(struct cm_finished_spares *spares, const struct cm_table_put *put,
                                      const void *header, size_t n, struct cm_table_file **file_ret,
                                      struct cm_error *error);
/* What a file that no part was added to holds behind its header; borrowed. */
void cm_finished_when_empty(struct cm_table_file *file, const void *bytes, size_t n);
/* Fills in what does not depend on the format: discard, add, held_bytes, flush, end, drop. */
void cm_finished_encoder(struct cm_table_encoder *encoder);

#endif
