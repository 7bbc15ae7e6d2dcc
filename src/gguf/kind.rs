//! How a file's weights are stored, by the number in `general.file_type` (`llama_ftype` in
//! llama.h).

use super::Header;

/// Names by number; an empty one is out of use.
const NAMES: [&str; 39] = [
    "F32",
    "F16",
    "Q4_0",
    "Q4_1",
    "",
    "",
    "",
    "Q8_0",
    "Q5_0",
    "Q5_1",
    "Q2_K",
    "Q3_K_S",
    "Q3_K_M",
    "Q3_K_L",
    "Q4_K_S",
    "Q4_K_M",
    "Q5_K_S",
    "Q5_K_M",
    "Q6_K",
    "IQ2_XXS",
    "IQ2_XS",
    "Q2_K_S",
    "IQ3_XS",
    "IQ3_XXS",
    "IQ1_S",
    "IQ4_NL",
    "IQ3_S",
    "IQ3_M",
    "IQ2_S",
    "IQ2_M",
    "IQ4_XS",
    "IQ1_M",
    "BF16",
    "",
    "",
    "",
    "TQ1_0",
    "TQ2_0",
    "MXFP4_MOE",
];

impl Header {
    /// The quantisation of most of its weights: `Q4_K_M`.
    pub fn quantisation(&self) -> Option<&'static str> {
        let kind = usize::try_from(self.int("general.file_type")?).ok()?;
        NAMES.get(kind).copied().filter(|name| !name.is_empty())
    }
}
