/* SPDX-License-Identifier: Apache-2.0 */
/* libcapmill: describe a job, run it, read what came of it. The capmill program is made of this and nothing
 * else of the machine. Strings are UTF-8; times are nanoseconds since 1970 in UTC; sizes are bytes.
 *
 * Threads: a run belongs to one thread at a time, except capmill_run_stop and capmill_run_progress, which any
 * thread (stop: also a signal handler) may call while capmill_run_execute works. Two runs share nothing. */
#ifndef CAPMILL_CAPMILL_H
#define CAPMILL_CAPMILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capmill/changes.h"
#include "capmill/errors.h"
#include "capmill/rules.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
CAPMILL_API const char *capmill_version(void);
/* What this build contains: "io_uring: yes", "IOCP: no (not on this system)", ...; NULL after the last.
 * Static. */
CAPMILL_API const char *capmill_build_feature(size_t i);

enum capmill_command {
    CAPMILL_INFO = 1,
    CAPMILL_STATS = 2,
    CAPMILL_SORT = 3,
    CAPMILL_GENERATE = 4,
    CAPMILL_EXPORT = 5
};

enum capmill_io { CAPMILL_IO_AUTO = 0, CAPMILL_IO_READ, CAPMILL_IO_MMAP, CAPMILL_IO_URING, CAPMILL_IO_IOCP };

enum capmill_format {
    CAPMILL_FORMAT_AUTO = 0,
    CAPMILL_FORMAT_PCAP,
    CAPMILL_FORMAT_PCAPNG,
    CAPMILL_FORMAT_PARQUET,
    CAPMILL_FORMAT_AVRO,
    CAPMILL_FORMAT_JSONL
};

/* Of tables. DEFAULT: none; for Parquet snappy, or what this build has instead: zstd, gzip. */
enum capmill_codec {
    CAPMILL_CODEC_DEFAULT = 0,
    CAPMILL_CODEC_NONE,
    CAPMILL_CODEC_SNAPPY, /* Parquet, Avro */
    CAPMILL_CODEC_ZSTD,
    CAPMILL_CODEC_GZIP, /* Avro: deflate */
    CAPMILL_CODEC_LZ4   /* Parquet */
};

enum capmill_rows { CAPMILL_ROWS_DEFAULT = 0, CAPMILL_ROWS_PACKETS, CAPMILL_ROWS_FLOWS };

struct capmill_output {
    const char *path;           /* "-" is standard output */
    enum capmill_format format; /* AUTO: by the extension, else (captures) as the input; mixed: pcapng */
    /* tables */
    enum capmill_codec codec;
    enum capmill_rows rows; /* DEFAULT: as the table options say */
    bool compress_payload;  /* for this one, whatever the table options say */
};

/* What holds for every output that is a table. Zeroed: the defaults. */
struct capmill_table {
    enum capmill_rows rows; /* DEFAULT: packets */
    const struct capmill_word
        *columns; /* names, each word one or several with commas; none: the default set */
    size_t n_columns;
    const struct capmill_word *flow_columns; /* of outputs with rows of flows; none: all */
    size_t n_flow_columns;
    bool compress_payload;    /* JSON lines: each payload; Parquet, Avro: codec zstd where none is named */
    enum capmill_codec codec; /* of outputs that do not name one, and whose extension does not */
    int compression_level;    /* 0: the codec's usual one */
    uint64_t row_group_bytes, row_group_rows; /* Parquet; 0: 128 MiB, 1048576 */
    bool bloom_filter;                        /* Parquet: on flow ids */
    bool wide_numbers_as_text;                /* JSON lines: numbers above 2^53 as strings */
    /* Outputs are folders of files: by these columns ("dt/hr", "protocol"), and by size. */
    struct capmill_word partition;
    uint64_t max_file_bytes; /* 0: files of any size */
    /* rows of flows */
    uint64_t idle_timeout_ns, active_timeout_ns; /* 0: 60 s and 30 min; UINT64_MAX: never */
};

