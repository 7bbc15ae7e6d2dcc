"""Writes the network as the pair of GGUF files that llama.cpp loads, and reads it back.

    python gguf_pair.py export runs/first/checkpoint.npz ..
    python gguf_pair.py export runs/first/checkpoint.npz runs/second/checkpoint.npz runs/mean
    python gguf_pair.py import .. runs/second/checkpoint.npz
    python gguf_pair.py random runs/random

Matrices are stored as float16, vectors as float32. Beside the pair lies a small .npz with the
character heads, which only training needs; without it they start from zero. The optimizer's
state is nowhere, so training begins with a warm-up. Other precisions and architectures are
llama.cpp's business (`llama-quantize`).
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import gguf
import jax
import numpy as np

import checkpoint
import model
from picture import PATCH
from checkpoint import Checkpoint
from examples import MERGE
from model import Tree
from tokenizer import DUMMY_MERGE, END_OF_TEXT, TOKENS, TURN_END, TYPES, VOCABULARY

LANGUAGE_FILE = "starter-f16.gguf"
VISION_FILE = "mmproj-starter-f16.gguf"
HEADS_FILE = "heads-f16.npz"
CONTEXT = 4096
LARGEST_SIDE = 640
CHAT_TEMPLATE = Path(__file__).parent / "chat_template.jinja"


@dataclass(frozen=True)
class Entry:
    """An array of our tree, and what llama.cpp calls it.

    Several names: the matrix holds so many side by side, which are stored one by one.
    """

    path: tuple[str | int, ...]
    names: list[str]

    def stored(self, array: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the tensors as the file has them: a matrix is [out, in] there."""
        if array.ndim == 1:
            return {self.names[0]: array.astype(np.float32)}
        if self.path == ("language", "embedding"):
            return {self.names[0]: array.astype(np.float16)}
        parts = [np.ascontiguousarray(part.T) for part in np.split(array, len(self.names), 1)]
        if self.path == ("encoder", "patch"):
            parts = [parts[0].reshape(-1, 3, PATCH, PATCH)]
        return {name: part.astype(np.float16) for name, part in zip(self.names, parts, strict=True)}

    def restored(self, tensors: dict[str, np.ndarray]) -> np.ndarray:
        """Returns our array, float32: undoes `stored`."""
        parts = [tensors[name].astype(np.float32) for name in self.names]
        if parts[0].ndim == 1 or self.path == ("language", "embedding"):
            return parts[0]
        return np.concatenate([part.reshape(len(part), -1).T for part in parts], 1)


def _blocks(part: str, count: int, prefix: str, out: str, norms: tuple[str, str]) -> list[Entry]:
    """Entries of the transformer blocks; the two architectures name some arrays differently."""
    arrays = {
        "qkv": ["attn_q", "attn_k", "attn_v"],
        "attention_out": [out],
        "gate_up": ["ffn_gate", "ffn_up"],
        "down": ["ffn_down"],
        "attention_norm": [norms[0]],
        "feed_forward_norm": [norms[1]],
    }
    return [
        Entry((part, "blocks", index, array), [f"{prefix}.{index}.{name}.weight" for name in names])
        for index in range(count)
        for array, names in arrays.items()
    ]


LANGUAGE_ENTRIES = [
    Entry(("language", "embedding"), ["token_embd.weight"]),
    Entry(("language", "norm"), ["output_norm.weight"]),
    Entry(("language", "output"), ["output.weight"]),
    *_blocks("language", model.LAYERS, "blk", "attn_output", ("attn_norm", "ffn_norm")),
]
VISION_ENTRIES = [
    Entry(("encoder", "patch"), ["v.patch_embd.weight"]),
    Entry(("encoder", "input_norm"), ["v.pre_ln.weight"]),
    Entry(("encoder", "output_norm"), ["v.post_ln.weight"]),
    *_blocks("encoder", model.VISION_LAYERS, "v.blk", "attn_out", ("ln1", "ln2")),
    Entry(("projector", "norm"), ["mm.input_norm.weight"]),
    Entry(("projector", "merge"), ["mm.patch_merger.weight"]),
    Entry(("projector", "input"), ["mm.1.weight"]),
    Entry(("projector", "input_bias"), ["mm.1.bias"]),
    Entry(("projector", "output"), ["mm.2.weight"]),
    Entry(("projector", "output_bias"), ["mm.2.bias"]),
    Entry(("projector", "row_break"), ["v.token_embd.img_break"]),
]
# Arrays that only training needs.
HEADS = [(part, name) for part in ("encoder", "projector") for name in ("head", "head_bias")]


def export_pair(parameters: Tree, folder: Path) -> None:
    """Writes both files and the heads; they replace those of the same name."""
    language = gguf.GGUFWriter(folder / LANGUAGE_FILE, "llama")
    _describe_language(language)
    _write(language, LANGUAGE_ENTRIES, parameters)
    vision = gguf.GGUFWriter(folder / VISION_FILE, "clip")
    _describe_vision(vision)
    _write(vision, VISION_ENTRIES, parameters)
    heads = {f"{part}/{name}": np.asarray(parameters[part][name], np.float16) for part, name in HEADS}
    np.savez_compressed(folder / HEADS_FILE, **heads)


