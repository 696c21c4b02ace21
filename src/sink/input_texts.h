/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of inputs and names of interfaces as a table shows them: valid UTF-8, asked for once and not for every
 * packet. Of one thread. */
#ifndef CM_SINK_INPUT_TEXTS_H
#define CM_SINK_INPUT_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/table_encoder.h"
#include "sink/packet_columns.h"

struct cm_input_texts;

/* Of the options `context` and the two functions are kept. NULL: no memory. */
struct cm_input_texts *cm_input_texts_create(const struct cm_packet_columns_options *options);
void cm_input_texts_destroy(struct cm_input_texts *texts); /* NULL accepted */
/* A new call begins: texts given since the last one may go from now on, and not before. */
void cm_input_texts_begin(struct cm_input_texts *texts);
/* False: no memory. Bytes NULL: there is none. */
bool cm_input_texts_path(struct cm_input_texts *texts, uint32_t input, struct cm_span *text_ret);
bool cm_input_texts_interface(struct cm_input_texts *texts, uint32_t input, uint32_t interface,
                              struct cm_span *text_ret);

#endif
