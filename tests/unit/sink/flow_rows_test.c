/* SPDX-License-Identifier: Apache-2.0 */
/* Flows as rows: exact values, when flows end and in which order, against a model that keeps all in a list; the
 * same rows however the packets were cut, and however often. */
#include "sink/flow_rows.h"

#include "base/endian.h"
#include "flow/flow_id.h"
#include "unit/sink/made_rows.h"

#define MS UINT64_C(1000000)

static struct cm_flow_rows *open_flows(const struct cm_flow_rows_options *options)
{
    struct cm_flow_rows *flows = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_flow_rows_create(options, &flows, &error) == CAPMILL_OK, "%s", error.text);
    return flows;
}

static void add_rows(struct cm_flow_rows *flows, const struct made_rows *made, uint32_t first, uint32_t n)
{
    const struct cm_packet_rows packets = made_rows_view(made, first, n);
    struct cm_flow_updates *updates = NULL;
    struct cm_error error = {0};

    cm_check_that(cm_flow_updates_make(flows, &packets, &updates, &error) == CAPMILL_OK, "%s", error.text);
    cm_check_that(cm_flow_rows_add(flows, updates, &error) == CAPMILL_OK, "%s", error.text);
    free(updates);
}

static void end_rows(struct cm_flow_rows *flows)
{
    cm_check_eq(cm_flow_rows_add(flows, NULL, NULL), CAPMILL_OK);
}

static bool next_rows(struct cm_flow_rows *flows, struct seen_rows *seen)
{
    const enum capmill_status status = cm_flow_rows_next(flows, &seen->rows, NULL);

    cm_check(status == CAPMILL_OK || status == CAPMILL_END);
    seen->schema = cm_flow_rows_schema(flows);
    if (status == CAPMILL_OK)
        check_rows_are_sound(seen);
    return status == CAPMILL_OK;
}

/* --- packets --- */

/* A packet of flow `flow` (every fifth IPv6, every seventh ICMP, else TCP or UDP by turns), `back` or forth. */
static struct cm_packet *put_flow(struct made_rows *made, uint32_t flow, bool back, uint64_t time_ns,
                                  uint32_t origlen)
{
    const unsigned protocol = flow % 7 == 0 ? (flow % 5 == 0 ? 58 : 1) : flow % 2 ? 6 : 17;
    struct packet packet = {.n = 0};
    struct cm_packet *put;
    uint8_t mine[4], theirs[4] = {10, 9, 9, 9};
    uint32_t ip;

    cm_store_be32(mine, 0x0a000000 + flow);
    put_ethernet(&packet, flow % 5 == 0 ? 0x86dd : 0x0800);
    if (flow % 5 == 0) {
        ip = put_ipv6(&packet, protocol);
        memcpy(packet.bytes + ip + (back ? 36 : 20), mine, 4);
        memcpy(packet.bytes + ip + (back ? 20 : 36), theirs, 4);
    } else {
        ip = put_ipv4(&packet, protocol);
        memcpy(packet.bytes + ip + (back ? 16 : 12), mine, 4);
        memcpy(packet.bytes + ip + (back ? 12 : 16), theirs, 4);
    }
    if (protocol == 6)
        put_tcp(&packet, back ? 80 : 5000, back ? 5000 : 80, back ? 0x12 : 0x02);
    else if (protocol == 17)
        put_udp(&packet, back ? 53 : 5000, back ? 5000 : 53, 8);
    else
        fill(&packet, protocol == 1 ? (back ? 0 : 8) : back ? 129 : 128, 8);
    if (flow % 5 == 0)
        close_ipv6(&packet, ip);
    else
        close_ipv4(&packet, ip);
    put = made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n);
    put->time_ns = time_ns;
    put->origlen = origlen;
    return put;
}

