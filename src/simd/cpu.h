/* SPDX-License-Identifier: Apache-2.0 */
/* What the processor can do beyond the least that the program is compiled for. Whoever chooses a variant of a
 * loop takes features as a set, so that a test can leave some out. */
#ifndef CM_SIMD_CPU_H
#define CM_SIMD_CPU_H

enum cm_cpu_feature {
    CM_CPU_AVX2 = 1,
};

/* All that this processor, and this build, have: a sum of the above. Any thread. */
unsigned cm_cpu_features(void);

#endif
