/* SPDX-License-Identifier: Apache-2.0 */
/* Making the secret of a run. */
#include "flow/seed.h"

#include <stddef.h>

#include "os/clock.h"

/* Finaliser of splitmix64: every bit of the state reaches every bit of the answer. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void cm_flow_seed_make(struct cm_flow_seed *seed_ret)
{
    int here; /* its address and the function's differ from run to run where the system places memory at
                 random */
    uint64_t state = (uint64_t)cm_clock_utc_ns();

    state = next_word(&state) ^ cm_clock_monotonic_ns();
    state = next_word(&state) ^ (uint64_t)(uintptr_t)&here;
    state = next_word(&state) ^ (uint64_t)(uintptr_t)&cm_flow_seed_make;
    state = next_word(&state) ^ cm_clock_process_cpu_ns();
    for (size_t i = 0; i < sizeof(seed_ret->words) / sizeof(seed_ret->words[0]); i++)
        seed_ret->words[i] = next_word(&state) | 1; /* never 0, which would annul a factor */
}
