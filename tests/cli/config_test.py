#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Configurations as a whole: config.example.toml is what the program prints, loads as it is and with everything in it
switched on, and has every key; what --print-config prints gives the same job again; recipe keys are the library's.

    config_test.py PROGRAM        77: cannot run here
"""
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import tomllib
except ImportError:
    print("skipped: no tomllib, which Python has from 3.11 on")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
COMMANDS = ("info", "stats", "sort", "export", "generate")
failures = []


def run(*words, folder=None):
    return subprocess.run([PROGRAM, *words], cwd=folder, capture_output=True, check=False, timeout=60)


def check(holds, text):
    if not holds:
        failures.append(text)


def printed(*words, folder=None):
    done = run(*words, folder=folder)
    check(done.returncode == 0, f"{' '.join(words)}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def without_comments(text):
    """Values alone: no value here has a # in it."""
    lines = (line.split("#")[0].rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def switched_on(text):
    """Commented keys begin with a bare #, prose with # and a blank."""
    return re.sub(r"^#(?=[a-z_\[])", "", text, flags=re.M)


def keys_of(table, path=()):
    """Every key in a parsed file, as (table, key); arrays of tables count as their tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from keys_of(value, (*path, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for entry in value:
                yield from keys_of(entry, (*path, key))
        else:
            yield (".".join(path), key)


def options():
    """{command: its options}, from the help."""
    return {command: set(re.findall(r"^  (?:-\w, |    )--([a-z0-9-]+)", printed("help", command), re.M))
            for command in COMMANDS}


def test_example(folder):
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    check(example == printed("--example-config"),
          "config.example.toml is not what the program prints: capmill --example-config > config.example.toml")
    everything = switched_on(example)
    for name, text in (("example.toml", example), ("everything.toml", everything)):
        (folder / name).write_text(text, encoding="utf-8")
        for command in COMMANDS:
            printed(command, "--config", name, "--print-config", folder=folder)
        printed("--config", name, "--print-config", folder=folder)
    # every option but those that are about the program, or whose keys have another name, is a key
    parsed = tomllib.loads(everything)
    keys = {key for _, key in keys_of(parsed)}
    other = {"output": "path", "filter": "expression", "set": "packet_sizes", "sort": "enabled"}
    # a table of replacements has its own keys, so these are asked by name
    keys |= {key for key in parsed["transform"]}
    for command, names in options().items():
        for name in names - {"help", "version", "config", "print-config", "not"}:
            check(other.get(name, name.replace("-", "_")) in keys, f"config.example.toml lacks {name} of {command}")
    # and what is in force has every key of the file that belongs to the command
    in_force = {key for _, key in keys_of(tomllib.loads(
        printed("sort", "--config", "everything.toml", "--print-config", folder=folder)))}
    for table in ("filter", "transform", "output", "table"):
        for key in parsed[table]:
            check(key in in_force or key in ("not", "rules", "truncate"), f"[{table}] {key} is lost in --print-config")


JOBS = [
    ("sort", "-o", "a.pcap", "-o", "pcapng=b c\"\\\t.pcapng", "in.pcap", "dir/*.pcap", "--slice", "90", "--format", "pcap"),
    ("sort", "-o", "-", "in.pcap", "--src-ip", "10.0.0.0/8,192.0.2.1", "--not", "--src-ip", "10.0.0.7", "--port", "80",
     "--port=443-444", "--not", "--port", "22", "--from", "1700000000000", "--filter", "tcp[13] & 2 != 0 and host \u00e4",
     "--payload-regex", "^a'b\"c\\d\n", "--min-flow-packets", "3", "--decap", "--unidirectional", "--no-force"),
    ("sort", "-o", "x", "in.pcap", "--time-offset", "-1h", "--time-scale=3/2", "--replace-ip", "10.0.0.1=10.0.0.2",
     "--replace-ip", "10.0.0.0/8=fd00::/104", "--replace-port", "tcp:80=8080", "--max-payload-bytes", "0128",
     "--checksums", "fix", "--anonymize", "key file", "--replace-vlan", "1=2", "--replace-mac", "00:00:5e:00:53:01=x"),
    ("export", "-o", "parquet:zstd:flows=a b", "-o", "json=-", "-o", "./x=y.pcap", "in.pcap", "--sort", "--columns",
     "time,src_ip", "--columns=payload", "--flow-columns", "first", "--rows", "flows", "--codec", "deflate",
     "--compression-level", "9", "--partition", "dt/hr", "--max-file-size", "1.5G", "--idle-timeout", "never",
     "--active-timeout", "90", "--row-group-size", "64M", "--row-group-rows", "1000", "--no-bloom-filter",
     "--wide-numbers-as-text", "--compress-payload", "--unidirectional"),
    ("export", "in.pcap"),
    ("stats", "in.pcap", "--top", "3", "--csv", "--memory", "1.5G", "--threads", "2", "--progress", "json", "-q"),
    ("info", "a", "b", "--approximate", "--io", "mmap", "--temp-dir", "/tmp", "--strict", "--verbose", "--json"),
    ("generate", "-o", "x.pcap", "--recipe", "r.recipe", "--set", "packet-sizes=uniform 64-1518", "--flows", "5", "--set",
     "flows=7", "--seed", "18446744073709551615", "--durable", "--force"),
    ("sort",),
    ("generate",),
]


def test_fixpoint(folder):
    nested = folder / "nested.toml"
    levels = "".join(f"[[filter{'.rules' * n}]]\nop = '{('and', 'or', 'not')[n % 3]}'\nport = {n}\n"
                     f"[filter{'.rules' * n}.not]\nproto = ['tcp', {n}]\n" for n in range(1, 65))
    nested.write_text("command = 'sort'\n[[input]]\npath = 'a'\n[output]\npath = 'o'\n[filter]\nnegate = true\n"
                      "port = [22, '8000-8099']\nfrom = 2024-02-29T12:00:00.5+01:00\n" + levels +
                      "[transform]\nreplace_ip = { '10.0.0.0/8' = '172.0.0.0/8' }\ntime_scale = 0.1\n"
                      "[[transform.truncate]]\nmax_payload_bytes = '1K'\n[[transform.truncate]]\nprotocol = 'tcp'\n"
                      "port = '80-90'\nmax_payload_bytes = 7\n", encoding="utf-8")
    for words in [*JOBS, ("--config", str(nested)), ("sort", "--config", str(nested), "--port", "1", "--no-force")]:
        name = " ".join(words)
        first = printed(*words, "--print-config", folder=folder)
        (folder / "first.toml").write_text(first, encoding="utf-8")
        second = printed("--config", "first.toml", "--print-config", folder=folder)
        check(without_comments(first) == without_comments(second), f"not the same again: {name}\n{first}\n{second}")
        (folder / "first.toml").write_text(second, encoding="utf-8")
        third = printed("--config", "first.toml", "--print-config", folder=folder)
        check(second == third, f"no fixpoint: {name}\n{second}\n{third}")
        given = tomllib.loads(first)
        check("command" in given, f"no TOML: {name}")
        if "--verbose" in words or "-q" in words:
            continue
        # with the defaults of all keys: again the same, and nothing that was given is lost
        check("# default" not in first, f"defaults without --verbose: {name}\n{first}")
        longer = printed(*words, "--verbose", "--print-config", folder=folder)
        (folder / "first.toml").write_text(longer, encoding="utf-8")
        again = printed("--config", "first.toml", "--print-config", folder=folder)
        check(without_comments(longer) == without_comments(again), f"not the same again: {name} --verbose")
        keys = set(keys_of(tomllib.loads(longer)))
        check(set(keys_of(given)) <= keys and ("run", "quiet") in keys, f"keys are missing: {name} --verbose\n{longer}")
    check(tomllib.loads(printed(*JOBS[0], "--print-config"))["output"]["path"][1] == "pcapng=b c\"\\\t.pcapng",
          "quotes and tabs in a path")


def test_same_work(folder):
    """The job of a file and of the command line write the same bytes."""
    printed("generate", "--packets", "3000", "--set", "order=shuffled", "-o", "in.pcap", "-q", folder=folder)
    (folder / "job.toml").write_text("command = 'sort'\n[[input]]\npath = 'in.p*'\n[output]\npath = 'b.pcap'\n"
                                     "resolution = 'ns'\n[run]\nthreads = 3\nquiet = true\n", encoding="utf-8")
    printed("sort", "-o", "a.pcap", "--resolution", "ns", "-q", "in.pcap", folder=folder)
    printed("--config", "job.toml", folder=folder)
    check((folder / "a.pcap").read_bytes() == (folder / "b.pcap").read_bytes(), "another capture from the file")
    (folder / "gen.toml").write_text("command = 'generate'\n[output]\npath = 'c.pcap'\n[generate]\npackets = 3000\n"
                                     "order = 'shuffled'\n[run]\nquiet = true\n", encoding="utf-8")
    printed("--config", "gen.toml", folder=folder)
    check((folder / "in.pcap").read_bytes() == (folder / "c.pcap").read_bytes(), "another recipe from the file")


def test_recipe_keys(folder):
    said = run("generate", "--set", "nonsense=1", "-o", "never.pcap", folder=folder).stderr.decode()
    ours = re.search(r"the keys are (.*)", said).group(1).split(", ")
    (folder / "keys.toml").write_text("[generate]\n" + "".join(f"{key.replace('-', '_')} = 'x'\n" for key in ours if
                                      key not in ("size", "packets", "flows", "seed")), encoding="utf-8")
    printed("generate", "--config", "keys.toml", "--print-config", folder=folder)
    example = tomllib.loads(switched_on((ROOT / "config.example.toml").read_text(encoding="utf-8")))["generate"]
    names = [key.replace("_", "-") for key in example if key != "recipe"]
    check(names == ours, f"recipe keys are {ours}, config.example.toml has {names}")
    for key, value in example.items():
        if key not in ("recipe", "packets"):
            text = f"{value:%Y-%m-%dT%H:%M:%SZ}" if key == "start" else value
            done = run("generate", "--packets", "10", "--set", f"{key.replace('_', '-')}={text}", "--print-plan", "-o",
                       "never.pcap", folder=folder)
            check(done.returncode == 0 or key == "size", f"the sample of {key}: {done.stderr.decode()}")


def main():
    with tempfile.TemporaryDirectory(prefix="capmill-config-") as name:
        folder = pathlib.Path(name)
        for test in (test_example, test_fixpoint, test_same_work, test_recipe_keys):
            test(folder)
    print("\n".join(failures) if failures else "configurations load, print and run as they should")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
