/* SPDX-License-Identifier: Apache-2.0 */
/* The sorting loops for one type of entry; included by order.c once a type, with ENTRY and NAME(x) defined.
 * No guard. */

/* Insertion sort that gives up after `budget` moves; everything up to the answer is in order. n: all of it.
 * Real captures are nearly sorted, by a few positions: then this is the whole work. */
static size_t NAME(insert)(struct ENTRY *entries, size_t n, size_t budget)
{
    for (size_t i = 1; i < n; i++) {
        struct ENTRY entry;
        size_t hole;

        if (entries[i - 1].time_ns <= entries[i].time_ns)
            continue;
        entry = entries[i];
        hole = i;
        do {
            entries[hole] = entries[hole - 1];
            hole--;
        } while (hole > 0 && entries[hole - 1].time_ns > entry.time_ns);
        entries[hole] = entry;
        if (i - hole >= budget)
            return i + 1;
        budget -= i - hole;
    }
    return n;
}

/* Least significant digit first, over those bits alone in which the times differ. */
static void NAME(radix)(struct ENTRY *entries, struct ENTRY *scratch, size_t n)
{
    struct ENTRY *from = entries;
    struct ENTRY *to = scratch;
    uint64_t differ = 0;
    unsigned shift;
    unsigned end;

    for (size_t i = 1; i < n; i++)
        differ |= entries[i].time_ns ^ entries[0].time_ns;
    if (differ == 0)
        return;
    shift = (unsigned)__builtin_ctzll(differ);
    end = 64 - (unsigned)__builtin_clzll(differ);
    for (; shift < end; shift += DIGIT_BITS) {
        size_t counts[DIGIT_COUNT] = {0};
        size_t sum = 0;
        struct ENTRY *swap;

        if ((differ >> shift & (DIGIT_COUNT - 1)) == 0)
            continue;
        for (size_t i = 0; i < n; i++)
            counts[from[i].time_ns >> shift & (DIGIT_COUNT - 1)]++;
        for (size_t digit = 0; digit < DIGIT_COUNT; digit++) {
            size_t count = counts[digit];

            counts[digit] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            to[counts[from[i].time_ns >> shift & (DIGIT_COUNT - 1)]++] = from[i];
        swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, n * sizeof(*entries));
}

static void NAME(order)(struct ENTRY *entries, struct ENTRY *scratch, size_t n)
{
    /* Insertion moves 8 entries for each that a radix sort of some digits would move: past that it is no
     * gain. What was inserted so far stays stable under the radix passes that follow. */
    if (NAME(insert)(entries, n, 8 * n) < n)
        NAME(radix)(entries, scratch, n);
}
