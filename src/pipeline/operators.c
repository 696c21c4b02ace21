/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the operators of a pass together. */
#include "pipeline/operators.h"

#include "decode/decode.h"
#include "pipeline/run_int.h"
#include "wire/headers.h"

static void add(struct cm_operators *operators, struct cm_operator table, enum cm_counted_stage counted)
{
    operators->all[operators->n++] = (struct cm_pass_operator){table, counted};
}

void cm_operators_make(struct capmill_run *run, bool headers, struct cm_operators *operators_ret)
{
    *operators_ret = (struct cm_operators){0};
    (void)run;
    if (headers) {
        operators_ret->headers_bytes = sizeof(struct cm_headers);
        add(operators_ret, cm_decode_operator(false), CM_COUNT_DECODE);
    }
}
