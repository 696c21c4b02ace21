/* SPDX-License-Identifier: Apache-2.0 */
/* Files as the system gives them: opening, positioned and plain reads and writes, facts, folders,
 * whole-or-absent outputs. Paths are UTF-8 on every system. Not for several reads in flight (os/aio.h). */
#ifndef CM_OS_FILE_H
#define CM_OS_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cm_file; /* one open file; positioned calls may be made by any number of threads at once */

enum cm_file_type { CM_FILE_REGULAR, CM_FILE_FOLDER, CM_FILE_PIPE, CM_FILE_DEVICE, CM_FILE_OTHER };

struct cm_file_facts {
    enum cm_file_type type;
    uint64_t size_bytes; /* of a regular file; 0 for others */
    uint64_t volume;     /* with `identity` tells whether two paths are the same file */
    uint64_t identity[2];
    int64_t modified_ns; /* since 1970 */
};

enum cm_file_open_flags {
    CM_FILE_DIRECT = 1, /* bypass the page cache; offsets, lengths and addresses become multiples of 4096 */
    CM_FILE_SEQUENTIAL = 2, /* tell the system that reads go forward */
};

/* Open for reading. A folder is refused with CAPMILL_E_USAGE and a sentence naming it. */
enum capmill_status cm_file_open_read(const char *path, unsigned flags, struct cm_file **file_ret,
                                      struct cm_error *error);
/* Standard input, output: borrowed from the process, in binary mode; closing leaves them open. */
enum capmill_status cm_file_open_stdin(struct cm_file **file_ret, struct cm_error *error);
enum capmill_status cm_file_open_stdout(struct cm_file **file_ret, struct cm_error *error);
/* Open what is there (a device, a FIFO, /dev/null) for writing, as it is; nothing is created or cut. */
enum capmill_status cm_file_open_device(const char *path, struct cm_file **file_ret, struct cm_error *error);
/* NULL accepted. For files that were written, call cm_file_flush first: errors at close are lost here. */
void cm_file_close(struct cm_file *file);

const char *cm_file_path(const struct cm_file *file); /* as given at open; borrowed */
/* Whether CM_FILE_DIRECT took effect: a file system that cannot do it gives a buffered file instead. */
bool cm_file_is_direct(const struct cm_file *file);
enum capmill_status cm_file_facts(struct cm_file *file, struct cm_file_facts *facts_ret,
                                  struct cm_error *error);
/* Facts of a path. A missing file is CAPMILL_E_NOT_FOUND and leaves `error` alone when `error` is NULL. */
enum capmill_status cm_path_facts(const char *path, struct cm_file_facts *facts_ret, struct cm_error *error);
/* Whether two paths are one file, or would be once it is there. */
bool cm_path_is_same(const char *a, const char *b);
/* Share of the file that is in the page cache, estimated from a few probes that do no I/O; 0..100; -1
 * unknown. */
int cm_file_cached_percent(struct cm_file *file);
/* Bytes a new file may still take on the volume that holds `path` (its folder if the path is absent). */
enum capmill_status cm_path_free_space(const char *path, uint64_t *bytes_ret, struct cm_error *error);

/* Read up to `n` bytes; fewer only at the end of the file (retried when interrupted). CAPMILL_END with 0
 * bytes. */
enum capmill_status cm_file_read_at(struct cm_file *file, uint64_t offset, void *buffer, size_t n,
                                    size_t *n_ret, struct cm_error *error);
/* One plain read of a pipe or a regular file at its own position: at least 1 byte, or CAPMILL_END. Blocks
 * while a pipe is empty; a thread that must notice a stop asks cm_file_wait_readable first. */
enum capmill_status cm_file_read_some(struct cm_file *file, void *buffer, size_t n, size_t *n_ret,
                                      struct cm_error *error);
/* Sleep until cm_file_read_some would not block (data, end or failure): true. False after `timeout_ns`, or
 * early when a signal came. Regular files are always ready. */
bool cm_file_wait_readable(struct cm_file *file, uint64_t timeout_ns);
/* All `n` bytes or a failure. A full disk is CAPMILL_E_NO_SPACE, a closed pipe CAPMILL_E_CLOSED (never a
 * signal). */
