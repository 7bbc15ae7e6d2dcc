"""Measures the chat in a pseudo-terminal: start to first frame, key press to frame.

    python3 benches/screen.py target/release

Unix only. The first frame is the first byte sequence with the header in it; a key's frame is
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


def show(name: str, values: list[float]) -> None:
    values = [value * 1000 for value in values]
    print(f"{name:44} {statistics.median(values):8.1f} ms   ({min(values):.1f} to {max(values):.1f})", flush=True)


class Chat:
    def __init__(self, program: str, home: str):
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
            os.execve(program, [program], environment)
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


def main() -> None:
    program = os.path.abspath(os.path.join(sys.argv[1], "percept"))
    with tempfile.TemporaryDirectory() as home:
        first, keys, streaming = [], [], []
        for _ in range(RUNS + 1):
            chat = Chat(program, home)
            first.append(chat.until(b"percept", chat.started))
            time.sleep(1.0)  # until the model is loaded
            chat.drain()
            for key in b"qzj":
                keys.append(chat.until(bytes([key]), chat.press(bytes([key]))))
            chat.press(b"\x03")
            chat.drain()
            # The starter says something to any text; keys are pressed while it does.
            chat.press(b"Read the text. " * 20 + b"\r")
            time.sleep(0.15)
            for key in b"QZJ":
                streaming.append(chat.until(bytes([key]), chat.press(bytes([key]))))
            chat.close()
        show("start to first frame, the very first time", first[:1])
        show("start to first frame", first[1:])
        show("key press to frame, idle", keys)
        show("key press to frame, while answering", streaming)


if __name__ == "__main__":
    main()
