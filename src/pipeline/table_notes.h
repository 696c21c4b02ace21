/* SPDX-License-Identifier: Apache-2.0 */
/* What a table says of where it came from: in the metadata of its files, and in the manifest of a data set. */
#ifndef CM_PIPELINE_TABLE_NOTES_H
#define CM_PIPELINE_TABLE_NOTES_H

#include "pipeline/run_int.h"
#include "sink/manifest.h"

#define CM_MAX_TABLE_NOTES 6

struct cm_table_notes {
    struct cm_table_note notes[CM_MAX_TABLE_NOTES];
    size_t n;
    char *texts[CM_MAX_TABLE_NOTES]; /* those of them that were made */
    struct cm_manifest_input *inputs;
    size_t n_inputs;
};

/* Version, inputs, filter and changes, as the job words them. `hashes`: inputs with a hash of samples, for
 * manifests; they are read for it. */
enum capmill_status cm_table_notes_make(struct capmill_run *run, bool hashes, struct cm_table_notes *notes,
                                        struct cm_error *error);
void cm_table_notes_free(struct cm_table_notes *notes);

#endif
