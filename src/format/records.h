/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes of a capture to records: framing those that follow one another, and finding one again behind
 * damage. No files, no threads. */
#ifndef CM_FORMAT_RECORDS_H
#define CM_FORMAT_RECORDS_H

#include "format/layout.h"

struct cm_batch;

enum cm_frame_result {
    CM_FRAME_MORE = 0, /* the record at *used_ret is not all here: *wanted_ret bytes from there on are needed;
                          0 only with at_end: *used_ret is n and the input is over */
    CM_FRAME_FULL = 1, /* the batch has no room for another packet or event; call again with an empty one */
    CM_FRAME_DAMAGE =
        2, /* at *used_ret stands no sound record: *reason_ret says why; go on with cm_layout_resync */
    CM_FRAME_UNSETTLED = 3, /* only with table_frozen: at *used_ret stands what changes the table, a packet of
                               an interface that the table does not have, or a packet without a time where the
                               packet before it is not known */
    CM_FRAME_LIMIT = 4,     /* the next record starts at or after the limit */
};

/* Frame records from bytes[0..n), which stand at `offset` of the input, appending packets and events to
 * `batch`, until one of the results above. Records that start at or after `limit` (an offset of the input)
 * are left alone. *used_ret: bytes that were framed whole. `at_end`: no bytes follow these; a record cut by
 * the end is then damage. Memory for pcapng interfaces may run out: then the answer is CM_FRAME_DAMAGE with
 * error set.
 *
 * pcap. A record is sound when its captured length is at most max_packet_bytes; one longer than the snaplen
 * or than its original length is (as in capinfos), and so is any time. A record header of zeros alone is a
 * hole in the file, and damage: it says nothing that could be lost, and sparse or preallocated files are full
 * of them. (Were one accepted where its neighbour is not, a sort could bring two together and lose them.)
 *
 * pcapng. Block lengths that are no multiple of four are rounded up (libwiretap does so). A length below 12,
 * above CM_MAX_BLOCK_BYTES, an unknown byte-order magic, or a cut block is damage. Where the length at the
 * end of a block differs from that at its head and something sound follows at the length of the head, the
 * block is taken and an event DAMAGE of 0 bytes tells; else it is damage. Damage inside a block of sound
 * length (a captured length beyond the block, an undescribed interface, a fixed part cut short, a section
 * version that we do not know) skips that block alone: it becomes an event DAMAGE with the block's bytes, and
 * framing goes on. */
enum cm_frame_result cm_layout_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     uint64_t offset, uint64_t limit, bool at_end, struct cm_batch *batch,
                                     size_t *used_ret, size_t *wanted_ret, const char **reason_ret,
                                     struct cm_error *error);

/* Find the first place >= bytes where a plausible record begins and a chain of plausible headers longer than
 * one greatest record follows (or one that ends exactly with the input, when at_end; a last record cut by the
 * end counts: rules in resync.c). The place found is one that cm_layout_frame takes, so calling this at a
 * damaged record always leads past it. A pure function of the bytes and the layout, linear in n whatever the
 * bytes. CAPMILL_OK and *skip_ret; CAPMILL_AGAIN when the bytes at hand decide nothing (drop *skip_ret bytes,
 * which are not it, and come back with at least *wanted_ret bytes beyond these n, or with at_end);
 * CAPMILL_END when at_end and there is none. With CM_RESYNC_BYTES at hand it answers CAPMILL_OK or drops
 * some. Needs 128 KiB of stack. */
#define CM_RESYNC_BYTES (1024u * 1024)
enum capmill_status cm_layout_resync(const struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     bool at_end, size_t *skip_ret, size_t *wanted_ret);

#endif
