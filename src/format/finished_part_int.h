/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that are the bytes of the file already, and files to which such parts are only added: what Avro and JSON
 * lines have in common behind table.h. For this room alone. */
#ifndef CM_FORMAT_FINISHED_PART_INT_H
#define CM_FORMAT_FINISHED_PART_INT_H

#include "format/table.h"

struct cm_finished_part {
    struct cm_table_part head;
    size_t n, room;
    uint8_t bytes[];
};

/* Makes `*part` (NULL: a new one of no rows) have room for `more` bytes behind bytes[n]. It may move; where
 * memory cannot be had it is as it was. */
enum capmill_status cm_finished_reserve(struct cm_finished_part **part, uint64_t more,
                                        struct cm_error *error);
/* Give back the room that was not needed, and say what memory the part holds. */
struct cm_table_part *cm_finished_close(struct cm_finished_part *part, uint32_t n_rows);
/* The function of an encoder; its context is not looked at. */
void cm_finished_discard(void *context, struct cm_table_part *part);

/* Starts a file with the `n` bytes of its header. */
enum capmill_status cm_finished_begin(const struct cm_table_put *put, const void *header, size_t n,
                                      struct cm_table_file **file_ret, struct cm_error *error);
/* Fills in what does not depend on the format: discard, add, held_bytes, flush, end, drop. */
void cm_finished_encoder(struct cm_table_encoder *encoder);

#endif
