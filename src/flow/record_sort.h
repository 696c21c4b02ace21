/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting arrays of fixed-size records of 64-bit words in place. */
#ifndef CM_FLOW_RECORD_SORT_H
#define CM_FLOW_RECORD_SORT_H

#include <stddef.h>
#include <stdint.h>

#define CM_RECORD_WORDS_MAX 16

/* Ascending by the first `n_key_words` words, compared as numbers one after the other. Takes no memory
 * beside some hundred KiB of stack at worst; time is linear in the records times the key bytes that tell
 * them apart, whatever the keys are: nobody's choice of keys makes it quadratic. Not stable: keys are
 * expected to differ. */
void cm_record_sort(uint64_t *records, size_t n, unsigned n_words, unsigned n_key_words);

#endif