enum capmill_status cm_file_write_at(struct cm_file *file, uint64_t offset, const void *bytes, size_t n,
                                     struct cm_error *error);
enum capmill_status cm_file_write(struct cm_file *file, const void *bytes, size_t n, struct cm_error *error);
/* From now on a write that waits for the reader of a pipe gives up with CAPMILL_E_INTERRUPTED soon after
 * *stop is not zero. Where the system has no way to do that, writes go on waiting. */
void cm_file_stop_writes(struct cm_file *file, const _Atomic int *stop);
/* Data and size to the disk. */
enum capmill_status cm_file_flush(struct cm_file *file, struct cm_error *error);

/* The whole file in memory, read only, for `--io mmap`. A file that shrinks afterwards must not kill the
 * process: the mapping is only made of regular files, and reads beyond its new end come back as zeros with
 * cm_file_map_broken() true. */
struct cm_file_map;
enum capmill_status cm_file_map_open(struct cm_file *file, const uint8_t **bytes_ret, size_t *n_ret,
                                     struct cm_file_map **map_ret, struct cm_error *error);
bool cm_file_map_broken(const struct cm_file_map *map);
void cm_file_map_close(struct cm_file_map *map);

/* --- outputs that appear whole or not at all --- */

/* A regular output under construction: a temporary in the folder of its final path (through a symbolic link:
 * of the link's target), locked by this process, readable and writable at any place by any thread through
 * cm_output_file(). Debris of dead runs in that folder whose lock nobody holds, with our naming, for the same
 * output, is removed. */
struct cm_output;
/* `replace` false: an existing path is refused with CAPMILL_E_EXISTS. Parents are not created. */
enum capmill_status cm_output_create(const char *path, bool replace, struct cm_output **output_ret,
                                     struct cm_error *error);
/* The same without looking for debris, for the second and later of many outputs in one folder: looking each
 * time takes the square of their number. Then sweep once for all of them. */
enum capmill_status cm_output_create_unswept(const char *path, bool replace, struct cm_output **output_ret,
                                             struct cm_error *error);
/* Remove the debris of dead runs for all outputs whose path begins with this. What cannot be removed
 * stays. */
void cm_output_sweep(const char *path_prefix);
/* Borrowed; NULL while released by cm_output_rest. Not to be used once the output is committed. */
struct cm_file *cm_output_file(struct cm_output *output);
/* Close the descriptor while there is nothing to write (thousands of slices); reopened by cm_output_wake. */
enum capmill_status cm_output_rest(struct cm_output *output, struct cm_error *error);
enum capmill_status cm_output_wake(struct cm_output *output, struct cm_error *error);
/* Give the output its final name, with the permissions a newly created file would have. `durable`: flush to
 * the disk first. On failure nothing appears. The output stays to be destroyed. */
enum capmill_status cm_output_commit(struct cm_output *output, bool durable, struct cm_error *error);
/* Frees it; an output that was not committed is removed from the disk. NULL accepted. */
void cm_output_destroy(struct cm_output *output);
/* From a signal handler or at exit: nothing; temporaries of a killed process are removed by the next run. */

/* An unnamed scratch file in `folder` (NULL: the system's), gone when closed or when the process dies. */
enum capmill_status cm_file_open_scratch(const char *folder, struct cm_file **file_ret,
                                         struct cm_error *error);

/* --- folders --- */

/* Paths of the regular files right inside `folder` (not deeper; empty is no failure) or that match a glob
 * pattern (`*`, `?`, `[...]` in any component; no match at all is CAPMILL_E_NOT_FOUND), in byte-wise order.
 * Names that begin with a dot, which those of our temporaries do, need a dot in the pattern and are not
 * listed. The list is one allocation, ended by NULL, freed with free(). */
enum capmill_status cm_folder_list(const char *folder, char ***paths_ret, size_t *n_ret,
                                   struct cm_error *error);
enum capmill_status cm_glob(const char *pattern, char ***paths_ret, size_t *n_ret, struct cm_error *error);
/* Create one folder if it is absent. */
enum capmill_status cm_folder_create(const char *path, struct cm_error *error);
/* Remove a file, a link or an empty folder. */
enum capmill_status cm_path_remove(const char *path, struct cm_error *error);

#endif
