/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. What can be typed after them: options_*.c. */
#include <string.h>

#include "base/checked.h"
#include "cli/options.h"

const struct cm_command cm_commands[] = {
    {
        .name = "info",
        .id = CAPMILL_INFO,
        .synopsis = "[OPTIONS] INPUT...",
        .summary = "show what is in captures",
        .text = "Prints one screen for each capture: format, link types, first and last time, duration, "
                "packets, bytes, "
                "rates, how many different addresses and flows, whether the packets are in order of time or "
                "by how "
                "much not, and damage. With more than one input a total follows.\n\n"
                "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .examples = {{"info capture.pcapng", "one screen about one capture"},
                     {"info --json /data/captures", "every capture in a folder, for a program to read"},
                     {"info - < capture.pcap", "from a pipe"}},
    },
    {
        .name = "stats",
        .id = CAPMILL_STATS,
        .synopsis = "[OPTIONS] INPUT...",
        .summary = "count flows, hosts, protocols and packet sizes",
        .text =
            "Prints what info prints for all inputs together, then the protocols, the packet sizes, the "
            "hosts and "
            "the flows that moved most bytes. Flows are told apart by addresses, ports and protocol, in both "
            "directions together.\n\n"
            "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .examples = {{"stats --top 20 capture.pcap", "the twenty largest hosts and flows"},
                     {"stats --csv capture.pcap > flows.csv", "the whole flow table"},
                     {"stats --json --top 0 capture.pcap", "everything but hosts and flows, as JSON"},
                     {"stats --port 443 --not --ip 10.0.0.0/8 capture.pcap",
                      "only some packets: HTTPS of other networks"}},
    },
    {
        .name = "sort",
        .id = CAPMILL_SORT,
        .synopsis = "[OPTIONS] -o OUTPUT INPUT...",
        .summary = "put packets in order of time, from one or many captures",
        .text = "Reads all inputs, each of which may be out of order, and writes their packets in order of "
                "time. Packets "
                "of equal time keep the order of the inputs and their order within them, so that every run "
                "gives the "
                "same bytes. The output appears under its name only when it is whole.\n\n"
                "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .needs_output = true,
        .examples = {{"sort -o sorted.pcap capture.pcap", "one capture"},
                     {"sort -o all.pcapng eth0.pcap eth1.pcap", "merge two captures"},
                     {"sort --slice 1h -o hour.pcap day/",
                      "files of one hour each: hour_20240229T120000Z.pcap, ..."},
                     {"sort -o - capture.pcap | tcpdump -r -", "into a pipe"},
                     {"sort --filter 'tcp port 80' --time-offset -1h -o web.pcap in.pcap",
                      "only some packets, an hour earlier"}},
    },
    {
        .name = "export",
        .id = CAPMILL_EXPORT,
        .synopsis = "[OPTIONS] -o OUTPUT INPUT...",
        .summary = "write packets or flows as tables, or captures in another form",
        .text =
            "Reads all inputs and writes what the filters keep, changed as asked, to any number of outputs "
            "in "
            "one pass: tables (Parquet, Avro, JSON lines) with a row for each packet or each flow, and "
            "captures (pcap, pcapng), which makes it the converter between them too. Packets keep the order "
            "of their file; several inputs are merged by time, each taken to be in order. With --sort all "
            "of them are put in order of time first. An output appears under its name only when it is "
            "whole.\n\n"
            "INPUT is a file, a glob, a folder (the captures in it, not deeper) or - for standard input.",
        .takes_inputs = true,
        .needs_output = true,
        .examples = {{"export -o packets.parquet capture.pcap", "a row for each packet"},
                     {"export -o parquet:zstd=p.parquet -o parquet:flows=f.parquet a.pcap",
                      "packets and flows, in one pass"},
                     {"export --columns time,src_ip,dst_port -o jsonl=- a.pcap | jq .dst_port",
                      "some columns, into a pipe"},
                     {"export --partition dt/hr -o parquet=lake day/",
                      "a folder of files: lake/dt=2024-02-29/hr=12/part-00000.parquet, ..."},
                     {"export --sort --max-payload-bytes 0 --port 80 -o web.avro in.pcap",
                      "only some packets, in order of time and without payload"},
                     {"export --resolution ns -o capture.pcapng -o copy.pcap capture.pcap",
                      "captures in another form"}},
    },
    {
        .name = "generate",
        .id = CAPMILL_GENERATE,
        .synopsis = "[OPTIONS] -o OUTPUT",
        .summary = "write a synthetic capture",
        .text = "Writes a capture made from a recipe: packet sizes, number and popularity of flows, "
                "protocols, rate, gaps, "
                "disorder. The same recipe gives the same bytes on every machine. Without a recipe the "
                "defaults of "
                "every key hold; keys given on the command line replace those of the recipe file.",
        .needs_output = true,
        .examples = {{"generate --size 1G -o test.pcap", "a capture of 1 GiB"},
                     {"generate --recipe datasets/imix.recipe --seed 7 -o test.pcap",
                      "a recipe with another seed"},
                     {"generate --packets 1000 --set order=shuffled -o test.pcap", "any key of a recipe"}},
    },
};
const size_t cm_n_commands = CM_ARRAY_COUNT(cm_commands);

const struct cm_command *cm_command_find(const char *name)
{
    for (size_t i = 0; i < cm_n_commands; i++) {
        if (strcmp(cm_commands[i].name, name) == 0)
            return &cm_commands[i];
    }
    return NULL;
}
