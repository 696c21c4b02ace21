/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal and warning, word for word. */
#include "unit/transform/make_transform.h"

static void check_ip_refused(const char *rules, const char *text)
{
    struct wishes wishes = {0};

    wish_ip(&wishes, rules);
    check_refused(&wishes, text);
}

CM_TEST(wishes, address_rules)
{
    check_ip_refused("10.0.0.1", "--replace-ip: 10.0.0.1: expected OLD=NEW, as in 10.0.0.0/8=192.0.0.0/8");
    check_ip_refused("10.0.0.0/8=1.0.0.0/8 10.1.0.0/16=2.2.0.0/16",
                     "--replace-ip: 10.1.0.0/16=2.2.0.0/16: 10.1.0.0/16 overlaps 10.0.0.0/8 of "
                     "10.0.0.0/8=1.0.0.0/8");
}
