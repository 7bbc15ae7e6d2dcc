//! What an input is in tokens: the model's own marks around it, cut where it is too long.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use percept::gguf::Header;
use percept::tokenizer;

/// Text that every vocabulary has a token for: what the model puts around it is its frame.
const PROBE: &[u8] = b"a";

/// Where a rerank template has the two texts.
const QUERY: &str = "{query}";
const PASSAGE: &str = "{document}";

/// How the model wants what it reads.
pub(super) struct Form {
    /// Its tokens in front of every text, and behind it.
    head: Vec<LlamaToken>,
    tail: Vec<LlamaToken>,
    /// Between a query and a passage.
    between: Vec<LlamaToken>,
    /// A rerank template, where the model has one: what stands before, between and behind.
    template: Option<[String; 3]>,
    /// The vocabulary has letters and marks apart: accents are stripped after decomposition,
    /// which llama.cpp does for some scripts only (Hangul would be unknown).
    decompose: bool,
    /// The most tokens of an input.
    most: usize,
}

impl Form {
    /// What the model's vocabulary and header say.
    pub(super) fn of(model: &LlamaModel, header: &Header, most: usize) -> Self {
        let vocab = model.vocab();
        let (head, tail) = frame(&vocab);
        let token = |add: bool, token: LlamaToken| (add && token.0 >= 0).then_some(token);
        let between =
            [token(vocab.should_add_eos(), vocab.eos()), token(vocab.should_add_sep(), vocab.sep())];
        Self {
            head,
            tail,
            between: between.into_iter().flatten().collect(),
            template: header.text("tokenizer.chat_template.rerank").and_then(split_template),
            decompose: header.text("tokenizer.ggml.model") == Some("bert") && strips_accents(header),
            most,
        }
    }

    /// A text between what the model was trained to see around it. Control tokens count in
    /// `before` and `after` alone. What is too long is cut at the text's end.
    pub(super) fn text(
        &self,
        vocab: &LlamaVocab<'_>,
        before: &str,
        text: &str,
        after: &str,
    ) -> Vec<LlamaToken> {
        let text = self.plain(text);
        let mut tokens = match has_control(vocab, before) {
            true => [self.marks(vocab, before), vocab.tokenize(text.as_bytes(), false, false)].concat(),
            // Tokens may reach over the place where a plain prefix ends.
            false => vocab.tokenize([before, &text].concat().as_bytes(), false, false),
        };
        let mut after = self.marks(vocab, after);
        let room = self.room().saturating_sub(self.head.len());
        after.truncate(room);
        tokens.truncate(room - after.len());
        let tokens = [&self.head[..], &tokens, &after, &self.tail].concat();
        match tokens.is_empty() {
            // llama.cpp takes no empty sequence.
            true => vocab.tokenize(PROBE, false, false),
            false => tokens,
        }
    }

    /// What stands before a picture, and behind it.
    pub(super) fn around(&self, vocab: &LlamaVocab<'_>, before: &str, after: &str) -> [Vec<LlamaToken>; 2] {
        [
            [&self.head[..], &self.marks(vocab, before)].concat(),
            [&self.marks(vocab, after)[..], &self.tail].concat(),
        ]
    }

    /// A query and a passage. The passage is cut first; a query gets half of the room at least.
    pub(super) fn pair(&self, vocab: &LlamaVocab<'_>, query: &str, passage: &str) -> Vec<LlamaToken> {
        let plain = |text: &str| vocab.tokenize(self.plain(text).as_bytes(), false, false);
        let [first, middle, last] = match &self.template {
            Some(parts) => parts.each_ref().map(|part| vocab.tokenize(part.as_bytes(), false, true)),
            None => [self.head.clone(), self.between.clone(), self.tail.clone()],
        };
        let room = self.most.saturating_sub(first.len() + middle.len() + last.len());
        let (mut query, mut passage) = (plain(query), plain(passage));
        query.truncate(room.saturating_sub(passage.len().min(room / 2)));
        passage.truncate(room - query.len());
        [first, query, middle, passage, last].concat()
    }

    fn room(&self) -> usize {
        self.most.saturating_sub(self.tail.len())
    }

    fn marks(&self, vocab: &LlamaVocab<'_>, text: &str) -> Vec<LlamaToken> {
        vocab.tokenize(text.as_bytes(), false, true)
    }

    fn plain(&self, text: &str) -> String {
        match self.decompose {
            true => tokenizer::decomposed(text),
            false => text.to_owned(),
        }
    }
}

/// Whether some of a text is control tokens.
fn has_control(vocab: &LlamaVocab<'_>, text: &str) -> bool {
    vocab.tokenize(text.as_bytes(), false, true) != vocab.tokenize(text.as_bytes(), false, false)
}

/// What the model puts around a text: found out, since each kind of vocabulary has its own rules.
fn frame(vocab: &LlamaVocab<'_>) -> (Vec<LlamaToken>, Vec<LlamaToken>) {
    let bare = vocab.tokenize(PROBE, false, false);
    let framed = vocab.tokenize(PROBE, true, false);
    match framed.windows(bare.len().max(1)).position(|window| window == bare) {
        Some(at) => (framed[..at].to_vec(), framed[at + bare.len()..].to_vec()),
        None => (Vec::new(), Vec::new()),
    }
}

/// Whether a WordPiece vocabulary is without accents: if it is lower-case, unless it says so.
fn strips_accents(header: &Header) -> bool {
    let said = |key: &str| header.bool(&format!("tokenizer.ggml.normalizer.{key}"));
    said("strip_accents").or_else(|| said("lowercase")).unwrap_or(true)
}

fn split_template(template: &str) -> Option<[String; 3]> {
    let (first, rest) = template.split_once(QUERY)?;
    let (middle, last) = rest.split_once(PASSAGE)?;
    Some([first, middle, last].map(str::to_owned))
}
