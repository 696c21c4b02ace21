/* SPDX-License-Identifier: Apache-2.0 */
/* Captures made byte by byte, what a right sort makes of them, and one call that runs a job and keeps what it
 * said. For the tests of the pipeline, which know it by include/capmill/ alone. Not a test. */
#ifndef CM_TESTS_DRAWN_CAPTURES_H
#define CM_TESTS_DRAWN_CAPTURES_H

#include "capmill/capmill.h"
#include "unit/os/temporary_folder.h"

#define START_S UINT64_C(1700000000)

struct made {
    uint8_t *bytes;
    size_t n, capacity;
};

static inline void made_free(struct made *made)
{
    free(made->bytes);
    memset(made, 0, sizeof(*made));
}

static inline void *made_add(struct made *made, const void *bytes, size_t n)
{
    if (made->n + n > made->capacity) {
        made->capacity = 2 * (made->n + n);
        made->bytes = realloc(made->bytes, made->capacity);
        cm_check(made->bytes != NULL);
    }
    if (bytes == NULL)
        memset(made->bytes + made->n, 0, n);
    else
        memcpy(made->bytes + made->n, bytes, n);
    made->n += n;
    return made->bytes + made->n - n;
}

static inline void made_u16(struct made *made, uint16_t value)
{
    made_add(made, &value, sizeof(value));
}

static inline void made_u32(struct made *made, uint32_t value)
{
    made_add(made, &value, sizeof(value));
}

/* --- pcap, of this machine's byte order, in microseconds --- */

#define PCAP_HEADER_BYTES 24u
#define PCAP_RECORD_BYTES 16u

static inline void made_pcap(struct made *made, uint32_t link_type)
{
    made_u32(made, 0xa1b2c3d4);
    made_u16(made, 2);
    made_u16(made, 4);
    made_add(made, NULL, 8);
    made_u32(made, 262144);
    made_u32(made, link_type);
}

/* A record of `n` bytes whose content tells `number`. */
static inline void made_record(struct made *made, uint64_t time_us, uint32_t n, uint32_t number)
{
    uint8_t *data;

    made_u32(made, (uint32_t)(time_us / 1000000));
    made_u32(made, (uint32_t)(time_us % 1000000));
    made_u32(made, n);
    made_u32(made, n);
    data = made_add(made, NULL, n);
    memset(data, (int)(0x80 | (number & 0x7f)), n);
    memcpy(data, &number, n < sizeof(number) ? n : sizeof(number));
}

/* --- pcapng, of this machine's byte order --- */

static inline size_t made_block_begin(struct made *made, uint32_t type)
{
    size_t at = made->n;

    made_u32(made, type);
    made_u32(made, 0);
    return at;
}

static inline void made_block_end(struct made *made, size_t at)
{
    uint32_t n;

    made_add(made, NULL, (4 - made->n % 4) % 4);
    n = (uint32_t)(made->n - at) + 4;
    made_u32(made, n);
    memcpy(made->bytes + at + 4, &n, sizeof(n));
}

static inline void made_pcapng(struct made *made)
{
    size_t at = made_block_begin(made, 0x0a0d0d0a);
    uint64_t unknown = UINT64_MAX;

    made_u32(made, 0x1a2b3c4d);
    made_u16(made, 1);
    made_u16(made, 0);
    made_add(made, &unknown, sizeof(unknown));
    made_block_end(made, at);
}

static inline void made_interface(struct made *made, uint16_t link_type)
{
    size_t at = made_block_begin(made, 1);

    made_u16(made, link_type);
    made_u16(made, 0);
    made_u32(made, 0);
    made_block_end(made, at);
}

static inline void made_packet(struct made *made, uint32_t interface, uint64_t time_us, uint32_t n,
                               uint32_t number)
{
    size_t at = made_block_begin(made, 6);
    uint8_t *data;

    made_u32(made, interface);
    made_u32(made, (uint32_t)(time_us >> 32));
    made_u32(made, (uint32_t)time_us);
    made_u32(made, n);
    made_u32(made, n);
    data = made_add(made, NULL, n);
    memset(data, (int)(0x80 | (number & 0x7f)), n);
    memcpy(data, &number, n < sizeof(number) ? n : sizeof(number));
    made_block_end(made, at);
}

/* A packet without a time. */
static inline void made_simple_packet(struct made *made, uint32_t n)
{
    size_t at = made_block_begin(made, 3);

    made_u32(made, n);
    memset(made_add(made, NULL, n), 0x55, n);
    made_block_end(made, at);
}

/* What dumpcap puts behind the last packet of an interface. */
static inline void made_statistics(struct made *made, uint32_t interface, uint64_t time_us)
{
    size_t at = made_block_begin(made, 5);

    made_u32(made, interface);
    made_u32(made, (uint32_t)(time_us >> 32));
    made_u32(made, (uint32_t)time_us);
    made_u16(made, 4);
    made_u16(made, 8);
    made_add(made, NULL, 8);
    made_u32(made, 0);
    made_block_end(made, at);
}

/* --- files --- */

static inline const char *made_file(struct temporary_folder *folder, const char *name,
                                    const struct made *made)
{
    const char *path = temporary_path(folder, name);

    temporary_write(path, made->bytes, made->n);
    return path;
}

static inline bool file_is_there(const char *path)
{
    struct cm_file_facts facts;

    return cm_path_facts(path, &facts, NULL) == CAPMILL_OK;
}

