/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that several threads finish in any order, written to a stream in the order of their places by a
 * thread of its own. A lock guards the pieces: they are hundreds of KiB each, so it is taken some thousand
 * times a second. */
#ifndef CM_SINK_REUNITE_H
#define CM_SINK_REUNITE_H

#include "os/file.h"

struct cm_reunite;

/* `file` is borrowed. */
enum capmill_status cm_reunite_create(struct cm_file *file, struct cm_reunite **reunite_ret,
                                      struct cm_error *error);
/* Stops the writer thread, whatever is still waiting. NULL accepted. */
void cm_reunite_destroy(struct cm_reunite *reunite);
/* Copy `n` bytes that belong at `place` of the stream. Waits while too much lies ahead of what is written;
 * never for the bytes that are next. Failures of the writer come back here. */
enum capmill_status cm_reunite_put(struct cm_reunite *reunite, uint64_t place, const void *bytes, size_t n,
                                   struct cm_error *error);
/* Wait until everything that was put is written. */
enum capmill_status cm_reunite_finish(struct cm_reunite *reunite, struct cm_error *error);
/* Let everybody who waits give up with CAPMILL_E_INTERRUPTED. */
void cm_reunite_abort(struct cm_reunite *reunite);

#endif
