/* SPDX-License-Identifier: Apache-2.0 */
/* The door of stage 2 as an operator: packet headers of a batch. Framing has a door of its own
 * (decode/framer.h), because it stands between a source and the first batch. */
#ifndef CM_DECODE_DECODE_H
#define CM_DECODE_DECODE_H

#include "core/stage.h"

/* Fills batch->headers for every packet that stays, and leaves the others as they are. The batch must have been
 * created with room for struct cm_headers. `innermost`: the headers of the innermost packet of a tunnel. */
struct cm_operator cm_decode_operator(bool innermost);

#endif
