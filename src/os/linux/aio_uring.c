/* SPDX-License-Identifier: Apache-2.0 */
/* Reads in flight by io_uring. Reads into the one registered block save the kernel from pinning pages each
 * time; where it may not be registered (RLIMIT_MEMLOCK) plain reads do the same work a little slower. */
#include "os/aio_int.h"
#include "os/linux/system_linux.h"

#ifdef CAPMILL_HAVE_URING
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <time.h>

/* The kernel takes registered buffers of at most 1 GiB, and reads of at most 2 GiB. */
static const size_t piece_bytes = (size_t)1 << 30;
enum { max_depth = 4096, direct_alignment = 4096 };

struct slot {
    struct slot *next; /* while idle */
    bool in_flight;
    bool landed; /* the kernel is through with it: see fail_all */
    struct cm_file *file;
    uint64_t offset;
    unsigned char *buffer;
    size_t n;
    size_t n_done;
    uint64_t tag;
};

struct uring_aio {
    struct cm_aio aio;
    struct io_uring ring;
    unsigned char *registered; /* NULL: nothing is */
    size_t registered_bytes;
    struct slot *idle;
    unsigned n_in_flight;
    unsigned n_landed; /* of those in flight */
    unsigned n_nops;   /* entries without a read that have not come back */
    int broken;        /* errno of the ring itself, once that failed */
    unsigned n_slots;
    struct slot slots[];
};

/* Index of the registered piece that holds all of these bytes; -1 where none does. */
static int find_piece(const struct uring_aio *queue, const unsigned char *at, size_t n)
{
    uintptr_t start = (uintptr_t)queue->registered, address = (uintptr_t)at;

    if (queue->registered == NULL || address < start || n > queue->registered_bytes ||
        address - start > queue->registered_bytes - n)
        return -1;
    if ((address - start) / piece_bytes != (address - start + n - 1) / piece_bytes)
        return -1;
    return (int)((address - start) / piece_bytes);
}

/* liburing maps the rings by system calls of its own, which the thread sanitizer does not see: to it, a ring
 * at the address of an earlier one is the same memory, used without order. The kernel orders unmapping and
 * mapping; say so. */
#if defined(__SANITIZE_THREAD__)
#define CM_SEES_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CM_SEES_THREADS 1
#endif
#endif
#ifdef CM_SEES_THREADS
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char ring_memory;
#define note_mapped()   __tsan_acquire(&ring_memory)
#define note_unmapped() __tsan_release(&ring_memory)
#else
#define note_mapped()   ((void)0)
#define note_unmapped() ((void)0)
#endif

/* Hand the rest of a slot's read to the kernel. 0, or an errno with nothing handed over. */
static int submit(struct uring_aio *queue, struct slot *slot)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&queue->ring);
    unsigned char *at = slot->buffer + slot->n_done;
    size_t n = slot->n - slot->n_done;
    int piece, rc;

    if (entry == NULL)
        return EBUSY;
    if (n > piece_bytes)
        n = piece_bytes;
    piece = find_piece(queue, at, n);
    if (piece >= 0)
        io_uring_prep_read_fixed(entry, slot->file->fd, at, (unsigned)n, slot->offset + slot->n_done, piece);
    else
        io_uring_prep_read(entry, slot->file->fd, at, (unsigned)n, slot->offset + slot->n_done);
    io_uring_sqe_set_data(entry, slot);
    do {
        rc = io_uring_submit(&queue->ring);
    } while (rc == -EINTR);
    /* When the kernel is short of memory just now, the entry stays in the submission ring and the next submit
     * takes it along: it counts as handed over. */
    if (rc >= 0 || rc == -EAGAIN || rc == -EBUSY)
        return 0;
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data(entry, NULL);
    queue->n_nops++;
    return -rc;
}

static void finish(struct uring_aio *queue, struct slot *slot, int code, struct cm_aio_done *done_ret)
{
    *done_ret =
        (struct cm_aio_done){.tag = slot->tag, .n_bytes = code == 0 ? slot->n_done : 0, .system_code = code};
    slot->in_flight = false;
    slot->next = queue->idle;
    queue->idle = slot;
    queue->n_in_flight--;
}