static inline void file_read(const char *path, struct made *into)
{
    struct cm_file *file;
    struct cm_error error = {0};
    size_t n;

    cm_check_that(cm_file_open_read(path, 0, &file, &error) == CAPMILL_OK, "%s", error.text);
    into->n = 0;
    do {
        made_add(into, NULL, 1u << 20);
        into->n -= 1u << 20;
        cm_check_that(cm_file_read_at(file, into->n, into->bytes + into->n, 1u << 20, &n, &error) >= 0, "%s",
                      error.text);
        into->n += n;
    } while (n > 0);
    cm_file_close(file);
}

static inline void check_same_bytes(const struct made *actual, const struct made *expected, const char *what)
{
    size_t n = actual->n < expected->n ? actual->n : expected->n;
    size_t at = 0;

    while (at < n && actual->bytes[at] == expected->bytes[at])
        at++;
    cm_check_that(actual->n == expected->n && at == n, "%s: %zu bytes, expected %zu; they differ at %zu",
                  what, actual->n, expected->n, at);
}

/* --- the model of a sort --- */

struct model_record {
    const uint8_t *bytes;
    size_t n;
    uint64_t time_us;
    size_t number; /* in the order of inputs and of places in them: what settles equal times */
};

static inline int model_compare(const void *a, const void *b)
{
    const struct model_record *left = a;
    const struct model_record *right = b;

    if (left->time_us != right->time_us)
        return left->time_us < right->time_us ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* The records of pcap captures of one kind in order of time behind the header of the first. Answers how
 * many. */
static inline size_t model_sort(const struct made *inputs, size_t n_inputs, struct made *sorted)
{
    struct model_record *records = NULL;
    size_t n = 0;

    for (size_t i = 0; i < n_inputs; i++) {
        for (size_t at = PCAP_HEADER_BYTES; at < inputs[i].n;) {
            uint32_t head[4];

            if (n % 65536 == 0)
                records = realloc(records, (n + 65536) * sizeof(*records));
            cm_check(records != NULL);
            memcpy(head, inputs[i].bytes + at, sizeof(head));
            records[n] = (struct model_record){inputs[i].bytes + at, PCAP_RECORD_BYTES + head[2],
                                               head[0] * UINT64_C(1000000) + head[1], n};
            at += records[n++].n;
        }
    }
    if (n > 0)
        qsort(records, n, sizeof(*records), model_compare);
    sorted->n = 0;
    made_add(sorted, inputs[0].bytes, PCAP_HEADER_BYTES);
    for (size_t i = 0; i < n; i++)
        made_add(sorted, records[i].bytes, records[i].n);
    free(records);
    return n;
}

/* --- running a job --- */

struct ran {
    enum capmill_status status;
    char text[512];
    struct capmill_report report; /* without what it points to, except static texts */
    unsigned n_messages;
    char messages[2048]; /* the first of them, a line each */
    unsigned n_progress;
    struct capmill_progress progress; /* the last */
};

static inline void ran_keep_message(void *context, enum capmill_message_level level, const char *text)
{
    struct ran *ran = context;
    size_t n = strlen(ran->messages);

    (void)level;
    ran->n_messages++;
    snprintf(ran->messages + n, sizeof(ran->messages) - n, "%s\n", text);
}

static inline void ran_keep_progress(void *context, const struct capmill_progress *progress)
{
    struct ran *ran = context;

    ran->n_progress++;
    ran->progress = *progress;
}

/* Create and execute; `look` (NULL accepted) sees the run before it goes. */
static inline void ran_job(struct capmill_job *job, struct ran *ran,
                           void (*look)(struct capmill_run *run, void *context), void *context)
{
    struct capmill_run *run;

    memset(ran, 0, sizeof(*ran));
    if (job->on_message == NULL) {
        job->on_message = ran_keep_message;
        job->message_context = ran;
    }
    if (job->on_progress == NULL) {
        job->on_progress = ran_keep_progress;
        job->progress_context = ran;
    }
    ran->status = capmill_run_create(job, &run, ran->text, sizeof(ran->text));
    if (ran->status == CAPMILL_OK) {
        ran->status = capmill_run_execute(run, ran->text, sizeof(ran->text));
        ran->report = *capmill_run_report(run);
        if (look != NULL && ran->status == CAPMILL_OK)
            look(run, context);
        capmill_run_destroy(run);
    }
    if (job->message_context == ran)
        job->on_message = NULL;
    if (job->progress_context == ran)
        job->on_progress = NULL;
}

/* How a job is to be read and by how many. */
struct way {
    enum capmill_io io;
    unsigned n_threads;
};

static const struct way ways[] = {
    {CAPMILL_IO_READ, 1},  {CAPMILL_IO_READ, 2},  {CAPMILL_IO_READ, 3},  {CAPMILL_IO_READ, 8},
    {CAPMILL_IO_MMAP, 1},  {CAPMILL_IO_MMAP, 3},  {CAPMILL_IO_MMAP, 8},  {CAPMILL_IO_URING, 1},
    {CAPMILL_IO_URING, 2}, {CAPMILL_IO_URING, 3}, {CAPMILL_IO_URING, 8},
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

/* Whether this build and system have it. */
static inline bool way_is_there(const struct way *way)
{
    return way->io != CAPMILL_IO_URING || strcmp(capmill_build_feature(0), "io_uring: yes") == 0;
}

static inline void sort_job(struct capmill_job *job, const char *const *inputs, size_t n_inputs,
                            const struct capmill_output *output)
{
    capmill_job_init(job, CAPMILL_SORT);
    job->inputs = inputs;
    job->n_inputs = n_inputs;
    job->outputs = output;
    job->n_outputs = 1;
    job->force = true;
}

#endif
