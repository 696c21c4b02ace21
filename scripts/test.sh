#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, and runs them: scripts/test.sh [PART...]
#
#   checks        layers, names, licences, layout, headers, symbols, man pages, scripts, packages
#   unit          every test but those below, on an optimised build without a warning (gcc); the results that bench/ times
#   differential  comparisons with tshark, capinfos, reordercap over a collection of captures (CAPMILL_CAPTURES), and
#                 of tables as DuckDB, pyarrow and fastavro read them (scripts/install_readers.sh)
#   asan          every test with the address and undefined-behaviour sanitizers (clang), and the collection
#   tsan          every test with the thread sanitizer (clang), and the program with many threads
#   fuzz          each fuzz target for CAPMILL_FUZZ_SECONDS (30 where CI is set, else 10), from its stored corpus
#   windows       cross build, unit tests under Wine, and the same bytes from the program there as here
#   all           all of these (default)
#
# The last line is "N passed, N failed, N skipped"; the exit status is 1 where anything failed. Logs: build/test-logs/.
# CAPMILL_NO_INSTALL=1 installs nothing. What cannot run here is skipped and named, but where CI is set and packages were
# to be installed, what is missing is a failure.
set -uo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$root" || exit 1
all_parts=(checks unit differential asan tsan fuzz windows)
parts=()
for word in "${@:-all}"; do
    case " ${all_parts[*]} all " in
        *" $word "*) [ "$word" = all ] && parts=("${all_parts[@]}") || parts+=("$word") ;;
        *) sed -n '3,19s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done

n_jobs=$(nproc 2>/dev/null || echo 2)
logs=$root/build/test-logs
mkdir -p "$logs"
work=$(mktemp -d "${TMPDIR:-/tmp}/capmill-test.XXXXXX")
wine_prefix=
leave() {
    if [ -n "$wine_prefix" ]; then
        WINEPREFIX=$wine_prefix "$wine_server" -k >/dev/null 2>&1 || true
        WINEPREFIX=$wine_prefix "$wine_server" -w >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM
if [ -z "${CAPMILL_CAPTURES:-}" ] && [ -d "$root/../shared/captures" ]; then
    CAPMILL_CAPTURES=$(cd "$root/../shared/captures" && pwd)
fi
export CAPMILL_CAPTURES=${CAPMILL_CAPTURES:-}
[ -n "$CAPMILL_CAPTURES" ] || unset CAPMILL_CAPTURES

# --- counting ------------------------------------------------------------------------------------------------------

declare -A n_passed n_failed n_skipped seconds
failures=()
skips=()
part=

passed() { # [HOW MANY]
    n_passed[$part]=$((${n_passed[$part]:-0} + ${1:-1}))
}
failed() { # NAME
    n_failed[$part]=$((${n_failed[$part]:-0} + 1))
    failures+=("$part: $1")
}
skipped() { # NAME WHY
    n_skipped[$part]=$((${n_skipped[$part]:-0} + 1))
    skips+=("$part: $1 ($2)")
}
# A thing that a test needs is not here.
lacking() { # NAME WHAT
    if [ -n "${CI:-}" ] && [ -z "${CAPMILL_NO_INSTALL:-}" ]; then
        echo "FAILED   $1: $2 is not installed"
        failed "$1: $2 is not installed"
    else
        echo "skipped  $1: $2 is not installed"
        skipped "$1" "$2 is not installed"
    fi
}
has() {
    command -v "$1" >/dev/null 2>&1
}
# One test: its exit status is 0, or 77 where it cannot run here. What it says is shown where it fails.
try() { # NAME COMMAND...
    local name=$1 log status begun=$SECONDS
    shift
    log=$logs/$part-${name//[^A-Za-z0-9_.-]/_}.log
    "$@" >"$log" 2>&1
    status=$?
    case $status in
        0) echo "passed   $name, $((SECONDS - begun)) s"; passed ;;
        77) echo "skipped  $name: $(tail -n 1 "$log")"; skipped "$name" "$(tail -n 1 "$log")" ;;
        *) echo "FAILED   $name (exit status $status), the end of $log:"
           tail -n 60 "$log" | sed 's/^/    /'
           failed "$name" ;;
    esac
    return $status
}
# All tests of a build that ctest lists; each counts.
ctest_in() { # BUILD_FOLDER CTEST_ARGUMENT...
    local folder=$1 log=$logs/$part-ctest.log line name n=0
    shift
    ctest --test-dir "$folder" --output-on-failure --no-tests=error "$@" 2>&1 | tee "$log" |
        grep --line-buffered -v -E '^ +Start +[0-9]+: '
    while IFS= read -r line; do
        name=$(sed -E 's/^ *[0-9]+\/[0-9]+ +Test +#[0-9]+: ([^ ]+) .*/\1/' <<<"$line")
        n=$((n + 1))
        case $line in
            *" Passed "*) passed ;;
            *"***Skipped"*) skipped "$name" "cannot run here: see $log" ;;
            *) failed "$name" ;;
        esac
    done < <(grep -E '^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ' "$log")
    [ $n -gt 0 ] || failed "ctest ran nothing"
}

