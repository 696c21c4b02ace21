/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: the table of keys, reading and writing them. Not for contradictions between keys (generate.c) and
 * not for the spelling of quantities (recipe_values.c). */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/quantity.h"
#include "base/time_text.h"
#include "synth/recipe_values.h"
#include "synth/synth.h"

#define VALUE_BYTES     512
#define KEY_BYTES       32
#define MIN_FRAME_BYTES 42 /* Ethernet, IPv4 and UDP headers */
#define MAX_FRAME_BYTES 65535
#define MAX_SNAPLEN     262144 /* what libpcap and Wireshark accept at most */

/* Named mixes. `imix` has the shape of a link of today: half of the packets small, a third full; with record
 * headers 1 GiB of it is 1.61 million packets. `imix-classic` is the Simple IMIX of test equipment. */
static const struct named_mix {
    const char *name;
    struct cm_recipe_mix mix;
} named_mixes[] = {
    {"imix", {CM_RECIPE_MIX_LIST, 0, 0, 3, {{64, 10}, {576, 3}, {1518, 7}}}},
    {"imix-classic", {CM_RECIPE_MIX_LIST, 0, 0, 3, {{64, 7}, {594, 4}, {1518, 1}}}},
};

struct key {
    const char *name;
    const char *expects;
    bool (*set)(struct cm_recipe *recipe, const char *value);
    /* False: the key does not apply to this recipe and is not written. */
    bool (*format)(const struct cm_recipe *recipe, char *text, size_t capacity);
};

static bool same_mix(const struct cm_recipe_mix *a, const struct cm_recipe_mix *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == CM_RECIPE_MIX_UNIFORM)
        return a->from == b->from && a->to == b->to;
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->entries[i].bytes != b->entries[i].bytes || a->entries[i].weight != b->entries[i].weight)
            return false;
    }
    return true;
}

/* A whole decimal number within limits; *end_ret: what follows it. */
static bool read_number(const char *text, uint64_t least, uint64_t greatest, uint64_t *value_ret,
                        const char **end_ret)
{
    uint64_t value = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        if (!cm_mul_u64(value, 10, &value) || !cm_add_u64(value, (uint64_t)(*p - '0'), &value))
            return false;
    }
    if (p == text || value < least || value > greatest)
        return false;
    *value_ret = value;
    *end_ret = p;
    return true;
}

static bool read_whole(const char *text, uint64_t least, uint64_t greatest, uint64_t *value_ret)
{
    const char *end;

    return read_number(text, least, greatest, value_ret, &end) && *end == 0;
}

static bool read_u32(const char *text, uint32_t least, uint32_t greatest, uint32_t *value_ret)
{
    uint64_t value;

    if (!read_whole(text, least, greatest, &value))
        return false;
    *value_ret = (uint32_t)value;
    return true;
}

static bool read_share(const char *text, uint32_t *ppm_ret)
{
    uint64_t value;

    if (!cm_recipe_read_quantity(text, cm_recipe_share_units, &value) || value > CM_SYNTH_PPM)
        return false;
    *ppm_ret = (uint32_t)value;
    return true;
}

static bool read_choice(const char *text, const char *const *names, unsigned *choice_ret)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *choice_ret = i;
            return true;
        }
    }
    return false;
}

/* --- one pair of functions a key --- */

static bool set_size(struct cm_recipe *r, const char *value)
{
    uint64_t bytes;

    if (!cm_size_parse(value, &bytes, NULL) || bytes == 0 || bytes > INT64_MAX)
        return false;
    r->size_bytes = bytes;
    r->n_packets = 0;
    return true;
}

static bool format_size(const struct cm_recipe *r, char *text, size_t capacity)
{
    cm_recipe_write_quantity(r->size_bytes, cm_recipe_size_units, text, capacity);
    return r->size_bytes != 0;
}

static bool set_packets(struct cm_recipe *r, const char *value)
{
    if (!read_whole(value, 1, CM_SYNTH_MAX_PACKETS, &r->n_packets))
        return false;
    r->size_bytes = 0;
    return true;
}

static bool format_packets(const struct cm_recipe *r, char *text, size_t capacity)
{
    snprintf(text, capacity, "%" PRIu64, r->n_packets);
    return r->size_bytes == 0;
}

static bool set_seed(struct cm_recipe *r, const char *value)
{
    return read_whole(value, 0, UINT64_MAX, &r->seed);
}

