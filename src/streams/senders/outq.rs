//! What the other side's network stack has not acknowledged yet.

use std::ffi::c_int;
use std::os::fd::AsFd;

use rustix::ioctl;

/// `SIOCOUTQ` of tcp(7): the same number on x86 and ARM.
const SIOCOUTQ: ioctl::Opcode = 0x5411;

/// Bytes in the socket's send queue: written here, not acknowledged there.
pub fn unacknowledged(socket: impl AsFd) -> std::io::Result<u64> {
    // SAFETY: SIOCOUTQ stores one int where its argument points and touches nothing else.
    let queued = unsafe { ioctl::ioctl(socket, ioctl::Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(u64::try_from(queued).unwrap_or(0))
}
