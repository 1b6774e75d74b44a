//! Requests over one connection of SFTP.

use super::packet::{self, Attributes, Handle, Number, Request, SftpReply};
use super::ssh::{SftpAddress, Ssh};
use crate::{Cause, Failure, Limits, within};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Bytes of one request of a file: every server answers as many.
const READ_BYTES: u32 = 32 * 1024;

/// Requests of a file whose answers are outstanding: 1 MiB, which fills a line of 100 Mbit/s and 80 ms.
const READS_AHEAD: usize = 32;

/// An open connection.
#[derive(Debug)]
pub struct SftpSession {
    ssh: Ssh,
    next_id: u32,
    silence: Duration,
}

/// A file that is being read: answers arrive in any order, and are used in that of the requests.
#[derive(Debug)]
pub struct Download {
    handle: Handle,
    /// Where the next request begins.
    offset: u64,
    waiting: VecDeque<Waiting>,
    is_at_end: bool,
}

#[derive(Debug)]
struct Waiting {
    id: u32,
    offset: u64,
    answer: Option<SftpReply>,
}

impl Download {
    /// Reads the file from its beginning.
    pub fn new(handle: Handle) -> Self {
        Self { handle, offset: 0, waiting: VecDeque::new(), is_at_end: false }
    }

    pub fn into_handle(self) -> Handle {
        self.handle
    }
}

impl SftpSession {
    /// Starts `ssh`, logs in and agrees on the version.
    pub async fn start(address: &SftpAddress, limits: &Limits) -> Result<Self, Failure> {
        let ssh = Ssh::start(address, limits)?;
        let mut session = Self { ssh, next_id: 0, silence: limits.connect + limits.silence };
        let hello = packet::request(Request::Init, packet::VERSION, &[], &[]);
        session.send(&hello).await?;
        let (_, reply) = session.receive().await?;
        match reply {
            SftpReply::Version(version) if version >= packet::VERSION => {}
            other => return Err(unexpected(&other)),
        }
        session.ssh.logged_in();
        session.silence = limits.silence;
        Ok(session)
    }

    pub async fn open_folder(&mut self, path: &[u8]) -> Result<Handle, Failure> {
        self.handle(Request::OpenFolder, &[path], &[]).await
    }

    /// Further entries of a folder; `None` at the end.
    pub async fn read_folder(
        &mut self,
        handle: &Handle,
    ) -> Result<Option<Vec<(Bytes, Attributes)>>, Failure> {
        match self.request(Request::ReadFolder, &[handle], &[]).await? {
            SftpReply::Names(names) => Ok(Some(names)),
            SftpReply::Status { code: packet::END, .. } => Ok(None),
            other => Err(unexpected(&other)),
        }
    }

