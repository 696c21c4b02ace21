/* SPDX-License-Identifier: Apache-2.0 */
/* Recognising files that we do not read, by their first bytes. Facts from the formats' own documents and from
 * the magic numbers that file(1) and libwiretap know. Not for choosing a reader: layout.c does that. */
#include "format/sniff.h"

#include <stdbool.h>
#include <string.h>

#include "base/endian.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sign {
    const char *bytes;
    uint8_t n;
    uint16_t at;
    const char *name;
    const char
        *unpack; /* the program that writes the unpacked file to standard output; NULL where there is none */
};

#define SIGN(text, at, name)                                                                                 \
    {                                                                                                        \
        text, sizeof(text) - 1, at, name, NULL                                                               \
    }
#define PACKED(text, at, name, unpack)                                                                       \
    {                                                                                                        \
        text, sizeof(text) - 1, at, name, unpack                                                             \
    }

static const struct sign compressed[] = {
    PACKED("\x1f\x8b", 0, "gzip", "zcat"),
    PACKED("\x28\xb5\x2f\xfd", 0, "zstd", "zstdcat"),
    PACKED("\xfd"
           "7zXZ\0",
           0, "xz", "xzcat"),
    PACKED("BZh", 0, "bzip2", "bzcat"),
    PACKED("\x04\x22\x4d\x18", 0, "lz4", "lz4cat"),
    PACKED("\x02\x21\x4c\x18", 0, "lz4", "lz4cat"),
    PACKED("LZIP", 0, "lzip", "lzip -dc"),
    PACKED("\x89LZO\0\r\n\x1a\n", 0, "lzop", "lzop -dc"),
    PACKED("\xff\x06\0\0sNaPpY", 0, "snappy", "snzip -dc"),
    PACKED("\x5d\0\0", 0, "lzma", "lzcat"),
    PACKED("\x1f\x9d", 0, "compress", "zcat"),
    PACKED("PK\x03\x04", 0, "zip", "unzip -p"),
    PACKED("7z\xbc\xaf\x27\x1c", 0, "7-zip", "7z x -so"),
};

static const struct sign captures[] = {
    SIGN("snoop\0\0\0", 0, "snoop"),
    SIGN("RTSS", 0, "Microsoft Network Monitor 1"),
    SIGN("GMBU", 0, "Microsoft Network Monitor 2"),
    SIGN("XCP\0", 0, "NetXRay or Sniffer for Windows"),
    SIGN("VL\0\0", 0, "NetXRay 1.0"),
    SIGN("TRSNIFF data    \x1a", 0, "Sniffer for DOS"),
    SIGN("iptrace 1.0", 0, "AIX iptrace 1"),
    SIGN("iptrace 2.0", 0, "AIX iptrace 2"),
    SIGN("\xaa\xaa\xaa\xaa", 0, "5Views"),
    SIGN("btsnoop\0", 0, "BTSnoop"),
    SIGN("\x54\x52\0\x64\0", 0, "HP-UX nettl"),
    SIGN("\x54\x52\x00\x00", 0, "HP-UX nettl"),
    SIGN("\0\0\x02\0\x12\x05\0\x10", 0, "Tektronix K12"),
    SIGN("\x05VNF", 0, "Visual Networks"),
    SIGN("\x7fver", 0, "Savvius *Peek"),
    SIGN("\x80\0\0\0lpc", 0, "LANalyzer"),
    SIGN("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "an OLE compound file (Agilent, Observer, Office)"),
    SIGN("ObserverPktBufferVersion=", 0, "Network Instruments Observer"),
    SIGN("LOGG", 0, "Vector BLF"),
    SIGN("PPPD", 0, "pppd log"),
    SIGN("EyeS", 0, "EyeSDN"),
    SIGN("\xf0\xbe\xad\xde", 0, "ETL trace"),
    SIGN("__CURSOR=", 0, "systemd journal export"),
    SIGN("\xa1\xb2\x34\xcd", 0, "pcap as changed by F. Mesquita"),
    SIGN("\xcd\x34\xb2\xa1", 0, "pcap as changed by F. Mesquita"),
    SIGN("\xa1\xe2\xcb\x12", 0, "pcap as changed by Navtel"),
    SIGN("\x12\xcb\xe2\xa1", 0, "pcap as changed by Navtel"),
};

static const struct sign others[] = {
    SIGN("\x7f"
         "ELF",
         0, "an ELF program"),
    SIGN("MZ", 0, "a Windows program"),
    SIGN("%PDF", 0, "a PDF document"),
    SIGN("\xff\xd8\xff", 0, "a JPEG picture"),
    SIGN("\x89PNG\r\n\x1a\n", 0, "a PNG picture"),
    SIGN("PAR1", 0, "a Parquet file"),
    SIGN("Obj\x01", 0, "an Avro file"),
    SIGN("SQLite format 3", 0, "an SQLite database"),
    SIGN("ustar", 257, "a tar archive"),
};

static const struct sign *find(const struct sign *signs, size_t n_signs, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n_signs; i++) {
        size_t at = signs[i].at;

        if (n >= at + signs[i].n && memcmp(bytes + at, signs[i].bytes, signs[i].n) == 0)
            return &signs[i];
    }
    return NULL;
}

