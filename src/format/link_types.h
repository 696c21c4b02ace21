/* SPDX-License-Identifier: Apache-2.0 */
/* Names of link types. What packets of a type look like is known in wire/. */
#ifndef CM_FORMAT_LINK_TYPES_H
#define CM_FORMAT_LINK_TYPES_H

#include <stdint.h>

#define CM_LINK_TYPE_ETHERNET 1

/* "ETHERNET", "LINUX_SLL", ...; NULL where the number is not registered. */
const char *cm_link_type_name(uint16_t link_type);

/* For messages: the name, or "link type 4711". Answers `text`. */
#define CM_LINK_TYPE_TEXT_BYTES 40
const char *cm_link_type_text(uint16_t link_type, char text[CM_LINK_TYPE_TEXT_BYTES]);

#endif
