/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the option table: what is changed in packets that are written, in the order in which it is done.
 * Values go to the library as they were typed. */
#include "base/checked.h"
#include "cli/option_tables.h"

static CM_SETTER(set_word)
{
    struct capmill_word *word = (struct capmill_word *)((char *)&typed->transform + setting->option->what);

    *word = (struct capmill_word){setting->value, setting->origin};
    return CAPMILL_OK;
}

static CM_SETTER(set_checksums)
{
    int index;
    enum capmill_status status = cm_setting_choice(setting, &index, error);

    _Static_assert(CAPMILL_CHECKSUMS_AUTO == 0 && CAPMILL_CHECKSUMS_FIX == 1 && CAPMILL_CHECKSUMS_KEEP == 2,
                   "the words of --checksums stand in this order");
    if (status == CAPMILL_OK)
        typed->transform.checksums = (enum capmill_checksums)index;
    return status;
}

#define COMMON       .section = CM_SECTION_TRANSFORM, .commands = CM_FOR_CHANGING, .group = CM_GROUP_CHANGE
#define WORD(member) COMMON, .set = set_word, .what = offsetof(struct capmill_transform, member)
#define LIST(id)     COMMON, .kind = CM_VALUE_MAP, .repeatable = true, .set = cm_add_word, .what = id

static const struct cm_option rows[] = {
    {CM_NAMED("timestamp-start"), .argument = "TIME", .kind = CM_VALUE_TIME, WORD(timestamp_start),
     .sample = "2024-01-01T00:00:00Z",
     .help = "Shift times so that the earliest packet that is kept gets TIME: RFC 3339, or milliseconds "
             "since 1970"},
    {CM_NAMED("time-offset"), .argument = "DURATION", .kind = CM_VALUE_REAL, WORD(time_offset),
     .sample = "\"-1h\"", .help = "Add DURATION to every time; -1h, +250ms, 3.5"},
    {CM_NAMED("time-scale"), .argument = "FACTOR", .kind = CM_VALUE_REAL, WORD(time_scale), .sample = "0.5",
     .help = "Multiply distances from the earliest packet that is kept with FACTOR; 0.5, 3/2"},
    {CM_NAMED("replace-ip"), .argument = "A=B", LIST(CM_REPLACE_IP),
     .sample = "{ \"10.0.7.0/24\" = \"198.51.100.0/24\", \"192.0.2.7\" = \"2001:db8::7\" }",
     .help = "Replace address A with B, or the prefix A with the prefix B, IPv4 or IPv6, wherever it stands "
             "in headers"},
    {CM_NAMED("anonymize"), .argument = "KEYFILE", .kind = CM_VALUE_FILE, WORD(anonymize),
     .sample = "\"anonymize.key\"",
     .help =
         "Replace all addresses so that common prefixes stay common (Crypto-PAn); KEYFILE holds 32 bytes, "
         "or 64 hexadecimal digits"},
    {CM_NAMED("replace-mac"), .argument = "A=B", LIST(CM_REPLACE_MAC),
     .sample = "[\"00:00:5e:00:53:01=00:00:5e:00:53:02\"]", .help = "Replace MAC address A with B"},
    {CM_NAMED("replace-vlan"), .argument = "A=B", LIST(CM_REPLACE_VLAN), .sample = "{ 100 = 200 }",
     .help = "Replace VLAN number A with B"},
    {CM_NAMED("replace-port"), .argument = "[PROTO:]A=B", LIST(CM_REPLACE_PORT),
     .sample = "{ 80 = 8080, \"tcp:1000-1999\" = \"2000-2999\" }",
     .help = "Replace port A with B, or the range A with the range B, of one protocol or all"},
    {CM_NAMED("max-payload-bytes"), .argument = "SIZE", .kind = CM_VALUE_COUNT, WORD(max_payload_bytes),
     .sample = "128", .help = "Cut what follows the first SIZE bytes of payload; headers stay whole"},
    {CM_NAMED("checksums"), .argument = "auto|fix|keep", .kind = CM_VALUE_CHOICE, COMMON,
     .default_text = "auto", .sample = "\"auto\"",
     .help = "Compute checksums: auto of packets that were changed, fix of all, keep none",
     .set = set_checksums},
};
const struct cm_option_table cm_change_options = {rows, CM_ARRAY_COUNT(rows)};