CM_TEST(flow_rows, all_columns_of_a_flow)
{
    const struct cm_flow_rows_options options = {.memory_bytes = 1 << 20, .bloom_flow_id = true};
    struct cm_flow_rows *flows = open_flows(&options);
    struct made_rows *made = made_rows_create();
    struct packet arp = {.n = 0};
    struct cm_flow_key key;
    enum cm_flow_direction direction;
    struct seen_rows seen;

    put_ethernet(&arp, 0x0806);
    fill(&arp, 0, 28);
    put_flow(made, 0x090a03, true, 1000, 60); /* 10.9.9.9 is low */
    made_rows_put(made, CM_LINK_ETHERNET, &arp, arp.n);
    put_flow(made, 0x090a03, false, 3000, 1500);
    put_flow(made, 0x090a03, false, 900, 1501);
    cm_flow_key_make(&made->packets[0], &made->headers[0], false, &key, &direction);
    add_rows(flows, made, 0, 4);
    cm_check(!next_rows(flows, &seen));
    end_rows(flows);
    cm_check(next_rows(flows, &seen));
    cm_check_eq(seen.rows.n_rows, 1);
    cm_check_str(seen.schema->record_name, "Flow");
    cm_check_eq(seen.schema->n_columns, 24);
    cm_check(seen.schema->columns[0].bloom && !seen.schema->columns[1].bloom);
    check_number(&seen, "flow_id", 0, cm_flow_id(&key));
    check_text(&seen, "src_ip", 0, "10.9.9.9");
    check_text(&seen, "dst_ip", 0, "10.9.10.3");
    check_number(&seen, "src_port", 0, 80);
    check_number(&seen, "dst_port", 0, 5000);
    check_number(&seen, "protocol", 0, 6);
    check_number(&seen, "first_ns", 0, 900);
    check_number(&seen, "last_ns", 0, 3000);
    check_number(&seen, "first", 0, 900);
    check_number(&seen, "last", 0, 3000);
    check_number(&seen, "duration_ns", 0, 2100);
    check_number(&seen, "packets", 0, 3);
    check_number(&seen, "bytes", 0, 3061);
    check_number(&seen, "packets_forward", 0, 1);
    check_number(&seen, "packets_reverse", 0, 2);
    check_number(&seen, "bytes_forward", 0, 60);
    check_number(&seen, "bytes_reverse", 0, 3001);
    check_number(&seen, "tcp_flags", 0, 0x12);
    check_number(&seen, "tcp_flags_forward", 0, 0x12);
    check_number(&seen, "tcp_flags_reverse", 0, 0x02);
    check_null(&seen, "icmp_type", 0);
    check_text(&seen, "end_reason", 0, "end");
    cm_check(!next_rows(flows, &seen));
    cm_flow_rows_destroy(flows);
    made_rows_destroy(made);
}

CM_TEST(flow_rows, community_ids_of_both_ways_and_of_messages)
{
    static const char *const names[] = {"community_id", "icmp_type", "src_port", "src_ip"};
    const struct cm_flow_rows_options options = {
        .names = names, .n_names = 4, .memory_bytes = 1 << 20, .unidirectional = true};
    struct cm_flow_rows *flows = open_flows(&options);
    struct made_rows *made = made_rows_create();
    struct packet packet;
    struct seen_rows seen;

    for (unsigned i = 0; i < 4; i++) {
        const bool back = i % 2;
        uint32_t ip;

        packet.n = 0;
        put_ethernet(&packet, 0x0800);
        ip = put_ipv4(&packet, i < 2 ? 6 : 1);
        memcpy(packet.bytes + ip + 12, back ? "\5\6\7\10\1\2\3\4" : "\1\2\3\4\5\6\7\10", 8);
        if (i < 2)
            put_tcp(&packet, back ? 3344 : 1122, back ? 1122 : 3344, 2);
        else
            put16(&packet, back ? 0x0000 : 0x0800), fill(&packet, 0, 6);
        close_ipv4(&packet, ip);
        made_rows_put(made, CM_LINK_ETHERNET, &packet, packet.n);
    }
    add_rows(flows, made, 0, 4);
    end_rows(flows);
    cm_check(next_rows(flows, &seen));
    cm_check_eq(seen.rows.n_rows, 4);
    for (unsigned i = 0; i < 4; i++) {
        check_text(&seen, "src_ip", i, i % 2 ? "5.6.7.8" : "1.2.3.4");
        check_text(&seen, "community_id", i,
                   i < 2 ? "1:wCb3OG7yAFWelaUydu0D+125CLM=" : "1:crodRHL2FEsHjbv3UkRrfbs4bZ0=");
    }
    check_number(&seen, "src_port", 1, 3344);
    check_null(&seen, "src_port", 2);
    check_null(&seen, "icmp_type", 0);
    check_number(&seen, "icmp_type", 2, 8);
    check_number(&seen, "icmp_type", 3, 0);
    cm_flow_rows_destroy(flows);
    made_rows_destroy(made);
}

