/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite [--to pcap|pcapng] [--order little|big] [--units micro|nano] [--cut N] [--grow N] [--shift NS]
 * [--hide yes] IN OUT: read a capture whole and write it again in file order, for
 * tests/differential/rewrite_vs_tshark.py. It proves the writer without the machine around it. --cut leaves N
 * bytes of each packet, --grow adds N bytes of zero, --shift moves times, --hide hides what stands beside the
 * packets: all of these write packets as changed ones. Prints packets, damaged places, what was dropped and
 * hidden, and whether records were copied unchanged. Exit status: 0 done, 1 failed or refused, 3 done but the
 * input was damaged. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "core/batch.h"
#include "format/capture_writer.h"
#include "format/records.h"

struct whole_file {
    uint8_t *bytes;
    size_t n;
};

/* What happens to packets on the way. */
struct change_wish {
    bool any, hide;
    uint32_t cut_bytes, grow_bytes;
    int64_t shift_ns;
};

/* One walk through the input. `writer` NULL: only make the interfaces known. */
struct walk {
    struct cm_layout layout;
    struct cm_interfaces table;
    struct cm_writer *writer;
    const struct change_wish *wish;
    struct cm_bytes out;
    FILE *file;
    bool header_written;
    uint64_t n_packets;
    uint64_t n_damaged;
};

static bool read_whole(const char *path, struct whole_file *file_ret)
{
    FILE *file = fopen(path, "rb");
    long n;
    bool done;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (n = ftell(file)) < 0)
        return false;
    rewind(file);
    file_ret->n = (size_t)n;
    file_ret->bytes = malloc(file_ret->n + 1);
    done = file_ret->bytes != NULL && fread(file_ret->bytes, 1, file_ret->n, file) == file_ret->n;
    fclose(file);
    return done;
}

static bool flush(struct walk *walk)
{
    bool done = fwrite(walk->out.data, 1, walk->out.n, walk->file) == walk->out.n;

    walk->out.n = 0;
    return done;
}

static bool write_header(struct walk *walk, struct cm_error *error)
{
    if (walk->header_written)
        return true;
    walk->header_written = true;
    if (cm_writer_header(walk->writer, &walk->out, error) < 0)
        return false;
    if (walk->layout.kind == CM_CAPTURE_PCAP &&
        cm_writer_interface(walk->writer, 0, 0, &walk->out, error) < 0)
        return false;
    return flush(walk);
}

static bool take_event(struct walk *walk, const struct cm_event *event, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;

    if (event->type == CM_EVENT_DAMAGE)
        walk->n_damaged++;
    if (walk->writer == NULL || event->type == CM_EVENT_DAMAGE)
        return true;
    if (event->type == CM_EVENT_SECTION)
        return cm_writer_section(walk->writer, 0, event->record, (size_t)event->n_bytes, error) >= 0;
    if (!write_header(walk, error))
        return false;
    if (event->type == CM_EVENT_INTERFACE)
        status = cm_writer_interface(walk->writer, 0, event->interface, &walk->out, error);
    else
        status = cm_writer_metadata(walk->writer, 0, event->interface, event->record, (size_t)event->n_bytes,
                                    &walk->out, error);
    return status >= 0 && flush(walk);
}

static uint64_t shifted(uint64_t time_ns, int64_t shift_ns)
{
    if (shift_ns >= 0)
        return cm_add_saturating_u64(time_ns, (uint64_t)shift_ns);
    return time_ns < (uint64_t)-shift_ns ? 0 : time_ns - (uint64_t)-shift_ns;
}

static struct cm_packet_change change_of(const struct change_wish *wish, const struct cm_record_body *body,
                                         uint64_t time_ns)
{
    struct cm_packet_change change = {.caplen = (uint32_t)cm_min_u64(body->caplen, wish->cut_bytes),
                                      .origlen = body->origlen,
                                      .has_time = wish->shift_ns != 0};

    if (change.caplen < CM_MAX_PACKET_BYTES && wish->grow_bytes <= CM_MAX_PACKET_BYTES - change.caplen) {
        change.caplen += wish->grow_bytes;
        if (change.origlen <= UINT32_MAX - wish->grow_bytes)
            change.origlen += wish->grow_bytes;
    }
    if (change.has_time)
        change.time_ns = shifted(time_ns, wish->shift_ns);
    return change;
}