# --- building ------------------------------------------------------------------------------------------------------

has ccache && export CMAKE_C_COMPILER_LAUNCHER=ccache
builds_done=" "
# Build a preset (CMakePresets.json) into build/NAME, warnings being errors. Once, whoever asks.
build() { # PRESET
    case $builds_done in
        *" $1 "*) return 0 ;;
        *" $1:failed "*)
            echo "FAILED   no build $1: see above"
            failed "no build $1"
            return 1 ;;
    esac
    builds_done+="$1"
    if try "build $1" build_now "$1"; then
        builds_done+=" "
        return 0
    fi
    builds_done+=":failed "
    return 1
}
build_now() {
    local options=(-DCAPMILL_WERROR=ON -DCAPMILL_TESTS=ON)
    [ "$1" != release ] || options+=(-DCAPMILL_BENCH=ON) # what is measured is also checked
    cmake --preset "$1" "${options[@]}" || return
    # all that is wrong at once, and again at the end
    cmake --build --preset "$1" -j "$n_jobs" -- -k 0 && return
    echo "what is wrong:"
    ninja -C "build/$1" -j "$n_jobs" -k 0 | grep -v -E '^(\[|ninja: )' | grep -A 6 -E 'error|undefined|FAILED' | grep -v 'ccache '
    return 1
}

# --- the parts -----------------------------------------------------------------------------------------------------

part_checks() {
    try "layers: the check itself" python3 scripts/check_layers.py --self-test
    try "licences: the check itself" python3 scripts/check_licences.py --self-test
    try "layers" python3 scripts/check_layers.py
    try "names" python3 scripts/check_names.py
    try "layout" scripts/format.sh --check
    build release || return
    try "licences" python3 scripts/check_licences.py build/release
    try "headers" scripts/check_headers.sh build/release
    try "symbols" scripts/check_symbols.sh build/release
    try "man pages" scripts/check_man.sh build/release
    try "quickstart" env CAPMILL_NO_INSTALL=1 scripts/quickstart.sh "$work/quickstart"
    try "source archive and package" scripts/release.sh "$work/packages"
}

# Root may read everything, so what happens to others is tried as one of them, in a folder that all may read.
refused_as_nobody() {
    local there=$work/nobody
    mkdir -p "$there" && chmod 711 "$work" && cp -r tests/cli build/release/capmill "$there" && chmod -R go=rX "$there" || return
    setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent TMPDIR=/tmp \
        /usr/bin/python3 -B "$there/cli/run_cases.py" --program "$there/capmill" no_permission
}

part_unit() {
    build release || return
    ctest_in build/release -LE 'differential' -j "$n_jobs"
    if [ "$(id -u)" -eq 0 ]; then
        try "cli_no_permission as nobody" refused_as_nobody
    fi
}

