/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: what is in tables, and how they are laid out in files. Which columns there are the
 * library knows; their names go to it as they were typed. */
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "cli/option_tables.h"
#include "cli/output_words.h"

/* Levels of zstd, which has most of them; what each codec takes is the library's to say. */
#define MAX_LEVEL 22
/* What a number of rows may be in Parquet's pages and the like: 31 bits. */
#define MAX_ROWS INT32_MAX

/* Names with `between` between them, none of them empty. */
static enum capmill_status check_names(const struct cm_setting *setting, char between, struct cm_error *error)
{
    const char *value = setting->value;
    struct cm_text_fault fault = {0, "expected the name of a column"};

    for (size_t at = 0;; at++) {
        size_t n = strcspn(value + at, (const char[]){between, 0});
        fault.at = at;
        if (n == 0)
            return cm_setting_refuse(setting, &fault, error);
        at += n;
        if (value[at] == 0)
            return CAPMILL_OK;
    }
}

static CM_SETTER(add_columns)
{
    enum capmill_status status = check_names(setting, ',', error);

    return status < 0 ? status : cm_add_word(setting, typed, error);
}

static CM_SETTER(set_partition)
{
    enum capmill_status status = check_names(setting, '/', error);

    typed->table.partition = (struct capmill_word){setting->value, setting->origin};
    return status;
}

static CM_SETTER(set_rows)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    if (status == CAPMILL_OK)
        cm_rows_of_word(setting->value, strlen(setting->value), &typed->table.rows);
    return status;
}

static CM_SETTER(set_level)
{
    uint64_t level = 0;
    enum capmill_status status = cm_setting_count(setting, 1, MAX_LEVEL, &level, error);

    typed->table.compression_level = (int)level;
    return status;
}

/* Sizes and durations of which nothing is no sensible amount, and in a job means the default. */
static enum capmill_status refuse_nothing(const struct cm_setting *setting, const char *or_what,
                                          struct cm_error *error)
{
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "%.300s %s: expected more than nothing%s", setting->origin,
                        setting->value, or_what);
}

static uint64_t *table_number(const struct cm_setting *setting, struct cm_typed *typed)
{
    return (uint64_t *)((char *)&typed->table + setting->option->what);
}

static CM_SETTER(set_size)
{
    uint64_t *bytes = table_number(setting, typed);
    enum capmill_status status = cm_setting_size(setting, bytes, error);

    return status == CAPMILL_OK && *bytes == 0 ? refuse_nothing(setting, "", error) : status;
}

static CM_SETTER(set_row_count)
{
    return cm_setting_count(setting, 1, MAX_ROWS, table_number(setting, typed), error);
}

static CM_SETTER(set_timeout)
{
    uint64_t *ns = table_number(setting, typed);
    struct cm_text_fault fault;

    if (strcmp(setting->value, "never") == 0) {
        *ns = UINT64_MAX;
        return CAPMILL_OK;
    }
    if (setting->value[0] < '0' || setting->value[0] > '9')
        return cm_setting_refuse(setting, &(struct cm_text_fault){0, "expected a duration or never"}, error);
    if (!cm_duration_parse(setting->value, ns, &fault))
        return cm_setting_refuse(setting, &fault, error);
    return *ns == 0 ? refuse_nothing(setting, ", or never", error) : CAPMILL_OK;
}

static CM_SETTER(set_codec)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    if (status == CAPMILL_OK)
        cm_codec_of_word(setting->value, strlen(setting->value), &typed->table.codec);
    return status;
}

#define TABLE          .section = CM_SECTION_TABLE, .commands = CM_FOR_TABLES, .group = CM_GROUP_TABLE
#define NUMBER(member) TABLE, .what = offsetof(struct capmill_table, member)
#define LIST(id)       TABLE, .kind = CM_VALUE_WORD, .repeatable = true, .set = add_columns, .what = id
#define FLAG(member)   TABLE, CM_FLAG(table.member)

#define PACKET_COLUMNS                                                                                       \
    "timestamp_ns src_ip dst_ip src_port dst_port protocol flow_id caplen origlen tcp_flags payload time "   \
    "packet_number interface community_id eth_type vlan vlan_inner ttl ip_id tcp_seq tcp_ack tcp_window "    \
    "icmp_type icmp_code src_mac dst_mac payload_len file file_offset flow_packets flow_bytes "              \
    "flow_first_ns flow_last_ns flow_direction"
#define FLOW_COLUMNS                                                                                         \
    "flow_id community_id src_ip dst_ip src_port dst_port protocol first_ns last_ns first last "             \
    "duration_ns packets bytes packets_forward packets_reverse bytes_forward bytes_reverse tcp_flags "       \
    "tcp_flags_forward tcp_flags_reverse icmp_type icmp_code end_reason"

