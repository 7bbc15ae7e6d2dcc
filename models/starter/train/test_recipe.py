"""Checks of the recipe, in about a minute: python -m unittest

They need the weights one folder up. In place of percept stands STAND_IN, a small program
that writes what `percept eval generate --stream` writes: one line of blocks of colour in
place of letters. The real one is asked too, if it is built.
"""

import os
import random
import sys
import tempfile
import time
import unittest
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import checkpoint
import gguf_pair
import mixture
import model
import tokenizer
from checkpoint import Checkpoint
from drawers import DrawersEnded, drawers
from examples import MOST_LEFT_OUT, Batch, batch, copied, drawn_parts, lay_out, searched
from kinds import HELD_OUT_SEED, SHAPES, TRAINING_SEEDS, Shape, Source
from picture import FIRST_CHARACTER, Glyph, Picture
from steps import as_arrays, aside_step, encoder_step, fresh_optimizer, full_step, match_step
from stream import Stream, StreamError
from train import PERCEPT

HERE = Path(__file__).parent

STAND_IN = """
import json, random, sys
options = dict(zip(sys.argv[3:-1:2], sys.argv[4:-1:2]))
assert sys.argv[1:3] == ["eval", "generate"] and sys.argv[-1] == "--stream", sys.argv
kind, rng = options["--kind"], random.Random(int(options["--seed"]))
width, height = map(int, options["--size"].split("x"))
out = sys.stdout.buffer
while True:
    text = " ".join("".join(rng.choices("abcdef01", k=4)) for _ in range(2))
    question = "What does the error say?"
    if kind == "tool":
        width = height = 0
    glyphs = [[10 + 8 * i, 10, c] for i, c in enumerate(text) if c != " "] if width else []
    pixels = bytearray(b"\\xff" * (width * height * 3))
    for x, y, c in glyphs:
        for row in range(y - 4, y + 4):
            start = (row * width + x - 3) * 3
            pixels[start : start + 18] = bytes([ord(c), 255 - ord(c), 2 * ord(c) % 256]) * 6
    if kind == "crops":
        question, text = "", ""
    if kind == "match":
        question, text = text, ""
    if kind == "chart":
        text = "June"
    said = dict(width=width, height=height, question=question, answer=text, glyphs=glyphs)
    try:
        out.write(json.dumps(said).encode() + b"\\n" + pixels)
        out.flush()
    except BrokenPipeError:
        sys.stdout = None
        break
"""


class Program:
    """An executable in a folder of its own, that stands in for percept."""

    def __init__(self, test: unittest.TestCase, source: str = STAND_IN):
        folder = tempfile.TemporaryDirectory()
        test.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "percept"
        self.path.write_text(f"#!{sys.executable} -S\n{source}")
        self.path.chmod(0o755)


def drawn(test: unittest.TestCase, shape: str, size: int = 2, seed: int = 1) -> Batch:
    """A batch of what the stand-in draws."""
    with Source(Program(test).path, random.Random(seed)) as source:
        return batch(SHAPES[shape], size, source)


class Tokenizer(unittest.TestCase):
    def test_a_text_comes_back(self) -> None:
        for text in ["", "What does the error say?", "user\nüñí → 0x1F [IMG] <|im_end|>"]:
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)

    def test_control_tokens_are_letters_inside_a_text(self) -> None:
        self.assertEqual(tokenizer.encode("<|im_end|>", control=True), [tokenizer.TURN_END])
        self.assertNotIn(tokenizer.TURN_END, tokenizer.encode("<|im_end|>"))

    def test_questions_are_short(self) -> None:
        self.assertEqual(len(tokenizer.encode("What is the title of the dialog?")), 5)


