//! The audit entries of a query or a download, written when its answer ends.

use super::Service;
use super::authorization::Caller;
use super::error::Error;
use super::format::Format;
use access::audit::Event;
use std::net::IpAddr;
use std::sync::Arc;

/// What is read.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The text of a statement.
    Query(String),
    /// The name of a table.
    Table(String),
}

/// A response that is being sent. Its entries are written by [`Receipt::close`], or, if the response is aborted,
/// when it is dropped.
pub struct Receipt {
    service: Arc<Service>,
    actor: String,
    address: IpAddr,
    subject: Subject,
    format: Format,
    /// The protocol of the query, if it is not HTTP.
    protocol: Option<&'static str>,
    began_at_us: i64,
    /// Rows sent so far.
    pub rows: u64,
    is_closed: bool,
}

impl Receipt {
    /// A response that begins now.
    pub fn new(
        service: &Arc<Service>,
        caller: &Caller,
        subject: Subject,
        format: Format,
    ) -> Result<Self, Error> {
        Ok(Self {
            actor: caller.identity()?.name().to_owned(),
            address: caller.peer.address,
            subject,
            format,
            protocol: None,
            began_at_us: service.now_us(),
            rows: 0,
            is_closed: false,
            service: Arc::clone(service),
        })
    }

    /// The same response, sent by another protocol than HTTP.
    pub fn with_protocol(mut self, protocol: &'static str) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Writes the entries. On an error the answer must fail too.
    pub fn close(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        let now_us = self.service.now_us();
        for event in self.events(now_us) {
            self.service.access.try_audit(event.from_address(self.address), now_us)?;
        }
        Ok(())
    }

    /// The entries: a query, a download, or both. A page of a table has none.
    fn events(&self, now_us: i64) -> Vec<Event> {
        let took_ms = took_ms(self.began_at_us, now_us);
        let (what, query) = match &self.subject {
            Subject::Query(sql) => {
                let mut event = Event::query(&self.actor, sql, self.rows, took_ms);
                if let Some(protocol) = self.protocol {
                    event.detail["protocol"] = protocol.into();
                }
                ("query", Some(event))
            }
            Subject::Table(name) => (name.as_str(), None),
        };
        let is_file = self.format != Format::Json;
        let file = is_file.then(|| {
            Event::download(&self.actor, what, self.format.name(), self.rows).taking(took_ms)
        });
        query.into_iter().chain(file).collect()
    }
}

/// The milliseconds between two times.
pub fn took_ms(began_at_us: i64, now_us: i64) -> u64 {
    u64::try_from(now_us - began_at_us).unwrap_or_default() / 1_000
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(error = error.public, "audit_entry_lost");
        }
    }
}
