#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stop_after.py SIGNAL[,SIGNAL] SECONDS FILE COMMAND...: runs it with an input that brings FILE and then nothing more without an
end, and an output that nobody reads; sends SIGNAL after SECONDS (the next one
after as many again), and prints the exit status as a shell shows it, and how
long it took where it was slow to stop."""
import signal
import subprocess
import sys
import threading
import time

SLOW_S = 5


def main():
    names, delay_s, path, command = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4:]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        with open(path, "rb") as file:
            try:
                process.stdin.write(file.read())
                process.stdin.flush()
            except OSError:
                pass  # it was stopped before it had read all

    threading.Thread(target=feed, daemon=True).start()
    for name in names.split(","):
        time.sleep(delay_s)
        process.send_signal(getattr(signal, "SIG" + name))
    start = time.monotonic()
    try:
        status = process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        status = "none: it did not stop"
    took_s = time.monotonic() - start
    if isinstance(status, int) and status < 0:
        status = 128 - status
    print(f"status {status}" + (f" after {took_s:.0f} s" if took_s > SLOW_S else ""))


if __name__ == "__main__":
    main()
