//! Buckets: how one is reached, with whose credentials, and what its refusals mean.
//!
//! Settings come from the pipeline file, and where that is silent from the variables `AWS_…` that
//! other tools read too. Credentials come from variables, profiles or roles, never from the pipeline file.

mod credentials;
mod endpoint;
mod failure;
mod profile;
mod store;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

pub(crate) use failure::REPLACED;
pub use failure::{Cause, S3Failure, failure_in};
pub use upload::set_put_bytes;
pub(crate) use upload::upload;

use crate::error::{Error, Report, Result};
use store::S3Store;

/// How a bucket is reached, as far as the pipeline file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// URL of the server; Amazon's own where there is none.
    pub endpoint: Option<String>,
    /// Region that requests are signed for.
    pub region: Option<String>,
    /// `https://host/bucket/key` instead of `https://bucket.host/key`.
    pub path_style: Option<bool>,
    /// Whether an endpoint may be reached without encryption: for servers of tests.
    pub allow_http: Option<bool>,
    /// How often a request is tried.
    pub max_attempts: Option<usize>,
    /// The wait before the second try; the following ones are drawn from a range that widens.
    pub retry_wait: Option<Duration>,
    /// How long one try may take, answer and all.
    pub timeout: Option<Duration>,
}

/// A folder on this machine, or a bucket with a prefix and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// A path or `s3://bucket/prefix`.
    pub path: String,
    /// How the bucket is reached, where it is one.
    pub s3: S3Settings,
}

impl Place {
    /// The bucket, where it is in one.
    pub fn bucket(&self) -> Option<&str> {
        bucket_of(&self.path)
    }
}

/// Settings from the environment only.
impl<T: AsRef<str> + ?Sized> From<&T> for Place {
    fn from(path: &T) -> Self {
        Self { path: path.as_ref().to_owned(), s3: S3Settings::default() }
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// The bucket of `s3://bucket/…`.
pub fn bucket_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("s3://")?;
    Some(rest.split_once('/').map_or(rest, |(bucket, _)| bucket))
}

/// What follows the bucket, letter by letter as it was written: the names of objects are not encoded.
///
/// # Errors
/// [`crate::Kind::Config`] for empty parts, `.` and `..`.
pub fn prefix_of(path: &str) -> Result<Path> {
    let rest = path.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    prefix(rest.map_or("", |(_, prefix)| prefix))
}

/// `names` between their slashes, letter by letter.
///
/// # Errors
/// As [`prefix_of`].
pub(crate) fn prefix(names: &str) -> Result<Path> {
    Path::parse(names).map_err(|error| {
        Error::config(
            Report::new("this cannot be a prefix of objects")
                .expected("names without empty parts, `.` and `..` between their slashes")
                .found(error.to_string())
                .hint("write it as the objects are called, without relative parts"),
        )
    })
}

/// Variables of this process that speak of S3, and the home that profiles lie in; one that is set to nothing counts
/// as not set.
fn variables() -> Vec<(String, String)> {
    let all = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let is_ours = |name: &str| name.starts_with("AWS_") || name == "HOME";
    all.filter(|(name, value)| is_ours(name) && !value.is_empty()).collect()
}

/// Opens a bucket; nothing is asked of the server yet.
///
/// # Errors
/// [`crate::Kind::Config`] for settings that cannot be; [`crate::Kind::Credentials`] for half a pair of keys.
pub fn open(bucket: &str, settings: &S3Settings) -> Result<Arc<dyn ObjectStore>> {
    open_with(bucket, settings, &variables())
}

/// As [`open`], of a bucket that is asked whether it answers: two tries, unless `AWS_MAX_ATTEMPTS` says otherwise.
///
/// # Errors
/// Those of [`open`].
pub fn open_briefly(bucket: &str, settings: &S3Settings) -> Result<(Arc<dyn ObjectStore>, Access)> {
    let variables = variables();
    let is_said = variables.iter().any(|(name, _)| name == ATTEMPTS);
    let max_attempts = if is_said { None } else { Some(2) };
    let client = client(bucket, &S3Settings { max_attempts, ..settings.clone() }, &variables)?;
    let access = client.access();
    Ok((client.store(bucket)?, access))
}

/// How a bucket is reached and as whom, in words without any secret.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where the credentials come from.
    pub source: Arc<str>,
    /// URL of the server, or Amazon's name.
    pub endpoint: String,
    /// Region that requests are signed for.
    pub region: Option<String>,
    provider: AwsCredentialProvider,
}

impl Access {
    /// The name of the key that requests are signed with, its middle left out; it is no secret, but who shows it
    /// around need not show all of it.
    ///
    /// # Errors
    /// [`crate::Kind::Credentials`]: there are none.
    pub async fn identity(&self, place: &str) -> Result<String> {
        match self.provider.get_credential().await {
            Ok(found) => {
                let letters: Vec<char> = found.key_id.chars().collect();
                let end = |n: usize| {
                    letters.iter().skip(letters.len().saturating_sub(n)).collect::<String>()
                };
                let start: String = letters.iter().take(4).collect();
                let session = if found.token.is_some() { " of a session" } else { "" };
                Ok(format!("key {start}…{}{session}", end(4)))
            }
            Err(error) => Err(match failure_in(&error) {
                Some(failure) => failure.error(place, crate::Kind::Credentials),
                None => Error::bug(format!("{place}: {error}")),
            }),
        }
    }
}

