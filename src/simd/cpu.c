/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the processor. Not for choosing: each loop does that for itself (base64.c). */
#include "simd/cpu.h"

unsigned cm_cpu_features(void)
{
    unsigned features = 0;

#ifdef CAPMILL_SIMD_X86
    /* the compiler's run time asked once; it looks at what the system saves as well */
    if (__builtin_cpu_supports("avx2"))
        features |= CM_CPU_AVX2;
#endif
    return features;
}
