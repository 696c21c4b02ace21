/* SPDX-License-Identifier: Apache-2.0 */
/* Listing inputs and looking at their beginnings. Not for reading them (source/) or framing them
 * (decode/). */
#include "pipeline/inputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/grow.h"
#include "core/batch.h"
#include "format/records.h"
#include "source/source.h"

/* Files open at a time, well below the 1024 that systems allow a process by default. */
#define OPEN_FILES 256u
/* The look at a beginning: enough for the interfaces and names in front of the first packet of any usual
 * capture. */
#define LOOK_BYTES (256u * 1024)

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}

static enum capmill_status add(struct cm_inputs *inputs, size_t *capacity, const char *path,
                               struct cm_error *error)
{
    struct cm_input *input;

    if (!CM_GROW(inputs->all, *capacity, (size_t)inputs->n + 1, 16))
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %" PRIu32 " inputs", inputs->n);
    input = &inputs->all[inputs->n];
    memset(input, 0, sizeof(*input));
    input->path = copy_text(path);
    if (input->path == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for the path of an input");
    input->is_stream = strcmp(path, "-") == 0;
    inputs->n++;
    return CAPMILL_OK;
}

static enum capmill_status add_path(struct cm_inputs *inputs, size_t *capacity, const char *path,
                                    struct cm_error *error)
{
    struct cm_file_facts facts;
    char **paths = NULL;
    size_t n = 0;
    enum capmill_status status;

    if (strcmp(path, "-") == 0)
        return add(inputs, capacity, path, error);
    if (cm_path_facts(path, &facts, NULL) == CAPMILL_OK) {
        if (facts.type != CM_FILE_FOLDER)
            return add(inputs, capacity, path, error);
        status = cm_folder_list(path, &paths, &n, error);
        if (status >= 0 && n == 0)
            status = cm_error_set(error, CAPMILL_E_NOT_FOUND, 0, "folder %s holds no files", path);
    } else if (strpbrk(path, "*?[") != NULL) {
        status = cm_glob(path, &paths, &n, error);
        if (status >= 0 && n == 0)
            status = cm_error_set(error, CAPMILL_E_NOT_FOUND, 0, "no file matches %s", path);
    } else {
        return add(inputs, capacity, path, error); /* opening it says what is wrong */
    }
    for (size_t i = 0; i < n && status >= 0; i++)
        status = add(inputs, capacity, paths[i], error);
    free(paths);
    return status;
}

enum capmill_status cm_inputs_list(struct cm_inputs *inputs, const char *const *paths, size_t n_paths,
                                   struct cm_error *error)
{
    size_t capacity = 0;
    bool stdin_named = false;
    enum capmill_status status = CAPMILL_OK;

    memset(inputs, 0, sizeof(*inputs));
    cm_mutex_init(&inputs->lock);
    for (size_t i = 0; i < n_paths && status >= 0; i++) {
        if (strcmp(paths[i], "-") == 0 && stdin_named)
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "standard input (-) is named twice as an input");
        stdin_named = stdin_named || strcmp(paths[i], "-") == 0;
        status = add_path(inputs, &capacity, paths[i], error);
    }
    return status;
}

void cm_input_forget(struct cm_input *input)
{
    cm_interfaces_fini(&input->seen);
    cm_interfaces_fini(&input->private);
    cm_interfaces_fini(&input->interfaces);
    cm_interfaces_init(&input->seen);
    cm_interfaces_init(&input->private);
    cm_interfaces_init(&input->interfaces);
    if (input->first_bytes != NULL)
        cm_segment_release(input->first_bytes);
    input->first_bytes = NULL;
    cm_seams_destroy(input->seams);
    input->seams = NULL;
    cm_file_map_close(input->map);
    input->map = NULL;
}

void cm_inputs_fini(struct cm_inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        struct cm_input *input = &inputs->all[i];

        cm_input_forget(input);
        cm_interfaces_fini(&input->seen);
        cm_interfaces_fini(&input->private);
        cm_interfaces_fini(&input->interfaces);
        cm_file_close(input->file);
        free(input->path);
    }
    free(inputs->all);
    cm_segment_pool_destroy(inputs->look_pool);
    cm_mutex_fini(&inputs->lock);
    memset(inputs, 0, sizeof(*inputs));
}

