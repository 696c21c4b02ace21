/* SPDX-License-Identifier: Apache-2.0 */
/* Text for payloads, with running sums that make the checksum of any stretch of it two look-ups. Not for
 * writing it into frames (frame.c). */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "synth/draw.h"
#include "synth/frame.h"

/* Log-like lines: they compress about as traffic that people can read does. */
static const char *const words[] = {
    "GET",     "POST",   "HTTP/1.1", "200",     "404",    "OK",     "host",       "accept",      "cache",
    "content", "length", "type",     "text",    "json",   "html",   "connection", "alive",       "close",
    "user",    "agent",  "cookie",   "session", "id",     "token",  "server",     "request",     "response",
    "error",   "status", "time",     "date",    "the",    "of",     "and",        "index",       "image",
    "video",   "stream", "packet",   "capture", "value",  "key",    "name",       "temperature", "sensor",
    "order",   "total",  "currency", "query",   "select", "insert", "update",     "where",       "limit",
};

static size_t add_word(uint8_t *text, size_t n, struct cm_synth_draw_row *row)
{
    uint32_t kind = cm_synth_draw_next_below(row, 8);
    const char *word = words[cm_synth_draw_next_below(row, sizeof(words) / sizeof(words[0]))];
    char number[8];

    if (kind == 0) {
        uint32_t value = cm_synth_draw_next_below(row, 1000000);
        size_t digits = 0;

        for (; value != 0 || digits == 0; value /= 10)
            number[digits++] = (char)('0' + value % 10);
        number[digits] = 0;
        word = number;
    }
    for (; *word != 0 && n < CM_SYNTH_FRAME_TEXT_BYTES; word++)
        text[n++] = (uint8_t)*word;
    if (n < CM_SYNTH_FRAME_TEXT_BYTES)
        text[n++] = kind == 1 ? '\n' : kind == 2 ? '=' : ' ';
    return n;
}

enum capmill_status cm_synth_frame_payload_init(struct cm_synth_frame_payload *payload,
                                                enum cm_recipe_payload kind, uint64_t seed,
                                                struct cm_error *error)
{
    struct cm_synth_draw_row row = {cm_synth_draw_key(seed, CM_SYNTH_DRAW_TEXT), 0};

    memset(payload, 0, sizeof(*payload));
    payload->kind = kind;
    if (kind != CM_RECIPE_TEXT)
        return CAPMILL_OK;
    payload->text = malloc(CM_SYNTH_FRAME_TEXT_BYTES);
    payload->sums = malloc((CM_SYNTH_FRAME_TEXT_BYTES / 2 + 1) * sizeof(*payload->sums));
    if (payload->text == NULL || payload->sums == NULL) {
        cm_synth_frame_payload_fini(payload);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the payload text");
    }
    for (size_t n = 0; n < CM_SYNTH_FRAME_TEXT_BYTES;)
        n = add_word(payload->text, n, &row);
    payload->sums[0] = 0;
    for (size_t i = 0; i < CM_SYNTH_FRAME_TEXT_BYTES / 2; i++)
        payload->sums[i + 1] = payload->sums[i] + cm_load_u16_as(payload->text + 2 * i, false);
    return CAPMILL_OK;
}

void cm_synth_frame_payload_fini(struct cm_synth_frame_payload *payload)
{
    free(payload->text);
    free(payload->sums);
    payload->text = NULL;
    payload->sums = NULL;
}