/* Take one result in. True when the read is over and `done_ret` is filled; else its rest is on the way. */
static bool take_result(struct uring_aio *queue, struct slot *slot, int result, struct cm_aio_done *done_ret)
{
    bool try_again = result == -EINTR || result == -EAGAIN;
    int code = result < 0 && !try_again ? -result : 0;

    if (result > 0) {
        slot->n_done += (size_t)result;
        /* A short read is the end of the file only if the next one gives nothing; past the page cache an odd
         * length is the end, and asking on from there would be refused. */
        try_again = slot->n_done < slot->n && !(slot->file->direct && slot->n_done % direct_alignment != 0);
    }
    if (try_again) {
        code = submit(queue, slot);
        if (code == 0)
            return false;
    }
    finish(queue, slot, code, done_ret);
    return true;
}

/* Until the kernel has nothing of ours any more that it could write to: results come through memory, also where
 * the call that waits for them fails. What it never took out of the submission ring it does not read. */
static void await_all(struct uring_aio *queue)
{
    static const struct timespec a_while = {.tv_nsec = 1000000};

    while (queue->n_in_flight - queue->n_landed + queue->n_nops > io_uring_sq_ready(&queue->ring)) {
        struct io_uring_cqe *entry = NULL;
        struct slot *slot;

        if (io_uring_peek_cqe(&queue->ring, &entry) != 0 || entry == NULL) {
            nanosleep(&a_while, NULL); /* entering the kernel also lets it post what it has */
            continue;
        }
        slot = io_uring_cqe_get_data(entry);
        io_uring_cqe_seen(&queue->ring, entry);
        if (slot == NULL) {
            queue->n_nops--;
        } else if (!slot->landed) {
            slot->landed = true;
            queue->n_landed++;
        }
    }
}

/* The ring itself failed, which no correct program sees: report every read as failed rather than wait for ever,
 * but only when no buffer that goes back with it can be written to. */
static size_t fail_all(struct uring_aio *queue, struct cm_aio_done *done, size_t capacity)
{
    size_t n = 0;

    await_all(queue);
    for (unsigned i = 0; i < queue->n_slots && n < capacity; i++) {
        struct slot *slot = &queue->slots[i];

        if (!slot->in_flight)
            continue;
        queue->n_landed -= slot->landed;
        finish(queue, slot, queue->broken, &done[n++]);
    }
    return n;
}

static size_t uring_wait(struct cm_aio *aio, struct cm_aio_done *done, size_t capacity)
{
    struct uring_aio *queue = (struct uring_aio *)aio;
    size_t n = 0;

    if (queue->broken != 0)
        return fail_all(queue, done, capacity);
    while (n < capacity && queue->n_in_flight > 0) {
        struct io_uring_cqe *entry = NULL;
        struct slot *slot;
        int result;

        if (io_uring_peek_cqe(&queue->ring, &entry) != 0) {
            if (n > 0)
                break;
            result = io_uring_submit_and_wait(&queue->ring, 1);
            if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
                queue->broken = -result;
                return fail_all(queue, done, capacity);
            }
            continue;
        }
        slot = io_uring_cqe_get_data(entry);
        result = entry->res;
        io_uring_cqe_seen(&queue->ring, entry);
        if (slot == NULL)
            queue->n_nops--;
        else if (take_result(queue, slot, result, &done[n]))
            n++;
    }
    return n;
}

static enum capmill_status uring_read(struct cm_aio *aio, struct cm_file *file, uint64_t offset, void *buffer,
                                      size_t n, uint64_t tag, struct cm_error *error)
{
    struct uring_aio *queue = (struct uring_aio *)aio;
    struct slot *slot = queue->idle;
    int code;

    if (queue->broken != 0)
        return cm_system_fail(error, queue->broken, "read", cm_file_path(file));
    if (slot == NULL)
        return CAPMILL_AGAIN;
    *slot = (struct slot){
        .next = slot->next, .file = file, .offset = offset, .buffer = buffer, .n = n, .tag = tag};
    code = submit(queue, slot);
    if (code != 0)
        return cm_system_fail(error, code, "read", cm_file_path(file));
    slot->in_flight = true;
    queue->idle = slot->next;
    queue->n_in_flight++;
    return CAPMILL_OK;
}