static enum capmill_status open_file(struct cm_input *input, struct cm_error *error)
{
    if (strcmp(input->path, "-") == 0)
        return cm_file_open_stdin(&input->file, error);
    return cm_file_open_read(input->path, CM_FILE_SEQUENTIAL, &input->file, error);
}

/* Close a file without users, going round: inputs are worked on in order, so the next one round is one of the
 * longest unused, and finding it costs a step. Under the lock. */
static void close_one(struct cm_inputs *inputs)
{
    for (uint32_t steps = 0; steps < inputs->n; steps++) {
        struct cm_input *input = &inputs->all[inputs->hand];

        inputs->hand = inputs->hand + 1 == inputs->n ? 0 : inputs->hand + 1;
        if (input->file != NULL && input->n_users == 0 && !input->is_stream) {
            cm_file_close(input->file);
            input->file = NULL;
            inputs->n_open--;
            return;
        }
    }
}

/* A path that was closed meanwhile may name another file when it is opened again: rotating captures do just
 * that, and what was learnt of the first would be told of the second. Under the lock. */
static enum capmill_status check_same(struct cm_inputs *inputs, struct cm_input *input,
                                      struct cm_error *error)
{
    struct cm_file_facts now;
    enum capmill_status status = cm_file_facts(input->file, &now, error);

    if (status == CAPMILL_OK &&
        (now.volume != input->facts.volume || now.identity[0] != input->facts.identity[0] ||
         now.identity[1] != input->facts.identity[1] || now.size_bytes < input->size))
        status = cm_error_set(
            error, CAPMILL_E_CHANGED, 0,
            "%s is another file than when this run began, or a shorter one; run again when nobody "
            "replaces it",
            input->path);
    if (status < 0) {
        cm_file_close(input->file);
        input->file = NULL;
        inputs->n_open--;
    }
    return status;
}

enum capmill_status cm_input_acquire(struct cm_inputs *inputs, struct cm_input *input,
                                     struct cm_file **file_ret, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    cm_mutex_lock(&inputs->lock);
    if (input->file == NULL) {
        if (inputs->n_open >= OPEN_FILES)
            close_one(inputs);
        status = open_file(input, error);
        if (status == CAPMILL_OK)
            inputs->n_open++;
        if (status == CAPMILL_OK && input->is_known && !input->is_stream)
            status = check_same(inputs, input, error);
    }
    if (status == CAPMILL_OK) {
        input->n_users++;
        *file_ret = input->file;
    }
    cm_mutex_unlock(&inputs->lock);
    return status;
}

void cm_input_release(struct cm_inputs *inputs, struct cm_input *input)
{
    cm_mutex_lock(&inputs->lock);
    input->n_users--;
    cm_mutex_unlock(&inputs->lock);
}

void cm_input_close(struct cm_inputs *inputs, struct cm_input *input)
{
    cm_mutex_lock(&inputs->lock);
    /* a stream that is opened again has lost what was read of it */
    if (input->file != NULL && input->n_users == 0 && !input->is_stream) {
        cm_file_close(input->file);
        input->file = NULL;
        inputs->n_open--;
    }
    cm_mutex_unlock(&inputs->lock);
}

