"""Steps that do not end by themselves, each in its way."""

import hashlib
import os
import subprocess
import sys
import time

from pipelines.contract import Port
from pipelines.registry import step

FOR_EVER = 300
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").close()
time.sleep(300)
"""
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.close(number)
        os.execve(sys.executable, ["daemon", "-S", "-c", "import time; time.sleep(300)", sys.argv[1]], {})
    os._exit(0)
time.sleep(0.5)
open(sys.argv[1], "w").close()
time.sleep(300)
"""
WAYS = ("sleep", "loop", "progress", "c", "stubborn", "daemon", "bare")


@step(
    "stopper",
    inputs=[Port("way", "text"), Port("x", "float")],
    outputs=[Port("y", "float")],
)
def stopper(inputs, parameters, context):
    """Do as the way says; a file in the project's folder says that it has begun."""
    way, mark = inputs["way"], context.folder / f"{inputs['way']}-{os.getpid()}"
    if way == "fine":
        return {"y": inputs["x"] + 1}
    linger(way, mark, context)
    return {"y": -1.0}


@step(
    "stopper_limited",
    inputs=[Port("way", "text"), Port("x", "float")],
    outputs=[Port("y", "float")],
    time_limit=1.0,
    memory_limit=300_000_000,
)
def stopper_limited(inputs, parameters, context):
    """The same, but not for long, and not with much memory."""
    return stopper(inputs, parameters, context)


def linger(way, mark, context):
    """Do something that takes five minutes."""
    until = time.monotonic() + FOR_EVER
    if way not in ("stubborn", "daemon"):
        mark.touch()
    if way == "sleep":
        time.sleep(FOR_EVER)
    elif way == "loop":
        while time.monotonic() < until:
            pass
    elif way == "progress":
        while time.monotonic() < until:
            context.progress(0.5, "for ever")
    elif way == "c":
        hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 2**31 - 1)
    elif way == "stubborn":
        context.run([sys.executable, "-S", "-c", STUBBORN, mark])
    elif way == "daemon":
        context.run([sys.executable, "-S", "-c", DAEMON, mark])
    elif way == "bare":
        subprocess.run([sys.executable, "-S", "-c", STUBBORN, str(mark)], check=True)
    elif way == "greedy":
        bytearray(1_000_000_000)
