/* SPDX-License-Identifier: Apache-2.0 */
/* Records and events of any inputs, handed to the writer of one output. */
#include "pipeline/written.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "format/block_types.h"

static size_t length(void *context, const struct cm_record *record)
{
    struct cm_written *written = context;
    struct cm_written_packet packet = {record->bytes, record->n_bytes, record->interface, record->input,
                                       record->time_ns};

    return cm_writer_packet_bytes(written->writer, &packet);
}

static size_t encode(void *context, void *local, const struct cm_record *record, uint8_t *out)
{
    struct cm_written *written = context;
    struct cm_written_packet packet = {record->bytes, record->n_bytes, record->interface, record->input,
                                       record->time_ns};

    (void)local;
    return cm_writer_packet(written->writer, &packet, out);
}

static enum capmill_status append(struct cm_bytes *bytes, const uint8_t *more, size_t n,
                                  struct cm_error *error)
{
    if (bytes->n + n > bytes->capacity) {
        size_t capacity = 2 * (bytes->n + n);
        uint8_t *data = realloc(bytes->data, capacity);

        if (data == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a block of the output");
        bytes->data = data;
        bytes->capacity = capacity;
    }
    memcpy(bytes->data + bytes->n, more, n);
    bytes->n += n;
    return CAPMILL_OK;
}

/* Every file of a sliced output begins with what its packets may refer to: interfaces, names, secrets. Other
 * blocks are records of their own and stand once, where they stood. */
static bool belongs_to_every_file(const struct cm_written *written)
{
    const struct cm_bytes *block = &written->event_bytes;
    uint32_t type;

    if (!written->is_sliced || block->n < 4)
        return false;
    type = cm_load_u32_as(block->data, written->big_endian);
    return type == CM_BLOCK_INTERFACE || type == CM_BLOCK_NAMES || type == CM_BLOCK_SECRETS;
}

static enum capmill_status event(void *context, uint32_t input, const struct cm_event *what,
                                 const uint8_t **bytes_ret, size_t *n_ret, struct cm_error *error)
{
    struct cm_written *written = context;
    enum capmill_status status = CAPMILL_OK;

    written->event_bytes.n = 0;
    if (what->type == CM_EVENT_INTERFACE)
        status = cm_writer_interface(written->writer, input, what->interface, &written->event_bytes, error);
    else if (what->type == CM_EVENT_METADATA)
        status = cm_writer_metadata(written->writer, input, what->interface, what->record,
                                    (size_t)what->n_bytes, &written->event_bytes, error);
    if (status >= 0 && belongs_to_every_file(written))
        status = append(&written->preamble, written->event_bytes.data, written->event_bytes.n, error);
    *bytes_ret = written->event_bytes.data;
    *n_ret = written->event_bytes.n;
    return status;
}

enum capmill_status cm_written_header(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                      struct cm_error *error)
{
    struct cm_written *written = context;
    enum capmill_status status = CAPMILL_OK;

    if (!written->header_made) {
        status = cm_writer_header(written->writer, &written->preamble, error);
        /* interfaces of pcap files are known from the start; those of pcapng files come as events */
        for (uint32_t i = 0; i < written->inputs->n && status >= 0; i++) {
            const struct cm_input *input = &written->inputs->all[i];

            if (!input->is_skipped && input->layout.kind == CM_CAPTURE_PCAP)
                status = cm_writer_interface(written->writer, i, 0, &written->preamble, error);
        }
        written->header_made = true;
    }
    *bytes_ret = written->preamble.data;
    *n_ret = written->preamble.n;
    return status;
}

/* The options of the first section header of a pcapng input go into the written one. */
static enum capmill_status keep_section(struct cm_written *written, struct cm_error *error)
{
    struct cm_input *input = &written->inputs->all[0];
    uint8_t block[64 * 1024];
    struct cm_file *file;
    size_t n = 0;
    enum capmill_status status = CAPMILL_OK;

    if (input->is_skipped || input->layout.kind != CM_CAPTURE_PCAPNG)
        return CAPMILL_OK;
    if (input->is_stream) {
        if (input->first_bytes != NULL) {
            n = input->first_bytes->n_bytes < sizeof(block) ? input->first_bytes->n_bytes : sizeof(block);
            memcpy(block, input->first_bytes->bytes, n);
        }
    } else {
        status = cm_input_acquire(written->inputs, input, &file, error);
        if (status < 0)
            return status;
        status = cm_file_read_at(file, 0, block, sizeof(block), &n, error);
        cm_input_release(written->inputs, input);
    }
    if (status >= 0 && n >= 28) {
        uint32_t block_bytes = cm_load_u32_as(block + 4, input->layout.big_endian);

        if (block_bytes >= 28 && block_bytes <= n)
            status = cm_writer_section(written->writer, 0, block, block_bytes, error);
    }
    return status < 0 ? status : CAPMILL_OK;
}

enum capmill_status cm_written_open(struct cm_written *written, struct cm_inputs *inputs,
                                    const struct cm_writer_wish *wish, bool is_sliced, struct cm_error *error)
{
    struct cm_writer_input *seen = calloc(inputs->n == 0 ? 1 : inputs->n, sizeof(*seen));
    struct cm_writer_options options;
    uint32_t n_seen = 0;
    bool verbatim = true;
    enum capmill_status status;

    memset(written, 0, sizeof(*written));
    written->inputs = inputs;
    if (seen == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u inputs", inputs->n);
    for (uint32_t i = 0; i < inputs->n; i++) {
        if (!inputs->all[i].is_skipped)
            seen[n_seen++] = (struct cm_writer_input){&inputs->all[i].layout, &inputs->all[i].seen};
    }
    status = cm_writer_options_derive(seen, n_seen, wish, &options, error);
    free(seen);
    if (status < 0)
        return status;
    options.keep_simple_packets = inputs->n == 1;
    written->kind = options.kind;
    written->big_endian = options.big_endian;
    written->is_sliced = is_sliced;
    status = cm_writer_open(&options, &written->writer, error);
    for (uint32_t i = 0; i < inputs->n && status >= 0; i++) {
        if (inputs->all[i].is_skipped)
            continue;
        status = cm_writer_add_input(written->writer, i, &inputs->all[i].layout, &inputs->all[i].interfaces,
                                     error);
        if (status >= 0)
            verbatim = verbatim && cm_writer_verbatim(written->writer, i);
    }
    if (status >= 0)
        status = keep_section(written, error);
    if (status < 0) {
        cm_written_close(written);
        return status;
    }
    written->encoder = (struct cm_encoder){
        .context = written, .verbatim = verbatim, .length = length, .encode = encode, .event = event};
    return CAPMILL_OK;
}

void cm_written_close(struct cm_written *written)
{
    cm_writer_close(written->writer);
    cm_bytes_free(&written->preamble);
    cm_bytes_free(&written->event_bytes);
    memset(written, 0, sizeof(*written));
}
