#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what the project contains and is built with against the Apache License 2.0 that it is given away under.

    check_licences.py [BUILD_FOLDER]
    check_licences.py --self-test

1. Every source says its licence in an SPDX line, and LICENSE is that licence.
2. Every library that the built program and shared library ask for, and every outside header that src/ includes, has a row
   below: its licence, and why it fits. Without a row, or with a licence that does not fit, it fails. What those libraries ask
   for in turn (libpcap of Debian: D-Bus, systemd) is the business of whoever gives them away.
3. Where Debian's copyright file of a dependency is installed, it says what the row says.
"""
import pathlib
import re
import shutil
import subprocess
import sys

# Licences that work under the Apache License 2.0 may be combined with. GPL and AGPL are not among them in any version: the
# whole would have to be given away under those. LGPL is only for libraries that are loaded, so that they can be replaced.
FITTING = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Zlib", "Apache-2.0", "ISC", "ZPL-2.1", "public-domain"}
FITTING_WHERE_LOADED = {"LGPL-2.1-or-later", "LGPL-3.0-or-later"}
EXCEPTIONS = {"GPL-3.0-or-later WITH GCC-exception-3.1": "the exception is for what gcc puts into every program"}


class Row:
    """A dependency: its licence, whether it is only loaded, the Debian package whose copyright file must match `words`."""

    def __init__(self, name, licence, why, loaded=False, package=None, words=None):
        self.name, self.licence, self.why = name, licence, why
        self.loaded, self.package, self.words = loaded, package, words


GLIBC = Row("GNU C library", "LGPL-2.1-or-later", "loaded, never linked into the program", loaded=True, package="libc6",
            words=r"Lesser General Public")
LIBURING = Row("liburing", "MIT", "one of the two licences it offers (the other: LGPL)", package="liburing-dev",
               words=r"License: MIT")
XXHASH = Row("xxHash, xxhash.h", "BSD-2-Clause", "the header only; its command-line tool, which is GPL, is not used",
             package="libxxhash-dev", words=r"Files: \*\n(?:.*\n)*?License: BSD-2-clause")
GCC_RUNTIME = Row("libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1", "the compiler's own helpers", package="gcc-12-base",
                  words=r"(?i)gcc runtime library exception")
CXX_RUNTIME = Row("libstdc++", "GPL-3.0-or-later WITH GCC-exception-3.1", "the compiler's own library", package="gcc-12-base",
                  words=r"(?i)gcc runtime library exception")
PCAP = Row("libpcap", "BSD-3-Clause", "loaded", loaded=True, package="libpcap-dev", words=r"3-clause BSD license")
HYPERSCAN = Row("Hyperscan, or Vectorscan in its place", "BSD-3-Clause", "loaded", loaded=True, package="libhyperscan-dev",
                words=r"License: BSD-3-Clause")
NETTLE = Row("Nettle", "LGPL-3.0-or-later", "one of the two licences it offers (the other: GPL); loaded, never linked into the "
             "program", loaded=True, package="nettle-dev", words=r"License: LGPL-3\+ or GPL-2\+")
TOMLPLUSPLUS = Row("toml++", "MIT", "headers only", package="libtomlplusplus-dev", words=r"License: +Expat")
SNAPPY = Row("Snappy", "BSD-3-Clause", "loaded", loaded=True, package="libsnappy-dev", words=r"License: BSD-3-Clause")
ZSTD = Row("Zstandard", "BSD-3-Clause", "one of the two licences it offers (the other: GPL)", loaded=True,
           package="libzstd-dev", words=r"License: BSD-3-clause")
ZLIB = Row("zlib", "Zlib", "loaded", loaded=True, package="zlib1g-dev", words=r"License: Zlib")
LZ4 = Row("LZ4", "BSD-2-Clause", "the library only; its command-line tool, which is GPL, is not used", loaded=True,
          package="liblz4-dev", words=r"License: BSD-2-clause")
SANITIZER = Row("sanitizer interface", "Apache-2.0", "LLVM's header, and only in builds with a sanitizer")
MINGW = Row("mingw-w64 runtime", "ZPL-2.1", "start-up code and parts of the C library within capmill.exe",
            package="mingw-w64-x86-64-dev", words=r"License: ZPL-2.1")
WINDOWS = Row("Windows", "system", "part of the operating system; nothing of it is given away with capmill", loaded=True)
FITTING_WHERE_LOADED.add("system")

# How a library is called where it is loaded, and a header where it is included.
LIBRARIES = [
    (r"linux-vdso\.so\.1|ld-linux.*\.so\.\d|lib(c|m|pthread|dl|rt)\.so\.\d", GLIBC),
    (r"liburing\.so\.2", LIBURING),
    (r"libgcc_s\.so\.1", GCC_RUNTIME),
    (r"libstdc\+\+\.so\.6", CXX_RUNTIME),
    (r"libpcap\.so\.0\.8", PCAP),
    (r"libhs\.so\.5", HYPERSCAN),
    (r"libnettle\.so\.8", NETTLE),
    (r"libsnappy\.so\.1", SNAPPY),
    (r"libzstd\.so\.1", ZSTD),
    (r"libz\.so\.1", ZLIB),
    (r"liblz4\.so\.1", LZ4),
    (r"(?i)(kernel32|msvcrt|shell32|advapi32|psapi|ntdll|user32|ws2_32|bcrypt|api-ms-win-[a-z0-9-]*)\.dll", WINDOWS),
]
HEADERS = {"xxhash.h": XXHASH, "liburing.h": LIBURING, "sanitizer/asan_interface.h": SANITIZER, "pcap/pcap.h": PCAP,
           "hs/hs.h": HYPERSCAN, "nettle/aes.h": NETTLE, "nettle/hmac.h": NETTLE, "nettle/version.h": NETTLE,
           "snappy-c.h": SNAPPY, "zstd.h": ZSTD, "zlib.h": ZLIB, "lz4.h": LZ4, "lz4hc.h": LZ4,
           "toml++/toml.h": TOMLPLUSPLUS, "toml++/impl/preprocessor.h": TOMLPLUSPLUS,
           "toml++/impl/unicode_autogenerated.h": TOMLPLUSPLUS}
# Of the C library, of the kernel's interface (its headers carry the syscall exception), and of Windows.
SYSTEM_HEADERS = re.compile(
    r"(assert|ctype|dirent|errno|fcntl|fenv|float|glob|inttypes|limits|locale|math|poll|pthread|sched|setjmp|signal|spawn|"
    r"stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|termios|time|uchar|unistd|wchar|"
    r"wctype|x86intrin|immintrin|emmintrin|arm_neon|io|process|windows|psapi|shellapi|winsock2|winioctl|bcrypt)\.h$"
    r"|(sys|linux|asm)/\w+\.h$")

SOURCE_SUFFIXES = {".c", ".cpp", ".h", ".py", ".sh"}
SPDX = re.compile(r"SPDX-License-Identifier: (.*?)\s*(\*/)?$")


def sources(root):
    """Source files of the tree: by suffix, or scripts that say by #! what runs them."""
    skipped = {".git", "build", "out", "corpus", "cases"}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if not path.is_file() or any(part in skipped or part.startswith(("build", ".cache")) for part in parts[:-1]):
            continue
        if path.suffix in SOURCE_SUFFIXES:
            yield path
        elif path.suffix == "":
            with path.open("rb") as file:
                if file.read(2) == b"#!":
                    yield path


