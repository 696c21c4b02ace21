/* SPDX-License-Identifier: Apache-2.0 */
/* Wording the notes of tables. */
#include "pipeline/table_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "format/content_hash.h"
#include "format/utf8_repair.h"

/* Names of inputs in a file's metadata: thousands of rotated captures must not make footers of megabytes. */
#define MAX_NAMED_INPUTS 64u
/* Of a hashed sample; three to five of them tell captures apart whose size and times are equal. */
#define SAMPLE_BYTES (64u * 1024)
#define N_SAMPLES    5u

struct text {
    char *bytes;
    size_t n, capacity;
    bool failed;
};

CM_PRINTF(2, 3) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (n < 0 || text->failed || !CM_GROW(text->bytes, text->capacity, text->n + (size_t)n + 1, 256)) {
        text->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text->bytes + text->n, (size_t)n + 1, format, arguments);
    va_end(arguments);
    text->n += (size_t)n;
}

/* --- filter and changes in words --- */

static const char *const field_names[CAPMILL_FILTER_FIELDS + 1] = {
    [CAPMILL_FILTER_PROTO] = "proto",
    [CAPMILL_FILTER_SRC_IP] = "src-ip",
    [CAPMILL_FILTER_DST_IP] = "dst-ip",
    [CAPMILL_FILTER_IP] = "ip",
    [CAPMILL_FILTER_SRC_PORT] = "src-port",
    [CAPMILL_FILTER_DST_PORT] = "dst-port",
    [CAPMILL_FILTER_PORT] = "port",
    [CAPMILL_FILTER_FLOW_ID] = "flow-id",
    [CAPMILL_FILTER_FROM] = "from",
    [CAPMILL_FILTER_TO] = "to",
    [CAPMILL_FILTER_TCP_FLAGS] = "tcp-flags",
    [CAPMILL_FILTER_MIN_LEN] = "min-len",
    [CAPMILL_FILTER_MAX_LEN] = "max-len",
    [CAPMILL_FILTER_PAYLOAD_BYTES] = "payload-bytes",
    [CAPMILL_FILTER_PAYLOAD_REGEX] = "payload-regex",
    [CAPMILL_FILTER_EXPRESSION] = "filter",
};

/* "port=80 not(src-ip=10.0.0.0/8) or(...)". Depth was checked when the filter was compiled. */
static void add_group(struct text *text, const struct capmill_filter_group *group)
{
    const char *gap = "";

    for (size_t i = 0; i < group->n_rules; i++) {
        const struct capmill_filter_rule *rule = &group->rules[i];

        add(text, rule->negate ? "%snot(%s=%s)" : "%s%s=%s", gap, field_names[rule->field], rule->value);
        gap = " ";
    }
    for (size_t i = 0; i < group->n_groups; i++) {
        static const char *const names[] = {"and", "or", "not"};

        add(text, "%s%s(", gap, names[group->groups[i].op]);
        add_group(text, &group->groups[i]);
        add(text, ")");
        gap = " ";
    }
}

static void add_filter(struct text *text, const struct capmill_filter *filter)
{
    add_group(text, &filter->rules);
    if (filter->min_flow_packets > 1)
        add(text, "%smin-flow-packets=%llu", text->n > 0 ? " " : "",
            (unsigned long long)filter->min_flow_packets);
    if (filter->decap)
        add(text, "%sdecap", text->n > 0 ? " " : "");
}

static void add_words(struct text *text, const char *name, const struct capmill_word *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (words[i].value != NULL)
            add(text, "%s%s=%s", text->n > 0 ? " " : "", name, words[i].value);
    }
}

/* The path of an anonymisation key stays out: that there was one is all that a reader need know. */
static void add_changes(struct text *text, const struct capmill_transform *changes)
{
    static const char *const checksums[] = {"auto", "fix", "keep"};

    add_words(text, "timestamp-start", &changes->timestamp_start, 1);
    add_words(text, "time-offset", &changes->time_offset, 1);
    add_words(text, "time-scale", &changes->time_scale, 1);
    add_words(text, "replace-ip", changes->replace_ip, changes->n_replace_ip);
    if (changes->anonymize.value != NULL)
        add(text, "%sanonymize", text->n > 0 ? " " : "");
    add_words(text, "replace-mac", changes->replace_mac, changes->n_replace_mac);
    add_words(text, "replace-vlan", changes->replace_vlan, changes->n_replace_vlan);
    add_words(text, "replace-port", changes->replace_port, changes->n_replace_port);
    add_words(text, "max-payload-bytes", &changes->max_payload_bytes, 1);
    for (size_t i = 0; i < changes->n_truncate; i++)
        add(text, "%struncate(%s:%s=%s)", text->n > 0 ? " " : "",
            changes->truncate[i].protocol.value != NULL ? changes->truncate[i].protocol.value : "*",
            changes->truncate[i].port.value != NULL ? changes->truncate[i].port.value : "*",
            changes->truncate[i].max_payload_bytes.value != NULL
                ? changes->truncate[i].max_payload_bytes.value
                : "");
    if (changes->checksums != CAPMILL_CHECKSUMS_AUTO)
        add(text, "%schecksums=%s", text->n > 0 ? " " : "", checksums[changes->checksums]);
}

