/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the name that a misspelt one is nearest to. */
#ifndef CM_BASE_NEAREST_H
#define CM_BASE_NEAREST_H

#include <stddef.h>

struct cm_nearest {
    const char *typed;
    size_t typed_bytes;
    const char *name; /* the best so far; NULL: none is near */
    unsigned distance;
};

void cm_nearest_init(struct cm_nearest *nearest, const char *typed, size_t typed_bytes);
/* `name` may be what was meant. It is kept where it is the best. */
void cm_nearest_offer(struct cm_nearest *nearest, const char *name);

#endif