part_differential() {
    build release || return
    for tool in tshark capinfos reordercap; do
        has $tool || { lacking "comparisons" $tool; return; }
    done
    bash scripts/install_readers.sh || lacking "comparisons of tables" "what tests/differential/readers.txt names"
    ctest_in build/release -L 'differential' -j "$n_jobs"
}

# Every column that there is of packets: docs/export.md.
all_columns=timestamp_ns,src_ip,dst_ip,src_port,dst_port,protocol,flow_id,caplen,origlen,tcp_flags,payload,time,packet_number
all_columns+=,interface,community_id,eth_type,vlan,vlan_inner,ttl,ip_id,tcp_seq,tcp_ack,tcp_window,icmp_type,icmp_code,src_mac
all_columns+=,dst_mac,payload_len,file,file_offset,flow_packets,flow_bytes,flow_first_ns,flow_last_ns,flow_direction

# Every file of the collection through the program: it may refuse or report damage, and do nothing worse.
sweep() { # PROGRAM
    local file files command status n=0 bad=0
    printf '%032d' 7 >"$work/swept.key"
    while IFS= read -r -d '' file; do
        n=$((n + 1))
        for command in "info" "stats --json --decap --port 1-65535" "sort --force --threads 3 -o $work/swept.pcapng" \
            "sort --force --filter ip||ip6||arp --replace-ip 0.0.0.0/1=fd00::/97 --replace-port 1-1000=2001-3000 \
                --replace-vlan 1=2 --max-payload-bytes 32 --checksums fix --time-scale 0.5 -o $work/swept.pcapng" \
            "sort --force --min-flow-packets 2 --anonymize $work/swept.key --payload-bytes 00 -o $work/swept.pcapng" \
            "export --force --columns $all_columns -o $work/swept.parquet -o avro:deflate=$work/swept.avro -o $work/swept.jsonl"; do
            # shellcheck disable=SC2086 # options are words
            timeout 120 "$1" $command "$file" >"$work/sweep.text" 2>&1 </dev/null
            status=$?
            case $status in
                0 | 1 | 3) continue ;;
                # a filter that libpcap knows no program of for this link type, as tcpdump does
                2) [ "${command/--filter/}" = "$command" ] || continue ;;
            esac
            bad=$((bad + 1))
            echo "capmill $command $file: exit status $status"
            tail -n 40 "$work/sweep.text"
        done
    done < <(find "$CAPMILL_CAPTURES" -type f -size -64M -print0 | sort -z)
    # merged, sixteen at a time, into one data set
    while mapfile -d '' -t -n 16 files && [ ${#files[@]} -gt 0 ]; do
        timeout 120 "$1" export --skip-unreadable --force --decap --rows flows --partition dt/hr --threads 3 \
            -o "parquet=$work/swept.set" -o "jsonl:packets=$work/swept.set2" "${files[@]}" >"$work/sweep.text" 2>&1 </dev/null
        case $? in
            0 | 1 | 3) continue ;;
        esac
        bad=$((bad + 1))
        echo "capmill export into a data set, ${files[*]}:"
        tail -n 40 "$work/sweep.text"
    done < <(find "$CAPMILL_CAPTURES" -type f -size -64M -print0 | sort -z)
    echo "$n files, $bad runs that ended badly"
    [ $n -gt 0 ] && [ $bad -eq 0 ]
}

part_asan() {
    has clang || { lacking "tests with sanitizers" clang; return; }
    build asan || return
    export UBSAN_OPTIONS=print_stacktrace=1:exitcode=99 ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1
    export LSAN_OPTIONS=exitcode=99
    # Leaks are found by tracing oneself, which some containers forbid.
    echo 'int main(void) { return 0; }' >"$work/nothing.c"
    if clang -fsanitize=address "$work/nothing.c" -o "$work/nothing" && ! "$work/nothing" >/dev/null 2>&1; then
        ASAN_OPTIONS+=:detect_leaks=0
        skipped "leaks" "the system does not let a process trace itself"
    fi
    ctest_in build/asan -LE 'differential|bench' -j "$n_jobs"
    if [ -n "${CAPMILL_CAPTURES:-}" ]; then
        try "every capture of the collection" sweep build/asan/capmill
    else
        skipped "every capture of the collection" "CAPMILL_CAPTURES is not set"
    fi
    unset UBSAN_OPTIONS ASAN_OPTIONS LSAN_OPTIONS
}

