//! Where the server is, and how a bucket is named there.

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::{S3Settings, allows_http, is_on};
use crate::error::{Error, Report, Result};

/// Puts endpoint and style of addressing into `builder`, which has the variables already.
///
/// The client takes an endpoint of the virtual-hosted style with the bucket in it; here, as with
/// other tools, it is named without, and the bucket is put in front.
pub(super) fn set(
    builder: AmazonS3Builder,
    bucket: &str,
    settings: &S3Settings,
) -> Result<AmazonS3Builder> {
    let variable = |key| builder.get_config_value(&key);
    let from_variable = || {
        variable(AmazonS3ConfigKey::S3Endpoint).or_else(|| variable(AmazonS3ConfigKey::Endpoint))
    };
    let endpoint = settings.endpoint.clone().or_else(from_variable);
    let may_be_http = settings.allow_http.unwrap_or_else(|| allows_http(&builder));
    let is_virtual = match settings.path_style {
        Some(path_style) => !path_style,
        None => is_on(&builder, AmazonS3ConfigKey::VirtualHostedStyleRequest),
    };
    let builder =
        builder.with_virtual_hosted_style_request(is_virtual).with_allow_http(may_be_http);
    let Some(endpoint) = endpoint else { return Ok(builder) };
    let endpoint = checked(&endpoint, may_be_http)?;
    let endpoint = if is_virtual { with_bucket(endpoint, bucket) } else { endpoint.to_owned() };
    // A variable for S3 alone would win over the general one.
    Ok(builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint))
}

/// A URL of a scheme that is allowed, without the slash at its end.
fn checked(endpoint: &str, may_be_http: bool) -> Result<&str> {
    let found = without_user(endpoint);
    let report = |title: &str| Report::new(title).found(found.clone());
    let host = match endpoint.split_once("://") {
        Some(("https", host)) => host,
        Some(("http", host)) if may_be_http => host,
        Some(("http", _)) => {
            return Err(Error::config(
                report("the endpoint of S3 is not encrypted")
                    .expected("https://…, or leave to do without")
                    .hint("for a test server set `allow_http = true` in [source.s3] and [output.s3], or AWS_ALLOW_HTTP=true"),
            ));
        }
        _ => "",
    };
    if host.is_empty()
        || host.starts_with('/')
        || host.contains(char::is_whitespace)
        || host.contains('@')
    {
        return Err(Error::config(
            report("the endpoint of S3 is no URL")
                .expected("https://host or https://host:port")
                .hint("correct `endpoint` in [source.s3] or [output.s3], or AWS_ENDPOINT_URL"),
        ));
    }
    Ok(endpoint.trim_end_matches('/'))
}

/// A URL without the user and password that some put into it.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

/// `https://host` as `https://bucket.host`.
fn with_bucket(endpoint: &str, bucket: &str) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) if !host.starts_with(&format!("{bucket}.")) => {
            format!("{scheme}://{bucket}.{host}")
        }
        _ => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_goes_in_front_of_the_host_once() {
        assert_eq!(with_bucket("https://s3.example.com", "eod"), "https://eod.s3.example.com");
        assert_eq!(with_bucket("https://eod.s3.example.com", "eod"), "https://eod.s3.example.com");
    }

    #[test]
    fn an_endpoint_is_https_unless_http_is_allowed_and_tells_no_password() {
        assert_eq!(checked("https://s3.example.com/", false).unwrap(), "https://s3.example.com");
        assert_eq!(checked("http://127.0.0.1:9000", true).unwrap(), "http://127.0.0.1:9000");
        let refused = checked("http://127.0.0.1:9000", false).unwrap_err();
        assert_eq!(refused.reports[0].title, "the endpoint of S3 is not encrypted");
        for wrong in ["127.0.0.1:9000", "ftp://x", "https://", "https:///x", "https://a b"] {
            assert_eq!(
                checked(wrong, true).unwrap_err().reports[0].title,
                "the endpoint of S3 is no URL"
            );
        }
        let refused = checked("https://me:secret@host", false).unwrap_err();
        assert_eq!(refused.reports[0].found.as_deref(), Some("https://…@host"));
    }
}
