//! Dictation: what is said into the microphone becomes text that the composer can take.
