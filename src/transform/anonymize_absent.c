/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for anonymize.c in builds without nettle: says so where a key is given, and is never called beyond. */
#include "transform/transform_int.h"

enum capmill_status cm_anonymizer_create(const uint8_t key[CM_TRANSFORM_KEY_BYTES], const char *origin,
                                         struct cm_anonymizer **anonymizer_ret, struct cm_error *error)
{
    *anonymizer_ret = NULL;
    return cm_error_set(error, CAPMILL_E_UNSUPPORTED, 0,
                        "%s: this capmill was built without nettle, whose AES anonymisation needs", origin);
}

void cm_anonymizer_destroy(struct cm_anonymizer *anonymizer)
{
}

void cm_anonymizer_ipv4(const struct cm_anonymizer *anonymizer, uint8_t address[4])
{
}

void cm_anonymizer_ipv6(const struct cm_anonymizer *anonymizer, uint8_t address[16])
{
}

uint64_t cm_anonymizer_name(const struct cm_anonymizer *anonymizer, const char *name, size_t n)
{
    return 0;
}

const char *cm_transform_anonymize_feature(void)
{
    return "nettle: no";
}
