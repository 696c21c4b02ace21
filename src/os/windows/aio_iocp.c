/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in flight by overlapped reads that report to an I/O completion port. A file object belongs to one
 * port for all its life, and several queues may read the same file; so each queue opens the file again for
 * itself. */
#include <stdlib.h>

#include "os/aio_int.h"
#include "os/windows/system_windows.h"

static const size_t piece_bytes = (size_t)1 << 30;
enum { max_depth = 4096, direct_alignment = 4096, entries_at_once = 32 };

/* This queue's own handle of a file. */
struct lane {
    struct cm_file *file; /* NULL: unused */
    uint64_t opened_at;   /* of that file: its address may be another file's by now */
    HANDLE handle;
    unsigned n_in_flight;
};

struct slot {
    OVERLAPPED place; /* first: the port gives its address back */
    struct slot *next;
    struct lane *lane;
    bool direct;
    unsigned char *buffer;
    uint64_t offset;
    size_t n;
    size_t n_done;
    uint64_t tag;
    DWORD refused; /* code of a read that the system refused at once, of which the port says nothing */
};

struct iocp_aio {
    struct cm_aio aio;
    HANDLE port;
    struct slot *idle;
    unsigned n_in_flight;
    unsigned n_lanes; /* one more than slots, so that one is always without reads in flight */
    struct lane *lanes;
    struct lane *last_lane;
    struct slot slots[];
};

static void close_lane(struct lane *lane)
{
    if (lane->file != NULL)
        CloseHandle(lane->handle);
    lane->file = NULL;
}

