/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of parsers: texts that must be refused, with the place and the words. */
#ifndef CM_TESTS_REFUSED_H
#define CM_TESTS_REFUSED_H

#include <stdlib.h>

#include "base/checked.h"
#include "base/text_fault.h"
#include "unit/check.h"

struct refused {
    const char *text;
    size_t at;
    const char *what;
};

/* In memory that ends where the text does. */
static inline char *exact(const char *text)
{
    char *copy = malloc(strlen(text) + (*text == 0));

    cm_check(copy != NULL);
    memcpy(copy, text, strlen(text));
    return copy;
}

/* `call` takes `text`, `n` and `&fault`. */
#define check_refused(cases, call)                                                                           \
    for (size_t i_ = 0; i_ < CM_ARRAY_COUNT(cases); i_++) {                                                  \
        const size_t n = strlen((cases)[i_].text);                                                           \
        struct cm_text_fault fault = {999, "nothing"};                                                       \
        char *text = exact((cases)[i_].text);                                                                \
                                                                                                             \
        cm_check_that(!(call), "'%s' was taken", (cases)[i_].text);                                          \
        cm_check_that(fault.at == (cases)[i_].at && strcmp(fault.what, (cases)[i_].what) == 0,               \
                      "'%s': %s at %zu", (cases)[i_].text, fault.what, fault.at);                            \
        free(text);                                                                                          \
    }

#endif
