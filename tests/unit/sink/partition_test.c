/* SPDX-License-Identifier: Apache-2.0 */
/* Folders by the values of rows: their names, which rows go to which, and what nobody may partition by. */
#include "sink/partition.h"

#include <stdlib.h>

#include "base/checked.h"
#include "unit/check.h"
#include "unit/sort/drawn.h"

#define HOUR_NS  UINT64_C(3600000000000)
#define START    (UINT64_C(1709208000) * 1000000000) /* 2024-02-29T12:00:00Z */
#define MAX_ROWS 200u

static const struct cm_column columns[] = {
    {.name = "timestamp_ns", .type = CM_COLUMN_TIME_NS, .habit = CM_HABIT_RISES},
    {.name = "protocol", .type = CM_COLUMN_UINT8, .habit = CM_HABIT_REPEATS, .nullable = true},
    {.name = "name", .type = CM_COLUMN_TEXT, .habit = CM_HABIT_REPEATS, .nullable = true},
    {.name = "payload", .type = CM_COLUMN_BYTES, .habit = CM_HABIT_REPEATS, .nullable = true},
    {.name = "number", .type = CM_COLUMN_UINT64, .habit = CM_HABIT_RISES},
};
#define N_COLUMNS CM_ARRAY_COUNT(columns)
static const struct cm_table_schema schema = {"Packet", columns, N_COLUMNS};

struct made {
    uint64_t times[MAX_ROWS], protocols[MAX_ROWS], numbers[MAX_ROWS];
    struct cm_span names[MAX_ROWS], payloads[MAX_ROWS];
    uint8_t has_protocol[MAX_ROWS], has_name[MAX_ROWS];
    struct cm_column_values values[N_COLUMNS];
    struct cm_table_rows rows;
};

static struct made *make(uint32_t n)
{
    struct made *made = calloc(1, sizeof(*made));

    cm_check(made != NULL && n <= MAX_ROWS);
    made->values[0].numbers = made->times;
    made->values[1] = (struct cm_column_values){.present = made->has_protocol, .numbers = made->protocols};
    made->values[2] = (struct cm_column_values){.present = made->has_name, .spans = made->names};
    made->values[3].spans = made->payloads;
    made->values[4].numbers = made->numbers;
    made->rows = (struct cm_table_rows){n, made->values};
    for (uint32_t i = 0; i < n; i++)
        made->numbers[i] = i;
    return made;
}

static void set_name(struct made *made, uint32_t row, const char *name)
{
    made->has_name[row] = name != NULL;
    made->names[row] = (struct cm_span){(const uint8_t *)name, name != NULL ? (uint32_t)strlen(name) : 0};
}

/* --- what came out: keys in order, and for each row the folder it went to --- */

struct seen {
    const struct made *made;
    char keys[MAX_ROWS][CM_PARTITION_KEY_BYTES];
    unsigned n;
    uint32_t folder_of[MAX_ROWS];
    unsigned n_of[MAX_ROWS];
    unsigned fail_at;
};

static enum capmill_status see(void *context, const struct cm_partition_rows *part, struct cm_error *error)
{
    struct seen *seen = context;
    const struct cm_column_values *values = part->rows.columns;

    cm_check(part->rows.n_rows > 0);
    for (uint32_t i = 0; i < part->rows.n_rows; i++) {
        uint32_t row = (uint32_t)values[4].numbers[i];

        cm_check(i == 0 || values[4].numbers[i] > values[4].numbers[i - 1]); /* rows keep their order */
        cm_check(row < seen->made->rows.n_rows);
        seen->folder_of[row] = seen->n;
        seen->n_of[row]++;
        /* and their values, in every column */
        cm_check_eq(values[0].numbers[i], seen->made->times[row]);
        cm_check_eq(values[1].present[i], seen->made->has_protocol[row]);
        cm_check_eq(values[1].numbers[i], seen->made->protocols[row]);
        cm_check_eq(values[2].present[i], seen->made->has_name[row]);
        cm_check_eq(values[2].spans[i].n, seen->made->names[row].n);
        cm_check(values[2].spans[i].bytes == seen->made->names[row].bytes && values[3].present == NULL);
    }
    snprintf(seen->keys[seen->n], sizeof(seen->keys[0]), "%s", part->key);
    return seen->n++ == seen->fail_at ? cm_error_set(error, CAPMILL_E_NO_SPACE, 0, "full") : CAPMILL_OK;
}

static enum capmill_status split(const char *text, const struct made *made, struct seen *seen)
{
    struct cm_partition *partition = NULL;
    struct cm_partition_split *scratch = cm_partition_split_create();
    struct cm_error error = {0};
    enum capmill_status status;