    /// Opens a file for reading.
    pub async fn open(&mut self, path: &[u8]) -> Result<(Handle, Attributes), Failure> {
        // Reading only, and no attributes for a new file.
        let numbers = [Number::Short(1), Number::Short(0)];
        let handle = self.handle(Request::Open, &[path], &numbers).await?;
        match self.request(Request::FileStat, &[&handle], &[]).await? {
            SftpReply::Attributes(attributes) => Ok((handle, attributes)),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn stat(&mut self, path: &[u8]) -> Result<Attributes, Failure> {
        match self.request(Request::Stat, &[path], &[]).await? {
            SftpReply::Attributes(attributes) => Ok(attributes),
            other => Err(unexpected(&other)),
        }
    }

    /// The absolute path without links.
    pub async fn real_path(&mut self, path: &[u8]) -> Result<Bytes, Failure> {
        match self.request(Request::RealPath, &[path], &[]).await? {
            SftpReply::Names(mut names) if names.len() == 1 => Ok(names.remove(0).0),
            other => Err(unexpected(&other)),
        }
    }

    pub async fn close(&mut self, handle: Handle) -> Result<(), Failure> {
        match self.request(Request::Close, &[&handle], &[]).await? {
            SftpReply::Status { code: packet::OK, .. } => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// The next bytes of a file; `None` at its end.
    pub async fn read(&mut self, download: &mut Download) -> Result<Option<Bytes>, Failure> {
        while !download.is_at_end && download.waiting.len() < READS_AHEAD {
            let numbers = [Number::Long(download.offset), Number::Short(READ_BYTES)];
            let id = self.send_request(Request::Read, &[&download.handle], &numbers).await?;
            let offset = download.offset;
            download.waiting.push_back(Waiting { id, offset, answer: None });
            download.offset += u64::from(READ_BYTES);
        }
        loop {
            let Some(first) = download.waiting.front_mut() else { return Ok(None) };
            let Some(answer) = first.answer.take() else {
                self.receive_for(download).await?;
                continue;
            };
            let offset = first.offset;
            download.waiting.pop_front();
            // The requests after the end of the file are answered, too, before the handle is closed.
            if download.is_at_end {
                continue;
            }
            match answer {
                SftpReply::Data(data) if !data.is_empty() => {
                    let end = offset + data.len() as u64;
                    if data.len() != READ_BYTES as usize {
                        self.restart(download, end).await?;
                    }
                    return Ok(Some(data));
                }
                SftpReply::Status { code: packet::END, .. } => download.is_at_end = true,
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Continues at `offset` after an answer with another length than was requested: drops the answers that are outstanding.
    async fn restart(&mut self, download: &mut Download, offset: u64) -> Result<(), Failure> {
        while download.waiting.iter().any(|it| it.answer.is_none()) {
            self.receive_for(download).await?;
        }
        download.waiting.clear();
        download.offset = offset;
        Ok(())
    }

    /// Receives the answer to one of the outstanding requests of a file.
    async fn receive_for(&mut self, download: &mut Download) -> Result<(), Failure> {
        let (id, reply) = self.receive().await?;
        let waiting = download.waiting.iter_mut().find(|it| it.id == id);
        match waiting {
            Some(waiting) => waiting.answer = Some(reply),
            None => return Err(unexpected(&reply)),
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        kind: Request,
        texts: &[&[u8]],
        numbers: &[Number],
    ) -> Result<Handle, Failure> {
        match self.request(kind, texts, numbers).await? {
            SftpReply::Handle(handle) => Ok(handle),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends a request while no other is outstanding, and receives its answer.
    async fn request(
        &mut self,
        kind: Request,
        texts: &[&[u8]],
        numbers: &[Number],
    ) -> Result<SftpReply, Failure> {
        let id = self.send_request(kind, texts, numbers).await?;
        match self.receive().await? {
            (answered, reply) if answered == id => Ok(reply),
            (_, reply) => Err(unexpected(&reply)),
        }
    }

    async fn send_request(
        &mut self,
        kind: Request,
        texts: &[&[u8]],
        numbers: &[Number],
    ) -> Result<u32, Failure> {
        self.next_id = self.next_id.wrapping_add(1);
        let packet = packet::request(kind, self.next_id, texts, numbers);
        self.send(&packet).await?;
        Ok(self.next_id)
    }

    async fn send(&mut self, packet: &[u8]) -> Result<(), Failure> {
        let (silence, input) = (self.silence, &mut self.ssh.input);
        let written = within(silence, "SFTP", async {
            input.write_all(packet).await.map_err(|error| Failure::broken(&error))?;
            input.flush().await.map_err(|error| Failure::broken(&error))
        });
        match written.await {
            Err(failure) if failure.cause == Cause::Broken => Err(self.ssh.explained().await),
            done => done,
        }
    }

    async fn receive(&mut self) -> Result<(u32, SftpReply), Failure> {
        let (silence, output) = (self.silence, &mut self.ssh.output);
        let packet = within(silence, "SFTP", async {
            let length = output.read_u32().await.map_err(|error| Failure::broken(&error))?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > packet::PACKET_BYTES {
                let detail = format!("an answer of {length} bytes; it is not a server of SFTP");
                return Err(Failure::new(Cause::Unsupported, detail));
            }
            let mut packet = vec![0; length];
            output.read_exact(&mut packet).await.map_err(|error| Failure::broken(&error))?;
            Ok(Bytes::from(packet))
        });
        match packet.await {
            Err(failure) if failure.cause == Cause::Broken => Err(self.ssh.explained().await),
            packet => {
                packet::reply(packet?).map_err(|reason| Failure::new(Cause::Unsupported, reason))
            }
        }
    }
}

/// The failure of a request that was answered otherwise than expected.
fn unexpected(reply: &SftpReply) -> Failure {
    let SftpReply::Status { code, text } = reply else {
        return Failure::new(Cause::Unsupported, "an answer belongs to another request");
    };
    let cause = match *code {
        packet::NO_SUCH_FILE => Cause::Absent,
        packet::PERMISSION_DENIED => Cause::Denied,
        6 | 7 => Cause::Broken,
        _ => Cause::Unsupported,
    };
    Failure::new(cause, format!("status {code} {text}"))
}
