/* SPDX-License-Identifier: Apache-2.0 */
/* The pcapng file format: sections, interfaces, packet blocks. Called through layout.h; nobody else needs
 * it. */
#ifndef CM_FORMAT_PCAPNG_H
#define CM_FORMAT_PCAPNG_H

#include "format/block_types.h"
#include "format/records.h"

/* cm_layout_open for a file that begins with the type of a section header block. */
enum capmill_status cm_pcapng_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                   bool at_end, size_t *header_bytes_ret, struct cm_error *error);

/* cm_layout_frame for pcapng. */
enum cm_frame_result cm_pcapng_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     uint64_t offset, uint64_t limit, bool at_end, struct cm_batch *batch,
                                     size_t *used_ret, size_t *wanted_ret, const char **reason_ret,
                                     struct cm_error *error);

/* Byte order of the section whose header block begins at `block` (12 bytes are there). False: none that we
 * know. */
bool cm_pcapng_byte_order(const uint8_t *block, bool *big_endian_ret);

/* Versions 1.0 and 1.2: the only ones that exist, and alike. */
static inline bool cm_pcapng_is_known_version(uint16_t major, uint16_t minor)
{
    return major == 1 && (minor == 0 || minor == 2);
}

/* Read an interface description block of `n` bytes (at least CM_BLOCK_INTERFACE_FIXED +
 * CM_BLOCK_TRAILER_BYTES). False where an option runs past the block: what stands before it was read.
 * Section, id and block are left to the caller. */
bool cm_pcapng_read_interface(const uint8_t *block, uint32_t n, bool big_endian,
                              struct cm_interface *interface_ret);

/* Block lengths that are no multiple of four leave out the padding: libwiretap rounds them up, and so do we.
 * 64 bits, so that the greatest does not wrap to 0. */
static inline uint64_t cm_pcapng_padded(uint32_t length)
{
    return ((uint64_t)length + 3) & ~(uint64_t)3;
}

#endif
