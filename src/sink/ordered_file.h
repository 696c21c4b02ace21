/* SPDX-License-Identifier: Apache-2.0 */
/* A file that one caller at a time writes from its beginning to its end: a regular one, which appears whole or
 * not at all, or a stream (standard output, a device, a FIFO). What is written by place is file_outlet.h's. */
#ifndef CM_SINK_ORDERED_FILE_H
#define CM_SINK_ORDERED_FILE_H

#include <stdatomic.h>

#include "os/file.h"

/* What all files of an output have in common. */
struct cm_output_rules {
    bool replace; /* existing files may be replaced */
    bool durable; /* flushed to the disk before they get their names */
    /* Whoever waits for the reader of a stream gives up when it is not zero. NULL: nobody does. */
    const _Atomic int *stop;
    /* Whether these are the facts of an input: such a file is never written to. NULL: there are none. */
    bool (*is_input)(void *context, const struct cm_file_facts *facts);
    void *context;
};

/* CAPMILL_E_USAGE where `path` with these facts is one of the inputs. */
enum capmill_status cm_output_refuse_input(const struct cm_output_rules *rules, const char *path,
                                           const struct cm_file_facts *facts, struct cm_error *error);
/* Whether what is written there cannot be taken back: "-", or a path where something is that is neither a
 * regular file nor a folder. */
bool cm_output_is_stream(const char *path);

struct cm_ordered_file;

/* `unswept`: one of many files, whose debris is swept by the caller (os/file.h). */
enum capmill_status cm_ordered_file_open(const char *path, const struct cm_output_rules *rules, bool unswept,
                                         struct cm_ordered_file **file_ret, struct cm_error *error);
/* Without a commit before, a regular file vanishes. NULL accepted. */
void cm_ordered_file_close(struct cm_ordered_file *file);
enum capmill_status cm_ordered_file_put(struct cm_ordered_file *file, const void *bytes, size_t n,
                                        struct cm_error *error);
uint64_t cm_ordered_file_bytes(const struct cm_ordered_file *file); /* put so far */
const char *cm_ordered_file_path(const struct cm_ordered_file *file);
/* Nothing is to be put for a while: neither a descriptor nor a buffer is held. The next put wakes it. Streams stay
 * open. */
enum capmill_status cm_ordered_file_rest(struct cm_ordered_file *file, struct cm_error *error);

/* All is put: on its way to the system. */
enum capmill_status cm_ordered_file_flush(struct cm_ordered_file *file, struct cm_error *error);
/* Give it its name. */
enum capmill_status cm_ordered_file_commit(struct cm_ordered_file *file, struct cm_error *error);

#endif