/* Something worth telling a person while a job runs: damage, a fallback, a note. The pointers last for the
 * call. */
enum capmill_message_level { CAPMILL_NOTE = 0, CAPMILL_WARNING = 1 };
typedef void (*capmill_message_function)(void *context, enum capmill_message_level level, const char *text);

/* How far a run is, see below. The pointer lasts for the call. */
struct capmill_progress;
typedef void (*capmill_progress_function)(void *context, const struct capmill_progress *progress);

/* A job. Zeroed except for what capmill_job_init sets. Everything that it points to, strings, arrays and groups of
 * rules, must outlive the run. */
struct capmill_job {
    size_t struct_bytes; /* set by capmill_job_init: tells which version of this struct the caller was
                            compiled with */
    enum capmill_command command;

    const char *const *inputs; /* files, globs, folders, "-" */
    size_t n_inputs;
    const struct capmill_output *outputs;
    size_t n_outputs;

    unsigned n_threads;    /* 0: the CPUs this process may use */
    uint64_t memory_bytes; /* 0: half of what the machine or its cgroup has free */
    const char *temp_dir;  /* NULL: the system's; info and stats */
    enum capmill_io io;
    bool strict;          /* damage is a failure */
    bool skip_unreadable; /* an input that cannot be opened or is no capture is skipped and counted */
    bool force;           /* replace existing outputs */
    bool durable;         /* flush outputs to the disk before they get their names */

    /* info, stats */
    bool approximate;    /* count addresses and flows within about 1 %, in fixed memory */
    bool unidirectional; /* a flow is one direction; also for min_flow_packets and flow ids of filters */

    /* every command that reads packets */
    struct capmill_filter filter;
    /* every command that writes packets that were read */
    struct capmill_transform transform;

    /* sort, export */
    struct capmill_table table;
    bool by_time;      /* export: put packets in order of time first, as sort does */
    uint64_t slice_ns; /* 0: one file */
    bool nanoseconds;  /* write nanoseconds whatever the inputs have */
    bool microseconds; /* write microseconds whatever the inputs have, finer digits are cut; not with the
                          above */

    /* generate */
    const char *recipe; /* text of a recipe: "key = value" lines; see docs/generate.md */

    capmill_message_function on_message; /* may be called from any thread, one at a time; NULL: dropped */
    void *message_context;

    /* Called about four times a second by one thread of the run while capmill_run_execute works, and once
     * more before it returns. Never at the same time as on_message: both may write to the same terminal.
     * NULL: nobody watches, and the run keeps no thread or timer for it. */
    capmill_progress_function on_progress;
    void *progress_context;
};

CAPMILL_API void capmill_job_init(struct capmill_job *job, enum capmill_command command);

struct capmill_run;

/* Check the job and plan it; inputs are listed and looked at, nothing is written. On failure *run_ret is NULL
 * and `text` (NULL accepted) holds one sentence. */
CAPMILL_API enum capmill_status capmill_run_create(const struct capmill_job *job,
                                                   struct capmill_run **run_ret, char *text,
                                                   size_t text_bytes);
CAPMILL_API void capmill_run_destroy(struct capmill_run *run); /* NULL accepted */
/* The plan as text: stages, threads, rings, chosen I/O. Borrowed from the run. */
CAPMILL_API const char *capmill_run_plan(struct capmill_run *run);
/* Do it. CAPMILL_OK also where damage was skipped: look at the report. */
CAPMILL_API enum capmill_status capmill_run_execute(struct capmill_run *run, char *text, size_t text_bytes);
/* Ask a run to stop soon: outputs will be absent and execute answers CAPMILL_E_INTERRUPTED. Safe in signal
 * handlers. */
CAPMILL_API void capmill_run_stop(struct capmill_run *run);

