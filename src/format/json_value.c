/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times and texts as JSON has them; digits come two at a time from a table. */
#include "format/json_value_int.h"

#include <stdbool.h>
#include <string.h>

#include "base/checked.h"
#include "base/endian.h"
#include "base/time_text.h"
#include "format/utf8_repair.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static const char two_digits[100][2] = {
#define TEN(tens)                                                                                            \
    {tens, '0'}, {tens, '1'}, {tens, '2'}, {tens, '3'}, {tens, '4'}, {tens, '5'}, {tens, '6'}, {tens, '7'},  \
        {tens, '8'}, {tens, '9'},
    TEN('0') TEN('1') TEN('2') TEN('3') TEN('4') TEN('5') TEN('6') TEN('7') TEN('8') TEN('9')
#undef TEN
};

static inline void put_two(char *out, unsigned value)
{
    memcpy(out, two_digits[value], 2);
}

/* 1 to 20. A power of ten lies between two of two, so the length in bits leaves one question. */
static inline unsigned count_digits(uint64_t value)
{
    static const uint64_t powers[] = {UINT64_C(0),
                                      UINT64_C(10),
                                      UINT64_C(100),
                                      UINT64_C(1000),
                                      UINT64_C(10000),
                                      UINT64_C(100000),
                                      UINT64_C(1000000),
                                      UINT64_C(10000000),
                                      UINT64_C(100000000),
                                      UINT64_C(1000000000),
                                      UINT64_C(10000000000),
                                      UINT64_C(100000000000),
                                      UINT64_C(1000000000000),
                                      UINT64_C(10000000000000),
                                      UINT64_C(100000000000000),
                                      UINT64_C(1000000000000000),
                                      UINT64_C(10000000000000000),
                                      UINT64_C(100000000000000000),
                                      UINT64_C(1000000000000000000),
                                      UINT64_C(10000000000000000000)};
    /* 1233 / 4096 is the logarithm of 2 to base 10, near enough for 64 bits */
    const unsigned least = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;

    return least + (value >= powers[least]);
}

/* The `n` (not 0) digits of a value that has no more. Division of 32 bits costs less, and most values fit. */
static inline void put_digits(uint32_t value, unsigned n, char *out)
{
    for (; n > 2; n -= 2, value /= 100)
        put_two(out + n - 2, value % 100);
    if (n == 2)
        put_two(out, value);
    else
        *out = (char)('0' + value);
}

char *cm_json_unsigned(uint64_t value, char *out)
{
    const unsigned n = count_digits(value);
    unsigned n_left = n;

    for (; value > UINT32_MAX; n_left -= 2, value /= 100)
        put_two(out + n_left - 2, (unsigned)(value % 100));
    put_digits((uint32_t)value, n_left, out);
    return out + n;
}

char *cm_json_signed(int64_t value, char *out)
{
    if (value >= 0)
        return cm_json_unsigned((uint64_t)value, out);
    *out = '-';
    return cm_json_unsigned(0 - (uint64_t)value, out + 1);
}

char *cm_json_hex(uint64_t value, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < CM_JSON_HEX_DIGITS; i++)
        out[i] = digits[value >> (60 - 4 * i) & 15];
    return out + CM_JSON_HEX_DIGITS;
}

void cm_json_clock_init(struct cm_json_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
    clock->second = UINT64_MAX; /* more than there are */
}

char *cm_json_put_time(struct cm_json_clock *clock, uint64_t time_ns, char *out)
{
    const uint64_t second = time_ns / NS_PER_SECOND;
    const uint32_t ns = (uint32_t)(time_ns - second * NS_PER_SECOND);

    if (second != clock->second) {
        char text[CM_TIME_TEXT_BYTES];

        memcpy(clock->text, cm_time_text(time_ns, text), sizeof(clock->text));
        clock->second = second;
    }
    memcpy(out, clock->text, sizeof(clock->text));
    put_digits(ns, 9, out + sizeof(clock->text));
    out[CM_JSON_TIME_CHARS - 1] = 'Z';
    return out + CM_JSON_TIME_CHARS;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Whether eight bytes stand for themselves: from U+0020 to U+007F, neither quotation mark nor backslash. A byte
 * is 0 where subtracting 1 from it borrows; a borrow into the next byte can only come from a byte that was 0. */
static inline bool are_plain(uint64_t bytes)
{
    const uint64_t quotes = bytes ^ EACH_BYTE('"'), backslashes = bytes ^ EACH_BYTE('\\');
    const uint64_t found = (bytes - EACH_BYTE(0x20)) | (quotes - EACH_BYTE(1)) | (backslashes - EACH_BYTE(1));

    return ((found | bytes) & EACH_BYTE(0x80)) == 0;
}

/* RFC 8259, section 7: what must be escaped, in its short form where it has one. */
static char *put_escape(uint8_t byte, char *out)
{
    static const char *const short_forms = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (const char *form = short_forms; *form != 0; form += 2)
        if (byte == (uint8_t)form[0]) {
            out[0] = '\\';
            out[1] = form[1];
            return out + 2;
        }
    memcpy(out, "\\u00", 4);
    out[4] = (char)('0' + (byte >> 4));
    out[5] = "0123456789abcdef"[byte & 15];
    return out + 6;
}

/* One character, or what stands for it; answers how many bytes it was. */
static inline size_t put_character(const uint8_t *text, size_t n, char **out)
{
    const char *shown = (const char *)text;
    size_t length, n_shown;
    bool valid;

    if (*text < 0x80 && (*text < 0x20 || *text == '"' || *text == '\\')) {
        *out = put_escape(*text, *out);
        return 1;
    }
    length = cm_utf8_step(text, n, &valid);
    n_shown = valid ? length : strlen(CM_UTF8_REPLACEMENT);
    memcpy(*out, valid ? shown : CM_UTF8_REPLACEMENT, n_shown);
    *out += n_shown;
    return length;
}

char *cm_json_put_text(const uint8_t *text, size_t n, char *out)
{
    size_t i = 0;

    while (i < n) {
        const uint64_t bytes = n - i >= 8 ? cm_load_u64(text + i) : 0; /* of zeroes none is plain */

        if (are_plain(bytes)) {
            memcpy(out, &bytes, 8);
            out += 8;
            i += 8;
        } else if (text[i] >= 0x20 && text[i] < 0x80 && text[i] != '"' && text[i] != '\\') {
            *out++ = (char)text[i++];
        } else {
            i += put_character(text + i, n - i, &out);
        }
    }
    return out;
}