    memset(seen, 0, sizeof(*seen));
    seen->made = made;
    seen->fail_at = UINT32_MAX;
    if (text != NULL)
        cm_check_that(cm_partition_create(text, "--partition", &schema, "timestamp_ns", &partition, &error) ==
                          CAPMILL_OK,
                      "%s", error.text);
    status = cm_partition_rows(partition, scratch, &schema, &made->rows, see, seen, &error);
    cm_check_eq(status < 0, error.status < 0);
    for (uint32_t row = 0; row < made->rows.n_rows && status >= 0; row++)
        cm_check_that(seen->n_of[row] == 1, "row %u went to %u folders", row, seen->n_of[row]);
    cm_partition_split_destroy(scratch);
    cm_partition_destroy(partition);
    return status;
}

CM_TEST(partition, days_and_hours_of_utc)
{
    struct made *made = make(5);
    struct seen seen;

    made->times[0] = START;
    made->times[1] = START + HOUR_NS - 1;
    made->times[2] = START + HOUR_NS;
    made->times[3] = START + 12 * HOUR_NS; /* the next day */
    made->times[4] = START;
    cm_check_eq(split("dt/hr", made, &seen), CAPMILL_OK);
    cm_check_eq(seen.n, 3);
    cm_check_str(seen.keys[0], "dt=2024-02-29/hr=12");
    cm_check_str(seen.keys[1], "dt=2024-02-29/hr=13");
    cm_check_str(seen.keys[2], "dt=2024-03-01/hr=00");
    cm_check_eq(seen.folder_of[4], 0); /* back in the first */
    cm_check_eq(split("hr", made, &seen), CAPMILL_OK);
    cm_check_str(seen.keys[0], "hr=12");
    made->times[4] = START + 24 * HOUR_NS; /* the hour of another day is the same folder */
    cm_check_eq(split("hr", made, &seen), CAPMILL_OK);
    cm_check_eq(seen.folder_of[4], 0);
    cm_check_eq(split("dt", made, &seen), CAPMILL_OK);
    cm_check_eq(seen.n, 2);
    made->times[0] = 0;
    made->times[1] = INT64_MAX;
    cm_check_eq(split("dt/hr", made, &seen), CAPMILL_OK);
    cm_check_str(seen.keys[0], "dt=1970-01-01/hr=00");
    cm_check_str(seen.keys[1], "dt=2262-04-11/hr=23");
    free(made);
}

/* What a file system or a reader of paths would take for something else is escaped. */
CM_TEST(partition, values_as_names)
{
    static const struct {
        const char *value, *key;
    } cases[] = {
        {"eth0", "name=eth0"},
        {"a/b", "name=a%2Fb"},
        {"..", "name=.."}, /* behind "name=" that is no step up */
        {"a\\b:c*d?\"<>|", "name=a%5Cb%3Ac%2Ad%3F%22%3C%3E%7C"},
        {"50%", "name=50%25"},
        {"a b", "name=a%20b"},
        {"=", "name=%3D"},
        {"\x01\n\x7f", "name=%01%0A%7F"},
        {"tést", "name=tést"},
        {"", "name=__HIVE_DEFAULT_PARTITION__"},
        {NULL, "name=__HIVE_DEFAULT_PARTITION__"},
    };
    struct made *made = make(1);
    struct seen seen;

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        set_name(made, 0, cases[i].value);
        cm_check_eq(split("name", made, &seen), CAPMILL_OK);
        cm_check_str(seen.keys[0], cases[i].key);
    }
    made->has_protocol[0] = 1;
    made->protocols[0] = 17;
    set_name(made, 0, "x");
    cm_check_eq(split("protocol/name/dt", made, &seen), CAPMILL_OK);
    cm_check_str(seen.keys[0], "protocol=17/name=x/dt=1970-01-01");
    made->has_protocol[0] = 0;
    cm_check_eq(split("protocol", made, &seen), CAPMILL_OK);
    cm_check_str(seen.keys[0], "protocol=__HIVE_DEFAULT_PARTITION__");
    free(made);
}

/* The longest name that fits, and one more: never one cut short, under which two values would meet. */
CM_TEST(partition, values_that_are_too_long)
{
    static char name[2 * CM_PARTITION_KEY_BYTES];
    struct made *made = make(1);
    struct seen *seen = malloc(sizeof(*seen));
    size_t longest = 0;

    for (size_t n = CM_PARTITION_KEY_BYTES - 40; n < sizeof(name); n++) {
        enum capmill_status status;

        memset(name, 'a', n);
        set_name(made, 0, name);
        made->names[0].n = (uint32_t)n;
        status = split("name", made, seen);
        cm_check(status == CAPMILL_OK || status == CAPMILL_E_UNSUPPORTED);
        if (status != CAPMILL_OK)
            break;
        longest = n;
        cm_check_eq(strlen(seen->keys[0]), strlen("name=") + n);
    }
    cm_check(longest > CM_PARTITION_KEY_BYTES - 16 && longest < CM_PARTITION_KEY_BYTES);
    for (uint32_t i = 0; i < sizeof(name); i++)
        name[i] = '/'; /* three bytes each */
    for (uint32_t n = CM_PARTITION_KEY_BYTES / 3 - 8; n < CM_PARTITION_KEY_BYTES; n++) {
        made->names[0].n = n;
        if (split("name", made, seen) == CAPMILL_OK)
            cm_check_eq(strlen(seen->keys[0]), strlen("name=") + 3 * n);
    }
    cm_check_eq(split("name", made, seen), CAPMILL_E_UNSUPPORTED);
    free(seen);
    free(made);
}

