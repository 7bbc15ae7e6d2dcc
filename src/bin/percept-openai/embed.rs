//! Texts to vectors: `POST /embeddings`.
//!
//! What comes is checked before it is believed: one vector for each text, in their order, all of
//! one length, of finite numbers, and of a direction. It is given on with length 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percept::wire::{
    DoneReport, EmbedInput, Event, Failure, FailureKind, Stage, StopReason, Timings, Usage, floats,
};
use serde::Deserialize;
use serde_json::json;

use crate::clean;
use crate::exchange::{Exchange, Stop};
use crate::failure;

/// Texts in one request, and bytes of them: servers bound both, and a cancel waits for one.
const MOST_INPUTS: usize = 32;
const MOST_BYTES: usize = 64 * 1024;

/// More numbers than any model's vectors have.
const MOST_DIMENSIONS: usize = 65_536;

/// A text that is too long is not halved below so many bytes.
const LEAST_BYTES: usize = 16;

/// What is asked for to learn how long the vectors are.
const WORD: &str = "percept";

/// What is known of a model that finds vectors.
pub(crate) struct Embedding {
    dimensions: usize,
    /// Vectors are asked for in base64, a third of the bytes, until the server doesn't know it.
    base64: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Vec<Item>,
    usage: Option<Used>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vector,
}

/// As it was asked for, or as the server likes it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Text(String),
    Numbers(Vec<f64>),
}

#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    prompt_tokens: u64,
}

/// Asks for the vector of a word: how long it is, all of them are.
pub(crate) fn begin(exchange: &Exchange<'_>, model: &str) -> Result<Embedding, Stop> {
    let mut embedding = Embedding { dimensions: 0, base64: true };
    let (vectors, _) = embedding.ask(exchange, model, &[WORD.to_owned()])?;
    embedding.dimensions = vectors.first().map_or(0, Vec::len);
    Ok(embedding)
}

impl Embedding {
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Finds a vector for each input.
    pub(crate) fn find(
        &mut self,
        exchange: &Exchange<'_>,
        model: &str,
        inputs: &[EmbedInput],
    ) -> Result<DoneReport, Stop> {
        let redacts = exchange.server.redacts();
        let texts = inputs.iter().map(|input| text_of(input, redacts));
        let texts: Vec<String> = texts.collect::<Result<_, _>>().map_err(Stop::Failed)?;
        let (mut done, mut tokens) = (0, 0);
        while done < texts.len() {
            if exchange.output.cancelled() {
                return Err(Stop::Cancelled);
            }
            let batch = &texts[done..done + batch(&texts[done..])];
            let (vectors, used) = self.ask_in_parts(exchange, model, batch)?;
            tokens += used;
            let data = floats::encode(&vectors.concat());
            exchange.output.event(Event::Vectors { dimensions: self.dimensions, data });
            done += batch.len();
            let (now, total) = (done as u64, texts.len() as u64);
            exchange.output.event(Event::Progress { stage: Stage::Embedding, done: now, total });
        }
        let usage = Usage { prompt_tokens: tokens, evaluated_tokens: tokens, ..Usage::default() };
        Ok(DoneReport { stop: StopReason::Finished, usage, timings: Timings::default() })
    }

    /// Asks; a batch that is too long by halves, and a text that is too long for its beginning.
    fn ask_in_parts(
        &mut self,
        exchange: &Exchange<'_>,
        model: &str,
        texts: &[String],
    ) -> Result<(Vec<Vec<f32>>, u64), Stop> {
        match self.ask(exchange, model, texts) {
            Err(Stop::Failed(failure)) if failure.kind == FailureKind::ContextOverflow => match texts {
                [one] if one.len() <= LEAST_BYTES => Err(Stop::Failed(failure)),
                [one] => {
                    let half = one[..one.floor_char_boundary(one.len() / 2)].to_owned();
                    self.ask_in_parts(exchange, model, &[half])
                }
                all => {
                    let (left, right) = all.split_at(all.len() / 2);
                    let (mut vectors, used) = self.ask_in_parts(exchange, model, left)?;
                    let (more, also) = self.ask_in_parts(exchange, model, right)?;
                    vectors.extend(more);
                    Ok((vectors, used + also))
                }
            },
            other => other,
        }
    }

    /// Asks once for vectors of texts, and how many tokens they were.
    fn ask(
        &mut self,
        exchange: &Exchange<'_>,
        model: &str,
        texts: &[String],
    ) -> Result<(Vec<Vec<f32>>, u64), Stop> {
        let server = exchange.server;
        loop {
            let format = if self.base64 { "base64" } else { "float" };
            let body = json!({ "model": model, "input": texts, "encoding_format": format });
            let answered = exchange.post("/embeddings", "application/json", body.to_string().as_bytes());
            let body = match answered {
                Err(Stop::Refused(400 | 422, said))
                    if self.base64 && failure::said(server, &said).contains("encoding_format") =>
                {
                    self.base64 = false;
                    continue;
                }
                other => other.map_err(|stop| stop.of(server))?,
            };
            let strange = |why: String| Stop::Failed(failure::strange(server, &why));
            let answer: Answer = serde_json::from_slice(&body)
                .map_err(|error| strange(format!("answered no vectors at /embeddings ({error})")))?;
            let used = answer.usage.map_or(0, |usage| usage.prompt_tokens);
            let vectors = in_order(answer.data, texts.len(), self.dimensions).map_err(strange)?;
            return Ok((vectors, used));
        }
    }
}

