/* SPDX-License-Identifier: Apache-2.0 */
/* The doors of layout.h that choose between the formats. Formats themselves: pcap*.c, pcapng*.c. */
#include "format/records.h"

#include <string.h>

#include "base/endian.h"
#include "format/pcap.h"
#include "format/pcapng.h"
#include "format/sniff.h"

enum capmill_status cm_layout_open(struct cm_layout *layout, const char *path, const uint8_t *bytes, size_t n,
                                   bool at_end, size_t *header_bytes_ret, struct cm_error *error)
{
    struct cm_interfaces *interfaces = layout->interfaces;

    memset(layout, 0, sizeof(*layout));
    layout->interfaces = interfaces;
    *header_bytes_ret = 0;
    if (n < 4) {
        if (!at_end)
            return CAPMILL_AGAIN;
        if (n == 0)
            return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: the file is empty", path);
    } else {
        if (cm_pcap_is_magic(bytes))
            return cm_pcap_open(layout, path, bytes, n, at_end, header_bytes_ret, error);
        if (cm_load_u32(bytes) == CM_BLOCK_SECTION)
            return cm_pcapng_open(layout, path, bytes, n, at_end, header_bytes_ret, error);
    }
    if (!at_end && n < CM_SNIFF_BYTES)
        return CAPMILL_AGAIN;
    return cm_sniff_foreign(path, bytes, n, error);
}

enum cm_frame_result cm_layout_frame(struct cm_layout *layout, const uint8_t *bytes, size_t n,
                                     uint64_t offset, uint64_t limit, bool at_end, struct cm_batch *batch,
                                     size_t *used_ret, size_t *wanted_ret, const char **reason_ret,
                                     struct cm_error *error)
{
    enum cm_frame_result result;

    *used_ret = 0;
    *wanted_ret = 0;
    *reason_ret = NULL;
    if (offset != layout->framed_to)
        layout->last_time_unknown = true;
    if (layout->kind == CM_CAPTURE_PCAP)
        result =
            cm_pcap_frame(layout, bytes, n, offset, limit, at_end, batch, used_ret, wanted_ret, reason_ret);
    else
        result = cm_pcapng_frame(layout, bytes, n, offset, limit, at_end, batch, used_ret, wanted_ret,
                                 reason_ret, error);
    layout->framed_to = offset + *used_ret;
    return result;
}

const char *cm_layout_format_name(const struct cm_layout *layout)
{
    return layout->kind == CM_CAPTURE_PCAPNG ? "pcapng" : "pcap";
}

const char *cm_layout_variant_name(const struct cm_layout *layout)
{
    switch (layout->variant) {
    case CM_PCAP_MODIFIED:
        return "modified";
    case CM_PCAP_NOKIA:
        return "nokia";
    case CM_PCAP_IXIA:
        return "ixia";
    case CM_PCAP_AIX:
        return "aix";
    case CM_PCAP_STANDARD:
        break;
    }
    return "";
}
