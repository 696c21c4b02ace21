/* SPDX-License-Identifier: Apache-2.0 */
/* Words of an output, in any order, each kind once. Not for paths, which may be anything. */
#include "cli/output_words.h"

#include <string.h>

#include "base/checked.h"
#include "cli/option_tables.h"

bool cm_format_of_word(const char *word, size_t n, enum capmill_format *format_ret)
{
    int index = cm_choice_index(CM_FORMAT_WORDS, word, n);

    _Static_assert(CAPMILL_FORMAT_PCAP == 1 && CAPMILL_FORMAT_PCAPNG == 2 && CAPMILL_FORMAT_PARQUET == 3 &&
                       CAPMILL_FORMAT_AVRO == 4 && CAPMILL_FORMAT_JSONL == 5,
                   "the words of formats stand in this order");
    if (cm_choice_index("json", word, n) == 0)
        *format_ret = CAPMILL_FORMAT_JSONL;
    else if (index >= 0)
        *format_ret = (enum capmill_format)(CAPMILL_FORMAT_PCAP + index);
    else
        return false;
    return true;
}

bool cm_codec_of_word(const char *word, size_t n, enum capmill_codec *codec_ret)
{
    /* in the order of CM_CODEC_WORDS: two names of one thing, as Parquet and Avro have it */
    static const enum capmill_codec codecs[] = {CAPMILL_CODEC_NONE, CAPMILL_CODEC_SNAPPY, CAPMILL_CODEC_ZSTD,
                                                CAPMILL_CODEC_GZIP, CAPMILL_CODEC_GZIP,   CAPMILL_CODEC_LZ4};
    int index = cm_choice_index(CM_CODEC_WORDS, word, n);

    if (index >= 0)
        *codec_ret = codecs[index];
    return index >= 0;
}

bool cm_rows_of_word(const char *word, size_t n, enum capmill_rows *rows_ret)
{
    int index = cm_choice_index(CM_ROWS_WORDS, word, n);

    _Static_assert(CAPMILL_ROWS_PACKETS == 1 && CAPMILL_ROWS_FLOWS == 2, "the words stand in this order");
    if (index >= 0)
        *rows_ret = (enum capmill_rows)(CAPMILL_ROWS_PACKETS + index);
    return index >= 0;
}

static bool is_of(const char *word, size_t n, const char *whole)
{
    return strlen(whole) == n && memcmp(word, whole, n) == 0;
}

size_t cm_output_words_bytes(const char *value)
{
    size_t first = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789");
    size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789:-");

    return first > 0 && (value[first] == ':' || value[first] == '=') && value[n] == '=' ? n : 0;
}

/* One word into `output`. False, with what is wrong with it: NULL where it is unknown. */
static bool take_word(const char *word, size_t n, struct capmill_output *output, const char **wrong_ret)
{
    struct capmill_output one = {0};

    *wrong_ret = NULL;
    if (cm_format_of_word(word, n, &one.format)) {
        *wrong_ret = output->format != 0 ? "a second format" : NULL;
        output->format = one.format;
    } else if (cm_codec_of_word(word, n, &one.codec)) {
        *wrong_ret = output->codec != 0 ? "a second codec" : NULL;
        output->codec = one.codec;
    } else if (cm_rows_of_word(word, n, &one.rows)) {
        *wrong_ret = output->rows != 0 ? "rows of two kinds" : NULL;
        output->rows = one.rows;
    } else if (is_of(word, n, CM_COMPRESS_PAYLOAD_WORD)) {
        output->compress_payload = true;
    } else {
        return false;
    }
    return *wrong_ret == NULL;
}

static enum capmill_status refuse_word(const struct cm_setting *setting, size_t at, size_t n,
                                       struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0,
                        "%.300s '%.80s': '%.*s' is no format (" CM_FORMAT_WORDS "), codec (" CM_CODEC_WORDS
                        ") or kind of rows (" CM_ROWS_WORDS "); a file name with = in it begins with ./",
                        setting->origin, setting->value, n < 40 ? (int)n : 40, setting->value + at);
}

/* What has no meaning for a capture. The library would say so too, but knows no word of it. */
static enum capmill_status check_capture(const struct cm_setting *setting,
                                         const struct capmill_output *output, struct cm_error *error)
{
    const char *what = output->codec != 0         ? "have a codec"
                       : output->rows != 0        ? "have rows of packets or flows"
                       : output->compress_payload ? "compress payloads"
                                                  : NULL;

    if (what == NULL || (output->format != CAPMILL_FORMAT_PCAP && output->format != CAPMILL_FORMAT_PCAPNG))
        return CAPMILL_OK;
    return cm_error_set(error, CAPMILL_E_USAGE, 0,
                        "%.300s '%.80s': only tables (parquet, avro, jsonl) %s, and this is a capture",
                        setting->origin, setting->value, what);
}

enum capmill_status cm_output_parse(const struct cm_setting *setting, struct capmill_output *output_ret,
                                    struct cm_error *error)
{
    const char *value = setting->value;
    size_t words_bytes = cm_output_words_bytes(value);
    struct capmill_output output = {.path = words_bytes > 0 ? value + words_bytes + 1 : value};

    for (size_t at = 0; words_bytes > 0 && at <= words_bytes;) {
        size_t n = strcspn(value + at, ":=");
        const char *wrong;

        if (!take_word(value + at, n, &output, &wrong) && wrong == NULL)
            return refuse_word(setting, at, n, error);
        if (wrong != NULL)
            return cm_setting_refuse(setting, &(struct cm_text_fault){at, wrong}, error);
        at += n + 1;
    }
    if (output.path[0] == 0)
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s: expected a file name or -", setting->origin);
    *output_ret = output;
    return check_capture(setting, &output, error);
}