static void uring_close(struct cm_aio *aio)
{
    struct uring_aio *queue = (struct uring_aio *)aio;
    struct cm_aio_done done[32];

    while (uring_wait(aio, done, sizeof(done) / sizeof(done[0])) > 0)
        continue;
    note_unmapped();
    io_uring_queue_exit(&queue->ring);
    free(queue);
}

/* Registering is a gain, not a need: a refusal leaves plain reads. */
static void register_buffers(struct uring_aio *queue, void *buffers, size_t buffers_bytes)
{
    enum { max_pieces = 64 };
    struct iovec pieces[max_pieces];
    unsigned n = 0;

    for (size_t at = 0; at < buffers_bytes; at += piece_bytes, n++) {
        size_t left = buffers_bytes - at;

        if (n == max_pieces)
            return;
        pieces[n].iov_base = (unsigned char *)buffers + at;
        pieces[n].iov_len = left < piece_bytes ? left : piece_bytes;
    }
    if (n == 0 || io_uring_register_buffers(&queue->ring, pieces, n) != 0)
        return;
    queue->registered = buffers;
    queue->registered_bytes = buffers_bytes;
}

static int open_ring(unsigned depth, struct io_uring *ring)
{
    /* A few entries more than reads: entries that the kernel put off must not block new ones. */
    unsigned n_entries = depth + 8;
    int rc = -EINVAL;

#ifdef IORING_SETUP_COOP_TASKRUN
    /* Completions need not interrupt us: we look for them when we want them. Linux 5.19. */
    rc = io_uring_queue_init(n_entries, ring, IORING_SETUP_COOP_TASKRUN);
#endif
    return rc == 0 ? 0 : io_uring_queue_init(n_entries, ring, 0);
}

static enum capmill_status uring_open(unsigned depth, void *buffers, size_t buffers_bytes,
                                      struct cm_aio **aio_ret, struct cm_error *error)
{
    static const struct cm_aio_calls calls = {uring_close, uring_read, uring_wait};
    struct uring_aio *queue;
    int rc;

    if (depth > max_depth)
        depth = max_depth;
    queue = calloc(1, sizeof(*queue) + depth * sizeof(struct slot));
    if (queue == NULL)
        return cm_error_set(error, CAPMILL_E_MEMORY, ENOMEM, "no memory for %u reads in flight", depth);
    rc = open_ring(depth, &queue->ring);
    if (rc != 0) {
        free(queue);
        return cm_system_fail(error, -rc, "open an io_uring queue", NULL);
    }
    note_mapped();
    queue->aio.calls = &calls;
    queue->n_slots = depth;
    for (unsigned i = 0; i < depth; i++) {
        queue->slots[i].next = queue->idle;
        queue->idle = &queue->slots[i];
    }
    if (buffers != NULL)
        register_buffers(queue, buffers, buffers_bytes);
    *aio_ret = &queue->aio;
    return CAPMILL_OK;
}

/* Containers often forbid the calls (seccomp, kernel.io_uring_disabled), so ask by doing. */
static bool uring_available(void)
{
    struct io_uring ring;
    struct io_uring_probe *probe;
    bool works = false;

    if (io_uring_queue_init(2, &ring, 0) != 0)
        return false;
    probe = io_uring_get_probe_ring(&ring);
    if (probe != NULL) {
        works = io_uring_opcode_supported(probe, IORING_OP_READ) &&
                io_uring_opcode_supported(probe, IORING_OP_READ_FIXED);
        io_uring_free_probe(probe);
    }
    io_uring_queue_exit(&ring);
    return works;
}

static const struct cm_aio_backend uring_backend = {uring_available, uring_open};

const struct cm_aio_backend *cm_aio_system_backend(enum cm_aio_engine engine)
{
    return engine == CM_AIO_URING ? &uring_backend : NULL;
}

#else

const struct cm_aio_backend *cm_aio_system_backend(enum cm_aio_engine engine)
{
    (void)engine;
    return NULL;
}

#endif
