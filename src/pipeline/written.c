/* SPDX-License-Identifier: Apache-2.0 */
/* Records and events of any inputs, handed to the writer of one output. */
#include "pipeline/written.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "format/block_types.h"

static struct cm_written_packet packet_of(const struct cm_record *record)
{
    return (struct cm_written_packet){record->bytes, record->n_bytes, record->interface, record->input,
                                      record->time_ns};
}

static size_t length(void *context, const struct cm_record *record)
{
    struct cm_written *written = context;
    struct cm_written_packet packet = packet_of(record);

    return cm_writer_packet_bytes(written->writer, &packet);
}

static enum capmill_status fail_changed(const struct cm_written *written, const struct cm_record *record,
                                        struct cm_error *error)
{
    return cm_error_set(
        error, CAPMILL_E_CHANGED, 0,
        "%s: a packet changed its length while it was read; run again when nobody writes to it",
        written->inputs->all[record->input].path);
}

static enum capmill_status encode(void *context, void *local, const struct cm_record *record, size_t n,
                                  uint8_t *out, struct cm_error *error)
{
    struct cm_written *written = context;
    struct cm_written_packet packet = packet_of(record);

    (void)local;
    if (cm_writer_packet_bytes(written->writer, &packet) != n)
        return fail_changed(written, record, error);
    cm_writer_packet(written->writer, &packet, out);
    return CAPMILL_OK;
}

/* --- changes on the way --- */

static size_t changed_length(void *context, const struct cm_record *record)
{
    struct cm_written *written = context;
    struct cm_written_packet packet;
    struct cm_record_body body;
    uint32_t caplen;

    if (written->keeps_record_bytes)
        return record->n_bytes;
    packet = packet_of(record);
    cm_writer_body(written->writer, &packet, &body);
    caplen = body.caplen;
    if (written->changes_lengths) {
        struct cm_transform_packet before = {body.data, body.caplen, body.origlen, body.link_type};

        caplen = cm_transform_caplen(written->transform, &before);
    }
    return cm_writer_changed_bytes(written->writer, &packet, caplen);
}

static void tell_first(void *context, uint64_t time_ns)
{
    struct cm_written *written = context;

    if (!written->has_first)
        written->first_ns = time_ns;
    written->has_first = true;
}

/* What has no time stands before the first packet that has one, and is written with its time. */
static uint64_t new_time(const struct cm_written *written, uint64_t time_ns, bool *saturated_ret)
{
    return cm_transform_time(written->transform, cm_max_u64(time_ns, written->first_ns), written->first_ns,
                             saturated_ret);
}

static uint64_t changed_time(void *context, uint64_t time_ns)
{
    return new_time(context, time_ns, NULL);
}

/* The packet's bytes as written, at `out`. */
static enum capmill_status change_bytes(struct cm_written *written, void *local,
                                        const struct cm_record *record, const struct cm_record_body *body,
                                        uint8_t *out, size_t room, struct cm_packet_change *change,
                                        struct cm_error *error)
{
    struct cm_transform_packet before = {body->data, body->caplen, body->origlen, body->link_type};
    struct cm_transform_result after;

    if (!written->changes_packets) {
        if (body->caplen > room)
            return fail_changed(written, record, error);
        memcpy(out, body->data, body->caplen);
        change->caplen = body->caplen;
        change->origlen = body->origlen;
        return CAPMILL_OK;
    }
    if (!cm_transform_packet(local, &before, out, room, &after))
        return after.caplen != 0 ? fail_changed(written, record, error)
                                 : cm_error_set(error, CAPMILL_E_MEMORY, 0,
                                                "no memory to change a packet of %u bytes", body->caplen);
    change->caplen = after.caplen;
    change->origlen = after.origlen;
    return CAPMILL_OK;
}

/* The time as written, counted where it does not fit. */
static uint64_t counted_time(struct cm_written *written, uint64_t time_ns)
{
    bool saturated = false;
    uint64_t written_ns = new_time(written, time_ns, &saturated);

    if (saturated)
        atomic_fetch_add_explicit(&written->n_saturated, 1, memory_order_relaxed);
    return written_ns;
}

static bool is_beyond_pcap(const struct cm_written *written, uint64_t time_ns)
{
    return written->kind == CM_CAPTURE_PCAP && time_ns != UINT64_MAX && time_ns / 1000000000 > UINT32_MAX;
}