/// The variable that says how often a request is tried.
const ATTEMPTS: &str = "AWS_MAX_ATTEMPTS";

fn open_with(
    bucket: &str,
    settings: &S3Settings,
    variables: &[(String, String)],
) -> Result<Arc<dyn ObjectStore>> {
    client(bucket, settings, variables)?.store(bucket)
}

/// What a bucket's store is made of.
struct Client {
    builder: AmazonS3Builder,
    source: Arc<str>,
    provider: AwsCredentialProvider,
    retry: RetryConfig,
}

impl Client {
    fn store(self, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
        let builder = self.builder.with_retry(self.retry.clone());
        let store = builder.with_credentials(self.provider).build();
        let store = store.map_err(|error| unusable(&error))?;
        Ok(Arc::new(S3Store::new(Arc::new(store), bucket, self.source, &self.retry)))
    }

    fn access(&self) -> Access {
        let value = |key| self.builder.get_config_value(&key);
        let endpoint = value(AmazonS3ConfigKey::S3Endpoint);
        Access {
            source: Arc::clone(&self.source),
            endpoint: endpoint.unwrap_or_else(|| "Amazon S3".to_owned()),
            region: value(AmazonS3ConfigKey::Region),
            provider: Arc::clone(&self.provider),
        }
    }
}

fn client(bucket: &str, settings: &S3Settings, variables: &[(String, String)]) -> Result<Client> {
    if !is_bucket_name(bucket) {
        return Err(Error::config(
            Report::new("this cannot be the name of a bucket")
                .expected(
                    "3 to 63 lowercase letters, digits, dots and hyphens, as in s3://prices/eod/",
                )
                .found(format!("s3://{bucket}"))
                .hint("correct the name behind s3://"),
        ));
    }
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
    for (name, value) in variables {
        if let Ok(key) = name.to_ascii_lowercase().parse()
            && key != AmazonS3ConfigKey::Bucket
        {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    let builder = endpoint::set(builder, bucket, settings)?;
    let builder = match settings.timeout {
        Some(timeout) => builder.with_config(
            AmazonS3ConfigKey::Client(ClientConfigKey::Timeout),
            format!("{}ms", timeout.as_millis()),
        ),
        None => builder,
    };
    let retry = retry(settings, variables);
    let (source, provider) = credentials::of(&builder, &retry, variables)?;
    Ok(Client { builder, source, provider, retry })
}

/// How often a request is tried where nobody says: with these waits for a minute or so.
const ATTEMPTS_DEFAULT: usize = 20;
/// After this time nothing is tried again: a request is signed once, and a signature ages.
const RETRY_TIMEOUT: Duration = Duration::from_secs(3 * 60);

/// As often as the file or `AWS_MAX_ATTEMPTS` says.
///
/// Each wait is drawn between the first one and three times the one before, 15 s at most (decorrelated jitter:
/// Brooker 2015, "Exponential Backoff And Jitter"), so that runs which were throttled together do not come back
/// together. The client's own default is twice the one before, which grows by a twentieth of a second a try: ten
/// of them are over in three seconds, and no throttling is.
fn retry(settings: &S3Settings, variables: &[(String, String)]) -> RetryConfig {
    let variable = variables.iter().find(|(name, _)| name == ATTEMPTS);
    let variable = || variable.and_then(|(_, value)| value.parse::<usize>().ok());
    let attempts = settings.max_attempts.or_else(variable).unwrap_or(ATTEMPTS_DEFAULT);
    let defaults = BackoffConfig::default();
    let init_backoff = settings.retry_wait.unwrap_or(defaults.init_backoff);
    let max_backoff = defaults.max_backoff.max(init_backoff);
    RetryConfig {
        backoff: BackoffConfig { init_backoff, max_backoff, base: 3.0 },
        max_retries: attempts.saturating_sub(1),
        retry_timeout: RETRY_TIMEOUT,
    }
}

/// Settings that no client can be made of. They hold no secret: keys are not parsed.
fn unusable(error: &object_store::Error) -> Error {
    let cause =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    Error::config(
        Report::new("the settings of S3 cannot be used")
            .expected("AWS_ENDPOINT_URL a URL, AWS_ALLOW_HTTP and its like true or false")
            .found(cause)
            .hint("correct the variable"),
    )
}

/// As Amazon allows them; other servers allow no more.
fn is_bucket_name(name: &str) -> bool {
    let is_letter =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    (3..=63).contains(&name.len())
        && name.chars().all(is_letter)
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
        && !name.contains("..")
}

/// Whether a builder's setting is switched on.
fn is_on(builder: &AmazonS3Builder, key: AmazonS3ConfigKey) -> bool {
    let value = builder.get_config_value(&key);
    value.is_some_and(|value| {
        matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "t" | "y")
    })
}

/// Whether an endpoint may be reached without encryption.
fn allows_http(builder: &AmazonS3Builder) -> bool {
    is_on(builder, AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp))
}

#[cfg(test)]
mod tests;
