//! Random bytes of the operating system.

use crate::{Error, Random};
use rand::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The generator of the kernel. It never blocks once the machine has started.
const DEVICE: &str = "/dev/urandom";

struct Device(File);

/// Opens the generator of the operating system, for [`crate::Access::open`].
pub fn os_random() -> Result<Box<Random>, Error> {
    let path = Path::new(DEVICE);
    let device = File::open(path).map_err(|error| Error::file("open", path, error))?;
    Ok(Box::new(Device(device)))
}

impl TryRng for Device {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if self.0.read_exact(bytes).is_err() {
            // The trait has no error, and a secret of guessable bytes is worse than no program.
            std::process::abort();
        }
        Ok(())
    }
}

impl TryCryptoRng for Device {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_operating_system_differ() {
        let mut random = os_random().unwrap();
        let mut next = || crate::secret::random_bytes::<32>(&mut *random);
        assert_ne!(next(), next());
    }
}