static const struct cm_option rows[] = {
    {CM_NAMED("rows"), .argument = CM_ROWS_WORDS, .kind = CM_VALUE_CHOICE, TABLE, .default_text = "packets",
     .sample = "\"packets\"",
     .help =
         "What a row of a table is, for tables that do not say: a packet, or a flow from its first packet "
         "to its last",
     .set = set_rows},
    {CM_NAMED("columns"), .argument = "LIST", LIST(CM_COLUMNS),
     .default_text = "timestamp_ns, src_ip, dst_ip, src_port, dst_port, protocol, flow_id, caplen, origlen, "
                     "tcp_flags, payload, time, packet_number, interface, community_id",
     .sample = "[\"time\", \"src_ip\", \"dst_ip\", \"origlen\"]", .usual = PACKET_COLUMNS, .between = ',',
     .help = "Write these columns of packets, in this order: names separated by commas. There are also "
             "eth_type, vlan, vlan_inner, ttl, ip_id, tcp_seq, tcp_ack, tcp_window, icmp_type, icmp_code, "
             "src_mac, dst_mac, payload_len, file, file_offset; and at the cost of a second reading "
             "flow_packets, flow_bytes, flow_first_ns, flow_last_ns, flow_direction"},
    {CM_NAMED("flow-columns"), .argument = "LIST", LIST(CM_FLOW_COLUMNS), .default_text = "all",
     .sample = "\"first,src_ip,dst_ip,bytes\"", .usual = FLOW_COLUMNS, .between = ',',
     .help = "Write these columns of flows, in this order: flow_id, community_id, src_ip, dst_ip, src_port, "
             "dst_port, protocol, first_ns, last_ns, first, last, duration_ns, packets, bytes, "
             "packets_forward, packets_reverse, bytes_forward, bytes_reverse, tcp_flags, tcp_flags_forward, "
             "tcp_flags_reverse, icmp_type, icmp_code, end_reason"},
    {CM_NAMED("compress-payload"),
     .help =
         "Compress payload with zstd: each one in JSON lines; in Parquet and Avro the codec is zstd where "
         "none is named",
     FLAG(compress_payload)},
    {CM_NAMED("codec"), .argument = CM_CODEC_WORDS, .kind = CM_VALUE_CHOICE, .section = CM_SECTION_OUTPUT,
     .commands = CM_FOR_TABLES, .group = CM_GROUP_TABLE,
     .default_text = "snappy for Parquet, none for others", .sample = "\"zstd\"",
     .help =
         "Compress tables that do not name a codec: Parquet with any of these, Avro with all but lz4, JSON "
         "lines with zstd or gzip; deflate is gzip by the name that it has in Avro",
     .set = set_codec},
    {CM_NAMED("compression-level"), .argument = "N", .kind = CM_VALUE_COUNT, TABLE,
     .default_text = "the usual one of the codec", .sample = "3",
     .help = "Compress with level N: 1 to 22 for zstd, 9 for gzip, 12 for lz4", .set = set_level},
    {CM_NAMED("row-group-size"), .argument = "SIZE", .kind = CM_VALUE_COUNT, NUMBER(row_group_bytes),
     .default_text = "128M", .sample = "\"128M\"", .help = "End a row group of Parquet at SIZE",
     .set = set_size},
    {CM_NAMED("row-group-rows"), .argument = "N", .kind = CM_VALUE_COUNT, NUMBER(row_group_rows),
     .default_text = "1048576", .sample = "1048576", .help = "End a row group of Parquet at N rows",
     .set = set_row_count},
    {CM_NAMED("bloom-filter"), .help = "Add a bloom filter on flow_id to Parquet", FLAG(bloom_filter)},
    {CM_NAMED("wide-numbers-as-text"),
     .help = "Write numbers beyond 2^53 as strings in JSON lines, for readers that know only doubles",
     FLAG(wide_numbers_as_text)},
    {CM_NAMED("partition"), .argument = "LIST", .kind = CM_VALUE_WORD, TABLE, .sample = "\"dt/hr\"",
     .usual = "dt hr protocol", .between = '/',
     .help = "Make each table a folder of files, divided by these columns: dt/hr gives "
             "PATH/dt=2024-02-29/hr=12/part-00000.parquet; a manifest is written last",
     .set = set_partition},
    {CM_NAMED("max-file-size"), .argument = "SIZE", .kind = CM_VALUE_COUNT, NUMBER(max_file_bytes),
     .default_text = "no limit", .sample = "\"1G\"",
     .help = "Make each table a folder of files, and begin another file at about SIZE", .set = set_size},
    {CM_NAMED("idle-timeout"), .argument = "DURATION", .kind = CM_VALUE_REAL, NUMBER(idle_timeout_ns),
     .default_text = "60s", .sample = "\"60s\"",
     .help = "End a row of flows when no packet came for longer than DURATION; never is one too",
     .set = set_timeout},
    {CM_NAMED("active-timeout"), .argument = "DURATION", .kind = CM_VALUE_REAL, NUMBER(active_timeout_ns),
     .default_text = "30m", .sample = "\"30m\"",
     .help = "Go on with another row when a flow has lasted for DURATION; never is one too",
     .set = set_timeout},
};
const struct cm_option_table cm_export_options = {rows, CM_ARRAY_COUNT(rows)};
