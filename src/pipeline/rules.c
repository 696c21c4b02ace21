/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a job, made into a filter and a transform: everything that can be wrong about them is said
 * before an input is opened. */
#include <string.h>

#include "base/digits.h"
#include "base/wipe.h"
#include "format/capture_writer.h"
#include "os/file.h"
#include "pipeline/run_int.h"

static void warn(void *context, const char *text)
{
    struct capmill_run *run = context;

    cm_state_message(&run->state, CAPMILL_WARNING, "%s", text);
}

static uint32_t written_caplen(void *context, const struct cm_packet *packet)
{
    const struct cm_transform_packet before = {packet->data, packet->caplen, packet->origlen,
                                               packet->link_type};

    return cm_transform_caplen(context, &before);
}

/* Exactly 64 hexadecimal digits, with white space around them. */
static bool decode_hex(const uint8_t *text, size_t n, uint8_t key_ret[CM_TRANSFORM_KEY_BYTES])
{
    while (n > 0 && memchr(" \t\r\n", text[n - 1], 4) != NULL)
        n--;
    while (n > 0 && memchr(" \t\r\n", text[0], 4) != NULL) {
        text++;
        n--;
    }
    if (n != 2 * CM_TRANSFORM_KEY_BYTES)
        return false;
    for (size_t i = 0; i < CM_TRANSFORM_KEY_BYTES; i++) {
        int high = cm_hex_value((char)text[2 * i]);
        int low = cm_hex_value((char)text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        key_ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static enum capmill_status read_key(const struct capmill_word *word, uint8_t key_ret[CM_TRANSFORM_KEY_BYTES],
                                    struct cm_error *error)
{
    uint8_t bytes[256];
    struct cm_file *file;
    size_t n = 0;
    enum capmill_status status = cm_file_open_read(word->value, 0, &file, error);

    while (status >= 0 && status != CAPMILL_END && n < sizeof(bytes)) {
        size_t n_read = 0;

        /* plain reads: a key may come through a pipe */
        status = cm_file_read_some(file, bytes + n, sizeof(bytes) - n, &n_read, error);
        n += n_read;
    }
    cm_file_close(file);
    if (status < 0)
        cm_error_context(error, "%s", cm_transform_origin(word->origin));
    else if (n == CM_TRANSFORM_KEY_BYTES)
        memcpy(key_ret, bytes, n);
    else if (!decode_hex(bytes, n, key_ret))
        status =
            cm_error_set(error, CAPMILL_E_USAGE, 0,
                         "%s: '%.200s' holds no key: that is %d bytes, or twice as many hexadecimal digits",
                         cm_transform_origin(word->origin), word->value, CM_TRANSFORM_KEY_BYTES);
    cm_wipe(bytes, sizeof(bytes));
    return status < 0 ? status : CAPMILL_OK;
}

static enum capmill_status make_transform(struct capmill_run *run, struct cm_error *error)
{
    uint8_t key[CM_TRANSFORM_KEY_BYTES];
    struct cm_transform_options options = {.wishes = &run->job.transform, .warn = warn, .warn_context = run};
    enum capmill_status status = CAPMILL_OK;

    if (run->job.transform.anonymize.value != NULL) {
        status = read_key(&run->job.transform.anonymize, key, error);
        options.key = key;
    }
    if (status >= 0)
        status = cm_transform_create(&options, &run->transform, error);
    cm_wipe(key, sizeof(key));
    return status;
}

enum capmill_status cm_run_make_rules(struct capmill_run *run, struct cm_error *error)
{
    struct cm_filter_options options = {.rules = &run->job.filter,
                                        .unidirectional = run->job.unidirectional,
                                        .warn = warn,
                                        .warn_context = run};
    enum capmill_status status = CAPMILL_OK;

    if (run->job.command == CAPMILL_GENERATE)
        return CAPMILL_OK;
    if (cm_run_writes_packets(run)) /* the others write no packets */
        status = make_transform(run, error);
    if (status < 0)
        return status;
    if (run->transform != NULL && cm_transform_changes_lengths(run->transform)) {
        options.written_caplen = written_caplen;
        options.length_context = run->transform;
    }
    return cm_filter_create(&options, &run->filter, error);
}

/* Times that change by less than a microsecond, or to fractions of it, in captures that know none. */
static void warn_of_units(struct capmill_run *run)
{
    if (run->transform == NULL || run->job.nanoseconds || !cm_transform_makes_nanoseconds(run->transform))
        return;
    for (uint32_t i = 0; i < run->inputs.n; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        for (uint32_t k = 0; !input->is_skipped && k < input->seen.n; k++) {
            if (cm_writer_finer_than_micro(&cm_interfaces_get(&input->seen, k)->units))
                continue;
            cm_state_message(&run->state, CAPMILL_NOTE,
                             "%s has times in microseconds: finer digits of new times are cut off; pcap with "
                             "--resolution ns keeps them",
                             input->path);
            return;
        }
    }
}

/* Who anonymises expects that nothing is left. */
static void warn_of_payload(struct capmill_run *run)
{
    const struct capmill_transform *wishes = &run->job.transform;

    if (wishes->anonymize.value != NULL && wishes->max_payload_bytes.value == NULL)
        cm_state_message(
            &run->state, CAPMILL_NOTE,
            "%s changes headers: payload, tunnels that are not recognised and MAC addresses may still "
            "tell addresses; --max-payload-bytes 0 cuts payload off",
            wishes->anonymize.origin == NULL ? "anonymize" : wishes->anonymize.origin);
}

enum capmill_status cm_run_check_rules(struct capmill_run *run, struct cm_error *error)
{
    struct cm_error first = {0};
    bool any_good = false;
    bool any = false;

    if (cm_run_writes_packets(run)) {
        warn_of_units(run);
        warn_of_payload(run);
    }
    for (uint32_t i = 0; run->filter != NULL && i < run->inputs.n; i++) {
        const struct cm_input *input = &run->inputs.all[i];

        for (uint32_t k = 0; !input->is_skipped && k < input->seen.n; k++) {
            const struct cm_interface *interface = cm_interfaces_get(&input->seen, k);

            any = true;
            if (cm_filter_check_link(run->filter, interface->link_type, &first) >= 0)
                any_good = true;
        }
    }
    if (!any || any_good || first.status >= 0)
        return CAPMILL_OK;
    *error = first; /* it makes sense for no link type that is there */
    return error->status;
}
