//! The limit on connections per address, so that one client cannot take all of them.

use crate::http::peer::Network;
use crate::http::rate::ClientKey;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

type Counts = Arc<Mutex<HashMap<ClientKey, usize>>>;

/// Counts the open connections of each address.
pub struct Admission {
    limit: usize,
    network: Network,
    counts: Counts,
}

/// One admitted connection; it is counted until this is dropped.
pub struct Admitted(Option<(ClientKey, Counts)>);

impl Admission {
    /// Admits `limit` connections per address. This machine and trusted proxies have no limit of their
    /// own: many clients arrive through them.
    pub fn new(limit: usize, network: Network) -> Self {
        Self { limit, network, counts: Counts::default() }
    }

    /// `None` if the address has as many connections as it may have.
    pub fn admit(&self, address: IpAddr) -> Option<Admitted> {
        if address.to_canonical().is_loopback() || self.network.is_proxy(address) {
            return Some(Admitted(None));
        }
        let key = ClientKey::from_address(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Admitted(Some((key, Arc::clone(&self.counts)))))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let Some((key, counts)) = self.0.take() else { return };
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = counts.get_mut(&key) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Admission::new(2, Network { trusted_proxies, ..Network::default() })
    }

    #[track_caller]
    fn admitted(admission: &Admission, address: &str) -> Option<Admitted> {
        admission.admit(address.parse().unwrap())
    }

    #[test]
    fn an_address_has_so_many_connections_until_one_ends() {
        let admission = admission();
        let first = admitted(&admission, "192.0.2.7").unwrap();
        let _second = admitted(&admission, "::ffff:192.0.2.7").unwrap();
        assert!(admitted(&admission, "192.0.2.7").is_none());
        assert!(admitted(&admission, "192.0.2.8").is_some());
        drop(first);
        assert!(admitted(&admission, "192.0.2.7").is_some());
    }

    #[test]
    fn nothing_is_remembered_of_addresses_without_connections() {
        let admission = admission();
        drop(admitted(&admission, "192.0.2.7"));
        assert!(admission.counts.lock().unwrap().is_empty());
    }

    #[test]
    fn a_network_of_one_customer_counts_as_one_address() {
        let admission = admission();
        let _first = admitted(&admission, "2001:db8:1:2::1").unwrap();
        let _second = admitted(&admission, "2001:db8:1:2:ffff::9").unwrap();
        assert!(admitted(&admission, "2001:db8:1:2::3").is_none());
        assert!(admitted(&admission, "2001:db8:1:3::1").is_some());
    }

    #[test]
    fn this_machine_and_proxies_are_not_limited() {
        let admission = admission();
        for address in ["127.0.0.1", "::1", "10.0.0.1"] {
            let many: Vec<_> = (0..10).map(|_| admitted(&admission, address)).collect();
            assert!(many.iter().all(Option::is_some), "{address}");
        }
    }
}
