/* SPDX-License-Identifier: Apache-2.0 */
/* A memo of the texts last asked for. Valid texts are the inputs' own; of the others, which are rare, a mended
 * copy is kept for the call. */
#include "sink/input_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/utf8.h"

/* Packets of several inputs come mixed where they are merged by time; more than this many at once are asked for
 * again and again, which costs a length and a look at each byte. */
#define MEMO_ENTRIES 64u

struct entry {
    bool is_filled;
    uint32_t input, interface;
    struct cm_span text;
};

struct memo {
    struct entry entries[MEMO_ENTRIES];
};

struct cm_input_texts {
    void *context;
    const char *(*input_path)(void *context, uint32_t input);
    const char *(*interface_name)(void *context, uint32_t input, uint32_t interface);
    struct memo paths, interfaces;
    char **mended; /* texts that were not valid */
    size_t n_mended, room;
};

struct cm_input_texts *cm_input_texts_create(const struct cm_packet_columns_options *options)
{
    struct cm_input_texts *texts = calloc(1, sizeof(*texts));

    if (texts == NULL)
        return NULL;
    texts->context = options->context;
    texts->input_path = options->input_path;
    texts->interface_name = options->interface_name;
    return texts;
}

static void forget_mended(struct cm_input_texts *texts)
{
    for (size_t i = 0; i < texts->n_mended; i++)
        free(texts->mended[i]);
    texts->n_mended = 0;
}

void cm_input_texts_destroy(struct cm_input_texts *texts)
{
    if (texts == NULL)
        return;
    forget_mended(texts);
    free(texts->mended);
    free(texts);
}

void cm_input_texts_begin(struct cm_input_texts *texts)
{
    if (texts->n_mended == 0)
        return;
    forget_mended(texts);
    memset(&texts->paths, 0, sizeof(texts->paths));
    memset(&texts->interfaces, 0, sizeof(texts->interfaces));
}

static bool is_valid(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    for (size_t length; *p != 0; p += length)
        if ((length = cm_utf8_length(p)) == 0)
            return false;
    return true;
}

/* Each byte that belongs to no character becomes U+FFFD. */
static size_t put_mended(const char *text, char *mended)
{
    static const char replacement[] = "\xef\xbf\xbd";
    const unsigned char *p = (const unsigned char *)text;
    char *out = mended;

    while (*p != 0) {
        const size_t length = cm_utf8_length(p);

        memcpy(out, length > 0 ? (const char *)p : replacement, length > 0 ? length : 3);
        out += length > 0 ? length : 3;
        p += length > 0 ? length : 1;
    }
    return (size_t)(out - mended);
}

static bool mend(struct cm_input_texts *texts, const char *text, struct cm_span *text_ret)
{
    char *mended;

    if (!CM_GROW(texts->mended, texts->room, texts->n_mended + 1, 8))
        return false;
    mended = malloc(strlen(text) * 3 + 1);
    if (mended == NULL)
        return false;
    texts->mended[texts->n_mended++] = mended;
    *text_ret = (struct cm_span){(const uint8_t *)mended, (uint32_t)put_mended(text, mended)};
    return true;
}

static bool make(struct cm_input_texts *texts, const char *text, struct cm_span *text_ret)
{
    *text_ret = (struct cm_span){NULL, 0};
    if (text == NULL)
        return true;
    if (!is_valid(text))
        return mend(texts, text, text_ret);
    *text_ret = (struct cm_span){(const uint8_t *)text, (uint32_t)strlen(text)};
    return true;
}

static struct entry *entry_of(struct memo *memo, uint32_t input, uint32_t interface)
{
    return &memo->entries[(input * 7 + interface) % MEMO_ENTRIES];
}

static inline bool is_entry(const struct entry *entry, uint32_t input, uint32_t interface)
{
    return entry->is_filled && entry->input == input && entry->interface == interface;
}

bool cm_input_texts_path(struct cm_input_texts *texts, uint32_t input, struct cm_span *text_ret)
{
    struct entry *entry = entry_of(&texts->paths, input, 0);

    if (!is_entry(entry, input, 0)) {
        if (!make(texts, texts->input_path == NULL ? NULL : texts->input_path(texts->context, input),
                  &entry->text))
            return false;
        entry->input = input;
        entry->is_filled = true;
    }
    *text_ret = entry->text;
    return true;
}

bool cm_input_texts_interface(struct cm_input_texts *texts, uint32_t input, uint32_t interface,
                              struct cm_span *text_ret)
{
    struct entry *entry = entry_of(&texts->interfaces, input, interface);

    if (!is_entry(entry, input, interface)) {
        if (!make(texts,
                  texts->interface_name == NULL ? NULL
                                                : texts->interface_name(texts->context, input, interface),
                  &entry->text))
            return false;
        entry->input = input;
        entry->interface = interface;
        entry->is_filled = true;
    }
    *text_ret = entry->text;
    return true;
}
