"""Makes a GGUF pair with random weights in the shape of a real model, to measure speed with.

    python3 benches/make_pair.py 256m FOLDER     # or 2b

The language part is of arch `llama`, the vision part of projector `pixtral`; the vocabulary is
the starter's, padded to the size of a real one. What such a model says is noise; what it
costs is not.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

STARTER = Path(__file__).parent.parent / "models" / "starter" / "starter-f16.gguf"


@dataclass
class Shape:
    """Widths and depths; the classes follow SmolVLM-256M and a 2B model of its family."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int
    vision_width: int
    vision_layers: int
    vision_heads: int
    vision_inner: int


SHAPES = {
    "256m": Shape(576, 30, 9, 3, 1536, 49152, 768, 12, 12, 3072),
    "2b": Shape(2048, 24, 32, 32, 8192, 49152, 1152, 27, 16, 4304),
}
PATCH = 16
CONTEXT = 8192


class Writer:
    """Writes random tensors in half precision."""

    def __init__(self, path: Path, architecture: str):
        self.out = gguf.GGUFWriter(str(path), architecture)
        self.random = np.random.default_rng(1)

    def matrix(self, name: str, *shape: int) -> None:
        scale = 1.0 / np.sqrt(np.prod(shape[1:]))
        self.out.add_tensor(name, (self.random.standard_normal(shape, dtype=np.float32) * scale).astype(np.float16))

    def ones(self, name: str, size: int) -> None:
        self.out.add_tensor(name, np.ones(size, np.float32))

    def zeros(self, name: str, size: int) -> None:
        self.out.add_tensor(name, np.zeros(size, np.float32))

    def close(self) -> None:
        self.out.write_header_to_file()
        self.out.write_kv_data_to_file()
        self.out.write_tensors_to_file()
        self.out.close()


def language(path: Path, shape: Shape) -> None:
    starter = gguf.GGUFReader(STARTER)
    tokens = starter.fields["tokenizer.ggml.tokens"].contents()
    types = starter.fields["tokenizer.ggml.token_type"].contents()
    padding = shape.vocabulary - len(tokens)
    writer = Writer(path, "llama")
    out, head = writer.out, shape.width // shape.heads
    out.add_name(f"random {path.stem}")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(shape.width)
    out.add_block_count(shape.layers)
    out.add_feed_forward_length(shape.inner)
    out.add_head_count(shape.heads)
    out.add_head_count_kv(shape.kv_heads)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(head)
    out.add_rope_freq_base(10000.0)
    out.add_vocab_size(shape.vocabulary)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(tokens + [f"<|pad{n}|>" for n in range(padding)])
    # Normal tokens: random logits must not end an answer before its time.
    out.add_token_types(types + [1] * padding)
    out.add_token_merges(["Ā Ā"])
    out.add_bos_token_id(257)
    out.add_eos_token_id(259)
    out.add_add_bos_token(False)
    out.add_chat_template(starter.fields["tokenizer.chat_template"].contents())
    writer.matrix("token_embd.weight", shape.vocabulary, shape.width)
    writer.ones("output_norm.weight", shape.width)
    for layer in range(shape.layers):
        block = f"blk.{layer}"
        writer.matrix(f"{block}.attn_q.weight", shape.width, shape.width)
        writer.matrix(f"{block}.attn_k.weight", shape.kv_heads * head, shape.width)
        writer.matrix(f"{block}.attn_v.weight", shape.kv_heads * head, shape.width)
        writer.matrix(f"{block}.attn_output.weight", shape.width, shape.width)
        writer.matrix(f"{block}.ffn_gate.weight", shape.inner, shape.width)
        writer.matrix(f"{block}.ffn_up.weight", shape.inner, shape.width)
        writer.matrix(f"{block}.ffn_down.weight", shape.width, shape.inner)
        writer.ones(f"{block}.attn_norm.weight", shape.width)
        writer.ones(f"{block}.ffn_norm.weight", shape.width)
    writer.close()


def vision(path: Path, shape: Shape) -> None:
    writer = Writer(path, "clip")
    out, width = writer.out, shape.vision_width
    out.add_type("mmproj")
    out.add_name(f"random {path.stem}")
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_bool("clip.has_vision_encoder", True)
    out.add_string("clip.projector_type", "pixtral")
    out.add_bool("clip.use_silu", True)
    for key, value in {
        "image_size": 1024,
        "patch_size": PATCH,
        "embedding_length": width,
        "feed_forward_length": shape.vision_inner,
        "block_count": shape.vision_layers,
        "projection_dim": shape.width,
        "attention.head_count": shape.vision_heads,
        "spatial_merge_size": 2,
    }.items():
        out.add_uint32(f"clip.vision.{key}", value)
    out.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    out.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    out.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    writer.matrix("v.patch_embd.weight", width, 3, PATCH, PATCH)
    writer.ones("v.pre_ln.weight", width)
    writer.ones("v.post_ln.weight", width)
    for layer in range(shape.vision_layers):
        block = f"v.blk.{layer}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            writer.matrix(f"{block}.{name}.weight", width, width)
        writer.matrix(f"{block}.ffn_gate.weight", shape.vision_inner, width)
        writer.matrix(f"{block}.ffn_up.weight", shape.vision_inner, width)
        writer.matrix(f"{block}.ffn_down.weight", width, shape.vision_inner)
        writer.ones(f"{block}.ln1.weight", width)
        writer.ones(f"{block}.ln2.weight", width)
    writer.ones("mm.input_norm.weight", width)
    writer.matrix("mm.patch_merger.weight", width, width * 4)
    writer.matrix("mm.1.weight", shape.width, width)
    writer.zeros("mm.1.bias", shape.width)
    writer.matrix("mm.2.weight", shape.width, shape.width)
    writer.zeros("mm.2.bias", shape.width)
    writer.zeros("v.token_embd.img_break", shape.width)
    writer.close()


def make(name: str, folder: Path) -> tuple[Path, Path]:
    """Makes the pair unless it is there; returns the paths of model and projector."""
    folder.mkdir(parents=True, exist_ok=True)
    model, mmproj = folder / f"random-{name}.gguf", folder / f"mmproj-random-{name}.gguf"
    if not model.exists() or not mmproj.exists():
        language(model, SHAPES[name])
        vision(mmproj, SHAPES[name])
    return model, mmproj


if __name__ == "__main__":
    print(*make(sys.argv[1], Path(sys.argv[2])))