static enum capmill_status changed_encode(void *context, void *local, const struct cm_record *record,
                                          size_t n, uint8_t *out, struct cm_error *error)
{
    struct cm_written *written = context;
    struct cm_written_packet packet = packet_of(record);
    size_t data_at = cm_writer_data_offset(written->writer, &packet);
    struct cm_packet_change change = {0};
    struct cm_record_body body;
    enum capmill_status status;

    cm_writer_body(written->writer, &packet, &body);
    if (n < data_at)
        return fail_changed(written, record, error);
    status = change_bytes(written, local, record, &body, out + data_at, n - data_at, &change, error);
    if (status < 0)
        return status;
    if (cm_writer_changed_bytes(written->writer, &packet, change.caplen) != n)
        return fail_changed(written, record, error);
    if (written->changes_times) {
        change.has_time = true;
        change.time_ns = counted_time(written, record->time_ns);
        if (is_beyond_pcap(written, change.time_ns))
            atomic_fetch_add_explicit(&written->n_beyond_pcap, 1, memory_order_relaxed);
    }
    cm_writer_changed_packet(written->writer, &packet, &change, out);
    return CAPMILL_OK;
}

void cm_written_set_first(struct cm_written *written, uint64_t first_ns)
{
    tell_first(written, first_ns);
}

size_t cm_written_room(const struct cm_written *written, const struct cm_record *record)
{
    return written->changes_packets ? (size_t)record->n_bytes + CM_TRANSFORM_GROWTH_BYTES : 0;
}

enum capmill_status cm_written_render(struct cm_written *written, void *local, const struct cm_record *record,
                                      uint8_t *scratch, size_t room, struct cm_packet *packet_ret,
                                      struct cm_error *error)
{
    struct cm_written_packet packet = packet_of(record);
    struct cm_packet_change change;
    struct cm_record_body body;

    cm_writer_body(written->writer, &packet, &body);
    change = (struct cm_packet_change){.caplen = body.caplen, .origlen = body.origlen};
    if (written->changes_packets) {
        enum capmill_status status =
            change_bytes(written, local, record, &body, scratch, room, &change, error);

        if (status < 0)
            return status;
    }
    *packet_ret = (struct cm_packet){
        .data = written->changes_packets ? scratch : body.data,
        .time_ns = written->changes_times ? counted_time(written, record->time_ns) : record->time_ns,
        .caplen = change.caplen,
        .origlen = change.origlen,
        .record_bytes = record->n_bytes,
        .interface = record->interface,
        .link_type = body.link_type,
    };
    return CAPMILL_OK;
}

size_t cm_written_bytes_as(const struct cm_written *written, const struct cm_record *record,
                           const struct cm_packet *as)
{
    struct cm_written_packet packet = packet_of(record);

    return written->transform == NULL ? cm_writer_packet_bytes(written->writer, &packet)
                                      : cm_writer_changed_bytes(written->writer, &packet, as->caplen);
}

void cm_written_put_as(struct cm_written *written, const struct cm_record *record, const struct cm_packet *as,
                       uint8_t *out)
{
    struct cm_written_packet packet = packet_of(record);
    struct cm_packet_change change = {.caplen = as->caplen, .origlen = as->origlen};

    if (written->transform == NULL) {
        cm_writer_packet(written->writer, &packet, out);
        return;
    }
    memcpy(out + cm_writer_data_offset(written->writer, &packet), as->data, as->caplen);
    if (written->changes_times) {
        change.has_time = true;
        change.time_ns = as->time_ns;
        if (is_beyond_pcap(written, change.time_ns))
            atomic_fetch_add_explicit(&written->n_beyond_pcap, 1, memory_order_relaxed);
    }
    cm_writer_changed_packet(written->writer, &packet, &change, out);
}

static enum capmill_status open_local(void *context, void **local_ret, struct cm_error *error)
{
    struct cm_written *written = context;

    *local_ret = cm_transform_local_create(written->transform);
    return *local_ret != NULL ? CAPMILL_OK
                              : cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to change packets");
}

static void close_local(void *context, void *local)
{
    (void)context;
    cm_transform_local_destroy(local);
}

/* Of a block beside the packets. What comes before the first packet stays as it is where that says how far
 * all are moved. */
static uint64_t cover_time(void *context, uint64_t time_ns)
{
    struct cm_written *written = context;

    if (!written->has_first && cm_transform_needs_first_time(written->transform))
        return time_ns;
    return cm_transform_time(written->transform, time_ns, written->first_ns, NULL);
}

static void cover_ipv4(void *context, uint8_t address[4])
{
    cm_transform_ipv4(((struct cm_written *)context)->transform, address);
}

static void cover_ipv6(void *context, uint8_t address[16])
{
    cm_transform_ipv6(((struct cm_written *)context)->transform, address);
}

static void cover_mac(void *context, uint8_t address[6])
{
    cm_transform_mac(((struct cm_written *)context)->transform, address);
}

static void cover_name(void *context, const char *name, size_t n, char text_ret[24])
{
    cm_transform_name(((struct cm_written *)context)->transform, name, n, text_ret);
}

static void set_cover(struct cm_written *written)
{
    struct cm_writer_cover cover = {.context = written, .hide = cm_transform_anonymizes(written->transform)};

    if (written->changes_packets) {
        cover.ipv4 = cover_ipv4;
        cover.ipv6 = cover_ipv6;
        cover.mac = cover_mac;
        cover.name = cover_name;
    }
    if (written->changes_times)
        cover.time = cover_time;
    cm_writer_set_cover(written->writer, &cover);
}

