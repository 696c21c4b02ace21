/* SPDX-License-Identifier: Apache-2.0 */
/* What an Avro file begins with (specification, "Object Container Files"): magic, a map of metadata, and the marker
 * that stands behind every block. */
#include "format/avro_header_int.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format/avro.h"
#include "format/avro_int.h"

static const char magic[4] = {'O', 'b', 'j', 1};

static uint8_t *put_entry(const char *key, const char *value, uint8_t *out)
{
    out = cm_avro_put_bytes(key, (uint32_t)strlen(key), out);
    return cm_avro_put_bytes(value, (uint32_t)strlen(value), out);
}

/* Keys that begin with "avro." are the format's own. */
static enum capmill_status check_notes(const struct cm_table_options *options, struct cm_error *error)
{
    for (size_t i = 0; i < options->n_notes; i++)
        if (strncmp(options->notes[i].key, "avro.", 5) == 0)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "a note of an Avro file may not be called '%s'",
                                options->notes[i].key);
    return CAPMILL_OK;
}

/* Room for the whole header. */
static size_t header_most(const struct cm_table_options *options, const char *schema_text)
{
    size_t most = sizeof(magic) + 256 + strlen(schema_text) + CM_AVRO_SYNC_BYTES;

    for (size_t i = 0; i < options->n_notes; i++)
        most += strlen(options->notes[i].key) + strlen(options->notes[i].value) + 2 * CM_AVRO_LONG_MOST;
    return most;
}

/* The marker follows from the metadata alone: no clock and no dice, so that the same table makes the same file. */
static uint8_t *put_sync(const uint8_t *metadata, uint8_t *end)
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits(metadata, (size_t)(end - metadata)));
    memcpy(end, canonical.digest, CM_AVRO_SYNC_BYTES);
    return end + CM_AVRO_SYNC_BYTES;
}

enum capmill_status cm_avro_header_make(const struct cm_table_options *options, const char *codec_name,
                                        uint8_t **header_ret, size_t *n_ret, struct cm_error *error)
{
    char *schema_text = NULL;
    uint8_t *header = NULL, *at;
    enum capmill_status status = check_notes(options, error);

    *header_ret = NULL;
    if (status == CAPMILL_OK)
        status = cm_avro_schema_text(options->schema, false, &schema_text, error);
    if (status != CAPMILL_OK)
        return status;
    header = malloc(header_most(options, schema_text));
    if (header == NULL) {
        free(schema_text);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the header of an Avro file");
    }
    memcpy(header, magic, sizeof(magic));
    at = cm_avro_put_long((int64_t)(2 + options->n_notes), header + sizeof(magic));
    at = put_entry("avro.schema", schema_text, at);
    at = put_entry("avro.codec", codec_name, at);
    for (size_t i = 0; i < options->n_notes; i++)
        at = put_entry(options->notes[i].key, options->notes[i].value, at);
    *at++ = 0; /* the map's end: a block of no entries */
    at = put_sync(header + sizeof(magic), at);
    free(schema_text);
    *header_ret = header;
    *n_ret = (size_t)(at - header);
    return CAPMILL_OK;
}