# Packets and flows as tables, in three formats and as folders of files, with rows of another name as well.
tables_agree() { # PROGRAM CAPTURE
    local program=$1 io threads folder=expected
    rm -rf "$work/tables-expected" "$work/tables-got"
    mkdir "$work/tables-expected" "$work/tables-got" || return 1
    while read -r io threads; do
        "$program" export --force --threads "$threads" --io "$io" --quiet -o "$work/tables-$folder/a.parquet" \
            -o "$work/tables-$folder/a.jsonl" -o "avro:flows=$work/tables-$folder/a.avro" -o "$work/tables-$folder/a.pcapng" \
            "$work/$2" || return 1
        "$program" export --force --threads "$threads" --io "$io" --quiet --memory 16M --sort --partition hr/protocol \
            -o "parquet=$work/tables-$folder/set" -o "jsonl:flows=$work/tables-$folder/flows" "$work/$2" || return 1
        [ $folder = expected ] || diff -r "$work/tables-expected" "$work/tables-got" || return 1
        folder=got
    done <<'END'
read 1
auto 2
read 4
mmap 7
uring 3
END
    "$program" export --threads 4 --quiet -o jsonl=- - <"$work/$2" | cmp - "$work/tables-expected/a.jsonl"
}

# The same bytes from every number of threads and every way of reading.
threads_agree() { # PROGRAM
    local program=$1 io threads name
    "$program" generate --packets 60000 --flows 500 --set order=displaced --set displaced=10% --seed 7 \
        --quiet -o "$work/threads.pcap" || return 1
    "$program" generate --packets 60000 --flows 500 --set order=shuffled --seed 8 --quiet -o "$work/threads.pcapng" || return 1
    for name in threads.pcap threads.pcapng; do
        rm -f "$work/expected."*
        "$program" sort --threads 1 --io read --quiet -o "$work/expected.pcapng" "$work/$name" || return 1
        "$program" stats --threads 1 --csv "$work/$name" >"$work/expected.csv" || return 1
        for io in auto read mmap uring; do
            for threads in 2 4 7; do
                "$program" sort --force --threads $threads --io $io --quiet -o "$work/sorted.pcapng" "$work/$name" || return 1
                cmp "$work/expected.pcapng" "$work/sorted.pcapng" || return 1
                "$program" stats --threads $threads --io $io --csv "$work/$name" >"$work/stats.csv" || return 1
                cmp "$work/expected.csv" "$work/stats.csv" || return 1
            done
        done
        # what is kept and what becomes of it
        local rules=(--filter "tcp or udp port 53" --not --src-port 1-1023 --min-flow-packets 3 --replace-ip 10.0.0.0/8=20.0.0.0/8
            --timestamp-start 2020-01-01 --time-scale 1/3 --max-payload-bytes 100)
        rm -f "$work/expected.pcapng"
        "$program" sort --threads 1 --io read --quiet "${rules[@]}" -o "$work/expected.pcapng" "$work/$name" || return 1
        for io in auto mmap uring; do
            "$program" sort --force --threads 3 --io $io --quiet "${rules[@]}" -o "$work/sorted.pcapng" "$work/$name" || return 1
            cmp "$work/expected.pcapng" "$work/sorted.pcapng" || return 1
        done
        tables_agree "$program" "$name" || return 1
        "$program" sort --threads 1 --quiet -o - "$work/$name" >"$work/expected.piped" || return 1
        "$program" sort --threads 4 --quiet -o - - <"$work/$name" >"$work/piped" || return 1
        cmp "$work/expected.piped" "$work/piped" || return 1
    done
}

