#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fills the tour in README.md with what the program prints: scripts/update_readme_tour.sh [PROGRAM]
# Run it on a quiet machine, with TMPDIR in memory (/dev/shm): the times it prints are read as promises.
# Between "<!-- tour: begin -->" and "<!-- tour: end -->" stand the commands of the tour below and their output.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/build/release/capmill}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
mkdir "$folder/bin"
ln -s "$program" "$folder/bin/capmill"
cd "$folder"
PATH="$folder/bin:$PATH"

tour() {
    while IFS= read -r line; do
        printf '$ %s\n' "$line"
        sh -c "$line" 2>&1 || true # one of them is wrong on purpose
        echo
    done <<'COMMANDS'
capmill generate --packets 1000000 --flows 1000 --set order=displaced --set displaced=10% --set displaced-by=50us --seed 1 -o capture.pcap
capmill info capture.pcap
capmill sort -o sorted.pcap capture.pcap
capmill info sorted.pcap | grep Order
capmill stats --csv --top 3 sorted.pcap | cut -d , -f 1,3-9
capmill sort --filter 'tcp port 443 and host 10.210.150.147' -o one-host.pcap capture.pcap
capmill info --filter 'tcp port 443 or port htp' capture.pcap
capmill sort --replace-ip 10.0.0.0/8=198.0.0.0/8 --max-payload-bytes 64 --timestamp-start 2026-01-01 -o lab.pcap capture.pcap
capmill info lab.pcap | grep -e Size -e First
capmill export -o packets.parquet -o parquet:flows=flows.parquet -o web.pcapng --filter 'tcp port 443' capture.pcap
capmill export --columns time,src_ip,dst_port,caplen,flow_packets -o jsonl=- capture.pcap | tail -n 1
capmill export --partition protocol -o parquet:zstd=lake capture.pcap && ls lake
COMMANDS
}

tour > tour.text
awk -v text="tour.text" '
    /<!-- tour: begin -->/ { print; print "```text"; while ((getline line < text) > 0) print line; print "```"; skip = 1 }
    /<!-- tour: end -->/   { skip = 0 }
    !skip                  { print }
' "$root/README.md" > readme.new
cp readme.new "$root/README.md"