def check_sources(root, faults):
    n_sources = 0
    for path in sources(root):
        n_sources += 1
        first = path.read_text(encoding="utf-8").splitlines()[:2]
        found = [match for match in map(SPDX.search, first) if match]
        if not found:
            faults.append(f"{path.relative_to(root)}: no SPDX line at its top")
        elif found[0].group(1) != "Apache-2.0":
            faults.append(f"{path.relative_to(root)}: {found[0].group(1)} instead of Apache-2.0")
    text = (root / "LICENSE").read_text(encoding="utf-8")
    if "Apache License" not in text or "Version 2.0, January 2004" not in text:
        faults.append("LICENSE is not the Apache License 2.0")
    return n_sources


def loaded_libraries(build, faults):
    """[(file, library)]"""
    found = []
    files = [path for path in (build / "capmill", build / "capmill.exe") if path.exists()]
    files += sorted((build / "src").glob("libcapmill.so"))
    if not files:
        faults.append(f"{build}: no program was built there")
    for path in files:
        if path.suffix == ".exe":
            objdump = shutil.which("x86_64-w64-mingw32-objdump") or "objdump"
            text = subprocess.run([objdump, "-p", path], capture_output=True, text=True, check=True).stdout
            names = re.findall(r"DLL Name: (\S+)", text)
        else:
            text = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True).stdout
            names = re.findall(r"^ *NEEDED +(\S+)", text, re.MULTILINE)
        if not names:
            faults.append(f"{path}: loads nothing, which is hard to believe")
        found += [(path.name, name) for name in names]
    return found


