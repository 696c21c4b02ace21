/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: pcap files, and what is no capture at all. */
#include <string.h>

#include "fuzz/framing.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const uint8_t section[] = {0x0a, 0x0d, 0x0d, 0x0a};

    if (n >= 4 && memcmp(bytes, section, 4) == 0)
        return 0; /* the other target's */
    check_framing(bytes, n);
    return 0;
}