/// How many texts go into the next request: one at least.
fn batch(texts: &[String]) -> usize {
    let mut bytes = 0;
    let fits = texts.iter().take(MOST_INPUTS).take_while(|text| {
        bytes += text.len();
        bytes <= MOST_BYTES
    });
    fits.count().max(1)
}

/// An input as it is sent.
fn text_of(input: &EmbedInput, redacts: bool) -> Result<String, Failure> {
    let EmbedInput::Text { before, text, after } = input else {
        let said = "A server with the OpenAI API finds vectors of texts alone.";
        return Err(Failure::new(FailureKind::Unsupported, said));
    };
    let clean = if redacts { clean::alone(text) } else { text.clone() };
    let whole = format!("{before}{clean}{after}");
    // Servers refuse a text without any.
    Ok(if whole.is_empty() { " ".to_owned() } else { whole })
}

/// The vectors in the order of their texts, each of length 1. `dimensions`: 0 where that is not
/// known yet.
fn in_order(items: Vec<Item>, texts: usize, dimensions: usize) -> Result<Vec<Vec<f32>>, String> {
    if items.len() != texts {
        return Err(format!("answered {} vectors to {texts} texts", items.len()));
    }
    let mut vectors = vec![Vec::new(); texts];
    let mut length = dimensions;
    for (place, item) in items.into_iter().enumerate() {
        let place = item.index.unwrap_or(place);
        let slot = vectors.get_mut(place).ok_or_else(|| format!("numbered a vector {place} of {texts}"))?;
        if !slot.is_empty() {
            return Err(format!("answered two vectors with the number {place}"));
        }
        *slot = unit(numbers(item.embedding)?)?;
        if length != 0 && slot.len() != length {
            return Err(format!("answered a vector of {} numbers, where others have {length}", slot.len()));
        }
        length = slot.len();
    }
    Ok(vectors)
}

fn numbers(vector: Vector) -> Result<Vec<f64>, String> {
    match vector {
        Vector::Numbers(numbers) => Ok(numbers),
        Vector::Text(text) => {
            let bytes = STANDARD.decode(text.trim()).map_err(|_| "answered a vector that is no base64")?;
            let (numbers, rest) = bytes.as_chunks::<4>();
            match rest.is_empty() {
                true => Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect()),
                false => Err("answered a vector that is no whole count of 32-bit floats".to_owned()),
            }
        }
    }
}

/// A vector with length 1.
fn unit(numbers: Vec<f64>) -> Result<Vec<f32>, String> {
    if numbers.is_empty() || numbers.len() > MOST_DIMENSIONS {
        return Err(format!("answered a vector of {} numbers", numbers.len()));
    }
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
    match length.is_finite() && length > 0.0 {
        true => Ok(numbers.iter().map(|number| (number / length) as f32).collect()),
        false => Err("answered a vector that has no direction: zeros, or what is no number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(json: &str) -> Vec<Item> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn vectors_come_in_the_order_of_their_texts_and_with_length_one() {
        let swapped = items(r#"[{"index":1,"embedding":[0,2]},{"index":0,"embedding":"AABAQAAAgEA="}]"#);
        assert_eq!(in_order(swapped, 2, 2).unwrap(), [vec![0.6, 0.8], vec![0.0, 1.0]]);
        let bare = items(r#"[{"embedding":[3]},{"embedding":[-1]}]"#);
        assert_eq!(in_order(bare, 2, 0).unwrap(), [[1.0], [-1.0]]);
    }

    #[test]
    fn what_is_no_vector_is_not_believed() {
        let nan = STANDARD.encode([f32::NAN, 1.0].map(f32::to_le_bytes).concat());
        for (json, texts, why) in [
            (r#"[]"#.to_owned(), 1, "0 vectors to 1 texts"),
            (r#"[{"index":1,"embedding":[1]}]"#.into(), 1, "numbered a vector 1 of 1"),
            (r#"[{"index":0,"embedding":[1,2,2]},{"index":0,"embedding":[1,2,2]}]"#.into(), 2, "two vectors"),
            (r#"[{"embedding":[1,2]}]"#.into(), 1, "others have 3"),
            (r#"[{"embedding":[]}]"#.into(), 1, "0 numbers"),
            (r#"[{"embedding":[0,0,0]}]"#.into(), 1, "no direction"),
            (r#"[{"embedding":[1e300,1e300,1]}]"#.into(), 1, "no direction"),
            (format!(r#"[{{"embedding":"{nan}"}}]"#), 1, "no direction"),
            (r#"[{"embedding":"%"}]"#.into(), 1, "no base64"),
            (r#"[{"embedding":"AAAA"}]"#.into(), 1, "32-bit floats"),
        ] {
            let said = in_order(items(&json), texts, 3).unwrap_err();
            assert!(said.contains(why), "{json}: {said}");
        }
    }

    #[test]
    fn requests_are_bounded_by_count_and_bytes_and_hold_one_text_at_least() {
        let texts = |count, bytes| vec!["x".repeat(bytes); count];
        assert_eq!(batch(&texts(100, 1)), MOST_INPUTS);
        assert_eq!(batch(&texts(3, MOST_BYTES / 2)), 2);
        assert_eq!(batch(&texts(3, MOST_BYTES + 1)), 1);
    }
}