def import_pair(folder: Path) -> Tree:
    """Reads the parameters out of both files, and the heads if they are there."""
    parameters = model.initial()
    for file, entries in ((LANGUAGE_FILE, LANGUAGE_ENTRIES), (VISION_FILE, VISION_ENTRIES)):
        tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(folder / file).tensors}
        for entry in entries:
            _parent(parameters, entry)[entry.path[-1]] = entry.restored(tensors)
    if not (folder / HEADS_FILE).exists():
        print(f"no {HEADS_FILE} in {folder}: the character heads start from zero")
        return parameters
    with np.load(folder / HEADS_FILE) as heads:
        for part, name in HEADS:
            parameters[part][name] = heads[f"{part}/{name}"].astype(np.float32)
    return parameters


def mean(checkpoints: list[Path]) -> Tree:
    """Returns the mean of the parameters of checkpoints of one run: those before and after a
    stage that taught one thing and forgot some of another."""
    trees = [checkpoint.load(file, model.initial(), optimizer={}).parameters for file in checkpoints]
    return jax.tree.map(lambda *arrays: np.mean(arrays, 0), *trees)


def _parent(parameters: Tree, entry: Entry) -> Tree:
    for key in entry.path[:-1]:
        parameters = parameters[key]
    return parameters


def _write(writer: gguf.GGUFWriter, entries: list[Entry], parameters: Tree) -> None:
    for entry in entries:
        array = np.asarray(_parent(parameters, entry)[entry.path[-1]], np.float32)
        for name, tensor in entry.stored(array).items():
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe_language(writer: gguf.GGUFWriter) -> None:
    writer.add_name("starter-vlm")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(model.WIDTH)
    writer.add_block_count(model.LAYERS)
    writer.add_feed_forward_length(model.HIDDEN)
    writer.add_head_count(model.HEADS)
    writer.add_head_count_kv(model.HEADS)
    writer.add_layer_norm_rms_eps(model.EPSILON)
    writer.add_rope_dimension_count(model.WIDTH // model.HEADS)
    writer.add_rope_freq_base(model.ROPE_BASE)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types(TYPES)
    writer.add_token_merges([" ".join(DUMMY_MERGE)])
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(TURN_END)
    writer.add_pad_token_id(END_OF_TEXT)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE.read_text().rstrip("\n"))


def _describe_vision(writer: gguf.GGUFWriter) -> None:
    writer.add_type("mmproj")
    writer.add_name("starter-vlm")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "pixtral")
    writer.add_bool("clip.use_silu", True)
    writer.add_uint32("clip.vision.image_size", LARGEST_SIDE)
    writer.add_uint32("clip.vision.patch_size", PATCH)
    writer.add_uint32("clip.vision.embedding_length", model.VISION_WIDTH)
    writer.add_uint32("clip.vision.feed_forward_length", model.VISION_HIDDEN)
    writer.add_uint32("clip.vision.block_count", model.VISION_LAYERS)
    writer.add_uint32("clip.vision.projection_dim", model.WIDTH)
    writer.add_uint32("clip.vision.attention.head_count", model.VISION_HEADS)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", model.EPSILON)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.add_uint32("clip.vision.spatial_merge_size", MERGE)


def main() -> None:
    parser = argparse.ArgumentParser(description="Moves weights between a checkpoint and the GGUF pair.")
    commands = parser.add_subparsers(dest="command", required=True)
    exporting = commands.add_parser("export", help="write the GGUF pair of a checkpoint")
    kept = "the .npz file that train.py keeps; of several, their mean is written"
    exporting.add_argument("checkpoints", type=Path, nargs="+", metavar="checkpoint", help=kept)
    exporting.add_argument("folder", type=Path, help="where the files go")
    importing = commands.add_parser("import", help="make a checkpoint of the GGUF pair, to train on from it")
    importing.add_argument("folder", type=Path, help="where the files are")
    importing.add_argument("checkpoint", type=Path, help="the .npz file to write")
    guessing = commands.add_parser("random", help="write a GGUF pair of random weights: what chance answers")
    guessing.add_argument("folder", type=Path, help="where the files go")
    guessing.add_argument("--seed", type=int, default=0, help="of the weights (default: 0)")
    arguments = parser.parse_args()
    if arguments.command == "export":
        arguments.folder.mkdir(parents=True, exist_ok=True)
        export_pair(mean(arguments.checkpoints), arguments.folder)
    elif arguments.command == "random":
        arguments.folder.mkdir(parents=True, exist_ok=True)
        export_pair(model.initial(arguments.seed), arguments.folder)
    else:
        if arguments.checkpoint.exists():
            parser.error(f"{arguments.checkpoint} exists")
        arguments.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(Checkpoint(import_pair(arguments.folder)), arguments.checkpoint)


if __name__ == "__main__":
    main()