static void add_inputs(struct text *text, const struct cm_inputs *inputs)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < inputs->n; i++) {
        if (inputs->all[i].is_skipped)
            continue;
        if (n < MAX_NAMED_INPUTS)
            add(text, "%s%s", n > 0 ? "\n" : "", inputs->all[i].path);
        n++;
    }
    if (n > MAX_NAMED_INPUTS)
        add(text, "\n(%u more)", n - MAX_NAMED_INPUTS);
}

/* What readers of every format take: names of files may hold bytes that are no UTF-8. */
static void repair(struct text *text)
{
    uint8_t *repaired;

    if (text->failed || cm_utf8_is_valid((const uint8_t *)text->bytes, text->n))
        return;
    repaired = malloc(text->n * CM_UTF8_REPAIR_GROWTH + 1);
    text->failed = repaired == NULL;
    if (text->failed)
        return;
    *cm_utf8_repair((const uint8_t *)text->bytes, text->n, repaired) = 0;
    free(text->bytes);
    text->bytes = (char *)repaired;
}

/* A note takes the text where there is one. */
static void take(struct cm_table_notes *notes, const char *key, struct text *text)
{
    if (text->n == 0) {
        free(text->bytes);
        return;
    }
    repair(text);
    notes->texts[notes->n] = text->bytes;
    notes->notes[notes->n++] = (struct cm_table_note){key, text->bytes};
}

/* --- hashes --- */

/* Of size and samples spread over the file: enough to tell whether it is the same capture, at no cost that a
 * terabyte would notice. */
static enum capmill_status hash_input(struct capmill_run *run, struct cm_input *input, uint8_t *sample,
                                      uint64_t *hash_ret, struct cm_error *error)
{
    struct cm_content_hash hash;
    struct cm_file *file;
    enum capmill_status status = cm_input_acquire(&run->inputs, input, &file, error);

    if (status < 0)
        return status;
    cm_content_hash_begin(&hash, input->size);
    for (uint64_t i = 0; i < N_SAMPLES && status >= 0; i++) {
        uint64_t room = input->size > SAMPLE_BYTES ? input->size - SAMPLE_BYTES : 0;
        size_t n = 0;

        status = cm_file_read_at(file, room / (N_SAMPLES - 1) * i, sample, SAMPLE_BYTES, &n, error);
        if (status >= 0)
            cm_content_hash_add(&hash, sample, n);
    }
    *hash_ret = cm_content_hash_end(&hash);
    cm_input_release(&run->inputs, input);
    return status < 0 ? status : CAPMILL_OK;
}

static enum capmill_status list_inputs(struct capmill_run *run, bool hashes, struct cm_table_notes *notes,
                                       struct cm_error *error)
{
    uint8_t *sample = hashes ? malloc(SAMPLE_BYTES) : NULL;
    enum capmill_status status = CAPMILL_OK;

    notes->inputs = calloc((size_t)run->inputs.n + 1, sizeof(*notes->inputs));
    if (notes->inputs == NULL || (hashes && sample == NULL))
        status = cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to list inputs");
    for (uint32_t i = 0; i < run->inputs.n && status >= 0; i++) {
        struct cm_input *input = &run->inputs.all[i];
        struct cm_manifest_input *listed = &notes->inputs[notes->n_inputs];

        if (input->is_skipped)
            continue;
        *listed = (struct cm_manifest_input){.path = input->path, .n_bytes = input->size};
        if (hashes && !input->is_stream) {
            listed->has_hash = true;
            status = hash_input(run, input, sample, &listed->hash, error);
        }
        notes->n_inputs++;
    }
    free(sample);
    return status;
}

enum capmill_status cm_table_notes_make(struct capmill_run *run, bool hashes, struct cm_table_notes *notes,
                                        struct cm_error *error)
{
    struct text inputs = {0};
    struct text filter = {0};
    struct text changes = {0};

    *notes = (struct cm_table_notes){0};
    notes->notes[notes->n++] = (struct cm_table_note){"capmill.version", capmill_version()};
    add_inputs(&inputs, &run->inputs);
    add_filter(&filter, &run->job.filter);
    add_changes(&changes, &run->job.transform);
    take(notes, "capmill.inputs", &inputs);
    take(notes, "capmill.filter", &filter);
    take(notes, "capmill.changes", &changes);
    if (inputs.failed || filter.failed || changes.failed) {
        cm_table_notes_free(notes);
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for what a table says of itself");
    }
    return list_inputs(run, hashes, notes, error);
}

void cm_table_notes_free(struct cm_table_notes *notes)
{
    for (size_t i = 0; i < CM_MAX_TABLE_NOTES; i++)
        free(notes->texts[i]);
    free(notes->inputs);
    *notes = (struct cm_table_notes){0};
}
