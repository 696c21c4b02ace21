#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""stop_after.py SIGNAL SECONDS COMMAND...: runs it with an input that never comes and an output that nobody reads, sends
SIGNAL after SECONDS, and prints its exit status, or how long it took where it was slow to stop."""
import signal
import subprocess
import sys
import time

SLOW_S = 5


def main():
    name, delay_s, command = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(delay_s)
    process.send_signal(getattr(signal, "SIG" + name))
    start = time.monotonic()
    try:
        status = process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        status = "none: it did not stop"
    took_s = time.monotonic() - start
    print(f"status {status}" + (f" after {took_s:.0f} s" if took_s > SLOW_S else ""))


if __name__ == "__main__":
    main()
