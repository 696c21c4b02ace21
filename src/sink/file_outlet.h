/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs as an outlet (core/outlet.h): a regular file that appears whole or not at all, a row of such files
 * cut by time, or a stream (standard output, a device, a FIFO) that is written in order. */
#ifndef CM_SINK_FILE_OUTLET_H
#define CM_SINK_FILE_OUTLET_H

#include "core/outlet.h"
#include "os/file.h"

struct cm_file_outlet_options {
    const char *path;       /* "-": standard output */
    bool replace;           /* existing files may be replaced */
    bool durable;           /* flushed to the disk before they get their names */
    uint64_t slice_ns;      /* 0: one file; else files NAME_YYYYMMDDTHHMMSSZ.EXT aligned to whole multiples */
    const char *slice_stem; /* name of the slices when `path` is a folder; NULL: "capture" */
    const char *slice_extension; /* likewise; with its dot */
    const _Atomic int
        *stop;          /* not zero: whoever waits for the reader of a stream gives up. NULL: nobody does */
    unsigned n_threads; /* that write; 1: a stream is written by the caller itself */
    /* What every file begins with. Called before the first packet of a file is placed, and once for an output
     * without packets, under the stage's lock. Borrowed until the next call. NULL: nothing. */
    enum capmill_status (*header)(void *context, const uint8_t **bytes_ret, size_t *n_ret,
                                  struct cm_error *error);
    /* Whether these are the facts of an input: such a file is never replaced. NULL: there are none. */
    bool (*is_input)(void *context, const struct cm_file_facts *facts);
    void *context;
};

struct cm_file_outlet;

/* Opens or creates what can be known now, so that what is not allowed fails before any work. */
enum capmill_status cm_file_outlet_create(const struct cm_file_outlet_options *options,
                                          struct cm_file_outlet **outlet_ret, struct cm_error *error);
/* Without a commit before, regular outputs vanish. NULL accepted. */
void cm_file_outlet_destroy(struct cm_file_outlet *outlet);

/* The table for a stage that decides the order. */
struct cm_outlet cm_file_outlet_table(struct cm_file_outlet *outlet);
/* For a caller that knows where everything goes (one file, no header): the place at `offset`. */
struct cm_place cm_file_outlet_place(struct cm_file_outlet *outlet, uint64_t offset, uint64_t n_bytes);

/* Everything was written: give the files their names. On failure none of those not yet named appears. */
enum capmill_status cm_file_outlet_commit(struct cm_file_outlet *outlet, struct cm_error *error);
/* A thread failed: whoever waits for earlier bytes of a stream gives up. Any thread. */
void cm_file_outlet_abort(struct cm_file_outlet *outlet);

uint64_t cm_file_outlet_bytes(const struct cm_file_outlet *outlet); /* written so far; any thread */
/* Final paths, in order; borrowed. "-" for standard output. */
size_t cm_file_outlet_paths(const struct cm_file_outlet *outlet, const char *const **paths_ret);
bool cm_file_outlet_is_stream(const struct cm_file_outlet *outlet);

#endif