static bool format_seed(const struct cm_recipe *r, char *text, size_t capacity)
{
    snprintf(text, capacity, "%" PRIu64, r->seed);
    return true;
}

static bool set_start(struct cm_recipe *r, const char *value)
{
    return cm_recipe_read_time(value, &r->start_ns);
}

static bool format_start(const struct cm_recipe *r, char *text, size_t capacity)
{
    char time[CM_TIME_TEXT_BYTES];

    snprintf(text, capacity, "%s", cm_time_text(r->start_ns, time));
    return true;
}

/* Keys that choose between two or three words. */
#define CHOICE_KEY(key_, field_, type_, ...)                                                                 \
    static const char *const key_##_names[] = {__VA_ARGS__, NULL};                                           \
    static bool set_##key_(struct cm_recipe *r, const char *value)                                           \
    {                                                                                                        \
        unsigned choice;                                                                                     \
        if (!read_choice(value, key_##_names, &choice))                                                      \
            return false;                                                                                    \
        r->field_ = (type_)choice;                                                                           \
        return true;                                                                                         \
    }                                                                                                        \
    static bool format_##key_(const struct cm_recipe *r, char *text, size_t capacity)                        \
    {                                                                                                        \
        snprintf(text, capacity, "%s", key_##_names[(unsigned)r->field_]);                                   \
        return true;                                                                                         \
    }

CHOICE_KEY(file_format, pcapng, bool, "pcap", "pcapng")
CHOICE_KEY(resolution, nanoseconds, bool, "us", "ns")
CHOICE_KEY(byte_order, big_endian, bool, "little", "big")
CHOICE_KEY(order, order, enum cm_recipe_order, "sorted", "displaced", "shuffled")
CHOICE_KEY(tcp, conversations, bool, "stateless", "conversations")
CHOICE_KEY(payload, payload, enum cm_recipe_payload, "random", "zero", "text")

#define SHARE_KEY(key_, field_)                                                                              \
    static bool set_##key_(struct cm_recipe *r, const char *value)                                           \
    {                                                                                                        \
        return read_share(value, &r->field_);                                                                \
    }                                                                                                        \
    static bool format_##key_(const struct cm_recipe *r, char *text, size_t capacity)                        \
    {                                                                                                        \
        cm_recipe_write_quantity(r->field_, cm_recipe_share_units, text, capacity);                          \
        return true;                                                                                         \
    }

SHARE_KEY(ipv6, ipv6_ppm)
SHARE_KEY(vlan, vlan_ppm)
SHARE_KEY(qinq, qinq_ppm)
SHARE_KEY(gap_share, gap_share_ppm)
SHARE_KEY(displaced, displaced_ppm)
SHARE_KEY(retransmit, retransmit_ppm)
SHARE_KEY(reorder, reorder_ppm)
SHARE_KEY(reset, reset_ppm)

#define DURATION_KEY(key_, field_)                                                                           \
    static bool set_##key_(struct cm_recipe *r, const char *value)                                           \
    {                                                                                                        \
        uint64_t ns;                                                                                         \
        if (!cm_duration_parse(value, &ns, NULL) || ns == 0 || ns > INT64_MAX)                               \
            return false;                                                                                    \
        r->field_ = ns;                                                                                      \
        return true;                                                                                         \
    }                                                                                                        \
    static bool format_##key_(const struct cm_recipe *r, char *text, size_t capacity)                        \
    {                                                                                                        \
        cm_recipe_write_quantity(r->field_, cm_recipe_duration_units, text, capacity);                       \
        return true;                                                                                         \
    }

DURATION_KEY(gap_length, gap_length_ns)
DURATION_KEY(displaced_by, displaced_by_ns)

static bool set_snaplen(struct cm_recipe *r, const char *value)
{
    return read_u32(value, 1, MAX_SNAPLEN, &r->snaplen);
}

static bool format_snaplen(const struct cm_recipe *r, char *text, size_t capacity)
{
    snprintf(text, capacity, "%" PRIu32, r->snaplen);
    return true;
}

static bool read_list(const char *text, struct cm_recipe_mix *mix)
{
    uint64_t bytes, weight;

    mix->kind = CM_RECIPE_MIX_LIST;
    for (;; text++) {
        if (mix->n == CM_RECIPE_MIX_ENTRIES)
            return false;
        while (*text == ' ')
            text++;
        if (!read_number(text, MIN_FRAME_BYTES, MAX_FRAME_BYTES, &bytes, &text))
            return false;
        weight = 1;
        if (*text == ':' && !read_number(text + 1, 1, 1000000, &weight, &text))
            return false;
        mix->entries[mix->n].bytes = (uint32_t)bytes;
        mix->entries[mix->n++].weight = (uint32_t)weight;
        while (*text == ' ')
            text++;
        if (*text == 0)
            return true;
        if (*text != ',')
            return false;
    }
}

static bool read_uniform(const char *text, struct cm_recipe_mix *mix)
{
    uint64_t from, to;

    if (!read_number(text, MIN_FRAME_BYTES, MAX_FRAME_BYTES, &from, &text) || *text != '-' ||
        !read_whole(text + 1, from, MAX_FRAME_BYTES, &to))
        return false;
    mix->kind = CM_RECIPE_MIX_UNIFORM;
    mix->from = (uint32_t)from;
    mix->to = (uint32_t)to;
    return true;
}

static bool set_packet_sizes(struct cm_recipe *r, const char *value)
{
    struct cm_recipe_mix mix;

    for (size_t i = 0; i < CM_ARRAY_COUNT(named_mixes); i++) {
        if (strcmp(value, named_mixes[i].name) == 0) {
            r->sizes = named_mixes[i].mix;
            return true;
        }
    }
    memset(&mix, 0, sizeof(mix));
    if (strncmp(value, "uniform ", 8) == 0 ? !read_uniform(value + 8, &mix) : !read_list(value, &mix))
        return false;
    r->sizes = mix;
    return true;
}

static bool format_packet_sizes(const struct cm_recipe *r, char *text, size_t capacity)
{
    size_t n = 0;

    for (size_t i = 0; i < CM_ARRAY_COUNT(named_mixes); i++) {
        if (same_mix(&r->sizes, &named_mixes[i].mix)) {
            snprintf(text, capacity, "%s", named_mixes[i].name);
            return true;
        }
    }
    if (r->sizes.kind == CM_RECIPE_MIX_UNIFORM) {
        snprintf(text, capacity, "uniform %" PRIu32 "-%" PRIu32, r->sizes.from, r->sizes.to);
        return true;
    }
    for (uint32_t i = 0; i < r->sizes.n && n < capacity; i++)
        n += (size_t)snprintf(text + n, capacity - n, "%s%" PRIu32 ":%" PRIu32, i == 0 ? "" : ",",
                              r->sizes.entries[i].bytes, r->sizes.entries[i].weight);
    return true;
}

static bool set_flows(struct cm_recipe *r, const char *value)
{
    return read_u32(value, 1, CM_SYNTH_MAX_FLOWS, &r->flows);
}

static bool format_flows(const struct cm_recipe *r, char *text, size_t capacity)
{
    snprintf(text, capacity, "%" PRIu32, r->flows);
    return true;
}

static bool set_popularity(struct cm_recipe *r, const char *value)
{
    uint64_t thousandths;

    if (!cm_recipe_read_quantity(value, cm_recipe_thousandth_units, &thousandths) || thousandths > 4000)
        return false;
    r->popularity_thousandths = (uint32_t)thousandths;
    return true;
}

static bool format_popularity(const struct cm_recipe *r, char *text, size_t capacity)
{
    cm_recipe_write_quantity(r->popularity_thousandths, cm_recipe_thousandth_units, text, capacity);
    return true;
}

static bool set_protocols(struct cm_recipe *r, const char *value)
{
    static const char *const names[] = {"tcp", "udp", "icmp"};
    uint32_t weights[3] = {0, 0, 0};
    const char *p = value;

    for (;; p++) {
        size_t i, n;
        uint64_t weight = 1;

        while (*p == ' ')
            p++;
        for (i = 0; i < 3; i++) {
            n = strlen(names[i]);
            if (strncmp(p, names[i], n) == 0 && !isalnum((unsigned char)p[n]))
                break;
        }
        if (i == 3 || weights[i] != 0)
            return false;
        p += n;
        if (*p == ':' && !read_number(p + 1, 1, 1000000, &weight, &p))
            return false;
        weights[i] = (uint32_t)weight;
        while (*p == ' ')
            p++;
        if (*p == 0)
            break;
        if (*p != ',')
            return false;
    }
    r->weight_tcp = weights[0];
    r->weight_udp = weights[1];
    r->weight_icmp = weights[2];
    return true;
}

static bool format_protocols(const struct cm_recipe *r, char *text, size_t capacity)
{
    const struct {
        const char *name;
        uint32_t weight;
    } rows[] = {{"tcp", r->weight_tcp}, {"udp", r->weight_udp}, {"icmp", r->weight_icmp}};
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        if (rows[i].weight != 0 && n < capacity)
            n += (size_t)snprintf(text + n, capacity - n, "%s%s:%" PRIu32, n == 0 ? "" : ",", rows[i].name,
                                  rows[i].weight);
    }
    return true;
}

static bool set_rate(struct cm_recipe *r, const char *value)
{
    uint64_t rate;
    bool bits = false;

    if (!cm_recipe_read_quantity(value, cm_recipe_packet_rate_units, &rate)) {
        bits = true;
        if (!cm_recipe_read_quantity(value, cm_recipe_bit_rate_units, &rate))
            return false;
    }
    if (rate < (bits ? 1000u : 1u) || rate > (bits ? UINT64_C(1000000000000000) : UINT64_C(1000000000000)))
        return false;
    r->rate_in_bits = bits;
    r->rate = rate;
    return true;
}

static bool format_rate(const struct cm_recipe *r, char *text, size_t capacity)
{
    cm_recipe_write_quantity(
        r->rate, r->rate_in_bits ? cm_recipe_bit_rate_units : cm_recipe_packet_rate_units, text, capacity);
    return true;
}

static const struct key keys[] = {
    {"size", "a size of the file such as 64K, 10M or 1G", set_size, format_size},
    {"packets", "a number of packets, in place of size", set_packets, format_packets},
    {"seed", "a whole number from 0 to 18446744073709551615", set_seed, format_seed},
    {"start", "a time such as 2024-01-01T00:00:00Z, or milliseconds since 1970", set_start, format_start},
    {"format", "pcap or pcapng", set_file_format, format_file_format},
    {"resolution", "us or ns", set_resolution, format_resolution},
    {"byte-order", "little or big", set_byte_order, format_byte_order},
    {"snaplen", "a number of bytes from 1 to 262144", set_snaplen, format_snaplen},
    {"packet-sizes",
     "imix, imix-classic, 'uniform 64-1518', or sizes from 42 to 65535 with weights such as "
     "64:7,594:4,1518:1 (at most "
     "32)",
     set_packet_sizes, format_packet_sizes},
    {"flows", "a number of flows from 1 to 134217728", set_flows, format_flows},
    {"popularity", "a Zipf exponent from 0 (all flows alike) to 4, such as 1.0", set_popularity,
     format_popularity},
    {"protocols", "weights such as tcp:70,udp:25,icmp:5", set_protocols, format_protocols},
    {"ipv6", "a share such as 30%", set_ipv6, format_ipv6},
    {"vlan", "a share such as 30%", set_vlan, format_vlan},
    {"qinq", "a share such as 30%", set_qinq, format_qinq},
    {"rate", "packets or bits a second such as 1Mpps, 250kpps, 10Gbit", set_rate, format_rate},
    {"gap-share", "the share of quiet time, such as 20%", set_gap_share, format_gap_share},
    {"gap-length", "a duration such as 10ms", set_gap_length, format_gap_length},
    {"order", "sorted, displaced or shuffled", set_order, format_order},
    {"displaced", "a share such as 10%", set_displaced, format_displaced},
    {"displaced-by", "the greatest displacement, such as 50us", set_displaced_by, format_displaced_by},
    {"tcp", "stateless or conversations", set_tcp, format_tcp},
    {"tcp-retransmit", "a share of data segments such as 1%", set_retransmit, format_retransmit},
    {"tcp-reorder", "a share of data segments such as 1%", set_reorder, format_reorder},
    {"tcp-reset", "a share of conversations such as 5%", set_reset, format_reset},
    {"payload", "random, zero or text", set_payload, format_payload},
};

void cm_recipe_init(struct cm_recipe *recipe)
{
    memset(recipe, 0, sizeof(*recipe));
    recipe->size_bytes = 10 << 20;
    recipe->seed = 1;
    recipe->start_ns = UINT64_C(1704067200) * 1000000000; /* 2024-01-01T00:00:00Z */
    recipe->snaplen = MAX_SNAPLEN;
    recipe->sizes = named_mixes[0].mix;
    recipe->flows = 1000;
    recipe->popularity_thousandths = 1000;
    recipe->weight_tcp = 70;
    recipe->weight_udp = 25;
    recipe->weight_icmp = 5;
    recipe->rate = 1000000;
    recipe->gap_length_ns = 10000000;
    recipe->displaced_ppm = 100000;
    recipe->displaced_by_ns = 50000;
    recipe->reset_ppm = 50000;
}

const char *cm_recipe_key(size_t index, const char **expects_ret)
{
    if (index >= CM_ARRAY_COUNT(keys))
        return NULL;
    if (expects_ret != NULL)
        *expects_ret = keys[index].expects;
    return keys[index].name;
}

static enum capmill_status unknown_key(const char *key, struct cm_error *error)
{
    char known[VALUE_BYTES] = "";
    size_t n = 0;

    for (size_t i = 0; i < CM_ARRAY_COUNT(keys) && n < sizeof(known); i++)
        n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", i == 0 ? "" : ", ", keys[i].name);
    return cm_error_set(error, CAPMILL_E_USAGE, 0, "there is no recipe key '%.40s'; the keys are %s", key,
                        known);
}

enum capmill_status cm_recipe_set(struct cm_recipe *recipe, const char *key, const char *value,
                                  struct cm_error *error)
{
    for (size_t i = 0; i < CM_ARRAY_COUNT(keys); i++) {
        if (strcmp(key, keys[i].name) != 0)
            continue;
        if (!keys[i].set(recipe, value))
            return cm_error_set(error, CAPMILL_E_USAGE, 0, "recipe key '%s' wants %s, not '%.80s'", key,
                                keys[i].expects, value);
        return CAPMILL_OK;
    }
    return unknown_key(key, error);
}

/* Copy text[0..n) without surrounding blanks; false where it does not fit. */
static bool copy_trimmed(const char *text, size_t n, char *copy, size_t capacity)
{
    while (n > 0 && isspace((unsigned char)text[0])) {
        text++;
        n--;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= capacity)
        return false;
    memcpy(copy, text, n);
    copy[n] = 0;
    return true;
}

static enum capmill_status parse_line(const char *line, size_t n, struct cm_recipe *recipe,
                                      struct cm_error *error)
{
    char key[KEY_BYTES], value[VALUE_BYTES];
    const char *comment = memchr(line, '#', n);
    const char *equals;

    if (comment != NULL)
        n = (size_t)(comment - line);
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    if (n == 0)
        return CAPMILL_OK;
    equals = memchr(line, '=', n);
    if (equals == NULL || !copy_trimmed(line, (size_t)(equals - line), key, sizeof(key)) ||
        !copy_trimmed(equals + 1, n - (size_t)(equals + 1 - line), value, sizeof(value)))
        return cm_error_set(error, CAPMILL_E_USAGE, 0, "expected 'key = value', found '%.*s'",
                            n < 60 ? (int)n : 60, line);
    return cm_recipe_set(recipe, key, value, error);
}

enum capmill_status cm_recipe_parse(const char *text, struct cm_recipe *recipe, struct cm_error *error)
{
    enum capmill_status status = CAPMILL_OK;
    unsigned line = 1;

    cm_recipe_init(recipe);
    for (;; line++) {
        size_t n = strcspn(text, "\n");

        status = parse_line(text, n, recipe, error);
        if (status < 0) {
            cm_error_context(error, "recipe line %u", line);
            return status;
        }
        if (text[n] == 0)
            return CAPMILL_OK;
        text += n + 1;
    }
}

size_t cm_recipe_format(const struct cm_recipe *recipe, char *text, size_t capacity)
{
    char value[VALUE_BYTES];
    size_t n = 0;

    if (capacity > 0)
        text[0] = 0;
    for (size_t i = 0; i < CM_ARRAY_COUNT(keys); i++) {
        if (!keys[i].format(recipe, value, sizeof(value)))
            continue;
        n += (size_t)snprintf(n < capacity ? text + n : NULL, n < capacity ? capacity - n : 0, "%s = %s\n",
                              keys[i].name, value);
    }
    return n;
}