/* Endace's ERF has no file header: look whether three records, or all there are, make sense. A record: time
 * (8, little endian, 32.32), type (1), flags (1), record length (2, big), loss counter (2), wire length
 * (2). */
#define ERF_HEADER_BYTES       16u
#define ERF_RECORDS_TO_TRY     3
#define ERF_GREATEST_TYPE      48u
#define ERF_MOST_SECONDS_APART (7u * 24 * 3600)

static bool looks_like_erf(const uint8_t *bytes, size_t n)
{
    uint64_t time_before = 0;
    size_t used = 0;

    for (unsigned i = 0; i < ERF_RECORDS_TO_TRY; i++) {
        uint64_t time;
        uint8_t type;
        uint16_t record_bytes;

        if (n - used < ERF_HEADER_BYTES)
            return i > 0 && used == n;
        time = cm_load_le64(bytes + used);
        type = bytes[used + 8] & 0x7f;
        record_bytes = cm_load_be16(bytes + used + 10);
        if (type == 0 || type > ERF_GREATEST_TYPE || record_bytes < ERF_HEADER_BYTES || time >> 32 == 0 ||
            cm_load_be16(bytes + used + 14) == 0)
            return false;
        if (i > 0 && (time < time_before || (time - time_before) >> 32 > ERF_MOST_SECONDS_APART))
            return false;
        time_before = time;
        if (record_bytes > n - used)
            return i > 0;
        used += record_bytes;
    }
    return true;
}

static bool is_text(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((bytes[i] < 0x20 && (bytes[i] < '\t' || bytes[i] > '\r') && bytes[i] != 0x1b) || bytes[i] == 0x7f)
            return false;
    return true;
}

static bool is_zeros(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

enum capmill_status cm_sniff_foreign(const char *path, const uint8_t *bytes, size_t n, struct cm_error *error)
{
    const struct sign *sign;

    if (n > CM_SNIFF_BYTES)
        n = CM_SNIFF_BYTES;
    sign = find(compressed, COUNT(compressed), bytes, n);
    if (sign != NULL)
        return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                            "%s: %s-compressed; decompress it first (%s FILE | capmill COMMAND -)", path,
                            sign->name, sign->unpack);
    sign = find(captures, COUNT(captures), bytes, n);
    if (sign != NULL)
        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "%s: a capture in the format of %s, which capmill does not read (pcap and pcapng it does)", path,
            sign->name);
    sign = find(others, COUNT(others), bytes, n);
    if (sign != NULL)
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: %s, not a capture", path, sign->name);
    if (looks_like_erf(bytes, n))
        return cm_error_set(
            error, CAPMILL_E_UNSUPPORTED, 0,
            "%s: a capture in the format of ERF (Endace), which capmill does not read (pcap and pcapng "
            "it does)",
            path);
    if (is_text(bytes, n))
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: a text file, not a capture", path);
    if (is_zeros(bytes, n))
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: begins with zeros, not with a capture's header",
                            path);
    if (n < 4)
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s: only %u bytes, not a capture", path,
                            (unsigned)n);
    return cm_error_set(error, CAPMILL_E_FORMAT, 0,
                        "%s: not a capture in a known format (begins with %02x %02x %02x %02x)", path,
                        bytes[0], bytes[1], bytes[2], bytes[3]);
}
