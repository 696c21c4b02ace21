/* SPDX-License-Identifier: Apache-2.0 */
/* Values of rules: whatever is typed, it is taken or refused in one sentence that names a place in the text,
 * and a filter that was made narrows a batch without reading past a packet. The first byte of the input is the
 * field and whether it excludes, the second the operation of the group; the rest is the value. Expressions
 * have a target of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "fuzz/fuzz.h"
#include "wire/headers.h"

#define N_PACKETS 3u

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "rules: %s\n", what);
    abort();
}

/* The value's own bytes as packets: raw IP, Ethernet, and cut. */
static void fill(struct cm_batch *batch, struct cm_headers *headers, const uint8_t *bytes, size_t n)
{
    static const uint16_t link_types[N_PACKETS] = {101, 1, 101};

    memset(batch, 0, sizeof(*batch));
    batch->headers = headers;
    batch->n_packets = N_PACKETS;
    batch->selected_all = true;
    for (unsigned i = 0; i < N_PACKETS; i++) {
        batch->packets[i].data = bytes;
        batch->packets[i].caplen = (uint32_t)(i == 2 ? n / 2 : n);
        batch->packets[i].origlen = (uint32_t)n;
        batch->packets[i].link_type = link_types[i];
        cm_wire_decode(link_types[i], bytes, batch->packets[i].caplen, &headers[i]);
    }
}

static void run(const struct cm_operator *operator_, struct cm_batch *batch)
{
    void *local = NULL;
    uint32_t n = cm_batch_n_selected(batch);

    require(operator_->open(operator_->shared, 0, &local, NULL) == CAPMILL_OK, "not opened");
    require(operator_->process(operator_->shared, local, batch, NULL) == CAPMILL_OK, "not processed");
    operator_->close(operator_->shared, local);
    require(cm_batch_n_selected(batch) <= n, "more packets than there were");
    for (uint32_t i = 1; i < cm_batch_n_selected(batch); i++)
        require(cm_batch_selected(batch, i - 1) < cm_batch_selected(batch, i), "out of order");
}

static void ignore(void *context, const char *text)
{
    (void)context;
    require(text[0] != 0, "an empty warning");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char origin[] = "origin";
    struct capmill_filter_rule rule = {.origin = origin};
    struct capmill_filter filter = {.rules = {.rules = &rule, .n_rules = 1}};
    const struct cm_filter_options options = {.rules = &filter, .warn = ignore};
    struct cm_filter *made = NULL;
    struct cm_error error = {0};
    enum capmill_status status;
    char *value;

    if (n < 2)
        return 0;
    rule.field = (enum capmill_filter_field)(1 + (bytes[0] & 0x7f) % (CAPMILL_FILTER_FIELDS - 1));
    rule.negate = bytes[0] >> 7;
    filter.rules.op = (enum capmill_filter_op)(bytes[1] % 3);
    /* the machine's compiler is not what is tried here, and would be most of the time */
    if (rule.field == CAPMILL_FILTER_PAYLOAD_REGEX)
        rule.field = CAPMILL_FILTER_PAYLOAD_BYTES;
    bytes += 2;
    n -= 2;
    value = malloc(n + 1);
    require(value != NULL, "no memory");
    memcpy(value, bytes, n);
    value[n] = 0;
    rule.value = value;
    status = cm_filter_create(&options, &made, &error);
    if (status < 0) {
        require(made == NULL && error.status == CAPMILL_E_USAGE, "a refusal of another kind");
        require(strncmp(error.text, "origin: ", 8) == 0, "a refusal that does not begin with its place");
    } else if (made != NULL) {
        struct cm_batch *batch = malloc(sizeof(*batch));
        struct cm_headers headers[N_PACKETS];
        struct cm_operator operator_;

        require(batch != NULL, "no memory");
        fill(batch, headers, bytes, n);
        if (cm_filter_early(made, &operator_))
            run(&operator_, batch);
        if (cm_filter_late(made, &operator_))
            run(&operator_, batch);
        free(batch);
    }
    cm_filter_destroy(made);
    free(value);
    return 0;
}
