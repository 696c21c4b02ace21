/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as far as names need it: where a character ends, and whether a terminal would obey it. */
#ifndef CM_BASE_UTF8_H
#define CM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the UTF-8 character at `p` (RFC 3629: no overlong forms, no surrogates); 0 where there
 * is none. The final 0 of the text is never a valid continuation, so this reads no further than it. */
size_t cm_utf8_length(const unsigned char *p);

/* Whether the character at `p`, a valid one, is a control: C0 (below U+0020), DEL, or C1 (U+0080..U+009F, in
 * UTF-8 the bytes c2 80 to c2 9f), which terminals obey just as they do ESC. */
bool cm_utf8_is_control(const unsigned char *p);

#endif
