#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completions as a shell uses them: completion_test.sh PROGRAM. For bash they are loaded and asked for candidates; zsh and
# fish check their syntax where they are installed, and have each option in any case.
set -uo pipefail
program=$(readlink -f "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
cd "$folder" || exit 1
mkdir captures 'with blank'
touch one.pcap two.pcapng 'a b.pcap' job.toml
n_failed=0
fail() {
    echo "$*"
    n_failed=$((n_failed + 1))
}

for shell in bash zsh fish; do
    "$program" --completion $shell >"$shell.txt" || fail "--completion $shell: status $?"
done
# shellcheck disable=SC1091
source ./bash.txt || fail "bash does not load it"
compopt() { :; } # belongs to a completion that is under way, which this is not

# The candidates for the last of the words, sorted, on one line.
candidates() { # WORD...
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _capmill
    printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd ' '
}
expect() { # CANDIDATES WORD...
    local wanted=$1 got
    shift
    got=$(candidates "$@")
    [ "$got" = "$wanted" ] || fail "$*: offers '$got', expected '$wanted'"
}

expect 'export generate help info sort stats' capmill ''
expect 'sort stats' capmill s
expect 'export generate help info sort stats' capmill help ''
expect '--skip-unreadable --slice --src-ip --src-port --strict' capmill sort --s
expect '--seed --set --size' capmill generate --s
expect '--completion --config' capmill --co
expect 'bash fish zsh' capmill --completion ''
expect '--skip-unreadable --slice --sort --src-ip --src-port --strict' capmill export --s
expect 'gzip' capmill export --codec g
expect 'payload payload_len' capmill export --columns pay
expect 'time,src_ip time,src_mac time,src_port' capmill sort --columns time,src
expect 'dt/hr' capmill export --partition dt/h
expect 'auto fix keep' capmill sort --checksums ''
expect 'keep' capmill sort --checksums k
expect 'fix' capmill sort --checksums = f
expect 'auto fix keep' capmill sort --checksums =
expect 'always auto' capmill info --progress a
expect 'mmap' capmill stats in.pcap --io m
expect 'parquet pcap pcapng' capmill sort --format p
expect 'one.pcap' capmill sort o
expect 'a b.pcap bash.txt captures fish.txt job.toml one.pcap two.pcapng with blank zsh.txt' \
    capmill sort -o x.pcap ''
expect 'two.pcapng' capmill sort -o pcapng=t
expect 'two.pcapng' capmill sort --output t
expect 'captures' capmill info --temp-dir c
expect 'job.toml' capmill --config j
expect 'packet-sizes= packets= payload=' capmill generate --set pa
expect '' capmill sort --src-ip ''
expect '' capmill sort --threads ''

expect 'tcp' capmill sort --proto t
expect 'tcp,udp tcp,udplite' capmill sort --proto tcp,u
expect 'udp udplite' capmill stats --not --proto = u
expect 'SYN' capmill sort --tcp-flags S
expect 'SYN+ACK' capmill sort --tcp-flags SYN+A

# --no-FLAG where it is begun
expect '--no-quiet' capmill generate --no-q
expect '--no-skip-unreadable --no-strict' capmill info --no-s
expect '--no-approximate --no-csv --no-decap --no-json --no-print-plan --no-quiet --no-skip-unreadable --no-strict '"$(
)--no-unidirectional --no-verbose --not" capmill stats --no

# A configuration before the command: it may name one, and then the first word may be an input.
expect 'sort stats' capmill --config job.toml s
expect 'sort stats' capmill --config = job.toml s
expect 'export generate help info sort stats' capmill --config sort ''
expect 'sort stats' capmill --config job.toml --threads 3 s
expect '--skip-unreadable --slice --src-ip --src-port --strict' capmill --config job.toml sort --s
expect '--seed --set --size --skip-unreadable --slice --sort --src-ip --src-port --strict' capmill --config job.toml --s
expect 'two.pcapng' capmill --config job.toml one.pcap t
expect 'two.pcapng' capmill --config job.toml sort t
expect '--no-force' capmill --config job.toml --no-f
[ "$(grep -c '_capmill_list .,. .tcp udp' bash.txt)" -eq 1 ] || fail "the protocols that are offered were not found"
for word in $(sed -n "s/^        --proto[^']*',' '\([^']*\)'.*/\1/p" bash.txt); do
    "$program" sort -o x.pcap --proto "$word" --print-plan one.pcap 2>&1 | grep -q 'is no protocol' &&
        fail "--proto does not take $word, which is offered"
done

"$program" generate --packets 1 -q -o captures/made.pcap || fail "generate: status $?"
columns=0
for option in columns flow-columns; do
    for word in $(sed -n "s/^        --$option[^']*',' '\([^']*\)'.*/\1/p" bash.txt); do
        columns=$((columns + 1))
        "$program" export -o x.parquet --$option "$word" --print-plan captures/made.pcap 2>&1 |
            grep -q 'has no column' && fail "--$option does not take $word, which is offered"
    done
done
[ $columns -eq 59 ] || fail "$columns columns are offered"

# Every option that the help shows is offered, and no other.
for command in info stats sort export generate; do
    helped=$("$program" help $command | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' | LC_ALL=C sort | paste -sd ' ')
    [ -n "$helped" ] || fail "no options in the help of $command"
    expect "$helped" capmill $command --
    for option in $helped; do
        grep -q -e "'\**$option[=[]" zsh.txt || fail "zsh: $option of $command is missing"
        grep -q -e "__fish_seen_subcommand_from.* $command.*' -l ${option#--} " fish.txt ||
            fail "fish: $option of $command is missing"
    done
done

for shell in zsh fish; do
    if ! command -v $shell >/dev/null; then
        echo "not checked: $shell is not installed"
    elif ! $shell -n "$shell.txt"; then
        fail "$shell does not take it"
    fi
done
# What fish offers, where it is installed.
expect_fish() { # CANDIDATES LINE
    local got
    got=$(HOME=$folder fish -c "source fish.txt; complete -C '$2'" | cut -f1 | LC_ALL=C sort | paste -sd ' ')
    [ "$got" = "$1" ] || fail "fish: $2: offers '$got', expected '$1'"
}
if command -v fish >/dev/null; then
    expect_fish 'sort' 'capmill so'
    expect_fish 'sort stats' 'capmill --config job.toml s'
    expect_fish 'stats' 'capmill --config=job.toml st'
    expect_fish 'job.toml' 'capmill --config j'
    expect_fish '--slice' 'capmill --config job.toml sort --sl'
    expect_fish 'tcp,udp tcp,udplite' 'capmill sort --proto tcp,u'
    expect_fish 'SYN+ACK' 'capmill sort --tcp-flags SYN+A'
    expect_fish 'auto fix keep' 'capmill sort --checksums '
    expect_fish '--no-skip-unreadable --no-strict' 'capmill info --no-s'
fi
[ $n_failed -eq 0 ] && echo "completions are complete"
[ $n_failed -eq 0 ]
