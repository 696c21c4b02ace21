/* SPDX-License-Identifier: Apache-2.0 */
/* The compact protocol byte by byte, and read back by a reader of its own. */
#include "format/thrift.h"

#include "tools/parquet_read.h"
#include "unit/check.h"

static void check_bytes(struct cm_thrift *thrift, const uint8_t *expected, size_t n)
{
    struct cm_error error = {0};

    cm_check_eq(cm_thrift_status(thrift, &error), CAPMILL_OK);
    cm_check_eq(thrift->depth, 0);
    cm_check_eq(thrift->out.n, n);
    cm_check_mem(thrift->out.data, expected, n);
    cm_bytes_free(&thrift->out);
}

CM_TEST(thrift, fields_name_their_distance_and_numbers_are_zigzag)
{
    static const uint8_t expected[] = {0x15, 0x01,       /* 1: i32 -1 */
                                       0x16, 0xac, 0x02, /* 2: i64 150 */
                                       0x21,             /* 4: true */
                                       0x12,             /* 5: false */
                                       0x13, 0x80,       /* 6: i8 -128 */
                                       0xf5, 0x02, /* 21: 15 away, i32 1 */ 0x05,
                                       0x4a, 0x02, /* 37: more than that */
                                       0x18, 0x02, 'a',
                                       'b',  0};
    struct cm_thrift thrift = {0};

    cm_thrift_begin(&thrift);
    cm_thrift_i32(&thrift, 1, -1);
    cm_thrift_i64(&thrift, 2, 150);
    cm_thrift_bool(&thrift, 4, true);
    cm_thrift_bool(&thrift, 5, false);
    cm_thrift_i8(&thrift, 6, -128);
    cm_thrift_i32(&thrift, 21, 1);
    cm_thrift_i32(&thrift, 37, 1);
    cm_thrift_text(&thrift, 38, "ab");
    cm_thrift_end(&thrift);
    check_bytes(&thrift, expected, sizeof(expected));
}

CM_TEST(thrift, structs_count_fields_anew_and_lists_have_two_heads)
{
    static const uint8_t expected[] = {0x1c, 0x15, 0x02, 0,                /* 1: struct, 1: i32 1 */
                                       0x1c, 0,                            /* 2: empty */
                                       0x19, 0x25, 0x02, 0x04,             /* 3: list of two i32 */
                                       0x19, 0xf1, 0x0f, 1,    2, 1, 2, 1, /* 4: list of 15 truth values */
                                       2,    1,    2,    1,    2, 1, 2, 1, 2, 1, /* */
                                       0x19, 0x1c, 0x36, 0x02, 0, /* 5: list of one struct, 3: i64 1 */
                                       0};
    struct cm_thrift thrift = {0};

    cm_thrift_begin(&thrift);
    cm_thrift_struct(&thrift, 1);
    cm_thrift_i32(&thrift, 1, 1);
    cm_thrift_end(&thrift);
    cm_thrift_empty_struct(&thrift, 2);
    cm_thrift_list(&thrift, 3, CM_THRIFT_I32, 2);
    cm_thrift_item_i32(&thrift, 1);
    cm_thrift_item_i32(&thrift, 2);
    cm_thrift_list(&thrift, 4, CM_THRIFT_TRUE, 15);
    for (int i = 0; i < 15; i++)
        cm_thrift_item_bool(&thrift, i % 2 == 0);
    cm_thrift_list(&thrift, 5, CM_THRIFT_STRUCT, 1);
    cm_thrift_item_struct(&thrift);
    cm_thrift_i64(&thrift, 3, 1);
    cm_thrift_end(&thrift);
    cm_thrift_end(&thrift);
    check_bytes(&thrift, expected, sizeof(expected));
}

CM_TEST(thrift, greatest_and_least_numbers_come_back)
{
    static const int64_t numbers[] = {0, 1, -1, 63, 64, -64, -65, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    struct cm_thrift thrift = {0};
    struct parquet_read memory = {0};
    struct thrift_node *root;
    size_t n_used;

    cm_thrift_begin(&thrift);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        cm_thrift_i64(&thrift, (int16_t)(1 + i * i * 100), numbers[i]);
    cm_thrift_end(&thrift);
    root = thrift_read(&memory, thrift.out.data, thrift.out.n, &n_used);
    cm_check(root != NULL && n_used == thrift.out.n);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        cm_check_eq(thrift_field(root, (int)(1 + i * i * 100))->number, numbers[i]);
    for (size_t n = 0; n < thrift.out.n; n++)
        cm_check(thrift_read(&memory, thrift.out.data, n, &n_used) == NULL);
    parquet_read_free(&memory);
    cm_bytes_free(&thrift.out);
}
