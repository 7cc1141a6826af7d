//! What a bucket's refusal means: who must act, in words that tell no secret.
//!
//! A server's answer may quote what it was asked, session token and all, so that only its code and
//! its message are passed on.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{Error, Kind, Report};

/// What is told where [`Cause::Replaced`] stands in the way.
pub(crate) const REPLACED: &str = "an object was replaced while it was read";

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody could say who we are.
    NoCredentials,
    /// The server does not let these credentials do this.
    Denied,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is in another region.
    OtherRegion,
    /// The server asks to come again.
    Temporary,
    /// The server cannot be reached, or the connection ended before all was said.
    NoAnswer,
    /// The server answers with a page for people.
    NoS3,
    /// The object was replaced while it was read.
    Replaced,
    /// An object has a name that is no path, as `a//b` or `a/../b`.
    NoPath,
    /// Anything else.
    Refused,
}

/// A refusal, in place of the client's own error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Failure {
    /// What stands in the way.
    pub cause: Cause,
    /// What the server or the network said, without what it quoted.
    pub found: String,
    /// Where the credentials come from.
    pub credentials: Arc<str>,
}

impl S3Failure {
    pub(super) fn new(cause: Cause, found: String, credentials: &Arc<str>) -> Self {
        Self { cause, found, credentials: Arc::clone(credentials) }
    }

    /// Reads the client's error.
    pub(super) fn of(error: &object_store::Error, credentials: &Arc<str>) -> Self {
        if let Some(ours) = failure_in(error) {
            return ours.clone();
        }
        let text = error.to_string();
        let cause = cause(error, code(&text), status(&text), &text);
        Self::new(cause, words(error), credentials)
    }

    pub(super) fn into_store_error(self) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: Box::new(self) }
    }

    /// The finding, for something at `place`; `otherwise` is who must act where nothing else says.
    pub fn error(&self, place: &str, otherwise: Kind) -> Error {
        let credentials = &self.credentials;
        let found = self.found.as_str();
        let report = |title: &str| Report::new(title).at(place).found(found);
        match self.cause {
            Cause::NoCredentials => Error::new(
                Kind::Credentials,
                report("there are no credentials for S3")
                    .expected(format!("credentials from {credentials}"))
                    .hint("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives access; profiles of ~/.aws are put into the environment by `aws configure export-credentials --format env`"),
            ),
            Cause::Denied => Error::new(
                Kind::Credentials,
                report("S3 refuses these credentials")
                    .expected(format!("credentials that may do this; they come from {credentials}"))
                    .hint("correct or renew them, or grant s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, s3:DeleteObject on its objects"),
            ),
            Cause::NoBucket => Error::new(
                otherwise,
                report("there is no such bucket")
                    .expected("a bucket of this server")
                    .hint("make the bucket, or correct its name, the region or the endpoint"),
            ),
            Cause::OtherRegion => Error::config(
                report("the bucket is in another region")
                    .expected("the region of the bucket")
                    .hint("set `region` in [source.s3] or [output.s3], or AWS_REGION"),
            ),
            Cause::Temporary => Error::new(
                Kind::Store,
                report("S3 asks to come again later")
                    .expected("a server that does it within the tries that it is given")
                    .hint("run the same command again; `max_attempts` in [source.s3] and [output.s3], or AWS_MAX_ATTEMPTS, gives it more tries"),
            ),
            Cause::NoAnswer => Error::new(
                Kind::Store,
                report("S3 cannot be reached")
                    .expected("a server that answers")
                    .hint("check the network, and `endpoint` or AWS_ENDPOINT_URL, then run the same command again"),
            ),
            Cause::NoS3 => Error::config(
                report("this server does not speak S3")
                    .expected("an S3 server")
                    .hint("correct `endpoint` in [source.s3] or [output.s3], or AWS_ENDPOINT_URL"),
            ),
            Cause::Replaced => Error::new(
                Kind::Store,
                report(REPLACED)
                    .expected("the object that was found at first")
                    .hint("run the same command again: it sees the new one"),
            ),
            Cause::NoPath => Error::new(
                otherwise,
                report("an object has a name that is no path")
                    .expected("names without empty parts, `.` and `..` between their slashes")
                    .hint("rename or remove that object, or read another prefix"),
            ),
            Cause::Refused => Error::new(
                otherwise,
                report("S3 refuses the request")
                    .expected("a server that does what the client asks")
                    .hint("the server's own words are above; nothing that was there has changed"),
            ),
        }
    }
}

impl fmt::Display for S3Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)
    }
}

impl StdError for S3Failure {}

/// The refusal within an error, however deep.
pub fn failure_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a S3Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<S3Failure>() {
            return Some(found);
        }
        // A store's error shows its own cause as its source, but some hide it in a box.
        if let Some(object_store::Error::Generic { source, .. }) = error.downcast_ref() {
            next = Some(source.as_ref());
            continue;
        }
        next = error.source();
    }
    None
}