struct capmill_progress {
    uint64_t bytes_total; /* 0 where unknown */
    uint64_t bytes_done;
    uint64_t packets_done;
    uint64_t elapsed_ns;
    const char *stage; /* what the run is at: "read", "sort", "write" ...; static */
};
CAPMILL_API void capmill_run_progress(const struct capmill_run *run, struct capmill_progress *progress_ret);

/* --- for programs, once each, from the main thread; a library inside another program leaves them alone --- */

/* First call of main: makes *argv UTF-8 and standard output binary where the system has it otherwise
 * (Windows), lets writing to a pipe without a reader fail as a write instead of ending the process (SIGPIPE),
 * and opens the null device in place of standard streams that came closed, so that no capture takes their
 * numbers. The new *argv, if any, lives until the process ends. CAPMILL_E_MEMORY, or CAPMILL_E_IO where there
 * is no null device to open. */
CAPMILL_API enum capmill_status capmill_program_init(int *argc, char ***argv);
/* From now on the first SIGINT or SIGTERM (Ctrl-C, Ctrl-Break) is capmill_run_stop(run), a second one ends
 * the process at once. NULL: nobody is stopped by the first any more; call it so before the run is destroyed.
 */
CAPMILL_API void capmill_catch_stop_signals(struct capmill_run *run);
CAPMILL_API bool capmill_stderr_is_terminal(void);
/* Columns of the terminal behind standard error; 80 where unknown. */
CAPMILL_API unsigned capmill_stderr_columns(void);

/* --- results; everything below is borrowed from the run and read-only --- */

/* Where the time went: one row per stage and per ring, summed over threads. */
struct capmill_stage_report {
    const char *name;
    unsigned n_threads;
    uint64_t busy_ns; /* sum over threads */
    uint64_t waiting_ns;
    uint64_t n_items; /* packets, or items through a ring */
    uint64_t n_bytes;
    uint64_t n_full_waits; /* rings */
    uint64_t n_empty_waits;
};

/* Packets that could not be changed in all that was asked, by reason. */
struct capmill_unchanged {
    const char *reason;
    uint64_t n_packets;
};

struct capmill_report {
    uint64_t elapsed_ns;
    uint64_t cpu_ns;
    uint64_t peak_memory_bytes;
    uint64_t bytes_read;
    uint64_t packets_read;
    uint64_t packets_kept;    /* by the filter; packets_read where there is none */
    uint64_t packets_changed; /* bytes, lengths or times */
    const struct capmill_unchanged *unchanged;
    size_t n_unchanged;
    uint64_t bytes_written;   /* to all outputs together, as the next two */
    uint64_t packets_written; /* into captures */
    uint64_t rows_written;    /* into tables */
    size_t n_tables;          /* of the outputs */
    uint64_t files_written;   /* where outputs are folders of files; 0: one file for each of `outputs` */
    uint64_t n_inputs;
    uint64_t n_inputs_skipped; /* unreadable */
    uint64_t n_damages;        /* places where bytes were skipped */
    uint64_t damaged_bytes;
    uint64_t blocks_dropped; /* pcapng blocks that the written form has no place for */
    uint64_t blocks_hidden;  /* pcapng blocks and options that were left out as anonymisation demands */
    const char *method;      /* sort: "window" or "index"; NULL otherwise */
    const char *bottleneck;  /* name of the stage that held the others up */
    const struct capmill_stage_report *stages;
    size_t n_stages;
    const char *const *outputs; /* final paths written */
    size_t n_outputs;
};
CAPMILL_API const struct capmill_report *capmill_run_report(const struct capmill_run *run);

struct capmill_interface_info {
    uint32_t section;
    uint32_t id;
    uint16_t link_type;         /* LINKTYPE_ */
    const char *link_type_name; /* "ETHERNET"; NULL where unknown */
    const char *name;           /* if_name or "" */
    uint32_t snaplen;
    uint64_t n_packets;
};