def included_headers(root):
    """[(file, header)] of what is neither ours nor the system's."""
    for path in sorted(path for path in (root / "src").rglob("*") if path.suffix in {".c", ".cpp", ".h"}):
        for name in re.findall(r"^\s*#\s*include\s*<([^>]+)>", path.read_text(encoding="utf-8"), re.MULTILINE):
            if not SYSTEM_HEADERS.match(name):
                yield str(path.relative_to(root)), name


def fault_of_row(row):
    if row.licence not in FITTING and row.licence not in EXCEPTIONS:
        if row.licence not in FITTING_WHERE_LOADED:
            return f"{row.name}: {row.licence} does not fit Apache-2.0"
        if not row.loaded:
            return f"{row.name}: {row.licence} fits only where it is loaded"
    copyright_file = pathlib.Path(f"/usr/share/doc/{row.package}/copyright")
    if row.words and copyright_file.exists() and not re.search(row.words, copyright_file.read_text(encoding="utf-8")):
        return f"{row.name}: {copyright_file} does not say {row.licence}"
    return None


def self_test():
    refused = [Row("a", "GPL-2.0-only", ""), Row("b", "AGPL-3.0-only", "", loaded=True), Row("c", "LGPL-2.1-or-later", ""),
               Row("d", "GPL-3.0-or-later", "", loaded=True), Row("e", "system", "")]
    accepted = [Row("f", "MIT", ""), Row("g", "LGPL-2.1-or-later", "", loaded=True), GCC_RUNTIME]
    wrong = [f"accepted: {row.name}" for row in refused if fault_of_row(row) is None]
    wrong += [f"refused: {row.name}" for row in accepted if fault_of_row(row) is not None]
    wrong += [f"no library of ours: {name}" for name in ("libreadline.so.8", "libgpl.dll", "libc.so.6.evil")
              if any(re.fullmatch(pattern, name) for pattern, _ in LIBRARIES)]
    print("\n".join(wrong) if wrong else "the rules hold")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(__file__).resolve().parent.parent
    build = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "build/release"
    faults, used = [], {}

    n_sources = check_sources(root, faults)
    for file, name in loaded_libraries(build, faults):
        row = next((row for pattern, row in LIBRARIES if re.fullmatch(pattern, name)), None)
        if row is None:
            faults.append(f"{file} loads {name}, whose licence is not in scripts/check_licences.py")
        else:
            used[row.name] = row
    for file, name in included_headers(root):
        if name in HEADERS:
            used[HEADERS[name].name] = HEADERS[name]
        else:
            faults.append(f"{file} includes <{name}>, whose licence is not in scripts/check_licences.py")
    used[GCC_RUNTIME.name] = GCC_RUNTIME  # linked into whatever gcc makes
    if (build / "capmill.exe").exists():
        used[MINGW.name] = MINGW
    faults += [fault for fault in map(fault_of_row, used.values()) if fault]

    for row in used.values():
        print(f"{row.name}: {row.licence}: {row.why}")
    print("\n".join(faults) if faults else f"{n_sources} sources, {len(used)} dependencies, all fit Apache-2.0")
    return 1 if faults or n_sources == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