/* The packet as written, in memory of its own so that a sanitizer sees one byte too many. *n_ret: what was
 * foretold, *written_ret what the writer says. */
static uint8_t *encode(const struct walk *walk, const struct cm_written_packet *packet, size_t *n_ret,
                       size_t *written_ret)
{
    struct cm_packet_change change;
    struct cm_record_body body;
    uint8_t *out, *data;

    if (!walk->wish->any) {
        *n_ret = cm_writer_packet_bytes(walk->writer, packet);
        out = malloc(*n_ret);
        if (out != NULL)
            *written_ret = cm_writer_packet(walk->writer, packet, out);
        return out;
    }
    cm_writer_body(walk->writer, packet, &body);
    change = change_of(walk->wish, &body, packet->time_ns);
    *n_ret = cm_writer_changed_bytes(walk->writer, packet, change.caplen);
    out = malloc(*n_ret);
    if (out == NULL)
        return NULL;
    data = out + cm_writer_data_offset(walk->writer, packet);
    memset(data, 0, change.caplen);
    memcpy(data, body.data, cm_min_u64(body.caplen, walk->wish->cut_bytes));
    *written_ret = cm_writer_changed_packet(walk->writer, packet, &change, out);
    return out;
}

static bool take_packet(struct walk *walk, const struct cm_packet *packet, struct cm_error *error)
{
    struct cm_written_packet written = {.record = cm_packet_record(packet),
                                        .record_bytes = packet->record_bytes,
                                        .interface = packet->interface,
                                        .time_ns = packet->time_ns};
    size_t n, n_written;
    uint8_t *exact;
    bool done;

    walk->n_packets++;
    if (walk->writer == NULL)
        return true;
    if (!write_header(walk, error))
        return false;
    exact = encode(walk, &written, &n, &n_written);
    if (exact == NULL)
        return false;
    if (n_written != n)
        fprintf(stderr, "rewrite: a packet of %zu bytes was foretold as %zu\n", n_written, n);
    done = n_written == n && fwrite(exact, 1, n, walk->file) == n;
    free(exact);
    return done;
}

static bool take_batch(struct walk *walk, const struct cm_batch *batch, struct cm_error *error)
{
    uint32_t e = 0;

    for (uint32_t i = 0; i <= batch->n_packets; i++) {
        while (e < batch->n_events && batch->events[e].before_packet == i)
            if (!take_event(walk, &batch->events[e++], error))
                return false;
        if (i < batch->n_packets && !take_packet(walk, &batch->packets[i], error))
            return false;
    }
    return true;
}

static bool walk_through(struct walk *walk, const struct whole_file *in, size_t at, struct cm_error *error)
{
    struct cm_batch *batch = calloc(1, sizeof(*batch));
    bool going = batch != NULL;

    while (going) {
        size_t used = 0, wanted = 0, skip = 0;
        const char *reason = NULL;
        enum cm_frame_result result;

        batch->n_packets = batch->n_events = 0;
        result = cm_layout_frame(&walk->layout, in->bytes + at, in->n - at, at, UINT64_MAX, true, batch,
                                 &used, &wanted, &reason, error);
        at += used;
        if (!take_batch(walk, batch, error)) {
            free(batch);
            return false;
        }
        if (result == CM_FRAME_DAMAGE) {
            walk->n_damaged++;
            going = cm_layout_resync(&walk->layout, in->bytes + at, in->n - at, true, &skip, &wanted) ==
                        CAPMILL_OK &&
                    skip != 0;
            at += skip;
        } else {
            going = result == CM_FRAME_FULL;
        }
    }
    free(batch);
    return true;
}

static bool begin(struct walk *walk, const struct whole_file *in, const char *path, size_t *at_ret,
                  struct cm_error *error)
{
    cm_interfaces_init(&walk->table);
    walk->layout.interfaces = &walk->table;
    return cm_layout_open(&walk->layout, path, in->bytes, in->n, true, at_ret, error) == CAPMILL_OK;
}

static void end(struct walk *walk)
{
    cm_interfaces_fini(&walk->table);
    cm_bytes_free(&walk->out);
}

