/* SPDX-License-Identifier: Apache-2.0 */
/* The table of recipe keys. Their values are read by the library. */
#include "cli/recipe_keys.h"

#include "base/checked.h"

const struct cm_recipe_key cm_recipe_keys[] = {
    {"size", "\"10M\"", "Size of the file"},
    {"packets", "1000", "Number of packets, in place of size"},
    {"seed", "1", "Everything random follows from it"},
    {"start", "2024-01-01T00:00:00Z", "Time before which there is no packet"},
    {"format", "\"pcap\"", "pcap or pcapng"},
    {"resolution", "\"us\"", "us or ns: of times in the file"},
    {"byte-order", "\"little\"", "little or big: of the file"},
    {"snaplen", "262144", "Longer packets are cut"},
    {"packet-sizes", "\"imix\"", "Bytes of a frame: imix, uniform 64-1518, or sizes with weights"},
    {"flows", "1000", "How many flows there are"},
    {"popularity", "1.0", "Exponent of Zipf's law; 0: all flows are alike"},
    {"protocols", "\"tcp:70,udp:25,icmp:5\"", "Weights"},
    {"ipv6", "\"0%\"", "Share of IPv6"},
    {"vlan", "\"0%\"", "Share of packets with a VLAN tag"},
    {"qinq", "\"0%\"", "Share of packets with two"},
    {"rate", "\"1Mpps\"", "Speed of the synthetic clock"},
    {"gap-share", "\"0%\"", "How much of the time is quiet"},
    {"gap-length", "\"10ms\"", "How long each quiet period is"},
    {"order", "\"sorted\"", "sorted, displaced or shuffled"},
    {"displaced", "\"10%\"", "With order = displaced: how many packets are late"},
    {"displaced-by", "\"50us\"", "and by how much at most"},
    {"tcp", "\"stateless\"", "stateless or conversations"},
    {"tcp-retransmit", "\"0%\"", "Share of segments of conversations that are sent again"},
    {"tcp-reorder", "\"0%\"", "Share of segments that are overtaken"},
    {"tcp-reset", "\"5%\"", "Share of conversations that end with a reset"},
    {"payload", "\"random\"", "random, zero or text"},
};
const size_t cm_n_recipe_keys = CM_ARRAY_COUNT(cm_recipe_keys);