CM_TEST(partition, random_rows_go_where_their_values_say)
{
    static const char *const names[] = {NULL, "", "a", "b", "ab"};
    struct seen *seen = malloc(sizeof(*seen));

    for (uint64_t i = 0; i < 200; i++) {
        uint64_t seed = i;
        struct made *made = make((uint32_t)drawn_in(&seed, 1, MAX_ROWS));
        uint64_t most = drawn_in(&seed, 0, 4);

        for (uint32_t row = 0; row < made->rows.n_rows; row++) {
            made->times[row] = START + drawn_in(&seed, 0, most) * HOUR_NS;
            made->has_protocol[row] = (uint8_t)drawn_in(&seed, 0, 1);
            made->protocols[row] = made->has_protocol[row] ? drawn_in(&seed, 0, most) : 0;
            set_name(made, row, names[drawn_in(&seed, 0, most)]);
        }
        cm_check_eq(split("hr/protocol/name", made, seen), CAPMILL_OK);
        for (uint32_t row = 0; row < made->rows.n_rows; row++) {
            char key[CM_PARTITION_KEY_BYTES], protocol[32];

            snprintf(protocol, sizeof(protocol), "%" PRIu64, made->protocols[row]);
            snprintf(key, sizeof(key), "hr=%02u/protocol=%s/name=%s",
                     (unsigned)(12 + (made->times[row] - START) / HOUR_NS),
                     made->has_protocol[row] ? protocol : "__HIVE_DEFAULT_PARTITION__",
                     made->names[row].n > 0 ? (const char *)made->names[row].bytes
                                            : "__HIVE_DEFAULT_PARTITION__");
            cm_check_str(seen->keys[seen->folder_of[row]], key);
        }
        free(made);
    }
    free(seen);
}

CM_TEST(partition, none_is_one_folder_and_no_rows_are_none)
{
    struct made *made = make(3);
    struct seen seen;

    cm_check_eq(split(NULL, made, &seen), CAPMILL_OK);
    cm_check_eq(seen.n, 1);
    cm_check_str(seen.keys[0], "");
    made->rows.n_rows = 0;
    cm_check_eq(split("dt", made, &seen), CAPMILL_OK);
    cm_check_eq(seen.n, 0);
    free(made);
}

CM_TEST(partition, what_is_refused_says_why)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "'' is neither"},
        {"dt/", "'' is neither"},
        {"/dt", "'' is neither"},
        {"day", "'day' is neither dt, hr nor a column"},
        {"dt/dt", "'dt' is there twice"},
        {"protocol/hr/protocol", "'protocol' is there twice"},
        {"timestamp_ns", "too many values"},
        {"payload", "too many values"},
        {"number", "too many values"},
        {"DT", "'DT' is neither"},
    };

    for (size_t i = 0; i < CM_ARRAY_COUNT(cases); i++) {
        struct cm_partition *partition = NULL;
        struct cm_error error = {0};

        cm_check_eq(
            cm_partition_create(cases[i].text, "--partition", &schema, "timestamp_ns", &partition, &error),
            CAPMILL_E_USAGE);
        cm_check(partition == NULL);
        cm_check_that(strncmp(error.text, "--partition: ", 13) == 0 &&
                          strstr(error.text, cases[i].words) != NULL,
                      "'%s': %s", cases[i].text, error.text);
    }
}

CM_TEST(partition, names_and_what_they_tell)
{
    char *names[CM_PARTITION_MAX_COLUMNS];
    struct cm_partition *partition;
    struct cm_error error = {0};
    size_t n = cm_partition_names("dt/protocol/hr", "first_ns", names);

    cm_check_eq(n, 2);
    cm_check_str(names[0], "first_ns");
    cm_check_str(names[1], "protocol");
    while (n > 0)
        free(names[--n]);
    n = cm_partition_names("a/b/c/d/e/f/g/h/i/j", "first_ns", names);
    cm_check_eq(n, CM_PARTITION_MAX_COLUMNS);
    while (n > 0)
        free(names[--n]);
    cm_check_eq(
        cm_partition_create("dt/protocol", "--partition", &schema, "timestamp_ns", &partition, &error),
        CAPMILL_OK);
    cm_check(cm_partition_tells(partition, "protocol"));
    /* the day does not tell the time */
    cm_check(!cm_partition_tells(partition, "timestamp_ns") && !cm_partition_tells(partition, "dt"));
    cm_check(!cm_partition_tells(NULL, "protocol"));
    cm_partition_destroy(partition);
}
