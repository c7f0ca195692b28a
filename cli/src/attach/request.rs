//! A request of the attach protocol, version 1, and its reply.
//!
//! A request is five strings that each end with NUL: `1`, the command, three arguments of at
//! most 1024 bytes. Every HotSpot from 8 to 28 takes it. The reply is a number, a line end,
//! and what the command has to say, up to the end of the connection.
//!
//! The last byte is only sent when the JVM has begun to read: a JVM that does not answer in
//! time finds half a request when it does, and drops it, instead of loading a library long
//! after its user was told that this failed.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::event::PollFlags;

use super::patience::{GaveUp, Patience};

/// `AttachOperation::arg_length_max`.
pub const LONGEST_ARGUMENT: usize = 1024;
/// More than a JVM ever says.
const LONGEST_REPLY: usize = 64 << 10;

/// What the JVM said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It loaded the library, whose `Agent_OnAttach` gave this number.
    Loaded(i32),
    /// It did not; its words, if any.
    Refused(String),
    /// It hung up without a word, as it does with someone who is not its user.
    Nothing,
}

/// How far a request came that was not answered.
#[derive(Debug)]
pub enum Failed {
    /// The JVM has not seen it, and never will.
    Unseen(GaveUp),
    /// The JVM has it, and has not answered.
    Unanswered(GaveUp),
    /// The connection broke.
    Broken(io::Error),
}

/// The bytes of a request to load a library.
pub fn load(path: &[u8], options: &[u8]) -> Vec<u8> {
    let strings: [&[u8]; 5] = [b"1", b"load", path, b"true", options];
    strings.map(|string| [string, b"\0"].concat()).concat()
}

/// Sends a request and waits for the reply.
pub fn send(
    connection: OwnedFd,
    request: &[u8],
    patience: &mut Patience<'_>,
) -> Result<Reply, Failed> {
    // With room for next to nothing, there is room again when the JVM has read.
    rustix::net::sockopt::set_socket_send_buffer_size(&connection, 1)
        .map_err(|error| Failed::Broken(error.into()))?;
    let mut stream = UnixStream::from(connection);
    let (most, last) = request.split_at(request.len().saturating_sub(1));
    for string in most.split_inclusive(|byte| *byte == 0) {
        write(&mut stream, string, patience)?;
    }
    let room = patience.wait_for(stream.as_fd(), PollFlags::OUT);
    room.map_err(Failed::Unseen)?;
    write(&mut stream, last, patience)?;
    patience.renew();
    let reply = read(&mut stream, patience)?;
    Ok(Reply::parse(&String::from_utf8_lossy(&reply)))
}

fn write(stream: &mut UnixStream, mut bytes: &[u8], patience: &Patience<'_>) -> Result<(), Failed> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let room = patience.wait_for(stream.as_fd(), PollFlags::OUT);
                room.map_err(Failed::Unseen)?;
            }
            // It hung up, and what it said before that is in the reply.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failed::Broken(error)),
        }
    }
    Ok(())
}

fn read(stream: &mut UnixStream, patience: &Patience<'_>) -> Result<Vec<u8>, Failed> {
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    while reply.len() < LONGEST_REPLY {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => reply.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let answer = patience.wait_for(stream.as_fd(), PollFlags::IN);
                answer.map_err(Failed::Unanswered)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(error) => return Err(Failed::Broken(error)),
        }
    }
    Ok(reply)
}

impl Reply {
    /// Understands the reply to `load`: the first line is about the request, and what follows
    /// is `return code: N` since 9, `N` in 8, or why the library could not be loaded.
    fn parse(text: &str) -> Reply {
        let (status, words) = text.split_once('\n').unwrap_or((text, ""));
        let words = words.trim();
        if text.is_empty() {
            return Reply::Nothing;
        }
        let code = words.strip_prefix("return code:").unwrap_or(words).trim();
        match code.parse() {
            Ok(code) if status == "0" => Reply::Loaded(code),
            _ => Reply::Refused(words.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_strings() {
        assert_eq!(load(b"/a b.so", b"x=1"), b"1\0load\0/a b.so\0true\0x=1\0");
        assert_eq!(load(b"/a.so", b""), b"1\0load\0/a.so\0true\0\0");
    }

    #[test]
    fn replies_of_8_and_later() {
        for (text, reply) in [
            ("0\n0\n", Reply::Loaded(0)),
            ("0\n-1\n", Reply::Loaded(-1)),
            ("0\nreturn code: 0\n", Reply::Loaded(0)),
            ("0\nreturn code: -1\n", Reply::Loaded(-1)),
            (
                "0\nNot loaded.\nWhy\n",
                Reply::Refused("Not loaded.\nWhy".into()),
            ),
            ("-1\n", Reply::Refused(String::new())),
            ("-1\n0\n", Reply::Refused("0".into())),
            ("101\n", Reply::Refused(String::new())),
            ("0", Reply::Refused(String::new())),
            ("", Reply::Nothing),
        ] {
            assert_eq!(Reply::parse(text), reply, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn only_a_zero_before_a_number_is_a_success(text: String) {
            if let Reply::Loaded(code) = Reply::parse(&text) {
                let (status, rest) = text.split_once('\n').unwrap();
                proptest::prop_assert!(status == "0" && rest.contains(&code.to_string()));
            }
        }
    }
}