static struct cm_encoder changing_encoder(struct cm_written *written)
{
    struct cm_encoder encoder = written->encoder;

    encoder.verbatim = false;
    encoder.length = changed_length;
    encoder.encode = changed_encode;
    if (written->changes_packets) {
        encoder.open = open_local;
        encoder.close = close_local;
    }
    if (written->changes_times) {
        encoder.time = changed_time;
        encoder.first = tell_first;
    }
    return encoder;
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

/* Nearly every section header is shorter than this. */
#define SECTION_BYTES_USUAL (4u * 1024)

/* The first bytes of an input, at most `capacity`. */
static enum capmill_status read_section(struct cm_inputs *inputs, struct cm_input *input, uint8_t *block,
                                        size_t capacity, size_t *n_ret, struct cm_error *error)
{
    struct cm_file *file;
    enum capmill_status status;

    *n_ret = 0;
    if (input->is_stream) {
        if (input->first_bytes != NULL) {
            *n_ret = (size_t)cm_min_u64(input->first_bytes->n_bytes, capacity);
            memcpy(block, input->first_bytes->bytes, *n_ret);
        }
        return CAPMILL_OK;
    }
    status = cm_input_acquire(inputs, input, &file, error);
    if (status < 0)
        return status;
    status = cm_file_read_at(file, 0, block, capacity, n_ret, error);
    cm_input_release(inputs, input);
    return status < 0 ? status : CAPMILL_OK;
}

/* The options of the first section header of the first input go into the written one. */
static enum capmill_status keep_section(struct cm_written *written, struct cm_error *error)
{
    struct cm_input *input = NULL;
    uint8_t *block;
    size_t n = 0;
    uint32_t block_bytes;
    enum capmill_status status;

    for (uint32_t i = 0; i < written->inputs->n && input == NULL; i++) {
        if (!written->inputs->all[i].is_skipped)
            input = &written->inputs->all[i];
    }
    if (input == NULL || input->layout.kind != CM_CAPTURE_PCAPNG)
        return CAPMILL_OK;
    for (size_t capacity = SECTION_BYTES_USUAL;; capacity = block_bytes) {
        block = malloc(capacity);
        if (block == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for a section header");
        status = read_section(written->inputs, input, block, capacity, &n, error);
        if (status < 0 || n < 28)
            break;
        block_bytes = cm_load_u32_as(block + 4, input->layout.big_endian);
        if (block_bytes >= 28 && block_bytes <= n)
            status = cm_writer_section(written->writer, 0, block, block_bytes, error);
        if (block_bytes <= n || capacity > SECTION_BYTES_USUAL || block_bytes > CM_MAX_BLOCK_BYTES)
            break;
        free(block);
    }
    free(block);
    return status;
}

enum capmill_status cm_written_open(struct cm_written *written, struct cm_inputs *inputs,
                                    const struct cm_writer_wish *wish, struct cm_transform *transform,
                                    bool is_sliced, struct cm_error *error)
{
    struct cm_writer_input *seen = calloc(inputs->n == 0 ? 1 : inputs->n, sizeof(*seen));
    struct cm_writer_options options;
    uint32_t n_seen = 0;
    bool verbatim = true;
    enum capmill_status status;

    memset(written, 0, sizeof(*written));
    written->inputs = inputs;
    written->transform = transform;
    atomic_init(&written->n_saturated, 0);
    atomic_init(&written->n_beyond_pcap, 0);
    if (transform != NULL) {
        written->changes_packets = cm_transform_changes_packets(transform);
        written->changes_lengths = cm_transform_changes_lengths(transform);
        written->changes_times = cm_transform_changes_times(transform);
    }
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
    options.retimed = written->changes_times;
    options.bytes_change = written->changes_packets;
    options.growth_bytes = transform != NULL && cm_transform_grows(transform) ? CM_TRANSFORM_GROWTH_BYTES : 0;
    written->kind = options.kind;
    written->big_endian = options.big_endian;
    written->is_sliced = is_sliced;
    status = cm_writer_open(&options, &written->writer, error);
    if (status >= 0 && transform != NULL)
        set_cover(written);
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
    if (transform != NULL) {
        /* what is written verbatim is pcap in its own form: only lengths make a difference to its records */
        written->keeps_record_bytes = verbatim && !written->changes_lengths;
        written->encoder = changing_encoder(written);
    }
    return CAPMILL_OK;
}

void cm_written_close(struct cm_written *written)
{
    cm_writer_close(written->writer);
    cm_bytes_free(&written->preamble);
    cm_bytes_free(&written->event_bytes);
    memset(written, 0, sizeof(*written));
}