class Streams(unittest.TestCase):
    def stream(self, source: str, kind: str = "lines", width: int = 160, height: int = 20) -> Stream:
        stream = Stream(Program(self, source).path, kind, width, height, 7)
        self.addCleanup(stream.close)
        return stream

    def says(self, written: str) -> Stream:
        """The stream of a program that writes these bytes, in Python, and ends."""
        return self.stream(f"import sys\nsys.stdout.buffer.write({written})")

    def test_examples_follow_each_other(self) -> None:
        stream = self.stream(STAND_IN)
        first, second = stream.read(), stream.read()
        self.assertNotEqual(first.answer, second.answer)
        self.assertEqual(second.picture.pixels.shape, (20, 160, 3))
        spelled = "".join(glyph.character for glyph in second.picture.glyphs)
        self.assertEqual(spelled, second.answer.replace(" ", ""))

    def test_the_same_seed_draws_the_same(self) -> None:
        one, other = self.stream(STAND_IN).read(), self.stream(STAND_IN).read()
        self.assertEqual(one.answer, other.answer)
        np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)

    def test_the_program_ends_when_the_stream_is_closed(self) -> None:
        stream = self.stream(STAND_IN)
        stream.read()
        stream.close()
        self.assertEqual(stream.process.returncode, 0)

    def test_a_program_that_does_not_end_is_ended(self) -> None:
        stream = self.stream("import time\ntime.sleep(60)")
        begun = time.monotonic()
        stream.close()
        self.assertLess(time.monotonic() - begun, 10)
        self.assertIsNotNone(stream.process.returncode)

    def test_a_missing_program_is_said(self) -> None:
        with self.assertRaisesRegex(StreamError, "can't start /nowhere/percept: No such file.*--percept"):
            Stream(Path("/nowhere/percept"), "lines", 160, 20, 7)

    def test_a_percept_without_the_command_is_said(self) -> None:
        stream = self.stream("raise SystemExit(2)")
        with self.assertRaisesRegex(StreamError, "ended with code 2, after 0 examples; does this percept know"):
            stream.read()

    def test_a_cut_stream_is_said(self) -> None:
        line = b'{"width":160,"height":20,"question":"","answer":"","glyphs":[]}'
        for written, where in [(line, "of a line"), (line + b"\n" + bytes(9599), "of a picture")]:
            with self.assertRaisesRegex(StreamError, f"ended with code 0, in the middle {where}, after 0"):
                self.says(repr(written)).read()
        stream = self.says(repr(line + b"\n" + bytes(9600)))
        self.assertEqual(stream.read().picture.glyphs, [])
        with self.assertRaisesRegex(StreamError, "after 1 examples$"):
            stream.read()

    def test_anything_else_is_refused(self) -> None:
        example = '{"width":%s,"height":20,"question":%s,"answer":"","glyphs":%s}\n'
        for written, what in [
            ("hello\n", "JSONDecodeError"),
            ("[]\n", "TypeError"),
            ('{"width":160}\n', "KeyError: 'height'"),
            (example % (180, '""', "[]"), "a picture of 180x20"),
            (example % (160, "null", "[]"), "no text"),
            (example % (160, '""', '[[1,2,"ab"]]'), "no printable ASCII"),
            (example % (160, '""', '[[1,2,"ü"]]'), "no printable ASCII"),
            (example % (160, '""', '[[NaN,2,"a"]]'), "stands nowhere"),
            (example % (160, '""', "[[1,2]]"), "TypeError"),
            ("x" * (2 << 20), "a line of more than"),
        ]:
            with self.subTest(what), self.assertRaisesRegex(StreamError, what):
                self.says(repr(written.encode())).read()

    def test_training_never_draws_the_seeds_of_evaluation(self) -> None:
        self.assertGreater(TRAINING_SEEDS.start, HELD_OUT_SEED)
        with Source(Program(self).path, random.Random(1)) as source:
            source.read(SHAPES["line-short"])
            [stream] = source.streams.values()
            self.assertIn(int(stream.command[stream.command.index("--seed") + 1]), TRAINING_SEEDS)


class ThePerceptThatIsBuilt(unittest.TestCase):
    """Reads from the real program; PERCEPT names another than the release build."""

    def test_each_shape_can_be_read(self) -> None:
        percept = Path(os.environ.get("PERCEPT", PERCEPT))
        try:
            with Stream(percept, "lines", 160, 20, HELD_OUT_SEED) as stream:
                stream.read()
        except StreamError as error:
            self.skipTest(f"no percept that streams examples: {error}")
        with Source(percept, random.Random(1), [HELD_OUT_SEED]) as source:
            for shape in SHAPES.values():
                for kind in shape.drawn:
                    with self.subTest(shape=shape.name, kind=kind):
                        alone = replace(shape, name=f"{shape.name} of {kind}", drawn={kind: 1})
                        one = batch(alone, 2, source)
                        self.assertEqual(one.images.shape, (2, shape.height, shape.width, 3))
                        self.assertEqual(one.answer.any(), bool(shape.tokens))


