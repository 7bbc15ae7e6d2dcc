"""Measures the turns of a conversation about a picture, as ratios within one run.

    make bench            # sets up what this needs and runs it
    python3 benches/turns.py target/release [256m|2b] [--against-llama-cpp-python]

Cold is the worker with an empty cache. Each figure is the median of five, with the smallest
and the largest.
"""

import json
import statistics
import struct
import subprocess
import sys
import time
import zlib
from hashlib import sha256
from pathlib import Path

from make_pair import make

RUNS = 5
TOKENS = 64
CACHE = Path(__file__).parent / ".pairs"


class Worker:
    """percept-llama, spoken to over its pipes."""

    def __init__(self, folder: Path, model: Path, mmproj: Path):
        self.process = subprocess.Popen(
            [folder / "percept-llama"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.last_id = 0
        ready = json.loads(self.process.stdout.readline())
        self.ask(request="load", protocol=ready["protocol"], model=str(model), mmproj=str(mmproj))

    def ask(self, **request) -> dict:
        self.last_id += 1
        self.process.stdin.write(json.dumps({"id": self.last_id, **request}) + "\n")
        self.process.stdin.flush()
        while True:
            event = json.loads(self.process.stdout.readline())
            if event["event"] == "failed":
                sys.exit(f"{event['message']}")
            if event["event"] == "done" and event["id"] == self.last_id:
                return event

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def picture(path: Path, seed: int, size: int = 512) -> dict:
    """Draws a picture without any library, different for each seed."""
    rows = b"".join(
        b"\0" + bytes(((x * seed) ^ (y * 3)) & 255 for x in range(size) for _ in range(3)) for y in range(size)
    )
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(png)
    return {"type": "image", "hash": sha256(png).hexdigest(), "path": str(path)}


def user(*content) -> dict:
    return {"role": "user", "content": [c if isinstance(c, dict) else {"type": "text", "text": c} for c in content]}


def show(name: str, values: list[float], unit: str = "") -> None:
    print(f"{name:52} {statistics.median(values):10.3f}{unit}   ({min(values):.3f} to {max(values):.3f})", flush=True)


def turns(worker: Worker, folder: Path) -> list[float]:
    """One cold question, one with the picture attached before, one more on the same picture."""
    cold, attached, second, speed = [], [], [], []
    for run in range(RUNS):
        first = [user(picture(folder / f"a{run}.png", 2 * run + 5), "What does the error say?")]
        answer = worker.ask(request="generate", messages=first, max_tokens=TOKENS)
        cold.append(answer["timings"]["first_token_ms"])
        speed.append((answer["usage"]["completion_tokens"] - 1) * 1000 / answer["timings"]["decode_ms"])
        more = worker.ask(request="generate", messages=[user(first[0]["content"][0], "What is the title?")], max_tokens=2)
        second.append(more["timings"]["first_token_ms"])
        image = picture(folder / f"b{run}.png", 2 * run + 6)
        worker.ask(request="prefill", messages=[user(image)])
        answer = worker.ask(request="generate", messages=[user(image, "What does the error say?")], max_tokens=2)
        attached.append(answer["timings"]["first_token_ms"])
    show("first token, cold", cold, " ms")
    show("first token, picture attached before", [a / c for a, c in zip(attached, cold)], " x cold")
    show("first token, second question on the picture", [s / c for s, c in zip(second, cold)], " x cold")
    show("decode", speed, " tokens/s")
    return cold


def session(folder: Path, run: int) -> list[dict]:
    """A conversation of about 4,000 tokens with two pictures, and its next question."""
    log = lambda part: " ".join(f"line {part * 1000 + n} error {(n * 7919 + run) % 10007} retry" for n in range(100))
    return [
        user(picture(folder / f"r{run}.png", 2 * run + 51), f"What does it say? {log(0)}"),
        {"role": "assistant", "content": [{"type": "text", "text": "It says that a line failed."}]},
        user(picture(folder / f"s{run}.png", 2 * run + 52), f"And now? {log(1)}"),
        {"role": "assistant", "content": [{"type": "text", "text": "Another line failed."}]},
        user("Which line was the first?"),
    ]


def resumed(start, folder: Path) -> None:
    """The next question of a session after a restart: from its saved state, and evaluated anew."""
    fresh, restored, first, tokens = [], [], [], 0
    for run in range(RUNS):
        messages, state = session(folder, run), folder / "resumed.state"
        worker = start()
        worker.ask(request="generate", messages=messages[:-1], max_tokens=1)
        worker.ask(request="save_state", path=str(state))
        worker.close()
        worker = start()
        answer = worker.ask(request="generate", messages=messages, max_tokens=2)
        fresh.append(answer["timings"]["first_token_ms"])
        tokens = answer["usage"]["prompt_tokens"]
        worker.close()
        worker = start()
        begin = time.perf_counter()
        worker.ask(request="restore_state", path=str(state))
        took = (time.perf_counter() - begin) * 1000
        answer = worker.ask(request="generate", messages=messages, max_tokens=2)
        first.append(answer["timings"]["first_token_ms"])
        restored.append(took + first[-1])
        worker.close()
    size = (folder / "resumed.kv").stat().st_size / 1e6
    print(f"a session of {tokens} tokens with two pictures; its state has {size:.0f} MB")
    show("first token after a restart, evaluated anew", fresh, " ms")
    show("first token after a restart, restored", [f / c for f, c in zip(first, fresh)], " x anew")
    show("the same with the time to restore", [r / c for r, c in zip(restored, fresh)], " x anew")


def against_llama_cpp_python(model: Path, mmproj: Path, folder: Path, worker: Worker) -> None:
    """The same pair in llama-cpp-python: raw decode and the cold first token, in turn."""
    import llama_cpp
    from llama_cpp.llama_chat_format import Llava15ChatHandler

    threads = 2
    raw, ours = [], []
    plain = llama_cpp.Llama(str(model), n_ctx=8192, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False, logits_all=False)
    for run in range(RUNS):
        tokens = plain.tokenize(f"run {run} What does the error say?".encode(), add_bos=False)
        plain.reset()
        plain.eval(tokens)
        start = time.perf_counter()
        for _ in range(TOKENS):
            plain.eval([plain.sample(temp=0.0)])
        raw.append(TOKENS / (time.perf_counter() - start))
        text = [user(f"run {run} What does the error say?")]
        answer = worker.ask(request="generate", messages=text, max_tokens=TOKENS)
        ours.append((answer["usage"]["completion_tokens"] - 1) * 1000 / answer["timings"]["decode_ms"])
    show("decode, llama-cpp-python's loop", raw, " tokens/s")
    show("decode, percept", [o / r for o, r in zip(ours, raw)], " x that loop")
    handler = Llava15ChatHandler(clip_model_path=str(mmproj), verbose=False)
    seeing = llama_cpp.Llama(
        str(model), chat_handler=handler, n_ctx=8192, n_threads=threads, n_threads_batch=threads, n_batch=512, verbose=False
    )
    theirs, cold = [], []
    for run in range(RUNS):
        image = picture(folder / f"c{run}.png", 2 * run + 31)
        url = {"type": "image_url", "image_url": {"url": f"file://{image['path']}"}}
        content = [url, {"type": "text", "text": "What does the error say?"}]
        start = time.perf_counter()
        seeing.create_chat_completion(messages=[{"role": "user", "content": content}], max_tokens=1, temperature=0.0)
        theirs.append((time.perf_counter() - start) * 1000)
        answer = worker.ask(request="generate", messages=[user(image, "What does the error say?")], max_tokens=1)
        cold.append(answer["timings"]["first_token_ms"])
    show("first token cold, llama-cpp-python", theirs, " ms")
    show("first token cold, percept", [c / t for c, t in zip(cold, theirs)], " x llama-cpp-python")


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    folder, name = Path(words[0]), words[1] if len(words) > 1 else "256m"
    model, mmproj = make(name, CACHE)
    print(f"{name}: {model.stat().st_size / 1e6:.0f} MB and {mmproj.stat().st_size / 1e6:.0f} MB, median of {RUNS}")
    worker = Worker(folder, model, mmproj)
    turns(worker, CACHE)
    resumed(lambda: Worker(folder, model, mmproj), CACHE)
    if "--against-llama-cpp-python" in sys.argv:
        against_llama_cpp_python(model, mmproj, CACHE, worker)
    worker.close()


if __name__ == "__main__":
    main()
