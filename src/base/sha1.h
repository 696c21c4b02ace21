/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 (FIPS 180-4) of short messages, for identifiers that are defined by it. Our own because it is wanted
 * for one thing, the Community ID, and mingw-w64 brings no library that has it. Never for security: SHA-1 is
 * broken. */
#ifndef CM_BASE_SHA1_H
#define CM_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define CM_SHA1_BYTES 20

void cm_sha1(const void *message, size_t n_bytes, uint8_t digest_ret[CM_SHA1_BYTES]);

/* Several messages at once, in little more than the time of one. */
#define CM_SHA1_LANES       4
#define CM_SHA1_SHORT_BYTES 55 /* a block, less what pads it */
struct cm_sha1_short {
    const uint8_t *bytes;
    size_t n; /* at most CM_SHA1_SHORT_BYTES */
};
void cm_sha1_shorts(const struct cm_sha1_short messages[CM_SHA1_LANES],
                    uint8_t digests_ret[CM_SHA1_LANES][CM_SHA1_BYTES]);

#endif