part_tsan() {
    has clang || { lacking "tests with the thread sanitizer" clang; return; }
    build tsan || return
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:exitcode=99
    # clang 14's thread sanitizer does not know where newer kernels put things at random.
    local unrandom=()
    has setarch && setarch -R true 2>/dev/null && unrandom=(setarch -R)
    ctest() { "${unrandom[@]}" env ctest "$@"; }
    ctest_in build/tsan -LE 'differential|bench|fuzz' -j "$n_jobs"
    unset -f ctest
    export -f threads_agree tables_agree
    export work
    try "many threads, same bytes" "${unrandom[@]}" bash -c 'threads_agree "$1"' - build/tsan/capmill
    unset TSAN_OPTIONS
}

fuzz_one() { # TARGET SECONDS
    local name found
    name=$(basename "$1" _fuzz)
    found=$root/build/fuzz/found/$name
    mkdir -p "$found/new"
    "$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/" \
        "$found/new" "tests/fuzz/corpus/$name"
}

part_fuzz() {
    local limit=${CAPMILL_FUZZ_SECONDS:-$([ -n "${CI:-}" ] && echo 30 || echo 10)} target name running=0
    has clang || { lacking "fuzz targets" clang; return; }
    build fuzz || return
    for target in build/fuzz/tests/fuzz/*_fuzz; do
        name=$(basename "$target")
        { fuzz_one "$target" "$limit" >"$logs/fuzz-$name.log" 2>&1; echo $? >"$work/$name.status"; } &
        running=$((running + 1))
        if [ $running -ge "$n_jobs" ]; then
            wait -n
            running=$((running - 1))
        fi
    done
    wait
    for target in build/fuzz/tests/fuzz/*_fuzz; do
        name=$(basename "$target")
        if [ "$(cat "$work/$name.status" 2>/dev/null)" = 0 ]; then
            echo "passed   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log") inputs in $limit s"
            passed
        else
            echo "FAILED   $name, the end of $logs/fuzz-$name.log (the input lies in build/fuzz/found):"
            tail -n 60 "$logs/fuzz-$name.log" | sed 's/^/    /'
            failed "$name"
        fi
    done
}

# What the program of the cross build writes is what the program here writes.
same_bytes() {
    local name io threads here=$root/build/release/capmill
    local there=("$wine" "$root/build/windows/capmill.exe")
    cd "$work" || return 1
    for name in a.pcap b.pcapng; do
        local recipe=(--packets 200000 --flows 2000 --set order=displaced --set displaced=10% --seed 3)
        "$here" generate "${recipe[@]}" --quiet --force -o "$name" || return 1
        "${there[@]}" generate "${recipe[@]}" --quiet --force -o "windows-$name" || return 1
        cmp "$name" "windows-$name" || return 1
        "$here" sort --quiet --force -o "here-$name" "$name" || return 1
        "$here" info --json "$name" >here.json || return 1
        local rules=(--proto tcp --not --src-port 1-1023 --payload-bytes 00 --replace-ip 10.0.0.0/8=20.0.0.0/8 --time-offset -1h)
        "$here" sort --quiet --force "${rules[@]}" -o "kept-$name" "$name" || return 1
        "${there[@]}" sort --quiet --force "${rules[@]}" -o "there-$name" "$name" || return 1
        cmp "kept-$name" "there-$name" || return 1
        for io in iocp read mmap auto; do
            for threads in 1 2; do
                echo "sort --io $io --threads $threads $name"
                "${there[@]}" sort --quiet --force --io $io --threads $threads -o "there-$name" "$name" || return 1
                cmp "here-$name" "there-$name" || return 1
                "${there[@]}" info --json --io $io --threads $threads "$name" >there.json || return 1
                cmp here.json there.json || return 1
            done
        done
        local tables=(-o avro:none=a.avro -o jsonl=a.jsonl -o parquet:none=a.parquet -o parquet:none:flows=f.parquet -o a.pcapng)
        "${there[@]}" --version | grep -q "gzip: yes" && tables+=(-o a.jsonl.gz -o parquet:gzip=z.parquet)
        rm -rf here.tables there.tables
        mkdir here.tables there.tables || return 1
        (cd here.tables && "$here" export --quiet "${tables[@]}" "../$name") || return 1
        (cd there.tables && "${there[@]}" export --quiet --threads 2 "${tables[@]}" "../$name") || return 1
        (cd here.tables && "$here" export --quiet --partition dt/protocol -o jsonl=set "../$name") || return 1
        (cd there.tables && "${there[@]}" export --quiet --partition dt/protocol -o jsonl=set "../$name") || return 1
        diff -r here.tables there.tables || return 1
        # without the usual codec there is a file all the same, and a note
        "${there[@]}" export -o usual.parquet "$name" 2>&1 | grep -q 'its codec is' ||
            "${there[@]}" --version | grep -q "snappy: yes" || return 1
        rm -f usual.parquet
        "${there[@]}" sort --print-plan --io iocp --force -o "there-$name" "$name" || return 1
    done
}

part_windows() {
    has x86_64-w64-mingw32-gcc || { lacking "cross build" "gcc for mingw-w64"; return; }
    build windows || return
    try "licences of what the program loads" python3 scripts/check_licences.py build/windows
    wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2>/dev/null)
    wine_server=$(command -v wineserver || ls /usr/lib/wine/wineserver64 /usr/lib/wine/wineserver 2>/dev/null | head -n 1)
    [ -n "$wine" ] && [ -n "$wine_server" ] || { lacking "tests under Wine" wine64; return; }
    # Wine takes names of files for what the locale says, and tests have letters beyond ASCII in theirs.
    local before=${LC_ALL-}
    export LC_ALL=C.UTF-8
    export WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe=' wine
    wine_prefix=$WINEPREFIX
    try "Wine starts" timeout 300 "$wine" wineboot --init || return
    "$wine_server" -p >/dev/null 2>&1
    ctest_in build/windows -LE 'differential|bench' -j "$n_jobs"
    if build release; then
        export -f same_bytes
        export root work
        try "same bytes as here" bash -c same_bytes
    fi
    LC_ALL=$before
    [ -n "$before" ] || unset LC_ALL
}

# --- all of it -----------------------------------------------------------------------------------------------------

part=setup
started=$SECONDS
if ! bash scripts/install_packages.sh test; then
    echo "what needs the missing packages is skipped or fails below"
fi
for tool in cmake ninja gcc python3; do
    has $tool || { echo "nothing can be built or checked without $tool"; failed "$tool is missing"; parts=(); }
done
seconds[setup]=$((SECONDS - started))

for part in "${parts[@]}"; do
    echo
    echo "== $part"
    started=$SECONDS
    "part_$part"
    seconds[$part]=$((SECONDS - started))
done

echo
printf '%-14s %7s %7s %8s %8s\n' part passed failed skipped seconds
total_passed=0 total_failed=0 total_skipped=0
for part in setup "${parts[@]}"; do
    printf '%-14s %7d %7d %8d %8d\n' "$part" "${n_passed[$part]:-0}" "${n_failed[$part]:-0}" "${n_skipped[$part]:-0}" \
        "${seconds[$part]}"
    total_passed=$((total_passed + ${n_passed[$part]:-0}))
    total_failed=$((total_failed + ${n_failed[$part]:-0}))
    total_skipped=$((total_skipped + ${n_skipped[$part]:-0}))
done
[ ${#skips[@]} -eq 0 ] || { echo; echo "skipped:"; printf '    %s\n' "${skips[@]}"; }
[ ${#failures[@]} -eq 0 ] || { echo; echo "FAILED:"; printf '    %s\n' "${failures[@]}"; }
echo
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ $total_failed -eq 0 ] && [ $total_passed -gt 0 ]