class Batches(unittest.TestCase):
    def test_each_shape_keeps_its_promises(self) -> None:
        for shape in SHAPES.values():
            with self.subTest(shape.name):
                one = drawn(self, shape.name)
                self.assertEqual(one.images.shape, (2, shape.height, shape.width, 3))
                self.assertEqual(one.tokens.shape, (2, shape.tokens))
                self.assertEqual(one.labels.any(), bool(shape.width))

    def test_the_answer_is_in_the_sequence_and_in_the_picture(self) -> None:
        one = drawn(self, "line-long", 1)
        places = np.flatnonzero(one.answer[0]) + 1
        ids = one.tokens[0][places]
        self.assertEqual(ids[-1], tokenizer.TURN_END)
        pointed = one.pointer[0][places - 1]
        for id, place in zip(ids, pointed, strict=True):
            # Each letter of the stand-in stands where an image token says it reads it, or
            # second in it; the space and the end stand nowhere.
            self.assertEqual(place >= 0, 32 < id < 127)
        self.assertTrue((one.image_index[0][pointed[pointed >= 0]] >= 0).all())
        self.assertEqual(one.tokens[0][pointed[0]], ids[0])

    def test_an_answer_that_was_not_drawn_points_nowhere(self) -> None:
        with Source(Program(self).path, random.Random(1)) as source:
            one = batch(Shape("x", 320, 140, 192, {"chart": 1}), 1, source)
        self.assertIn("June", tokenizer.decode(list(one.tokens[0])))
        self.assertTrue((one.pointer == -1).all())

    def test_what_is_drawn_of_a_caption_is_pointed_at(self) -> None:
        drawn = "FailedDisk full:3Retry".replace(" ", "")
        self.assertEqual(drawn_parts("Disk full: 3", drawn), [(0, "Disk full: 3")])
        caption = 'A dialog with the title "Failed" that says "Disk full: 3". Buttons: Retry, OK.'
        parts = drawn_parts(caption, drawn)
        self.assertTrue(all(caption[start:].startswith(part) for start, part in parts))
        quoted = [part.strip() for _, part in parts]
        self.assertTrue({"Failed", "Disk full: 3", "Retry", "OK"} <= set(quoted), quoted)

    def test_a_text_has_no_picture_in_its_sequence(self) -> None:
        one = drawn(self, "tool", 1)
        self.assertTrue((one.image_index == -1).all())
        self.assertNotIn(tokenizer.IMAGE_END, one.tokens)
        self.assertTrue(tokenizer.decode(list(one.tokens[0])).startswith("user\nWhat does the error say?\n"))

    def test_the_arguments_of_a_call_are_copied_from_the_request(self) -> None:
        request = "Find FIXME in 12 lines of src, but not in the last ones."
        call = '<tool_call>\n{"name": "search", "arguments": {"glob":"*.md","lines":12,"path":"src","pattern":"FIXME"}}\n</tool_call>'
        for image in (0, 30):
            tokens, _, weights = lay_out(request, call, image, 240)
            pointer = copied(request, call, tokens, weights)
            places = np.flatnonzero(pointer >= 0)
            self.assertEqual(tokenizer.decode(list(tokens[places + 1])), "12srcFIXME")
            self.assertEqual(list(tokens[places + 1]), list(tokens[pointer[places]]))
            # In the request, before the answer.
            self.assertLess(pointer.max(), np.argmax(weights))
        for other in ["There is no chart in the picture.", "<tool_call>\n{]", '<tool_call>{"arguments": 1}</tool_call>']:
            tokens, _, weights = lay_out(request, other, 0, 200)
            self.assertTrue((copied(request, other, tokens, weights) == -1).all())

    def test_a_text_that_is_matched_ends_where_its_vector_is_read(self) -> None:
        one = drawn(self, "match", 1)
        [end] = np.flatnonzero(one.answer[0])
        said, marks = list(one.tokens[0][: end + 1]), tokenizer.BEFORE_VECTOR + tokenizer.AFTER_VECTOR
        self.assertEqual(said[:1], tokenizer.BEFORE_VECTOR)
        self.assertEqual(said[-3:], tokenizer.AFTER_VECTOR)
        self.assertEqual(len(tokenizer.decode(said)), len(said) - len(marks))
        self.assertEqual(searched("x" * 90, 90), None)

    def test_a_shape_that_nothing_fits_is_said(self) -> None:
        with Source(Program(self).path, random.Random(1)) as source:
            with self.assertRaisesRegex(StreamError, f"{MOST_LEFT_OUT} examples of lines in a row"):
                batch(Shape("x", 160, 20, 24, {"lines": 1}), 1, source)

    def test_labels_say_where_a_character_stands_after_rescaling(self) -> None:
        pixels = np.full((60, 160, 3), 255, np.uint8)
        pixels[30:38, 100:106] = 0
        picture = Picture(pixels, [Glyph(103, 34, "k")]).rescaled(0.95)
        [glyph] = picture.glyphs
        self.assertLess(picture.pixels[int(glyph.y), int(glyph.x)].max(), 100)
        labels = picture.labels().reshape(6, 16, 2)
        label = labels[int(glyph.y // 10), int(glyph.x // 10), int(glyph.x % 10 // 5)]
        self.assertEqual(chr(label + FIRST_CHARACTER), "k")
        self.assertEqual(np.count_nonzero(picture.labels()), 1)


class Drawers(unittest.TestCase):
    def mixture(self) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name) / "mixture.json"
        file.write_text('{"learning_rate": 1, "shares": {"line-short": 1}, "batch": {"line-short": 3}}')
        return file

    def test_batches_come_from_other_processes(self) -> None:
        with drawers(Program(self).path, self.mixture(), 2) as batches:
            name, one = next(batches)
        self.assertEqual((name, len(one.images)), ("line-short", 3))

    def test_training_hears_of_a_program_that_ends(self) -> None:
        with drawers(Program(self, "raise SystemExit(3)").path, self.mixture(), 1) as batches:
            with self.assertRaises(DrawersEnded):
                next(batches)


class Weights(unittest.TestCase):
    def test_the_shipped_weights_come_back_byte_for_byte(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            parameters = gguf_pair.import_pair(HERE.parent)
            gguf_pair.export_pair(parameters, Path(folder))
            for name in (gguf_pair.LANGUAGE_FILE, gguf_pair.VISION_FILE):
                self.assertEqual((Path(folder) / name).read_bytes(), (HERE.parent / name).read_bytes(), name)
            again = checkpoint.flatten(gguf_pair.import_pair(Path(folder)))
            for name, array in checkpoint.flatten(parameters).items():
                np.testing.assert_array_equal(again[name], array, name)

    def test_random_weights_have_the_form_of_the_shipped_ones(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            gguf_pair.export_pair(model.initial(1), Path(folder))
            for name in (gguf_pair.LANGUAGE_FILE, gguf_pair.VISION_FILE):
                self.assertEqual((Path(folder) / name).stat().st_size, (HERE.parent / name).stat().st_size, name)

    def test_the_mean_of_checkpoints_is_that_of_each_number(self) -> None:
        one, other = model.initial(1), model.initial(2)
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "one.npz", Path(folder) / "other.npz"]
            for file, parameters in zip(files, (one, other), strict=True):
                checkpoint.save(Checkpoint(parameters), file)
            of_both = checkpoint.flatten(gguf_pair.mean(files))
        for name, array in checkpoint.flatten(one).items():
            np.testing.assert_allclose(2 * of_both[name], array + checkpoint.flatten(other)[name], atol=1e-6)

    def test_a_checkpoint_comes_back_and_another_shape_is_refused(self) -> None:
        parameters = model.initial()
        optimizer = fresh_optimizer(parameters)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "checkpoint.npz"
            checkpoint.save(Checkpoint(parameters, optimizer, 3, 40, 5.0), file)
            kept = checkpoint.load(file, parameters, optimizer)
            self.assertEqual((kept.step, kept.pictures, kept.seconds), (3, 40, 5.0))
            np.testing.assert_array_equal(kept.parameters["encoder"]["patch"], parameters["encoder"]["patch"])
            parameters["encoder"]["patch"] = np.zeros((1, 1))
            with self.assertRaisesRegex(checkpoint.BadCheckpoint, "encoder/patch has the shape"):
                checkpoint.load(file, parameters, optimizer)


class Training(unittest.TestCase):
    def setUp(self) -> None:
        self.parameters = as_arrays(model.initial())
        self.optimizer = as_arrays(fresh_optimizer(self.parameters))

    def test_the_encoder_learns_a_batch_of_crops(self) -> None:
        crops = drawn(self, "crop")
        losses = []
        for _ in range(6):
            self.parameters, self.optimizer, metrics = encoder_step(
                self.parameters, self.optimizer, crops, 1e-3
            )
            losses.append(float(metrics["patch"]))
        self.assertLess(losses[-1], 0.9 * losses[0], losses)

    def test_the_whole_learns_a_batch_of_lines(self) -> None:
        lines = drawn(self, "line-short")
        weights = {"readout": 0.5, "pointer": 0.5}
        losses = []
        for _ in range(6):
            self.parameters, self.optimizer, metrics = full_step(
                self.parameters, self.optimizer, lines, 1e-3, 0.5, weights
            )
            self.assertTrue(all(np.isfinite(value) for value in metrics.values()), metrics)
            losses.append(float(metrics["answer"]))
        self.assertLess(losses[-1], losses[0], losses)


    def test_what_is_not_about_the_picture_moves_the_language_model_alone(self) -> None:
        before = checkpoint.flatten({**self.parameters, "adam": self.optimizer["rest"][1].mu})
        weights = {"pointer": 0.5}
        for shape in ("tool", "tool-aside"):
            asides = drawn(self, shape)
            losses = []
            for _ in range(4):
                self.parameters, self.optimizer, metrics = aside_step(
                    self.parameters, self.optimizer, asides, 1e-3, weights
                )
                losses.append(float(metrics["answer"]))
            self.assertLess(losses[-1], losses[0], losses)
        after = checkpoint.flatten({**self.parameters, "adam": self.optimizer["rest"][1].mu})
        moved = {name for name in before if (before[name] != after[name]).any()}
        self.assertEqual({name.removeprefix("adam/").split("/")[0] for name in moved}, {"language"})

    def test_pictures_come_near_to_their_texts_and_the_encoder_stays(self) -> None:
        pairs = drawn(self, "match", 4)
        encoder = checkpoint.flatten(self.parameters["encoder"])
        losses = []
        for _ in range(8):
            self.parameters, self.optimizer, metrics = match_step(self.parameters, self.optimizer, pairs, 1e-5)
            losses.append(float(metrics["match"]))
        self.assertLess(losses[-1], 0.9 * losses[0], losses)
        for name, array in checkpoint.flatten(self.parameters["encoder"]).items():
            np.testing.assert_array_equal(array, encoder[name], name)

    def test_attention_has_the_gradient_that_would_be_derived(self) -> None:
        rng = np.random.RandomState(0)
        queries, keys, values, weights = (jnp.asarray(rng.randn(2, 3, 9, 4), jnp.float32) for _ in range(4))
        for causal in (False, True):

            def derived(queries, keys, values):
                mixed = model._weights(queries, keys, causal) @ values
                return (mixed * weights).sum()

            def written(queries, keys, values):
                return (model._attend(queries, keys, values, causal) * weights).sum()

            right = jax.grad(derived, (0, 1, 2))(queries, keys, values)
            for one, other in zip(jax.grad(written, (0, 1, 2))(queries, keys, values), right, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)

    def test_bfloat16_comes_close(self) -> None:
        rng = np.random.RandomState(0)
        x, matrix = (jnp.asarray(rng.randn(*shape), jnp.float32) for shape in [(3, 5, 64), (64, 32)])

        def learned(x, matrix):
            return (model.product(x, matrix) ** 2).sum()

        exact = [model.product(x, matrix), *jax.grad(learned, (0, 1))(x, matrix)]
        self.addCleanup(setattr, model, "PRECISION", model.PRECISION)
        model.PRECISION = jnp.bfloat16
        close = [model.product(x, matrix), *jax.grad(learned, (0, 1))(x, matrix)]
        for one, other in zip(close, exact, strict=True):
            self.assertEqual(one.dtype, jnp.float32)
            error = jnp.linalg.norm((one - other).ravel()) / jnp.linalg.norm(other.ravel())
            self.assertGreater(error, 0)
            self.assertLess(error, 0.02)


class Mixtures(unittest.TestCase):
    def test_the_stages_can_be_read(self) -> None:
        stages = sorted((HERE / "mixtures").glob("*.json"))
        self.assertEqual(len(stages), 10)
        for stage in stages:
            self.assertLessEqual(mixture.read(stage).shares.keys(), SHAPES.keys())

    def test_an_unknown_shape_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mixture.json"
            file.write_text('{"learning_rate": 1, "shares": {"photo": 1}, "batch": {"photo": 1}}')
            with self.assertRaisesRegex(mixture.BadMixture, "no shape photo"):
                mixture.read(file)

    def test_the_rate_warms_up_and_cools_down(self) -> None:
        stage = mixture.Mixture(1.0, {}, {}, warm_up=10, cool_down=0.25)
        self.assertAlmostEqual(stage.rate(0, 0), 0.1)
        self.assertAlmostEqual(stage.rate(50, 0.75), 1.0)
        self.assertAlmostEqual(stage.rate(50, 0.875), 0.55)
        self.assertAlmostEqual(stage.rate(50, 1), 0.1)
        self.assertAlmostEqual(mixture.Mixture(1.0, {}, {}).rate(500, 1), 1.0)


if __name__ == "__main__":
    unittest.main()