static void hide_name(void *context, const char *name, size_t n, char text_ret[24])
{
    (void)context;
    (void)name;
    snprintf(text_ret, 24, "host-%u", (unsigned)n);
}

static uint64_t move_time(void *context, uint64_t time_ns)
{
    const struct change_wish *change = context;

    return shifted(time_ns, change->shift_ns);
}

/* "little", "big", or NULL for the input's. */
static bool rewrite(const struct whole_file *in, const char *path, const char *out_path,
                    const struct cm_writer_wish *wish, const char *order, struct change_wish *change,
                    bool *damaged_ret, struct cm_error *error)
{
    struct walk first = {0}, second = {0};
    struct cm_writer_options options;
    struct cm_writer_input input = {.layout = &first.layout, .interfaces = &first.table};
    bool done = false;
    size_t at;

    if (!begin(&first, in, path, &at, error) || !walk_through(&first, in, at, error))
        goto cleanup;
    if (cm_writer_options_derive(&input, 1, wish, &options, error) < 0)
        goto cleanup;
    if (order != NULL)
        options.big_endian = strcmp(order, "big") == 0;
    options.growth_bytes = change->grow_bytes;
    options.retimed = change->shift_ns != 0;
    options.bytes_change = change->cut_bytes != UINT32_MAX || change->grow_bytes != 0;
    second.wish = change;
    if (!begin(&second, in, path, &at, error) || (second.file = fopen(out_path, "wb")) == NULL ||
        cm_writer_open(&options, &second.writer, error) < 0 ||
        cm_writer_add_input(second.writer, 0, &second.layout, &second.table, error) < 0)
        goto cleanup;
    if (change->any)
        cm_writer_set_cover(second.writer, &(struct cm_writer_cover){.context = change,
                                                                     .hide = change->hide,
                                                                     .name = hide_name,
                                                                     .time = move_time});
    done = walk_through(&second, in, at, error) && write_header(&second, error);
    printf("packets %" PRIu64 " damaged %" PRIu64 " dropped %" PRIu64 " hidden %" PRIu64 " verbatim %d\n",
           second.n_packets, second.n_damaged, cm_writer_dropped(second.writer),
           cm_writer_hidden(second.writer), cm_writer_verbatim(second.writer, 0));
    *damaged_ret = second.n_damaged != 0;

cleanup:
    if (second.file != NULL && fclose(second.file) != 0)
        done = false;
    cm_writer_close(second.writer);
    end(&first);
    end(&second);
    return done;
}

int main(int argc, char **argv)
{
    struct cm_writer_wish wish = {.application = "rewrite"};
    struct change_wish change = {.cut_bytes = UINT32_MAX};
    struct cm_error error = {0};
    struct whole_file in = {0};
    const char *order = NULL;
    bool damaged = false, done;
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--to") == 0)
            wish.kind = strcmp(argv[i + 1], "pcap") == 0 ? CM_WRITER_KIND_PCAP : CM_WRITER_KIND_PCAPNG;
        else if (strcmp(argv[i], "--order") == 0)
            order = argv[i + 1];
        else if (strcmp(argv[i], "--units") == 0)
            wish.units = strcmp(argv[i + 1], "nano") == 0 ? CM_WRITER_UNITS_NANO : CM_WRITER_UNITS_MICRO;
        else if (strcmp(argv[i], "--cut") == 0)
            change.cut_bytes = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--grow") == 0)
            change.grow_bytes = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--shift") == 0)
            change.shift_ns = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--hide") == 0)
            change.hide = strcmp(argv[i + 1], "yes") == 0;
        else
            break;
    }
    change.any =
        change.cut_bytes != UINT32_MAX || change.grow_bytes != 0 || change.shift_ns != 0 || change.hide;
    if (argc - i != 2 || !read_whole(argv[i], &in)) {
        fprintf(stderr,
                "usage: rewrite [--to pcap|pcapng] [--order little|big] [--units micro|nano] [--cut N] "
                "[--grow N] [--shift NS] [--hide yes] IN OUT\n");
        return 2;
    }
    done = rewrite(&in, argv[i], argv[i + 1], &wish, order, &change, &damaged, &error);
    if (!done)
        fprintf(stderr, "rewrite: %s\n", error.text);
    free(in.bytes);
    return !done ? 1 : damaged ? 3 : 0;
}
