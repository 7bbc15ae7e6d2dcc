use std::path::Path;
pub(super) struct Resampler { step: f64, at: f64, channels: usize, last: f32 }
impl Resampler {
    pub(super) fn new(rate: u32, channels: usize) -> Result<Self, String> {
        Ok(Self { step: f64::from(rate) / 16000.0, at: 0.0, channels, last: 0.0 })
    }
    pub(super) fn push(&mut self, interleaved: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        for frame in interleaved.chunks_exact(self.channels) {
            let now = frame.iter().sum::<f32>() / self.channels as f32;
            while self.at < 1.0 { out.push(self.last + (now - self.last) * self.at as f32); self.at += self.step; }
            self.at -= 1.0;
            self.last = now;
        }
        out
    }
    pub(super) fn finish(&mut self) -> Vec<f32> { Vec::new() }
}
pub(super) struct Reader(Option<Vec<f32>>);
impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        Ok(Self(Some(bytes[44..].chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect())))
    }
    pub(super) fn read(&mut self) -> Option<Vec<f32>> { self.0.take() }
}