/* The same file again, for this port. */
static DWORD open_lane(struct iocp_aio *queue, struct cm_file *file, struct lane *lane)
{
    const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    DWORD flags = FILE_FLAG_OVERLAPPED | (file->direct ? FILE_FLAG_NO_BUFFERING : 0);
    HANDLE handle = ReOpenFile(file->handle, GENERIC_READ, share, flags);
    DWORD code;

    if (handle == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (CreateIoCompletionPort(handle, queue->port, 0, 0) == NULL) {
        code = GetLastError();
        CloseHandle(handle);
        return code;
    }
    *lane = (struct lane){.file = file, .opened_at = file->opened_at, .handle = handle};
    return 0;
}

static DWORD find_lane(struct iocp_aio *queue, struct cm_file *file, struct lane **lane_ret)
{
    struct lane *unused = NULL;
    DWORD code;

    if (queue->last_lane->file == file && queue->last_lane->opened_at == file->opened_at) {
        *lane_ret = queue->last_lane;
        return 0;
    }
    for (unsigned i = 0; i < queue->n_lanes; i++) {
        struct lane *lane = &queue->lanes[i];

        if (lane->file == file && lane->opened_at == file->opened_at) {
            *lane_ret = queue->last_lane = lane;
            return 0;
        }
        if (lane->n_in_flight == 0 && (unused == NULL || unused->file != NULL))
            unused = lane;
    }
    close_lane(unused);
    code = open_lane(queue, file, unused);
    *lane_ret = queue->last_lane = unused;
    return code;
}

/* Hand the rest of a slot's read to the system. Whatever happens, the port reports it. */
static void submit(struct iocp_aio *queue, struct slot *slot)
{
    uint64_t offset = slot->offset + slot->n_done;
    size_t n = slot->n - slot->n_done;

    slot->place = (OVERLAPPED){.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    slot->refused = 0;
    if (!ReadFile(slot->lane->handle, slot->buffer + slot->n_done, (DWORD)(n < piece_bytes ? n : piece_bytes),
                  NULL, &slot->place) &&
        GetLastError() != ERROR_IO_PENDING) {
        slot->refused = GetLastError();
        PostQueuedCompletionStatus(queue->port, 0, 0, &slot->place);
    }
}

/* Take one result in. True when the read is over and `done_ret` is filled; else its rest is on the way. */
static bool take_result(struct iocp_aio *queue, struct slot *slot, struct cm_aio_done *done_ret)
{
    DWORD code = slot->refused, got = 0;

    if (code == 0 && !GetOverlappedResult(slot->lane->handle, &slot->place, &got, FALSE))
        code = GetLastError();
    if (code == ERROR_HANDLE_EOF)
        code = 0;
    slot->n_done += got;
    /* A short read is the end of the file only if the next one gives nothing; past the cache an odd length is
     * the end, and asking on from there would be refused. */
    if (code == 0 && got > 0 && slot->n_done < slot->n &&
        !(slot->direct && slot->n_done % direct_alignment != 0)) {
        submit(queue, slot);
        return false;
    }
    *done_ret = (struct cm_aio_done){
        .tag = slot->tag, .n_bytes = code == 0 ? slot->n_done : 0, .system_code = (int)code};
    slot->lane->n_in_flight--;
    slot->next = queue->idle;
    queue->idle = slot;
    queue->n_in_flight--;
    return true;
}

static size_t iocp_wait(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity)
{
    struct iocp_aio *queue = (struct iocp_aio *)aio;
    OVERLAPPED_ENTRY entries[entries_at_once];
    size_t n = 0;

    while (n == 0 && queue->n_in_flight > 0) {
        ULONG want = (ULONG)(capacity < entries_at_once ? capacity : entries_at_once), n_entries = 0;

        if (!GetQueuedCompletionStatusEx(queue->port, entries, want, &n_entries, INFINITE, FALSE))
            continue; /* nothing that an open port and a wait without limit could answer */
        for (ULONG i = 0; i < n_entries; i++)
            if (entries[i].lpOverlapped != NULL &&
                take_result(queue, (struct slot *)(void *)entries[i].lpOverlapped, &done[n]))
                n++;
    }
    return n;
}

static enum capmill_status iocp_read(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                     size_t n, uint64_t tag, struct cm_error *error)
{
    struct iocp_aio *queue = (struct iocp_aio *)aio;
    struct slot *slot = queue->idle;
    struct lane *lane;
    DWORD code;

    if (slot == NULL)
        return CAPMILL_AGAIN;
    code = find_lane(queue, file, &lane);
    if (code != 0)
        return cm_system_fail(error, code, "read", cm_file_path(file));
    queue->idle = slot->next;
    queue->n_in_flight++;
    lane->n_in_flight++;
    slot->lane = lane;
    slot->direct = file->direct;
    slot->buffer = buffer;
    slot->offset = offset;
    slot->n = n;
    slot->n_done = 0;
    slot->tag = tag;
    submit(queue, slot);
    return CAPMILL_OK;
}

static void iocp_close(struct cm_aio *aio)
{
    struct iocp_aio *queue = (struct iocp_aio *)aio;
    struct cm_aio_done done[entries_at_once];

    while (iocp_wait(aio, done, entries_at_once) > 0)
        continue;
    for (unsigned i = 0; queue->lanes != NULL && i < queue->n_lanes; i++)
        close_lane(&queue->lanes[i]);
    if (queue->port != NULL)
        CloseHandle(queue->port);
    free(queue->lanes);
    free(queue);
}

static bool iocp_available(void)
{
    return true;
}

static enum capmill_status iocp_open(unsigned depth, void *buffers, size_t buffers_bytes,
                                     struct cm_aio **aio_ret, struct cm_error *error)
{
    static const struct cm_aio_calls calls = {iocp_close, iocp_read, iocp_wait};
    struct iocp_aio *queue;

    (void)buffers; /* registered buffers (RIO) exist for sockets only */
    (void)buffers_bytes;
    if (depth > max_depth)
        depth = max_depth;
    queue = calloc(1, sizeof(*queue) + depth * sizeof(struct slot));
    if (queue == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, 0, "no memory for %u reads in flight", depth);
    queue->aio.calls = &calls;
    queue->n_lanes = depth + 1;
    queue->lanes = calloc(queue->n_lanes, sizeof(*queue->lanes));
    queue->last_lane = queue->lanes;
    queue->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (queue->lanes == NULL || queue->port == NULL) {
        DWORD code = queue->lanes == NULL ? ERROR_NOT_ENOUGH_MEMORY : GetLastError();
        iocp_close(&queue->aio);
        return cm_system_fail(error, code, "open an I/O completion port", NULL);
    }
    for (unsigned i = 0; i < depth; i++) {
        queue->slots[i].next = queue->idle;
        queue->idle = &queue->slots[i];
    }
    *aio_ret = &queue->aio;
    return CAPMILL_OK;
}

static const struct cm_aio_backend iocp_backend = {iocp_available, iocp_open};

const struct cm_aio_backend *cm_aio_system_backend(enum cm_aio_engine engine)
{
    return engine == CM_AIO_IOCP ? &iocp_backend : NULL;
}
