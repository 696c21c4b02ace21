/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: pcapng files. The type of the first block is put there, so that no input is wasted on the
 * sniffer. */
#include <string.h>

#include "fuzz/framing.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a};
    uint8_t *copy;

    if (n < 12)
        return 0;
    copy = malloc(n);
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes, n);
    memcpy(copy, section, 4);
    check_framing(copy, n);
    free(copy);
    return 0;
}
