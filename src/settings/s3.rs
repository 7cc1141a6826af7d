//! `[source.s3]` and `[output.s3]`: how a bucket is reached. Never with which credentials: those come
//! from the environment, so that a pipeline file can be shown to anybody.

use std::time::Duration;

use super::{fields::Fields, range::Attempts, value::Placed};

/// `[….s3]`
#[derive(Clone, Debug)]
pub struct S3 {
    /// Where the table's name stands.
    pub at: Option<usize>,
    /// URL of the server.
    pub endpoint: Option<Placed<String>>,
    /// Region that requests are signed for.
    pub region: Option<Placed<String>>,
    /// `https://host/bucket/key` instead of `https://bucket.host/key`.
    pub path_style: Option<Placed<bool>>,
    /// Whether `endpoint` may be http.
    pub allow_http: Option<Placed<bool>>,
    /// How often a request is tried.
    pub max_attempts: Option<Placed<Attempts>>,
    /// The wait before the second try.
    pub retry_wait: Option<Placed<Duration>>,
    /// How long one try may take, answer and all.
    pub timeout: Option<Placed<Duration>>,
}

impl S3 {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let at = fields.at();
        let endpoint = fields.optional("endpoint", "endpoint = \"https://s3.example.com\"");
        let region = fields.optional("region", "region = \"eu-central-1\"");
        let path_style = fields.optional("path_style", "path_style = false");
        let allow_http = fields.optional("allow_http", "allow_http = true");
        let max_attempts = fields.optional("max_attempts", "max_attempts = 20");
        let retry_wait = fields.optional("retry_wait", "retry_wait = \"100ms\"");
        let timeout = fields.optional("timeout", "timeout = \"30s\"");
        fields.finish();
        Self { at, endpoint, region, path_style, allow_http, max_attempts, retry_wait, timeout }
    }
}