static void check_row(const struct seen_rows *seen, uint32_t row, uint64_t first_ns, uint64_t packets,
                      const char *reason)
{
    check_number(seen, "first_ns", row, first_ns);
    check_number(seen, "packets", row, packets);
    check_text(seen, "end_reason", row, reason);
}

CM_TEST(flow_rows, flows_end_when_they_are_idle_or_active_for_too_long)
{
    const struct cm_flow_rows_options options = {
        .idle_ns = 10 * MS, .active_ns = 25 * MS, .memory_bytes = 1 << 20};
    struct cm_flow_rows *flows = open_flows(&options);
    struct made_rows *made = made_rows_create();
    struct seen_rows seen;

    put_flow(made, 1, false, 100 * MS, 60);
    put_flow(made, 1, true, 110 * MS, 60); /* idle for exactly as long as may be */
    put_flow(made, 2, false, 119 * MS, 60);
    put_flow(made, 1, false, 120 * MS, 60);
    put_flow(made, 1, false, 125 * MS - 1, 60);
    put_flow(made, 1, false, 125 * MS, 60); /* active for as long as may not be */
    add_rows(flows, made, 0, 6);
    cm_check(next_rows(flows, &seen));
    cm_check_eq(seen.rows.n_rows, 1);
    check_row(&seen, 0, 100 * MS, 4, "active");
    cm_check(!next_rows(flows, &seen));

    put_flow(made, 3, false, 129 * MS + 1, 60); /* flow 2 is idle since 119 */
    put_flow(made, 3, false, 50 * MS, 60);      /* late: the clock stands */
    put_flow(made, 2, false, 130 * MS, 60);
    put_flow(made, 4, false, 150 * MS, 60); /* all are idle: 1 since 125, 3 and 2 by their last times */
    add_rows(flows, made, 6, 4);
    cm_check(next_rows(flows, &seen));
    cm_check_eq(seen.rows.n_rows, 4);
    check_row(&seen, 0, 119 * MS, 1, "idle");
    check_row(&seen, 1, 125 * MS, 1, "idle");
    check_row(&seen, 2, 50 * MS, 2, "idle");
    check_row(&seen, 3, 130 * MS, 1, "idle");
    end_rows(flows);
    cm_check(next_rows(flows, &seen));
    check_row(&seen, 0, 150 * MS, 1, "end");
    cm_check_eq(cm_flow_rows_ended_early(flows), 0);
    cm_flow_rows_destroy(flows);
    made_rows_destroy(made);
}

CM_TEST(flow_rows, names_that_make_no_table_are_refused)
{
    static const char *const names[] = {"packtes"};
    const struct cm_flow_rows_options options = {.names = names, .n_names = 1};
    struct cm_flow_rows *flows = NULL;
    struct cm_error error = {0};

    cm_check_eq(cm_flow_rows_create(&options, &flows, &error), CAPMILL_E_USAGE);
    cm_check_str(error.text, "a flow has no column 'packtes'; did you mean 'packets'?");
}

/* --- a model --- */

struct model_session {
    uint64_t flow_id, first_ns, last_ns, touched_ns, n_packets, n_bytes;
    char reason[8];
    bool is_live;
};

struct model {
    struct model_session sessions[70000];
    uint32_t n;
    uint32_t order[70000]; /* of those that ended */
    uint32_t n_ended;
};

static uint64_t id_of(const struct made_rows *made, uint32_t i)
{
    struct cm_flow_key key;
    enum cm_flow_direction direction;

    cm_check(cm_flow_key_make(&made->packets[i], &made->headers[i], false, &key, &direction) != CM_FLOW_NONE);
    return cm_flow_id(&key);
}

