//! What unit tests share.

use crate::Random;
use rand::{SeedableRng, TryCryptoRng, TryRng};
use std::convert::Infallible;

/// A generator that is the same in every run. It only claims to be secure.
struct Seeded(rand_pcg::Pcg64);

/// Random bytes out of a seed.
pub(crate) fn seeded(seed: u64) -> Box<Random> {
    Box::new(Seeded(rand_pcg::Pcg64::seed_from_u64(seed)))
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Seeded {}
