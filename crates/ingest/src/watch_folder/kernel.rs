//! The queue of changes that the kernel keeps (inotify).

use rustix::fd::OwnedFd;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use tokio::io::unix::AsyncFd;

/// Bytes that are read from the queue at a time: some hundred changes.
const READ_BYTES: usize = 32 << 10;

/// A change of an entry in a watched folder.
#[derive(Debug)]
pub(super) struct RawChange {
    /// The watch of the folder; meaningless for [`Event::Overflow`].
    pub watch: i32,
    pub event: Event,
    pub is_folder: bool,
    /// Name of the entry; empty if the folder itself changed.
    pub name: OsString,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Created,
    Modified,
    Closed,
    MovedIn,
    /// Deleted, or renamed away.
    Removed,
    /// The watch has ended: its folder was deleted or unmounted.
    Ended,
    /// The queue was full, and changes were lost.
    Overflow,
}

/// The queue of one process for the folders that it watches.
#[derive(Debug)]
pub(super) struct Queue(AsyncFd<OwnedFd>);

impl Queue {
    #[expect(
        deprecated,
        reason = "the successor is unsafe code; an owned descriptor stays open as long as it is registered"
    )]
    pub fn open() -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        Ok(Self(AsyncFd::new(queue)?))
    }

    /// Watches the entries of a folder, and returns the number of the watch: that of the existing one if the folder
    /// is watched already.
    pub fn watch(&self, folder: &Path) -> io::Result<i32> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::ONLYDIR
            | WatchFlags::EXCL_UNLINK;
        Ok(inotify::add_watch(self.0.get_ref(), folder, flags)?)
    }

    /// Ends a watch. One that has ended already is ignored.
    pub fn end(&self, watch: i32) {
        if let Err(error) = inotify::remove_watch(self.0.get_ref(), watch) {
            tracing::debug!(watch, %error, "watch not removed");
        }
    }

    /// Waits until there may be changes.
    pub async fn wait(&self) -> io::Result<()> {
        self.0.readable().await?.clear_ready();
        Ok(())
    }

    /// Takes all changes that are in the queue. Does not wait.
    pub fn take(&self) -> io::Result<Vec<RawChange>> {
        let mut buffer = [MaybeUninit::uninit(); READ_BYTES];
        let mut reader = Reader::new(self.0.get_ref(), &mut buffer);
        let mut changes = Vec::new();
        loop {
            let entry = match reader.next() {
                Ok(entry) => entry,
                Err(Errno::AGAIN) => return Ok(changes),
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(event) = event(entry.events()) else { continue };
            let name = entry.file_name().map(|it| it.to_bytes().to_vec()).unwrap_or_default();
            changes.push(RawChange {
                watch: entry.wd(),
                event,
                is_folder: entry.events().contains(ReadFlags::ISDIR),
                name: OsString::from_vec(name),
            });
        }
    }
}

fn event(flags: ReadFlags) -> Option<Event> {
    const EVENTS: [(ReadFlags, Event); 9] = [
        (ReadFlags::QUEUE_OVERFLOW, Event::Overflow),
        (ReadFlags::IGNORED, Event::Ended),
        (ReadFlags::UNMOUNT, Event::Ended),
        (ReadFlags::CREATE, Event::Created),
        (ReadFlags::MODIFY, Event::Modified),
        (ReadFlags::CLOSE_WRITE, Event::Closed),
        (ReadFlags::MOVED_TO, Event::MovedIn),
        (ReadFlags::MOVED_FROM, Event::Removed),
        (ReadFlags::DELETE, Event::Removed),
    ];
    EVENTS.iter().find(|(flag, _)| flags.contains(*flag)).map(|(_, event)| *event)
}
