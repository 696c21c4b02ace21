/* SPDX-License-Identifier: Apache-2.0 */
/* The flow id: what users see, filter by and join on. Fixed for ever: XXH3-64 with seed 0 over
 *     low endpoint, high endpoint, protocol
 * where an endpoint is the address (4 or 16 bytes, network order) followed by the port (2 bytes, network
 * order) and the protocol one byte; key.h says what is low. Not what tables place keys by (key_set.h): this
 * one is public, and an adversary could fill one slot with it. */
#ifndef CM_FLOW_FLOW_ID_H
#define CM_FLOW_FLOW_ID_H

#include <stdint.h>

#include "flow/key.h"

uint64_t cm_flow_id(const struct cm_flow_key *key);
uint64_t cm_flow_id4(const struct cm_flow_key4 *key);
/* XXH3-64 with seed 0 of two words: a spread of 128-bit addresses for estimates that must not differ between
 * runs. */
uint64_t cm_flow_address_hash(uint64_t first, uint64_t second);

#endif
