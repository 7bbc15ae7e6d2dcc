"""Measures the chat in a pseudo-terminal: start to first frame, key press to frame.

    python3 benches/screen.py target/release [MODEL.gguf]

With a model (one of `make_pair.py`, whose answers go on and on), keys are also pressed while it
answers. Unix only. The first frame is the first byte sequence with the header in it; a key's frame is
the one that shows its character.
"""

import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time

RUNS = 10
# Characters that noise doesn't say.
KEYS = "ßøð"


def show(name: str, values: list[float]) -> None:
    values = [value * 1000 for value in values]
    print(f"{name:44} {statistics.median(values):8.1f} ms   ({min(values):.1f} to {max(values):.1f})", flush=True)


class Chat:
    def __init__(self, program: str, home: str, *arguments: str):
        environment = {
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "PERCEPT_CONFIG_DIR": f"{home}/config",
            "PERCEPT_DATA_DIR": f"{home}/data",
            "PERCEPT_CACHE_DIR": f"{home}/cache",
        }
        self.started = time.perf_counter()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(program, [program, *arguments], environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def until(self, wanted: bytes, since: float) -> float:
        """Seconds until something was written."""
        seen = b""
        while wanted not in seen:
            if not select.select([self.terminal], [], [], 20)[0]:
                sys.exit(f"waiting for {wanted!r}: {seen[-500:]!r}")
            seen += os.read(self.terminal, 65536)
        return time.perf_counter() - since

    def drain(self) -> None:
        while select.select([self.terminal], [], [], 0.05)[0]:
            os.read(self.terminal, 65536)

    def press(self, keys: bytes) -> float:
        now = time.perf_counter()
        os.write(self.terminal, keys)
        return now

    def keys(self) -> list[float]:
        """Seconds from each key to its frame."""
        return [self.until(key.encode(), self.press(key.encode())) for key in KEYS]

    def close(self) -> None:
        self.press(b"\x03\x03\x03\x04")
        # What it still draws is read: it would wait for that.
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    os.read(self.terminal, 65536)
                except OSError:
                    pass
        os.close(self.terminal)


def while_answering(program: str, home: str, model: str) -> list[float]:
    """Keys pressed while words come; the answer must not have ended before the last."""
    chat = Chat(program, home, "-m", model)
    chat.until(b" ready", time.perf_counter())
    chat.press(b"Read the text.\r")
    chat.until(b"answering", time.perf_counter())
    times = []
    for _ in range(RUNS):
        time.sleep(0.3)
        times += chat.keys()
        chat.press(b"\x08" * len(KEYS))
    chat.press(b"\x1b")
    chat.until(b"stopped by you", time.perf_counter())
    chat.close()
    return times


def main() -> None:
    program = os.path.abspath(os.path.join(sys.argv[1], "percept"))
    with tempfile.TemporaryDirectory() as home:
        first, keys = [], []
        for _ in range(RUNS + 1):
            chat = Chat(program, home)
            first.append(chat.until(b"percept", chat.started))
            time.sleep(1.0)  # until the model is loaded
            chat.drain()
            keys += chat.keys()
            chat.close()
        show("start to first frame, the very first time", first[:1])
        show("start to first frame", first[1:])
        show("key press to frame, idle", keys)
        if len(sys.argv) > 2:
            show("key press to frame, while answering", while_answering(program, home, os.path.abspath(sys.argv[2])))


if __name__ == "__main__":
    main()
