//! How many connections a camera has open at once, as the client sees it.
//!
//! A client that closes one connection and opens the next has one open at any moment, yet the camera may accept the
//! second before the task of the first has read its end of stream. So whenever a connection is accepted, each earlier
//! one is asked (`poll` for `POLLRDHUP`, which the kernel answers at once and however much is still unread, a TLS
//! `close_notify` included) whether its client has closed it; those do not count. On loopback the end of the old
//! connection is in the kernel before the new one is. The count never tells too many; it can miss an overlap that
//! was over before the camera came to accept the second connection.

use std::net;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::net::TcpStream;

/// The connections of one camera.
#[derive(Debug, Default)]
pub struct OpenConnections {
    open: Mutex<Vec<(u64, net::TcpStream)>>,
    accepted: AtomicU64,
    most: AtomicU64,
}

/// Holds a connection's place; when dropped, the camera has closed it.
#[derive(Debug)]
pub struct Place {
    all: Arc<OpenConnections>,
    id: u64,
}

impl OpenConnections {
    /// Counts a connection that was just accepted.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn enter(self: &Arc<Self>, stream: &TcpStream) -> std::io::Result<Place> {
        let watched = net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        let id = self.accepted.fetch_add(1, Ordering::Relaxed);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The newest counts even if its client has left already: it was open beside those that still are.
        if open.len() as u64 >= self.most.load(Ordering::Relaxed) {
            let earlier = open.iter().filter(|(_, other)| !is_closed(other)).count() as u64;
            self.most.fetch_max(earlier + 1, Ordering::Relaxed);
        }
        open.push((id, watched));
        Ok(Place { all: Arc::clone(self), id })
    }

    /// How many were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// The most that were open at once so far.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(id, _)| *id != self.id);
    }
}

fn is_closed(connection: &net::TcpStream) -> bool {
    // While the camera's own task is inside a call on the socket, the kernel keeps an end of stream that arrives aside.
    // Looking at what is unread (which does not wait, as the socket is non-blocking) takes the socket's turn after that
    // call, and what was kept aside counts from then on.
    let _ = connection.peek(&mut [0]);
    let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    let mut asked = [PollFd::new(connection, PollFlags::RDHUP)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok() && asked[0].revents().intersects(gone)
}
