/* SPDX-License-Identifier: Apache-2.0 */
/* Making and recognising the names of temporaries, the same on every system. Touches no file. */
#include "os/output_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The greatest suffix is `.capmill-` + 3 * 16 digits and 2 dashes + `.tmp`: 63 bytes, and a dot in front. */
enum { stem_max = CM_OUTPUT_NAME_BYTES - 1 - 64, hash_digits = 16 };

static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

    for (; *name != 0; name++)
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

/* What stands for NAME in the temporary's name. */
static void make_stem(const char *name, char stem[stem_max + 1])
{
    size_t n = strlen(name);

    if (n > stem_max) {
        n = stem_max - hash_digits - 1;
        while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80) /* not inside a UTF-8 character */
            n--;
        snprintf(stem, stem_max + 1, "%.*s~%016" PRIx64, (int)n, name, hash_name(name));
    } else {
        memcpy(stem, name, n + 1);
    }
}

void cm_output_name_make(const char *name, const struct cm_output_owner *owner, unsigned number,
                         char temporary[CM_OUTPUT_NAME_BYTES])
{
    char stem[stem_max + 1];

    make_stem(name, stem);
    snprintf(temporary, CM_OUTPUT_NAME_BYTES, ".%s.capmill-%" PRIx64 "-%" PRIx64 "-%x.tmp", stem, owner->pid,
             owner->start, number);
}

static bool parse_number(const char **at_ref, char end, uint64_t *value_ret)
{
    const char *at = *at_ref;
    uint64_t value = 0;
    int n = 0;

    for (; n <= 16; n++, at++) {
        char c = *at;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

        if (digit < 0)
            break;
        value = value << 4 | (unsigned)digit;
    }
    if (n == 0 || n > 16 || *at != end)
        return false;
    *at_ref = at + 1;
    *value_ret = value;
    return true;
}

bool cm_output_name_parse(const char *candidate, const char *name, bool is_prefix,
                          struct cm_output_owner *owner_ret)
{
    static const char mark[] = ".capmill-";
    const char *end = NULL;
    uint64_t number;

    if (candidate[0] != '.')
        return false;
    candidate++;
    /* The last mark: a name may hold one, too. */
    for (const char *at = candidate; (at = strstr(at, mark)) != NULL; at++)
        end = at;
    if (end == NULL)
        return false;
    if (is_prefix) {
        if (strncmp(candidate, name, strlen(name)) != 0 || (size_t)(end - candidate) < strlen(name))
            return false;
    } else {
        char stem[stem_max + 1];

        make_stem(name, stem);
        if (strlen(stem) != (size_t)(end - candidate) || strncmp(candidate, stem, strlen(stem)) != 0)
            return false;
    }
    end += sizeof(mark) - 1;
    return parse_number(&end, '-', &owner_ret->pid) && parse_number(&end, '-', &owner_ret->start) &&
           parse_number(&end, '.', &number) && strcmp(end, "tmp") == 0;
}
