/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the operators of a pass together. */
#include "pipeline/operators.h"

#include "decode/decode.h"
#include "filter/filter.h"
#include "pipeline/run_int.h"
#include "wire/headers.h"

static void add(struct cm_operators *operators, struct cm_operator table, enum cm_counted_stage counted)
{
    operators->all[operators->n++] = (struct cm_pass_operator){table, counted};
}

void cm_operators_make(struct capmill_run *run, bool headers, bool by_flow,
                       struct cm_operators *operators_ret)
{
    struct cm_operator table;
    bool has_late = false;
    struct cm_operator late;

    *operators_ret = (struct cm_operators){0};
    if (run->filter != NULL) {
        if (cm_filter_early(run->filter, &table))
            add(operators_ret, table, CM_COUNT_FILTER);
        has_late = cm_filter_late(run->filter, &late);
    }
    if (headers || has_late || by_flow) {
        operators_ret->headers_bytes = sizeof(struct cm_headers);
        add(operators_ret, cm_decode_operator(run->job.filter.decap), CM_COUNT_DECODE);
    }
    if (has_late)
        add(operators_ret, late, CM_COUNT_FILTER);
    if (by_flow)
        add(operators_ret, cm_flow_filter_operator(&run->flow_filter), CM_COUNT_FILTER);
}
