//! Generates an answer token by token: text between characters, and at its end perhaps the
//! call of a tool.

use std::io::Write as _;

use std::time::Instant;

use llama_cpp_2::token::LlamaToken;
use percept::wire::{Event, Failure, Output, Sampling, StopReason, Timings, ToolSpec, Usage};

use crate::cache::tokens;
use crate::load::Loaded;
use crate::lookup::Lookup;
use crate::sampling::Chooser;
use crate::toolcall::{CallStream, leaked};
use crate::turn::{internal, ms_since};
use crate::utf8::Utf8Stream;

/// How to answer.
pub(crate) struct How {
    pub(crate) sampling: Sampling,
    pub(crate) max_tokens: Option<u32>,
    /// The tools that may be called.
    pub(crate) tools: Vec<ToolSpec>,
    /// The answer is a call from its first token on.
    pub(crate) must_call: bool,
}

impl Loaded {
    /// Answers the prompt that was evaluated last.
    pub(crate) fn decode(
        &mut self,
        how: &How,
        start: Instant,
        usage: &mut Usage,
        timings: &mut Timings,
        output: &Output<'_>,
    ) -> Result<StopReason, Failure> {
        let mut chooser = self.chooser(how)?;
        let mut answer = Answer::new(self, how, output);
        let mut used = tokens(self.cache.entries());
        let mut first = None;
        let mut lookup = self.lookup.then(Lookup::new);
        let stop = loop {
            if output.cancelled() {
                break StopReason::Cancelled;
            }
            let row = lookup.as_ref().map_or(-1, Lookup::row);
            let (token, logprob) = self.runtime.with_dependent(|_, context| chooser.choose(context, row));
            let first = *first.get_or_insert_with(Instant::now);
            timings.first_token_ms = (first - start).as_secs_f64() * 1000.0;
            timings.decode_ms = ms_since(first);
            let vocab = self.runtime.borrow_owner().vocab();
            if vocab.is_eog(token) {
                break StopReason::Finished;
            }
            usage.completion_tokens += 1;
            let mark = !how.tools.is_empty() && self.call_marks.contains(&token.0);
            answer.push(&vocab.token_to_piece(token, mark, None), logprob);
            if how.max_tokens.is_some_and(|most| usage.completion_tokens >= u64::from(most)) {
                break StopReason::MaxTokens;
            }
            used += 1;
            let room = (self.info.context as usize).saturating_sub(used);
            if room == 0 {
                break StopReason::ContextFull;
            }
            let wanted = how.max_tokens.map_or(u64::MAX, |most| u64::from(most) - usage.completion_tokens);
            let most = (room - 1).min(usize::try_from(wanted).unwrap_or(usize::MAX));
            let decoded = self.evaluate_chosen(token, lookup.as_mut(), most);
            decoded.inspect_err(|_| self.forget())?;
        };
        let settled = self.settle_answer(lookup.as_mut(), usage);
        settled.inspect_err(|_| self.forget())?;
        Ok(answer.finish(stop))
    }

    /// Chooses freely, or keeps a call to what the tools take.
    fn chooser(&self, how: &How) -> Result<Chooser, Failure> {
        let model = self.runtime.borrow_owner();
        if how.tools.is_empty() {
            return Ok(Chooser::new(&how.sampling, model.n_vocab()));
        }
        if let Ok(chooser) = self.constrained(how, &how.tools) {
            return Ok(chooser);
        }
        // A server's schema may say what no grammar can: that tool may then be called with any
        // object, which its server checks.
        let free = |tool: &ToolSpec| match self.constrained(how, std::slice::from_ref(tool)) {
            Ok(_) => tool.clone(),
            Err(why) => {
                let said = format!("{}: {why}; its arguments are not constrained", tool.name);
                let _ = writeln!(std::io::stderr(), "percept-llama: {said}");
                ToolSpec { parameters: serde_json::json!({ "type": "object" }), ..tool.clone() }
            }
        };
        let tools: Vec<ToolSpec> = how.tools.iter().map(free).collect();
        self.constrained(how, &tools).map_err(|why| internal(&why))
    }

    fn constrained(&self, how: &How, tools: &[ToolSpec]) -> Result<Chooser, String> {
        let model = self.runtime.borrow_owner();
        let format = self.template.format;
        let grammar = llama_cpp_2::json_schema_to_grammar(&format.schema(tools))
            .map_err(|error| format!("the tools' schemas make no grammar ({error})"))?;
        let trigger = (!how.must_call).then(|| format.trigger());
        Chooser::constrained(&how.sampling, model, &format.grammar(&grammar), trigger)
            .map_err(|error| format!("the grammar of the tools is refused ({error})"))
    }
}

/// What was said so far, on its way out.
struct Answer<'a> {
    output: &'a Output<'a>,
    tools: &'a [ToolSpec],
    characters: Utf8Stream,
    /// Without tools nothing is a call.
    calls: Option<CallStream>,
    /// All text, to find a call in that came in another format.
    text: String,
    /// The least log-probability of what is held back.
    least: f32,
}

impl<'a> Answer<'a> {
    fn new(loaded: &Loaded, how: &'a How, output: &'a Output<'a>) -> Self {
        let calls = (!how.tools.is_empty()).then(|| CallStream::new(loaded.template.format));
        let (characters, text) = (Utf8Stream::default(), String::new());
        Self { output, tools: &how.tools, characters, calls, text, least: 0.0 }
    }

    fn push(&mut self, bytes: &[u8], logprob: f32) {
        if let Some((text, logprob)) = self.characters.push(bytes, logprob) {
            self.say(&text, logprob);
        }
    }

    fn say(&mut self, text: &str, logprob: f32) {
        self.least = self.least.min(logprob);
        let settled = match &mut self.calls {
            Some(calls) => calls.push(text),
            None => text.to_owned(),
        };
        self.write(settled);
    }

    fn write(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if !self.tools.is_empty() {
            self.text.push_str(&text);
        }
        self.output.event(Event::Token { text, logprob: std::mem::take(&mut self.least) });
    }

    /// Says what is held back, and the call that the answer ends with; why it ended, then.
    fn finish(mut self, stop: StopReason) -> StopReason {
        if let Some((text, logprob)) = self.characters.finish() {
            self.say(&text, logprob);
        }
        let Some(calls) = self.calls.take() else { return stop };
        let (call, leaked_bytes) = match calls.finish(self.tools) {
            Ok(call) => (call, 0),
            Err(held) => {
                self.write(held);
                // One that was cut off is none; what looks like one in half an answer is no slip.
                let whole = stop == StopReason::Finished;
                match leaked(&self.text, self.tools).filter(|_| whole) {
                    Some((bytes, call)) => (call, bytes),
                    None => return stop,
                }
            }
        };
        if stop == StopReason::Cancelled {
            return stop;
        }
        let arguments = serde_json::Value::Object(call.arguments);
        self.output.event(Event::ToolCall { name: call.name, arguments, leaked_bytes });
        StopReason::ToolCall
    }
}

/// The tokens that a model's marks of a call are, whose text is not left out.
pub(crate) fn call_marks(model: &llama_cpp_2::model::LlamaModel) -> Vec<i32> {
    const MARKS: [&str; 4] = ["<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>"];
    let vocab = model.vocab();
    let alone = |mark: &&str| match vocab.tokenize(mark.as_bytes(), false, true)[..] {
        [LlamaToken(token)] => Some(token),
        _ => None,
    };
    MARKS.iter().filter_map(alone).collect()
}