/* The first bytes of an input; *at_end_ret: there are no more. */
static enum capmill_status read_first(struct cm_inputs *inputs, struct cm_input *input, struct cm_file *file,
                                      const struct cm_state *state, bool *at_end_ret, struct cm_error *error)
{
    struct cm_segment *segment;
    size_t n_read = 0;
    enum capmill_status status = CAPMILL_OK;

    cm_mutex_lock(&inputs->lock);
    if (inputs->look_pool == NULL)
        inputs->look_pool = cm_segment_pool_create(CM_SOURCE_HEADROOM_BYTES, LOOK_BYTES);
    cm_mutex_unlock(&inputs->lock);
    segment = inputs->look_pool == NULL ? NULL : cm_segment_pool_acquire(inputs->look_pool);
    if (segment == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to look at %s", input->path);
    input->first_bytes = segment;
    if (input->is_stream) {
        struct cm_source *source =
            cm_stream_source_create(inputs->look_pool, LOOK_BYTES, file, NULL, &state->stop);

        cm_segment_release(segment);
        input->first_bytes = NULL;
        if (source == NULL)
            return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory to look at %s", input->path);
        status = source->next(source, &input->first_bytes, error);
        source->close(source);
        *at_end_ret =
            status == CAPMILL_END || (status == CAPMILL_OK && input->first_bytes->n_bytes < LOOK_BYTES);
    } else {
        status = cm_file_read_at(file, 0, segment->bytes, (size_t)cm_min_u64(LOOK_BYTES, input->size),
                                 &n_read, error);
        segment->n_bytes = n_read;
        *at_end_ret = n_read == input->size;
    }
    return status == CAPMILL_END ? CAPMILL_OK : status;
}

/* The time of the first packet at hand, for telling whether inputs follow one another. */
static void find_first_time(struct cm_input *input, const uint8_t *bytes, size_t n, bool at_end)
{
    struct cm_layout walk = input->layout;
    struct cm_interfaces scratch;
    struct cm_batch *batch = cm_batch_create(0);
    uint64_t offset = input->header_bytes;
    size_t used = 0;

    input->first_ns = UINT64_MAX;
    if (batch == NULL)
        return;
    cm_interfaces_init(&scratch);
    if (walk.kind == CM_CAPTURE_PCAPNG)
        walk.interfaces = &scratch;
    do {
        size_t wanted;
        const char *reason;
        struct cm_error error = {0};

        cm_batch_reset(batch);
        if (cm_layout_frame(&walk, bytes + offset, n - (size_t)offset, offset, UINT64_MAX, at_end, batch,
                            &used, &wanted, &reason, &error) != CM_FRAME_FULL)
            used = 0;
        offset += used;
    } while (batch->n_packets == 0 && used > 0);
    if (batch->n_packets > 0 && !(batch->packets[0].flags & CM_PACKET_NO_TIME))
        input->first_ns = batch->packets[0].time_ns;
    cm_batch_destroy(batch);
    cm_interfaces_fini(&scratch);
}

/* What of the head the plan needs: link types and units of the interfaces that are described before the first
 * packet. */
static enum capmill_status look_at_bytes(struct cm_input *input, bool as_chain, bool at_end,
                                         struct cm_error *error)
{
    static const uint8_t nothing[1];
    const uint8_t *bytes = input->first_bytes == NULL ? nothing : input->first_bytes->bytes;
    size_t n = input->first_bytes == NULL ? 0 : input->first_bytes->n_bytes;
    struct cm_head seen_head;
    enum capmill_status status;

    input->layout.interfaces = &input->seen;
    status = cm_layout_open(&input->layout, input->path, bytes, n, at_end, &input->header_bytes, error);
    if (status == CAPMILL_AGAIN) /* a look is longer than anything that is asked for */
        return cm_error_set(error, CAPMILL_E_FORMAT, 0, "%s is too short to be a capture", input->path);
    if (status < 0)
        return status;
    find_first_time(input, bytes, n, at_end);

    if (input->layout.kind == CM_CAPTURE_PCAP) {
        status = cm_interfaces_append(&input->interfaces, cm_interfaces_get(&input->seen, 0), NULL, 0, error);
        input->head.at_header = input->layout;
        input->head.at_header.interfaces = &input->interfaces;
        input->head.at_packets = input->head.at_header;
        input->head.header_bytes = input->header_bytes;
        input->head.first_packet = input->header_bytes;
        return status;
    }
    /* once for planning, and once for the ranges unless a chain will do it as it goes */
    {
        struct cm_layout private_layout = input->layout;

        private_layout.interfaces = &input->private;
        status = cm_head_frame(&seen_head, &private_layout, input->header_bytes, bytes, n, at_end,
                               &input->seen, error);
        if (status >= 0 && !as_chain) {
            status = cm_head_frame(&input->head, &private_layout, input->header_bytes, bytes, n, at_end,
                                   &input->interfaces, error);
        }
    }
    return status;
}

enum capmill_status cm_input_look(struct cm_inputs *inputs, struct cm_input *input, bool as_chain,
                                  const struct cm_state *state, struct cm_error *error)
{
    struct cm_file *file;
    bool at_end = false;
    enum capmill_status status;

    cm_input_forget(input);
    status = cm_input_acquire(inputs, input, &file, error);
    if (status < 0)
        return status;
    status = cm_file_facts(file, &input->facts, error);
    if (status >= 0) {
        input->is_known = true;
        input->is_stream = input->facts.type != CM_FILE_REGULAR || strcmp(input->path, "-") == 0;
        input->size = input->is_stream ? 0 : input->facts.size_bytes;
        input->is_chained = as_chain || input->is_stream;
        status = read_first(inputs, input, file, state, &at_end, error);
    }
    if (status >= 0)
        status = look_at_bytes(input, input->is_chained, at_end, error);
    if (!input->is_stream && input->first_bytes != NULL) {
        cm_segment_release(input->first_bytes);
        input->first_bytes = NULL;
    }
    /* packets that may be longer than the headroom, by far, are framed as one chain: a search for the next
     * record would have to look further than a range is long */
    if (status >= 0 && input->layout.kind == CM_CAPTURE_PCAP &&
        input->layout.max_packet_bytes > CM_MAX_PACKET_BYTES)
        input->is_chained = true;
    cm_input_release(inputs, input);
    return status;
}

enum capmill_status cm_input_map(struct cm_inputs *inputs, struct cm_input *input, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    cm_mutex_lock(&inputs->lock);
    if (input->map == NULL && input->size > 0) {
        status = cm_file_map_open(input->file, &input->map_bytes, &input->map_n_bytes, &input->map, error);
        if (status >= 0 && input->map_n_bytes < input->size)
            status = cm_error_set(error, CAPMILL_E_CHANGED, 0,
                                  "%s shrank while it was read: it had %" PRIu64 " bytes and now has %zu",
                                  input->path, input->size, input->map_n_bytes);
    }
    cm_mutex_unlock(&inputs->lock);
    return status;
}

/* The file as it is now. A path that leads elsewhere by now tells nothing. */
static bool is_shorter(const struct cm_input *input)
{
    struct cm_file_facts facts;
    enum capmill_status status = input->file != NULL ? cm_file_facts(input->file, &facts, NULL)
                                                     : cm_path_facts(input->path, &facts, NULL);

    return (input->map != NULL && cm_file_map_broken(input->map)) ||
           (status == CAPMILL_OK && facts.volume == input->facts.volume &&
            facts.identity[0] == input->facts.identity[0] && facts.identity[1] == input->facts.identity[1] &&
            facts.size_bytes < input->size);
}

enum capmill_status cm_inputs_check_sizes(const struct cm_inputs *inputs, uint32_t first, uint32_t end,
                                          struct cm_error *error)
{
    for (uint32_t i = first; i < end; i++) {
        const struct cm_input *input = &inputs->all[i];

        if (!input->is_stream && !input->is_skipped && is_shorter(input))
            return cm_error_set(error, CAPMILL_E_CHANGED, 0,
                                "%s shrank while it was read: it had %" PRIu64
                                " bytes; run again when nobody writes to it",
                                input->path, input->size);
    }
    return CAPMILL_OK;
}

bool cm_inputs_have(const struct cm_inputs *inputs, const struct cm_file_facts *facts)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        const struct cm_file_facts *own = &inputs->all[i].facts;

        if (own->volume == facts->volume && own->identity[0] == facts->identity[0] &&
            own->identity[1] == facts->identity[1])
            return true;
    }
    return false;
}

bool cm_inputs_have_stream(const struct cm_inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++) {
        if (inputs->all[i].is_stream && !inputs->all[i].is_skipped)
            return true;
    }
    return false;
}
