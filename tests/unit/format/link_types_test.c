/* SPDX-License-Identifier: Apache-2.0 */
/* Link types are found by number, and unknown ones are named by it. */
#include "format/link_types.h"

#include "unit/check.h"

CM_TEST(link_types, first_last_and_those_around_gaps_are_found)
{
    cm_check_str(cm_link_type_name(0), "NULL");
    cm_check_str(cm_link_type_name(CM_LINK_TYPE_ETHERNET), "ETHERNET");
    cm_check_str(cm_link_type_name(10), "FDDI");
    cm_check_str(cm_link_type_name(50), "PPP_HDLC");
    cm_check_str(cm_link_type_name(101), "RAW");
    cm_check_str(cm_link_type_name(113), "LINUX_SLL");
    cm_check_str(cm_link_type_name(127), "IEEE802_11_RADIOTAP");
    cm_check_str(cm_link_type_name(147), "USER0");
    cm_check_str(cm_link_type_name(162), "USER15");
    cm_check_str(cm_link_type_name(228), "IPV4");
    cm_check_str(cm_link_type_name(276), "LINUX_SLL2");
    cm_check_str(cm_link_type_name(301), "DECT_NR");
}

CM_TEST(link_types, unregistered_numbers_have_no_name)
{
    cm_check(cm_link_type_name(11) == NULL);
    cm_check(cm_link_type_name(49) == NULL);
    cm_check(cm_link_type_name(208) == NULL);
    cm_check(cm_link_type_name(UINT16_MAX) == NULL);
}

CM_TEST(link_types, every_number_is_found_at_most_once_and_its_text_fits)
{
    char text[CM_LINK_TYPE_TEXT_BYTES], number[CM_LINK_TYPE_TEXT_BYTES];
    unsigned n_named = 0;

    for (unsigned i = 0; i <= UINT16_MAX; i++) {
        const char *name = cm_link_type_name((uint16_t)i);

        snprintf(number, sizeof(number), "link type %u", i);
        cm_check_str(cm_link_type_text((uint16_t)i, text), name == NULL ? number : name);
        n_named += name != NULL;
    }
    cm_check_eq(n_named, 215);
}
