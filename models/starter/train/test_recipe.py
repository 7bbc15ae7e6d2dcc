"""Checks of the recipe, in about half a minute: python -m unittest

They need the fonts, and the weights one folder up. percept is not asked; evaluate.py does.
"""

import tempfile
import unittest
from pathlib import Path

import numpy as np

import checkpoint
import gguf_pair
import mixture
import model
import texts
import tokenizer
from canvas import FIRST_CHARACTER, Fonts
from checkpoint import Checkpoint
from evaluate import edit_distance
from examples import batch
from kinds import KINDS, Studio
from steps import as_arrays, encoder_step, fresh_optimizer, full_step

HERE = Path(__file__).parent


def studio() -> Studio:
    """A small corpus, so that nothing of this machine but the fonts matters."""
    corpus = texts.Corpus(["Permission denied: /etc/hosts"], ["v1.2", "error"], ["plain", "words"])
    return Studio(corpus, Fonts())


class Tokenizer(unittest.TestCase):
    def test_a_text_comes_back(self) -> None:
        for text in ["", "What does the error say?", "user\nüñí → 0x1F [IMG] <|im_end|>"]:
            self.assertEqual(tokenizer.decode(tokenizer.encode(text)), text)

    def test_control_tokens_are_letters_inside_a_text(self) -> None:
        self.assertEqual(tokenizer.encode("<|im_end|>", control=True), [tokenizer.TURN_END])
        self.assertNotIn(tokenizer.TURN_END, tokenizer.encode("<|im_end|>"))

    def test_questions_are_short(self) -> None:
        self.assertEqual(len(tokenizer.encode("What is the title of the dialog?")), 5)


class Pictures(unittest.TestCase):
    def test_each_kind_keeps_its_promises(self) -> None:
        artist = studio().artist(1)
        for kind in KINDS.values():
            with self.subTest(kind.name):
                drawn = batch(kind, 2, artist)
                self.assertEqual(drawn.images.shape, (2, kind.height, kind.width, 3))
                self.assertEqual(drawn.tokens.shape, (2, kind.tokens))
                self.assertGreater(drawn.labels.max(), 0)

    def test_the_answer_is_in_the_sequence_and_in_the_picture(self) -> None:
        artist = studio().artist(2)
        for _ in range(20):
            drawing = KINDS["line-long"].draw(artist)
            [(_, answer)] = drawing.questions
            glyphs = "".join(glyph.character for glyph in drawing.canvas.glyphs)
            self.assertEqual(glyphs, answer.replace(" ", ""))
        drawn = batch(KINDS["line-long"], 1, artist)
        places = np.flatnonzero(drawn.answer[0]) + 1
        ids = drawn.tokens[0][places]
        self.assertEqual(ids[-1], tokenizer.TURN_END)
        pointed = drawn.pointer[0][places - 1]
        self.assertGreater((pointed >= 0).sum(), 0)
        self.assertTrue((drawn.image_index[0][pointed[pointed >= 0]] >= 0).all())

    def test_labels_say_where_a_character_stands(self) -> None:
        canvas = KINDS["crop"].draw(studio().artist(3)).canvas
        glyph = canvas.glyphs[-1]
        labels = canvas.labels().reshape(canvas.height // 10, canvas.width // 10, 2)
        label = labels[int(glyph.y // 10), int(glyph.x // 10), int(glyph.x % 10 // 5)]
        self.assertEqual(chr(label + FIRST_CHARACTER), glyph.character)


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
        drawn = batch(KINDS["crop"], 2, studio().artist(4))
        losses = []
        for _ in range(6):
            self.parameters, self.optimizer, metrics = encoder_step(
                self.parameters, self.optimizer, drawn, 1e-3
            )
            losses.append(float(metrics["patch"]))
        self.assertLess(losses[-1], 0.9 * losses[0], losses)

    def test_the_whole_learns_a_batch_of_lines(self) -> None:
        drawn = batch(KINDS["line-short"], 2, studio().artist(5))
        weights = {"readout": 0.5, "pointer": 0.5}
        losses = []
        for _ in range(6):
            self.parameters, self.optimizer, metrics = full_step(
                self.parameters, self.optimizer, drawn, 1e-3, 0.5, weights
            )
            self.assertTrue(all(np.isfinite(value) for value in metrics.values()), metrics)
            losses.append(float(metrics["answer"]))
        self.assertLess(losses[-1], losses[0], losses)


class Mixtures(unittest.TestCase):
    def test_the_stages_can_be_read(self) -> None:
        stages = sorted((HERE / "mixtures").glob("*.json"))
        self.assertEqual(len(stages), 4)
        for stage in stages:
            self.assertLessEqual(mixture.read(stage).shares.keys(), KINDS.keys())

    def test_an_unknown_kind_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "mixture.json"
            file.write_text('{"learning_rate": 1, "shares": {"photo": 1}, "batch": {"photo": 1}}')
            with self.assertRaisesRegex(mixture.BadMixture, "no kind photo"):
                mixture.read(file)


class Scores(unittest.TestCase):
    def test_edits_are_counted(self) -> None:
        self.assertEqual(edit_distance("kitten", "sitting"), 3)
        self.assertEqual(edit_distance("", "abc"), 3)


if __name__ == "__main__":
    unittest.main()
