"""drain3 beside percept (called by benches/logs.rs).

    drain.py speed FILE LINES     lines per second on the first lines of a syslog file
    drain.py accuracy LOG...      grouping accuracy on logs labelled as in Loghub

Masks and settings are those of drain3's own example (examples/drain3.ini). What stands
before the message is not counted: of a syslog file it is cut off before the clock
starts, of a labelled log the table's column of messages is taken.
"""

import csv
import json
import sys
import time
from collections import Counter, defaultdict

from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

BEFORE, AFTER = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
MASKS = [
    (r"(([0-9a-f]{2,}:){3,}([0-9a-f]{2,}))", "ID"),
    (r"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})", "IP"),
    (r"([0-9a-f]{6,} ?){3,}", "SEQ"),
    (r"([0-9A-F]{4} ?){4,}", "SEQ"),
    (r"(0x[a-f0-9A-F]+)", "HEX"),
    (r"([\-\+]?\d+)", "NUM"),
]


def miner(masked=True):
    config = TemplateMinerConfig()
    config.drain_sim_th, config.drain_depth, config.drain_max_children = 0.4, 4, 100
    config.drain_max_clusters = 1024
    config.drain_extra_delimiters = ["_"]
    config.profiling_enabled = False
    if masked:
        config.masking_instructions = [MaskingInstruction(BEFORE + mask + AFTER, name) for mask, name in MASKS]
    return TemplateMiner(config=config)


def speed(path, most):
    messages = []
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            messages.append(line.rstrip("\n").split(" ", 4)[-1].partition(": ")[2])
            if len(messages) == most:
                break
    result = {"lines": len(messages)}
    for name, masked in [("masked", True), ("bare", False)]:
        own = miner(masked)
        begun = time.perf_counter()
        for message in messages:
            own.add_log_message(message)
        result[name] = len(messages) / (time.perf_counter() - begun)
    print(json.dumps(result))


def accuracy(log):
    with open(log + "_structured.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    own = miner()
    groups = [own.add_log_message(row["Content"])["cluster_id"] for row in rows]
    truth = [row["EventId"] for row in rows]
    sizes, members = Counter(truth), defaultdict(Counter)
    for event, group in zip(truth, groups):
        members[group][event] += 1
    right = 0
    for events in members.values():
        (event, count), *others = events.items()
        right += count if not others and count == sizes[event] else 0
    return right / len(rows)


if __name__ == "__main__":
    if sys.argv[1] == "speed":
        speed(sys.argv[2], int(sys.argv[3]))
    else:
        print(json.dumps([accuracy(log) for log in sys.argv[2:]]))
