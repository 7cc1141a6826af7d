//! `[source.s3]` and `[output.s3]`: how a bucket is reached. Never with which credentials: those come
//! from the environment, so that a pipeline file can be shown to anybody.

use super::{fields::Fields, value::Placed};

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
}

impl S3 {
    /// Reads the table.
    pub fn read(mut fields: Fields<'_>) -> Self {
        let at = fields.at();
        let endpoint = fields.optional("endpoint", "endpoint = \"https://s3.example.com\"");
        let region = fields.optional("region", "region = \"eu-central-1\"");
        let path_style = fields.optional("path_style", "path_style = false");
        let allow_http = fields.optional("allow_http", "allow_http = true");
        fields.finish();
        Self { at, endpoint, region, path_style, allow_http }
    }
}
