/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a job: listed, looked at, and opened when their bytes are needed. */
#ifndef CM_PIPELINE_INPUTS_H
#define CM_PIPELINE_INPUTS_H

#include "core/segment.h"
#include "decode/framer.h"
#include "decode/seams.h"
#include "format/layout.h"
#include "os/file.h"
#include "pipeline/state.h"

struct cm_input {
    char *path;      /* as listed; "-" is standard input */
    bool is_stream;  /* can be read once, in order */
    bool is_chained; /* to be framed as one chain: a stream, or a file whose seams were disproved */
    bool is_known;   /* `facts` were taken: what is opened later must be the same file */
    bool is_skipped; /* unreadable, and the job said to go on */
    struct cm_file_facts facts;
    uint64_t size; /* of a file, when it was looked at */

    struct cm_layout layout; /* at the beginning; its table is `seen` */
    size_t header_bytes;
    uint64_t first_ns;               /* time of the first packet in the head; UINT64_MAX: none was seen */
    struct cm_head head;             /* of files; ranges are framed from it */
    struct cm_interfaces seen;       /* what the head of the input holds: for planning */
    struct cm_interfaces private;    /* of head.at_header */
    struct cm_interfaces interfaces; /* shared by all who work on the input; all of it once it was framed */
    struct cm_segment *first_bytes;  /* of a stream: read when it was looked at */

    struct cm_seams *seams;
    uint64_t n_sections;

    struct cm_file_map
        *map; /* with --io mmap: kept until the input is forgotten, as segments point into it */
    const uint8_t *map_bytes;
    size_t map_n_bytes;

    struct cm_file *file; /* while it is open */
    unsigned n_users;
};

struct cm_inputs {
    struct cm_input *all;
    uint32_t n;
    struct cm_mutex lock; /* guards open files and their users */
    uint32_t n_open;
    uint32_t hand; /* where the search for a file to close goes on */
    struct cm_segment_pool *look_pool;
};

/* Expand files, globs, folders and "-" into inputs. Nothing is opened. */
enum capmill_status cm_inputs_list(struct cm_inputs *inputs, const char *const *paths, size_t n_paths,
                                   struct cm_error *error);
void cm_inputs_fini(struct cm_inputs *inputs);

/* Look at the beginning of an input and set up everything about it that can be known. May be called again,
 * for a file, to frame it once more from the beginning: then the shared table is empty where `as_chain`, and
 * holds the head's interfaces otherwise. */
enum capmill_status cm_input_look(struct cm_inputs *inputs, struct cm_input *input, bool as_chain,
                                  const struct cm_state *state, struct cm_error *error);
/* What a look took (tables, first bytes, seams); the input can be looked at again if it is a file. */
void cm_input_forget(struct cm_input *input);

/* An open file of the input, kept until cm_input_release; at most some hundred are open at a time. Any
 * thread. */
enum capmill_status cm_input_acquire(struct cm_inputs *inputs, struct cm_input *input,
                                     struct cm_file **file_ret, struct cm_error *error);
void cm_input_release(struct cm_inputs *inputs, struct cm_input *input);
/* Close it now if nobody uses it: for whoever goes through many inputs one after the other. */
void cm_input_close(struct cm_inputs *inputs, struct cm_input *input);

/* Map the file of an acquired input, once: its `map`, `map_bytes` and `map_n_bytes` are set then. Any
 * thread. */
enum capmill_status cm_input_map(struct cm_inputs *inputs, struct cm_input *input, struct cm_error *error);

/* CAPMILL_E_CHANGED where a file of inputs [first, end) is shorter than it was when it was looked at: bytes
 * that are being cut off may have been read as zeros, from a mapping and by plain reads alike. When no thread
 * works on them. */
enum capmill_status cm_inputs_check_sizes(const struct cm_inputs *inputs, uint32_t first, uint32_t end,
                                          struct cm_error *error);

/* Whether any that is not skipped can be read once only. */
bool cm_inputs_have_stream(const struct cm_inputs *inputs);
/* Whether these facts are those of an input. */
bool cm_inputs_have(const struct cm_inputs *inputs, const struct cm_file_facts *facts);

#endif
