//! Counts tokens as a model does, without the model: from its `tokenizer.json`, or from the
//! vocabulary in its GGUF file.
