/* SPDX-License-Identifier: Apache-2.0 */
/* Where and why a text that a person typed could not be understood. Not for damage in captures. */
#ifndef CM_BASE_TEXT_FAULT_H
#define CM_BASE_TEXT_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct cm_text_fault {
    size_t at; /* byte of the text at which it stops making sense; its length where something is missing */
    const char *what; /* static: what is wrong or was expected there, such as "expected a digit" */
};

/* For parsers: `return cm_text_fault_at(fault, 3, "expected a digit");`. `fault` may be NULL. Always
 * false. */
static inline bool cm_text_fault_at(struct cm_text_fault *fault, size_t at, const char *what)
{
    if (fault != NULL) {
        fault->at = at;
        fault->what = what;
    }
    return false;
}

#endif