static bool model_before(const struct model_session *a, const struct model_session *b, bool is_over)
{
    if (!is_over && a->last_ns != b->last_ns)
        return a->last_ns < b->last_ns;
    if (a->first_ns != b->first_ns)
        return a->first_ns < b->first_ns;
    return a->flow_id < b->flow_id;
}

static void model_end(struct model *model, uint32_t at, const char *reason)
{
    model->sessions[at].is_live = false;
    snprintf(model->sessions[at].reason, sizeof(model->sessions[at].reason), "%s", reason);
    model->order[model->n_ended++] = at;
}

/* End all that were last touched before `limit`, in order. */
static void model_expire(struct model *model, uint64_t limit, bool is_over)
{
    for (;;) {
        uint32_t best = UINT32_MAX;

        for (uint32_t i = 0; i < model->n; i++)
            if (model->sessions[i].is_live && (is_over || model->sessions[i].touched_ns < limit) &&
                (best == UINT32_MAX || model_before(&model->sessions[i], &model->sessions[best], is_over)))
                best = i;
        if (best == UINT32_MAX)
            return;
        model_end(model, best, is_over ? "end" : "idle");
    }
}

static void model_run(struct model *model, const struct made_rows *made,
                      const struct cm_flow_rows_options *options)
{
    uint64_t clock = 0;

    for (uint32_t i = 0; i < made->n; i++) {
        const uint64_t time_ns = made->packets[i].time_ns, id = id_of(made, i);
        struct model_session *session = NULL;

        clock = time_ns > clock ? time_ns : clock;
        if (clock > options->idle_ns)
            model_expire(model, clock - options->idle_ns, false);
        for (uint32_t j = 0; j < model->n; j++)
            if (model->sessions[j].is_live && model->sessions[j].flow_id == id)
                session = &model->sessions[j];
        if (session != NULL && time_ns >= session->first_ns + options->active_ns) {
            model_end(model, (uint32_t)(session - model->sessions), "active");
            session = NULL;
        }
        if (session == NULL) {
            session = &model->sessions[model->n++];
            *session = (struct model_session){.flow_id = id, .first_ns = UINT64_MAX, .is_live = true};
        }
        session->first_ns = time_ns < session->first_ns ? time_ns : session->first_ns;
        session->last_ns = time_ns > session->last_ns ? time_ns : session->last_ns;
        session->touched_ns = clock;
        session->n_packets++;
        session->n_bytes += made->packets[i].origlen;
    }
    model_expire(model, 0, true);
}

static void check_against_model(const struct model *model, uint32_t *at, const struct seen_rows *seen)
{
    for (uint32_t row = 0; row < seen->rows.n_rows; row++) {
        const struct model_session *session;

        cm_check_that(*at < model->n_ended, "more rows than %u", model->n_ended);
        session = &model->sessions[model->order[(*at)++]];
        check_number(seen, "flow_id", row, session->flow_id);
        check_row(seen, row, session->first_ns, session->n_packets, session->reason);
        check_number(seen, "last_ns", row, session->last_ns);
        check_number(seen, "bytes", row, session->n_bytes);
    }
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)*state * below >> 32);
}

/* Some flows often, some rarely, in bursts and with silence between, times that go back a little. */
static void make_traffic(struct made_rows *made, uint32_t n, uint32_t seed)
{
    uint64_t now = 1000 * MS;
    uint32_t state = seed;

    for (uint32_t i = 0; i < n; i++) {
        const uint32_t flow = draw(&state, 4) == 0 ? draw(&state, 300) : draw(&state, 12);

        now += draw(&state, 200) == 0 ? draw(&state, 80) * MS : draw(&state, 1000) * 1000;
        put_flow(made, flow, draw(&state, 2), now - draw(&state, 10) / 9 * draw(&state, 3) * MS,
                 60 + draw(&state, 1400));
    }
}

