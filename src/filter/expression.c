/* SPDX-License-Identifier: Apache-2.0 */
/* A filter expression, checked and compiled: once for each link type that its packets have. */
#include "filter/expression.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter/bpf_program.h"
#include "filter/expression_int.h"
#include "filter/pcap_compiler_int.h"
#include "os/thread.h"

#define LINK_ETHERNET 1
#define LINK_PRISM    119

/* What came of one link type. Never changed once others can see it. */
struct compiled {
    struct compiled *next;
    uint16_t link_type;
    struct cm_bpf_program *program; /* NULL: there is none, see fault */
    bool rejects_all;               /* that is why */
    enum capmill_status status;     /* of the fault, CAPMILL_E_USAGE where the text is to blame */
    struct cm_expression_fault fault;
};

struct cm_expression {
    char *text;
    char *origin;
    char *compiled_text; /* as libpcap takes it */
    struct cm_expression_reading reading;
    /* Newest first. A reader loads it with acquire, which pairs with the release of the thread that put an entry
     * in front: it sees the entry whole. Entries stay until the end, so the list is walked without a lock; it
     * is as long as there are kinds of link in the input. */
    struct compiled *_Atomic first;
    struct cm_mutex lock; /* held while one compiles and puts in front */
};

static enum capmill_status no_memory(struct cm_error *error, const char *origin)
{
    char shown[CM_EXPRESSION_ORIGIN_BYTES];

    return cm_error_set(error, CAPMILL_E_MEMORY, 0, "%s: out of memory", cm_expression_origin(shown, origin));
}

/* The text from start to end as libpcap takes it: `port` is `portrange` where a range follows. */
static size_t put_text(const struct cm_expression *expression, uint32_t start, uint32_t end, char *to)
{
    const struct cm_expression_reading *reading = &expression->reading;
    size_t n = 0;

    for (uint32_t at = start, i = 0; at < end; at++) {
        to[n++] = expression->text[at];
        while (i < reading->n_ranges && reading->ranges[i] + 3 < at)
            i++;
        if (i < reading->n_ranges && reading->ranges[i] + 3 == at && at >= start + 3) {
            memcpy(to + n, "range", 5);
            n += 5;
        }
    }
    to[n] = '\0';
    return n;
}

static size_t text_room(const struct cm_expression *expression)
{
    return 2 * strlen(expression->text) + 5 * (size_t)expression->reading.n_ranges + 16;
}

/* --- libpcap's reasons, and where in the text they are --- */

