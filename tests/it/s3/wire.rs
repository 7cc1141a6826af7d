//! A wire to the S3 server that does to requests what networks and overloaded servers do to them.
//!
//! One connection a request: the request is read whole, sent on, and what comes back is passed on, or is not.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    List,
    Get,
    RangedGet,
    Put,
    Multipart,
    ConditionalPut,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 503 SlowDown.
    Throttled,
    /// No answer.
    Timeout,
    /// The connection ends half way: of the answer, or of what is being sent.
    Reset,
    /// 403 AccessDenied.
    Forbidden,
    /// 400 ExpiredToken.
    Expired,
    /// 404, of the bucket, the object or the upload.
    Missing,
    /// It is done, and the answer does not arrive.
    Lost,
    /// A list from before anything was written.
    Stale,
    /// The answer comes in small pieces.
    Slow,
    /// 507, the server's disk is full.
    Full,
}

/// What is to happen next.
struct Armed {
    fault: Fault,
    operation: Operation,
    left: usize,
    is_met: bool,
}

/// A proxy before the server.
pub struct Wire {
    pub address: SocketAddr,
    armed: Arc<Mutex<Vec<Armed>>>,
}

impl Wire {
    /// A wire to `server`.
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(Mutex::new(Vec::new()));
        let rule = Arc::clone(&armed);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let rule = Arc::clone(&rule);
                // Clients that are killed, or give up waiting, break their connection.
                std::thread::spawn(move || client.and_then(|client| pass(client, server, &rule)));
            }
        });
        Self { address, armed }
    }

    /// The next `times` requests of each of `operations` meet `fault`.
    pub fn arm(&self, fault: Fault, operations: &[Operation], times: usize) {
        let armed = operations.iter().map(|operation| Armed {
            fault,
            operation: *operation,
            left: times,
            is_met: false,
        });
        *self.armed.lock().unwrap() = armed.collect();
    }

    /// Nothing happens any more; the operations that have met no fault.
    pub fn disarm(&self) -> Vec<Operation> {
        let armed = std::mem::take(&mut *self.armed.lock().unwrap());
        armed.iter().filter(|armed| !armed.is_met).map(|armed| armed.operation).collect()
    }
}

fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    armed: &Mutex<Vec<Armed>>,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut piece = [0; 1 << 16];
    let head = loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match client.read(&mut piece)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&piece[..n]),
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.map_or(0, |digits| digits.trim().parse().unwrap());
    let fault = operation(&text).and_then(|operation| take(armed, operation, &text));
    if fault == Some(Fault::Reset) && length > 0 {
        return client.shutdown(Shutdown::Both);
    }
    while request.len() < head + length {
        match client.read(&mut piece)? {
            0 => return Ok(()),
            n => request.extend_from_slice(&piece[..n]),
        }
    }
    match fault {
        Some(Fault::Timeout) => {
            // Until the client has had enough.
            return client.read(&mut piece).map(drop);
        }
        Some(fault) if refusal(fault, &text).is_some() => {
            let (status, code) = refusal(fault, &text).unwrap_or_default();
            let body =
                format!("<Error><Code>{code}</Code><Message>as it happens</Message></Error>");
            let length = body.len();
            return write!(
                client,
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
        }
        _ => {}
    }
    let answer = asked(server, &request, head)?;
    match fault {
        Some(Fault::Lost) => client.shutdown(Shutdown::Both),
        Some(Fault::Reset) => {
            // Of the answer's body one half.
            let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            client.write_all(&answer[..head + (answer.len() - head) / 2])
        }
        Some(Fault::Slow) => answer.chunks(answer.len().div_ceil(8)).try_for_each(|piece| {
            std::thread::sleep(Duration::from_millis(2));
            client.write_all(piece)
        }),
        Some(Fault::Stale) => {
            let body = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
            let length = body.len();
            write!(
                client,
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            )
        }
        _ => client.write_all(&answer),
    }
}

/// The server's answer, which ends with the connection.
fn asked(server: SocketAddr, request: &[u8], head: usize) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    server.write_all(&request[..head - 2])?;
    server.write_all(b"connection: close\r\n\r\n")?;
    server.write_all(&request[head..])?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// What a request asks for; `head` is in lower case.
fn operation(head: &str) -> Option<Operation> {
    let line = head.lines().next()?;
    let has = |header: &str| head.contains(&format!("\r\n{header}: "));
    Some(match line.split(' ').next()? {
        "get" if line.contains("list-type=2") => Operation::List,
        "get" if has("range") => Operation::RangedGet,
        "get" => Operation::Get,
        "put" if line.contains("partnumber=") => Operation::Multipart,
        "post" if line.contains("uploadid=") => Operation::Multipart,
        "put" if has("if-match") || has("if-none-match") => Operation::ConditionalPut,
        "put" => Operation::Put,
        _ => return None,
    })
}

/// The fault that is due; of an upload by parts the last answer is the one that is lost, and parts meet all else.
fn take(armed: &Mutex<Vec<Armed>>, operation: Operation, head: &str) -> Option<Fault> {
    let mut armed = armed.lock().unwrap();
    let mut due = armed.iter_mut().filter(|armed| armed.operation == operation && armed.left > 0);
    let armed = due.next()?;
    let is_last = head.starts_with("post");
    if operation == Operation::Multipart && is_last != (armed.fault == Fault::Lost) {
        return None;
    }
    armed.left -= 1;
    armed.is_met = true;
    Some(armed.fault)
}

/// Status and code of a refusal.
fn refusal(fault: Fault, head: &str) -> Option<(&'static str, &'static str)> {
    Some(match fault {
        Fault::Throttled => ("503 Service Unavailable", "SlowDown"),
        Fault::Forbidden => ("403 Forbidden", "AccessDenied"),
        Fault::Expired => ("400 Bad Request", "ExpiredToken"),
        Fault::Full => ("507 Insufficient Storage", "XMinioStorageFull"),
        Fault::Missing if head.contains("uploadid=") => ("404 Not Found", "NoSuchUpload"),
        Fault::Missing if head.starts_with("put") || head.contains("list-type=2") => {
            ("404 Not Found", "NoSuchBucket")
        }
        Fault::Missing => ("404 Not Found", "NoSuchKey"),
        _ => return None,
    })
}
