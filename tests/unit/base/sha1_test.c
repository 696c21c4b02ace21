/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-1 equals the examples of FIPS 180 and RFC 3174, and its padding is right at every length around a
 * block. */
#include "base/sha1.h"

#include <stdlib.h>

#include "unit/check.h"

static void check_digest(const void *message, size_t n_bytes, const char *expected)
{
    uint8_t digest[CM_SHA1_BYTES];
    char text[2 * CM_SHA1_BYTES + 1];

    cm_sha1(message, n_bytes, digest);
    for (unsigned i = 0; i < CM_SHA1_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    cm_check_str(text, expected);
}

CM_TEST(sha1, published_examples)
{
    char *million = malloc(1000000);

    cm_check(million != NULL);
    check_digest("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    check_digest("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                 "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(million, 'a', 1000000);
    check_digest(million, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    free(million);
}

CM_TEST(sha1, padding_around_the_end_of_a_block)
{
    /* computed with coreutils: head -c N /dev/zero | tr '\0' x | sha1sum */
    static const struct {
        size_t n;
        const char *expected;
    } cases[] = {
        {54, "31045e7bb077ff8d188a776b196b980388735dbb"},  {55, "cef734ba81a024479e09eb5a75b6ddae62e6abf1"},
        {56, "901305367c259952f4e7af8323f480d59f81335b"},  {57, "025ecbd5d70f8fb3c5457cd96bab13fda305dc59"},
        {63, "0ddc4e0cccd9a12850deb5abb0853a4425559fec"},  {64, "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163"},
        {65, "78c741ddc482e4cdf8c474a0876347a0905b6233"},  {119, "4300320394f7ee239bcdce7d3b8bcee173a0cd5c"},
        {120, "ceb2821639c4b6dcb10bce0e522ca2e608ce056d"}, {127, "e463484d274607e1897d4099497cbf2aedcf8206"},
        {128, "150fa3fbdc899bd0b8f95a9fb6027f564d953762"},
    };
    char message[128];

    memset(message, 'x', sizeof(message));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_digest(message, cases[i].n, cases[i].expected);
}

/* Whatever is in the other lanes. */
CM_TEST(sha1, four_at_once_are_what_each_is_alone)
{
    uint8_t bytes[CM_SHA1_SHORT_BYTES + CM_SHA1_LANES];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= CM_SHA1_SHORT_BYTES; n++) {
        struct cm_sha1_short messages[CM_SHA1_LANES];
        uint8_t digests[CM_SHA1_LANES][CM_SHA1_BYTES], expected[CM_SHA1_BYTES];

        for (size_t lane = 0; lane < CM_SHA1_LANES; lane++)
            messages[lane] =
                (struct cm_sha1_short){bytes + lane, (n + lane * 17) % (CM_SHA1_SHORT_BYTES + 1)};
        cm_sha1_shorts(messages, digests);
        for (size_t lane = 0; lane < CM_SHA1_LANES; lane++) {
            cm_sha1(messages[lane].bytes, messages[lane].n, expected);
            cm_check_mem(digests[lane], expected, sizeof(expected));
        }
    }
}
