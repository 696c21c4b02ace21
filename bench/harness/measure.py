# SPDX-License-Identifier: Apache-2.0
"""Run a command and say what it cost: wall time, processor time, peak memory. Not for deciding what to run (workloads.py).
"""
import mmap
import os
import resource
import statistics
import time


class CommandFailed(Exception):
    """A command that is timed, or makes what is timed, ended with a failure."""


def start(command, stdout_path):
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
    ]
    try:
        return os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    except OSError as failure:
        raise CommandFailed(f"{command[0]}: {failure.strerror}") from failure


def refuse_failure(command, status):
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise CommandFailed(f"`{' '.join(command)}` ended with status {code}")


def run_once(command, stdout_path=os.devnull):
    """Start `command` (a list, first a path or a name in PATH), wait for it, and answer what it cost. Its standard output
    goes to `stdout_path`, its standard error to this process's."""
    start_ns = time.perf_counter_ns()
    pid = start(command, stdout_path)
    _, status, usage = os.wait4(pid, 0)
    wall_s = (time.perf_counter_ns() - start_ns) / 1e9
    refuse_failure(command, status)
    return {"wall_s": wall_s, "cpu_s": usage.ru_utime + usage.ru_stime}


def peak_memory(command):
    """Run a command and answer its greatest resident set in bytes. Not for timing.

    The system's own figure (wait4) counts the memory of the process that a command was started from, this one; it is
    taken where it is greater than ours. For smaller programs the high-water mark is read every few milliseconds.
    """
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pid = start(command, os.devnull)
    seen = 0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended == pid:
            break
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        seen = max(seen, int(line.split()[1]))
        except OSError:
            pass  # it ended meanwhile
        time.sleep(0.002)
    refuse_failure(command, status)
    return (usage.ru_maxrss if usage.ru_maxrss > 1.1 * ours or seen == 0 else seen) * 1024


def read_output(command, work_dir):
    """Standard output of a command as text."""
    path = os.path.join(work_dir, "stdout")
    try:
        run_once(command, stdout_path=path)
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    finally:
        remove(path)


def summary(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def touch_memory(n_bytes):
    """Write to that much fresh memory, all of it held at once, and give it back.

    Under a hypervisor the first touch of a page costs many times the later ones: without this the first runs, whatever
    they run, pay for all others. In a process of its own, or the peak would stick to this one (see run_once).
    """
    pid = os.fork()
    if pid != 0:
        os.waitpid(pid, 0)
        return
    try:
        memory = mmap.mmap(-1, n_bytes)
        for at in range(0, n_bytes, mmap.PAGESIZE):
            memory[at] = 1
    finally:
        os._exit(0)


def touch_file(path):
    """Read a file once, so that it lies in the page cache."""
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 22):
            pass
