/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this room alone. */
#ifndef CM_TOML_TOML_INT_H
#define CM_TOML_TOML_INT_H

#include <stdbool.h>
#include <stddef.h>

/* How many keys and brackets may lie around a value. The parser, its destructors and what walks our tree call
 * themselves once or twice for each, a few hundred bytes of stack at a time; a file of dots alone would be a
 * million deep. Filters nest to 64 levels of two brackets each. */
#define CM_TOML_MAX_DEPTH 200

/* False, and where, if the text nests deeper. Text that is no TOML is judged up to where it stops being it,
 * which is as far as a parser reads. */
bool cm_toml_depth_ok(const char *text, size_t n, unsigned *line_ret, unsigned *column_ret);

#endif