CM_TEST(flow_rows, the_same_as_a_list_however_packets_are_cut)
{
    static const uint32_t cuts[] = {1, 7, 1000, 65536};
    const struct cm_flow_rows_options options = {
        .idle_ns = 20 * MS, .active_ns = 70 * MS, .memory_bytes = 1 << 24};
    struct made_rows *made = made_rows_create();
    struct model *model = calloc(1, sizeof(*model));

    cm_check(model != NULL);
    make_traffic(made, 8000, 77);
    model_run(model, made, &options);
    cm_check(model->n_ended > 1000);
    for (size_t c = 0; c < CM_ARRAY_COUNT(cuts); c++) {
        struct cm_flow_rows *flows = open_flows(&options);
        struct seen_rows seen;
        uint32_t at = 0;

        for (uint32_t first = 0; first < made->n; first += cuts[c]) {
            add_rows(flows, made, first, made->n - first < cuts[c] ? made->n - first : cuts[c]);
            while (next_rows(flows, &seen))
                check_against_model(model, &at, &seen);
        }
        end_rows(flows);
        while (next_rows(flows, &seen))
            check_against_model(model, &at, &seen);
        cm_check_eq(at, model->n_ended);
        cm_flow_rows_destroy(flows);
    }
    free(model);
    made_rows_destroy(made);
}

/* --- memory --- */

CM_TEST(flow_rows, flows_idle_longest_end_early_for_want_of_memory)
{
    const struct cm_flow_rows_options options = {.memory_bytes = 1}; /* the least there is: 1024 */
    struct cm_flow_rows *flows = open_flows(&options);
    struct made_rows *made = made_rows_create();
    uint32_t n_rows = 0;
    struct seen_rows seen;

    for (uint32_t i = 0; i < 1024; i++)
        put_flow(made, i, false, i, 60);
    put_flow(made, 0, true, 2000, 60); /* not idle longest any more */
    for (uint32_t i = 1024; i < 1034; i++)
        put_flow(made, i, false, 1000 + i, 60);
    for (uint32_t first = 0; first < made->n; first += 100) {
        add_rows(flows, made, first, made->n - first < 100 ? made->n - first : 100);
        while (next_rows(flows, &seen))
            for (uint32_t row = 0; row < seen.rows.n_rows; row++)
                check_row(&seen, row, ++n_rows, 1, "memory");
    }
    cm_check_eq(n_rows, 10);
    cm_check_eq(cm_flow_rows_ended_early(flows), 10);
    end_rows(flows);
    cm_check(next_rows(flows, &seen));
    cm_check_eq(seen.rows.n_rows, 1024);
    check_row(&seen, 0, 0, 2, "end");
    check_row(&seen, 1, 11, 1, "end");
    cm_flow_rows_destroy(flows);
    made_rows_destroy(made);
}

/* Two packets of each flow, half a million apart; all end in order of their first times. */
CM_TEST(flow_rows, a_million_flows)
{
    const uint32_t n_flows = 1000000, burst = 50000;
    const struct cm_flow_rows_options options = {.memory_bytes = UINT64_C(1) << 30};
    struct cm_flow_rows *flows = open_flows(&options);
    struct made_rows *made = made_rows_create();
    struct seen_rows seen;
    uint64_t n_rows = 0;

    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t first = 0; first < n_flows; first += burst) {
            made_rows_clear(made);
            for (uint32_t i = 0; i < burst; i++)
                put_flow(made, first + i, round, (uint64_t)round * n_flows + first + i, 100 + round);
            add_rows(flows, made, 0, burst);
        }
    end_rows(flows);
    while (cm_flow_rows_next(flows, &seen.rows, NULL) == CAPMILL_OK) {
        seen.schema = cm_flow_rows_schema(flows);
        for (uint32_t row = 0; row < seen.rows.n_rows; row += 101) {
            check_row(&seen, row, n_rows + row, 2, "end");
            check_number(&seen, "bytes_reverse", row, 101);
        }
        n_rows += seen.rows.n_rows;
    }
    cm_check_eq(n_rows, n_flows);
    cm_check_eq(cm_flow_rows_ended_early(flows), 0);
    cm_flow_rows_destroy(flows);
    made_rows_destroy(made);
}