fn cause(
    error: &object_store::Error,
    code: Option<&str>,
    status: Option<u16>,
    text: &str,
) -> Cause {
    if is_no_path(error) {
        return Cause::NoPath;
    }
    match (code, status) {
        (Some("NoSuchBucket"), _) => return Cause::NoBucket,
        (
            Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "InvalidAccessKeyId"),
            _,
        ) => {
            return Cause::Denied;
        }
        (
            Some(
                "AuthorizationHeaderMalformed"
                | "PermanentRedirect"
                | "IllegalLocationConstraintException",
            ),
            _,
        )
        | (_, Some(301 | 307 | 308)) => return Cause::OtherRegion,
        (_, Some(401 | 403)) => return Cause::Denied,
        (None, Some(400 | 404 | 405)) if is_page(text) => return Cause::NoS3,
        (_, Some(408 | 429 | 500 | 502 | 503 | 504)) => return Cause::Temporary,
        _ => {}
    }
    if text.contains("redirect without LOCATION") {
        return Cause::OtherRegion;
    }
    match http_error(error).map(HttpError::kind) {
        Some(HttpErrorKind::Decode) | None => Cause::Refused,
        Some(_) => Cause::NoAnswer,
    }
}

/// What an error says, without what it quotes of the request.
pub(super) fn words(error: &(dyn StdError + 'static)) -> String {
    let text = error.to_string();
    let message = between(&text, "<Message>", "</Message>");
    let status = text.split_once("status code: ").map(|(_, rest)| {
        let line = rest.split(['<', '\n', '{']).next().unwrap_or_default();
        line.trim().trim_end_matches(':').to_owned()
    });
    let words = match (status, code(&text), message) {
        (Some(status), Some(code), Some(message)) => format!("{status}, {code}: {message}"),
        (Some(status), Some(code), None) => format!("{status}, {code}"),
        (Some(status), None, _) => status,
        (None, _, _) => deepest(error),
    };
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The last of the chain: the system's own word, such as `connection refused`.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let text = last.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    // A URL may carry what nobody should read.
    let text = text.split_whitespace().filter(|word| !word.contains("://"));
    text.collect::<Vec<_>>().join(" ")
}

/// Lists are refused as a whole for one such name.
fn is_no_path(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::InvalidPath { .. })
}

fn is_page(text: &str) -> bool {
    text.to_ascii_lowercase().contains("<html")
}

fn code(text: &str) -> Option<&str> {
    between(text, "<Code>", "</Code>")
}

fn status(text: &str) -> Option<u16> {
    text.split_once("status code: ")?.1.get(..3)?.parse().ok()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

fn http_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a HttpError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<HttpError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's words for a refusal with `body`.
    fn refused(status: &str, body: &str) -> object_store::Error {
        let text = format!(
            "Error performing GET http://h/b?list-type=2 in 1ms - Server returned non-2xx status code: {status}: {body}"
        );
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    fn of(status: &str, body: &str) -> S3Failure {
        S3Failure::of(&refused(status, body), &Arc::from("AWS_ACCESS_KEY_ID"))
    }

    #[test]
    fn only_code_and_message_are_passed_on() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match</Message><AWSAccessKeyId>AKIA1</AWSAccessKeyId><CanonicalRequest>x-amz-security-token:T0KEN</CanonicalRequest></Error>";
        let failure = of("403 Forbidden", body);
        assert_eq!(failure.cause, Cause::Denied);
        assert_eq!(failure.found, "403 Forbidden, SignatureDoesNotMatch: It does not match");
        let error = failure.error("s3://b/x", Kind::Output);
        assert_eq!(error.kind, Kind::Credentials);
        assert!(!format!("{error} {error:?}").contains("T0KEN"));
        assert_eq!(of("403 Forbidden", "{\"token\":\"T0KEN\"}").found, "403 Forbidden");
    }

    #[test]
    fn a_name_that_is_no_path_is_told_as_such() {
        let error = object_store::path::Path::parse("eod/a//b").unwrap_err().into();
        let failure = S3Failure::of(&error, &Arc::from("AWS_ACCESS_KEY_ID"));
        assert_eq!(failure.cause, Cause::NoPath);
        assert!(failure.found.contains("a//b"), "{failure}");
    }

    #[test]
    fn each_refusal_names_who_must_act() {
        let body = |code: &str| format!("<Error><Code>{code}</Code></Error>");
        let kind = |status, code: &str| of(status, &body(code)).error("s3://b", Kind::Output).kind;
        assert_eq!(kind("404 Not Found", "NoSuchBucket"), Kind::Output);
        assert_eq!(kind("403 Forbidden", "AccessDenied"), Kind::Credentials);
        assert_eq!(kind("400 Bad Request", "ExpiredToken"), Kind::Credentials);
        assert_eq!(kind("301 Moved Permanently", "PermanentRedirect"), Kind::Config);
        assert_eq!(kind("400 Bad Request", "AuthorizationHeaderMalformed"), Kind::Config);
        assert_eq!(kind("503 Service Unavailable", "SlowDown"), Kind::Store);
        assert_eq!(kind("400 Bad Request", "EntityTooLarge"), Kind::Output);
        let page = of("404 Not Found", "<!doctype html><HTML>Welcome</HTML>");
        assert_eq!(page.cause, Cause::NoS3);
        assert_eq!(page.error("s3://b", Kind::Output).kind, Kind::Config);
    }
}