/* Reasons that are the same for every link type; those about names may have cost a look into the network. */
static bool is_of_text(const char *reason)
{
    static const char *const beginnings[] = {
        "unknown host", "unknown port", "unknown network", "unknown protocol", "can't parse",  "syntax error",
        "non-network",  "illegal port", "mask length",     "invalid ",         "out of memory"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(reason, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* The first token between two places that the reason names in quotes. */
static bool find_quoted(const struct cm_expression *expression, const char *reason, uint32_t start,
                        uint32_t end, uint32_t *at_ret)
{
    const char *open = strpbrk(reason, "'\""), *close = open == NULL ? NULL : strchr(open + 1, *open);
    size_t n = close == NULL ? 0 : (size_t)(close - open) - 1;
    struct cm_expression_token token = cm_expression_lex(expression->text, start);

    for (; n > 0 && token.kind != CM_X_END && token.end <= end;
         token = cm_expression_lex(expression->text, token.end)) {
        uint32_t from = token.start + (expression->text[token.start] == '\\');

        size_t length = token.end - from;

        /* whole, or an address of which a prefix or mask is shown too */
        if (length <= n && strncmp(expression->text + from, open + 1, length) == 0 &&
            (length == n || strchr("/ ", open[1 + length]) != NULL)) {
            *at_ret = token.start;
            return true;
        }
    }
    return false;
}

/* The primitive that by itself is refused for the same reason. */
static bool find_primitive(const struct cm_expression *expression, const char *reason, uint16_t link_type,
                           const struct cm_expression_primitive **primitive_ret)
{
    const struct cm_expression_reading *reading = &expression->reading;
    char *text = malloc(text_room(expression)), again[CM_PCAP_REASON_BYTES];
    bool is_found = false;

    for (uint32_t i = 0; text != NULL && i < reading->n_primitives && !is_found; i++) {
        const struct cm_expression_primitive *primitive = &reading->primitives[i];
        struct cm_pcap_code code;
        size_t n = put_text(expression, primitive->words_start, primitive->words_end, text);

        text[n++] = ' ';
        put_text(expression, primitive->start, primitive->end, text + n);
        if (cm_pcap_compile(text, link_type, &code, again)) {
            free(code.instructions);
        } else if (strcmp(reason, again) == 0) {
            *primitive_ret = primitive;
            is_found = true;
        }
    }
    free(text);
    return is_found;
}

static void set_reason(const struct cm_expression *expression, uint16_t link_type, char *reason,
                       struct cm_expression_fault *fault)
{
    const struct cm_expression_primitive *primitive;
    uint32_t end = (uint32_t)strlen(expression->text), at = 0;

    reason[strcspn(reason, "\n")] = '\0';
    if (is_of_text(reason)) {
        if (!find_quoted(expression, reason, 0, end, &at))
            at = 0;
    } else if (find_primitive(expression, reason, link_type, &primitive)) {
        if (!find_quoted(expression, reason, primitive->start, primitive->end, &at))
            at = primitive->start;
    }
    cm_expression_fault_set(fault, at, "%s", reason);
}

/* --- programs --- */

/* What is a contradiction for one kind of link can be sense for another. */
static void set_rejects_all(struct compiled *compiled)
{
    compiled->rejects_all = true;
    cm_expression_fault_set(&compiled->fault, 0, "the expression rejects all packets of link type %u",
                            compiled->link_type);
}

/* A load from where only the Linux kernel has something; behind a header of variable length it is indexed. */
static bool asks_a_kernel(const struct cm_pcap_code *code)
{
    for (size_t i = 0; i < code->n; i++) {
        uint16_t mode = code->instructions[i].code & 0xe7; /* class and mode: LD, ABS or IND */

        if ((mode == 0x20 || mode == 0x40) && code->instructions[i].k >= CM_BPF_ANCILLARY)
            return true;
    }
    return false;
}

static void compile(const struct cm_expression *expression, struct compiled *compiled)
{
    char reason[CM_PCAP_REASON_BYTES];
    struct cm_pcap_code code;

    compiled->status = CAPMILL_E_USAGE;
    if (!cm_pcap_compile(expression->compiled_text, compiled->link_type, &code, reason)) {
        compiled->status = code.status;
        if (code.status != CAPMILL_E_USAGE)
            cm_expression_fault_set(&compiled->fault, 0, "%s", reason);
        else if (strstr(reason, "rejects all packets") != NULL)
            set_rejects_all(compiled);
        else
            set_reason(expression, compiled->link_type, reason, &compiled->fault);
        return;
    }
    /* Without a file libpcap takes this for a live capture, where the kernel knows the direction. */
    if (expression->reading.bound_at != UINT32_MAX && asks_a_kernel(&code))
        cm_expression_fault_set(
            &compiled->fault, expression->reading.bound_at,
            "a capture of link type %u does not say which way or by which interface a packet went",
            compiled->link_type);
    else if ((compiled->program = cm_bpf_program_create(code.instructions, code.n)) == NULL)
        cm_expression_fault_set(&compiled->fault, 0, "libpcap's program of %zu instructions cannot be run",
                                code.n);
    free(code.instructions);
}

static const struct compiled *find_compiled(struct cm_expression *expression, uint16_t link_type)
{
    const struct compiled *compiled = atomic_load_explicit(&expression->first, memory_order_acquire);

    while (compiled != NULL && compiled->link_type != link_type)
        compiled = compiled->next;
    return compiled;
}

/* NULL: no memory. */
static const struct compiled *get_compiled(struct cm_expression *expression, uint16_t link_type)
{
    const struct compiled *found = find_compiled(expression, link_type);
    struct compiled *compiled;

    if (found != NULL)
        return found;
    cm_mutex_lock(&expression->lock);
    found = find_compiled(expression, link_type); /* another thread may have been first */
    if (found == NULL) {
        found = compiled = calloc(1, sizeof(*compiled));
        if (compiled != NULL) {
            compiled->link_type = link_type;
            compile(expression, compiled);
            compiled->next = atomic_load_explicit(&expression->first, memory_order_relaxed);
            atomic_store_explicit(&expression->first, compiled, memory_order_release);
        }
    }
    cm_mutex_unlock(&expression->lock);
    return found;
}

/* Why there is no program. */
static enum capmill_status tell(const struct cm_expression *expression, const struct compiled *compiled,
                                struct cm_error *error)
{
    char shown[CM_EXPRESSION_ORIGIN_BYTES];

    if (compiled->status != CAPMILL_E_USAGE)
        return cm_error_set(error, compiled->status, 0, "%s: %s",
                            cm_expression_origin(shown, expression->origin), compiled->fault.text);
    return cm_expression_fault_tell(error, expression->origin, expression->text, &compiled->fault);
}

const struct cm_bpf_program *cm_expression_program(struct cm_expression *expression, uint16_t link_type,
                                                   struct cm_error *error)
{
    const struct compiled *compiled = get_compiled(expression, link_type);

    if (compiled == NULL) {
        no_memory(error, expression->origin);
        return NULL;
    }
    if (compiled->program == NULL)
        tell(expression, compiled, error);
    return compiled->program;
}

/* --- the whole --- */

/* Link types of which each has words of its own; where a text can be compiled for one of them it makes sense. */
static const uint16_t others[] = {101 /* raw IP */,
                                  127 /* radiotap */,
                                  105 /* 802.11 */,
                                  113 /* Linux cooked */,
                                  276 /* cooked 2 */,
                                  117 /* pflog */,
                                  123 /* SunATM */,
                                  140 /* MTP2 */,
                                  10 /* FDDI */,
                                  6 /* token ring */,
                                  122 /* IP over FC */,
                                  7 /* ARCNET */,
                                  129 /* Linux ARCNET */,
                                  LINK_PRISM,
                                  163 /* AVS */,
                                  9 /* PPP */,
                                  50 /* PPP, HDLC */,
                                  104 /* Cisco HDLC */,
                                  107 /* Frame Relay */,
                                  0 /* BSD loopback */,
                                  192 /* PPI */,
                                  139 /* MTP2, header */,
                                  141 /* MTP3 */};

static enum capmill_status try_link_types(struct cm_expression *expression, struct cm_error *error)
{
    const struct compiled *ethernet = get_compiled(expression, LINK_ETHERNET), *other;
    struct cm_expression_fault fault = {0};

    if (ethernet != NULL && ethernet->program == NULL && ethernet->status == CAPMILL_E_USAGE &&
        !is_of_text(ethernet->fault.text)) {
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
            /* its programs libpcap does not optimise, so that none is found to reject all */
            if (ethernet->rejects_all && others[i] == LINK_PRISM)
                continue;
            other = get_compiled(expression, others[i]);
            if (other != NULL && other->program != NULL)
                return CAPMILL_OK;
        }
    }
    if (ethernet == NULL)
        return no_memory(error, expression->origin);
    if (ethernet->program != NULL)
        return CAPMILL_OK;
    if (ethernet->rejects_all)
        cm_expression_fault_set(&fault, 0, "the expression rejects all packets");
    else
        return tell(expression, ethernet, error);
    return cm_expression_fault_tell(error, expression->origin, expression->text, &fault);
}

static char *copy(const char *text)
{
    size_t n = strlen(text) + 1;
    char *to = malloc(n);

    return to == NULL ? NULL : memcpy(to, text, n);
}

enum capmill_status cm_expression_create(const char *text, const char *origin,
                                         struct cm_expression **expression_ret, struct cm_error *error)
{
    struct cm_expression *expression = calloc(1, sizeof(*expression));
    enum capmill_status status;
    char shown[CM_EXPRESSION_ORIGIN_BYTES];

    *expression_ret = NULL;
    if (expression == NULL)
        return no_memory(error, origin);
    cm_mutex_init(&expression->lock);
    if (!cm_expression_read(text, &expression->reading)) {
        status = cm_expression_fault_tell(error, origin, text, &expression->reading.fault);
        goto failed;
    }
    expression->text = copy(text);
    expression->origin = copy(origin);
    if (expression->text != NULL && expression->origin != NULL)
        expression->compiled_text = malloc(text_room(expression));
    if (expression->compiled_text == NULL) {
        status = no_memory(error, origin);
        goto failed;
    }
    put_text(expression, 0, (uint32_t)strlen(text), expression->compiled_text);
    if (!cm_pcap_compiler_is_there()) {
        status = cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                              "%s: this build has no libpcap, which compiles filter expressions",
                              cm_expression_origin(shown, origin));
        goto failed;
    }
    status = try_link_types(expression, error);
    if (status < 0)
        goto failed;
    *expression_ret = expression;
    return CAPMILL_OK;
failed:
    cm_expression_destroy(expression);
    return status;
}

void cm_expression_destroy(struct cm_expression *expression)
{
    struct compiled *compiled, *next;

    if (expression == NULL)
        return;
    for (compiled = atomic_load_explicit(&expression->first, memory_order_acquire); compiled != NULL;
         compiled = next) {
        next = compiled->next;
        cm_bpf_program_destroy(compiled->program);
        free(compiled);
    }
    cm_mutex_fini(&expression->lock);
    free(expression->text);
    free(expression->origin);
    free(expression->compiled_text);
    free(expression);
}

const char *cm_expression_library(void)
{
    return cm_pcap_compiler_library();
}
