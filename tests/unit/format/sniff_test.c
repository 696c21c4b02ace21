/* SPDX-License-Identifier: Apache-2.0 */
/* What is no capture of ours is refused, with its name in the sentence. */
#include "unit/format/capture_bytes.h"

static void check_refused(const void *bytes, size_t n, enum capmill_status status, const char *name)
{
    uint8_t padded[8192] = {0};
    struct cm_driven d;

    cm_check(n <= sizeof(padded));
    memcpy(padded, bytes, n);
    cm_drive(&d, "some file", padded, n < 64 ? 64 : n, 0);
    cm_check_that(d.status == status, "%s: status %d (%s)", name, d.status, d.error.text);
    cm_check_that(strstr(d.error.text, name) != NULL, "\"%s\" lacks \"%s\"", d.error.text, name);
    cm_check_that(strstr(d.error.text, "some file") != NULL, "\"%s\" lacks the path", d.error.text);
    cm_check_eq(d.n_items, 0);
    cm_driven_free(&d);
}

#define REFUSED(text, status, name) check_refused(text, sizeof(text) - 1, status, name)

CM_TEST(sniff, compressed_files_say_how_to_unpack)
{
    REFUSED("\x1f\x8b\x08\x00", CAPMILL_E_UNSUPPORTED,
            "gzip-compressed; decompress it first (zcat FILE | capmill");
    REFUSED("\x28\xb5\x2f\xfd", CAPMILL_E_UNSUPPORTED, "zstd-compressed");
    REFUSED("\xfd"
            "7zXZ\0\0",
            CAPMILL_E_UNSUPPORTED, "xz-compressed");
    REFUSED("BZh91AY", CAPMILL_E_UNSUPPORTED, "bzip2-compressed");
    REFUSED("\x04\x22\x4d\x18\x64", CAPMILL_E_UNSUPPORTED, "lz4-compressed");
}

CM_TEST(sniff, foreign_captures_by_name)
{
    REFUSED("snoop\0\0\0\0\0\0\2", CAPMILL_E_UNSUPPORTED, "snoop");
    REFUSED("GMBU\0\2", CAPMILL_E_UNSUPPORTED, "Microsoft Network Monitor");
    REFUSED("RTSS\0\2", CAPMILL_E_UNSUPPORTED, "Microsoft Network Monitor");
    REFUSED("XCP\0"
            "002.001\0",
            CAPMILL_E_UNSUPPORTED, "NetXRay");
    REFUSED("TRSNIFF data    \x1a", CAPMILL_E_UNSUPPORTED, "Sniffer");
    REFUSED("iptrace 2.0", CAPMILL_E_UNSUPPORTED, "iptrace");
    REFUSED("\xaa\xaa\xaa\xaa", CAPMILL_E_UNSUPPORTED, "5Views");
    REFUSED("btsnoop\0\0\0\0\1", CAPMILL_E_UNSUPPORTED, "BTSnoop");
    REFUSED("\x54\x52\0\x64\0", CAPMILL_E_UNSUPPORTED, "nettl");
}

CM_TEST(sniff, erf_has_no_magic_but_records_that_agree)
{
    struct made m = {0};

    for (uint32_t i = 0; i < 4; i++) {
        put32(&m, i);
        put32(&m, 1700000000);
        put8(&m, 2); /* Ethernet */
        put8(&m, 4);
        m.big = true;
        put16(&m, 96);
        put16(&m, 0);
        put16(&m, 78);
        m.big = false;
        put_noise(&m, 80, i);
    }
    check_refused(m.bytes, m.n, CAPMILL_E_UNSUPPORTED, "ERF");
    made_free(&m);
}

CM_TEST(sniff, what_is_no_capture)
{
    static const char text[] =
        "No.     Time           Source                Destination           Protocol Length\n";
    struct made m = {0};
    struct cm_driven d;

    for (int i = 0; i < 64; i++)
        put_bytes(&m, text, sizeof(text) - 1);
    check_refused(m.bytes, m.n, CAPMILL_E_FORMAT, "text");
    REFUSED("\x7f"
            "ELF\2\1\1",
            CAPMILL_E_FORMAT, "ELF");
    REFUSED("", CAPMILL_E_FORMAT, "zeros");
    REFUSED("\x99\x98\x97\x96\x95", CAPMILL_E_FORMAT, "99 98 97 96");
    REFUSED("\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x2a", CAPMILL_E_FORMAT, "byte-order magic");
    cm_drive(&d, "empty", NULL, 0, 0);
    cm_check_eq(d.status, CAPMILL_E_FORMAT);
    cm_check(strstr(d.error.text, "empty") != NULL);
    cm_driven_free(&d);
    cm_drive(&d, "short", (const uint8_t *)"\xd4\xc3", 2, 0);
    cm_check_eq(d.status, CAPMILL_E_FORMAT);
    cm_driven_free(&d);
    made_free(&m);
}