/* One capture, or several taken together. */
struct capmill_capture_info {
    const char *path;    /* "-" for standard input, "total" for the sum */
    const char *format;  /* "pcap", "pcapng" */
    const char *variant; /* "", "modified", "nokia", "ixia" */
    bool big_endian;
    bool nanoseconds; /* finest resolution of its interfaces is beyond a microsecond */
    uint64_t file_bytes;
    uint32_t n_sections;
    const struct capmill_interface_info *interfaces;
    size_t n_interfaces;
    uint64_t n_packets;
    uint64_t captured_bytes;         /* sum of captured lengths */
    uint64_t original_bytes;         /* sum of lengths on the wire */
    uint32_t min_length, max_length; /* captured */
    uint64_t first_ns, last_ns;      /* least and greatest time; meaningful where has_times */
    bool has_times;
    uint64_t n_out_of_order; /* packets earlier than the packet before them */
    uint64_t max_late_ns;    /* greatest distance of a packet behind the latest time before it */
    uint64_t n_src_addresses, n_dst_addresses, n_flows;
    bool approximate;
    uint64_t n_damages, damaged_bytes;
};
CAPMILL_API size_t capmill_run_captures(const struct capmill_run *run,
                                        const struct capmill_capture_info **captures_ret);
/* All inputs together (stats; info with more than one input). NULL where the command has none. */
CAPMILL_API const struct capmill_capture_info *capmill_run_total(const struct capmill_run *run);

struct capmill_flow {
    uint8_t ip_version; /* 4 or 6 */
    uint8_t protocol;
    uint8_t src[16], dst[16]; /* of its first packet; network order; 4 bytes used for version 4 */
    uint16_t src_port, dst_port;
    uint8_t tcp_flags; /* OR of all packets */
    bool has_icmp;     /* ICMP type and code of its first packet, which the Community ID needs */
    uint8_t icmp_type, icmp_code;
    uint64_t flow_id;
    uint64_t n_packets[2]; /* from source to destination, and back */
    uint64_t n_bytes[2];   /* lengths on the wire */
    uint64_t first_ns, last_ns;
};

enum capmill_flow_order { CAPMILL_FLOWS_BY_ID = 0, CAPMILL_FLOWS_BY_BYTES, CAPMILL_FLOWS_BY_PACKETS };
/* After execute: hand `limit` flows (0: all; needed for BY_ID only when wanted) to `each`, in that order;
 * ties by flow id. `each` answers false to stop. BY_BYTES and BY_PACKETS need a limit of at most 1,000,000.
 */
CAPMILL_API enum capmill_status
capmill_run_flows(struct capmill_run *run, enum capmill_flow_order order, size_t limit,
                  bool (*each)(void *context, const struct capmill_flow *flow), void *context, char *text,
                  size_t text_bytes);
/* "1:" and 28 characters, as the published specification has it. */
#define CAPMILL_COMMUNITY_ID_BYTES 32
CAPMILL_API void capmill_flow_community_id(const struct capmill_flow *flow,
                                           char text_ret[CAPMILL_COMMUNITY_ID_BYTES]);

struct capmill_protocol_count {
    const char *name; /* "tcp", "arp", "ip protocol 89", "eth type 0x88cc", "other" */
    uint64_t n_packets, n_bytes;
};
struct capmill_host_count {
    uint8_t ip_version;
    uint8_t address[16];
    uint64_t n_packets_sent, n_bytes_sent, n_packets_received, n_bytes_received;
};
struct capmill_size_count {
    uint32_t from, to; /* lengths on the wire, both included */
    uint64_t n_packets;
};
/* stats only; rows sorted by bytes, most first (sizes: by size). */
CAPMILL_API size_t capmill_run_protocols(const struct capmill_run *run,
                                         const struct capmill_protocol_count **rows_ret);
CAPMILL_API size_t capmill_run_hosts(const struct capmill_run *run,
                                     const struct capmill_host_count **rows_ret);
CAPMILL_API size_t capmill_run_sizes(const struct capmill_run *run,
                                     const struct capmill_size_count **rows_ret);

#ifdef __cplusplus
}
#endif

#endif
