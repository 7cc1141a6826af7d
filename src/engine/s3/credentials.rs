//! Whose credentials a bucket is opened with: found as the client finds them, and named.
//!
//! In this order: `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY`; a web identity; the profile that `AWS_PROFILE`
//! names; the role of a container; the role of a pod; the role of the instance.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::{
    AmazonS3Builder, AmazonS3ConfigKey as Key, AwsCredential, AwsCredentialProvider,
};
use object_store::{CredentialProvider, RetryConfig};

use super::failure::{self, Cause, S3Failure};
use super::profile::{self, Origin};
use super::{is_on, unusable};
use crate::error::{Error, Kind, Report, Result};

/// A metadata service that is not there should not hold up a run for minutes.
const METADATA_RETRIES: usize = 2;

/// Where the credentials come from, in words without any secret, and what gives them.
pub(super) fn of(
    builder: &AmazonS3Builder,
    retry: &RetryConfig,
    variables: &[(String, String)],
) -> Result<(Arc<str>, AwsCredentialProvider)> {
    let has = |key| builder.get_config_value(&key).is_some();
    let name = |key| builder.get_config_value(&key).unwrap_or_default();
    let mut retry = retry.clone();
    let source = if is_on(builder, Key::SkipSignature) {
        "none: AWS_SKIP_SIGNATURE is set".to_owned()
    } else if has(Key::AccessKeyId) || has(Key::SecretAccessKey) {
        match (has(Key::AccessKeyId), has(Key::SecretAccessKey), has(Key::Token)) {
            (true, false, _) => {
                return Err(half_a_pair("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"));
            }
            (false, _, _) => return Err(half_a_pair("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
            (true, true, true) => "AWS_ACCESS_KEY_ID with AWS_SESSION_TOKEN".to_owned(),
            (true, true, false) => "AWS_ACCESS_KEY_ID".to_owned(),
        }
    } else if has(Key::WebIdentityTokenFile) && has(Key::RoleArn) {
        format!("the web identity in {} as {}", name(Key::WebIdentityTokenFile), name(Key::RoleArn))
    } else if let Some((source, origin)) = profile::of(variables)? {
        let source: Arc<str> = source.into();
        let inner: AwsCredentialProvider = match origin {
            Origin::Keys(keys) => Arc::new(keys),
            Origin::Process(process) => Arc::new(process),
        };
        return Ok((Arc::clone(&source), Arc::new(Named { inner, source })));
    } else if has(Key::ContainerCredentialsRelativeUri) {
        "the container's role, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI".to_owned()
    } else if has(Key::ContainerCredentialsFullUri) && has(Key::ContainerAuthorizationTokenFile) {
        "the pod's role, AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned()
    } else {
        retry.max_retries = retry.max_retries.min(METADATA_RETRIES);
        "the instance's role, as no AWS_ACCESS_KEY_ID is set".to_owned()
    };
    // The client finds the provider; we only name what comes of it.
    let store = builder.clone().with_retry(retry).build().map_err(|error| unusable(&error))?;
    let source: Arc<str> = source.into();
    let provider = Named { inner: Arc::clone(store.credentials()), source: Arc::clone(&source) };
    Ok((source, Arc::new(provider)))
}

fn half_a_pair(absent: &str, present: &str) -> Error {
    Error::new(
        Kind::Credentials,
        Report::new("half of the credentials of S3 is missing")
            .expected(format!("both {present} and {absent}"))
            .found(format!("{present} without {absent}"))
            .hint(format!("set {absent}, or neither where a role gives access")),
    )
}

/// A provider whose failure says where it looked.
#[derive(Debug)]
struct Named {
    inner: AwsCredentialProvider,
    source: Arc<str>,
}

#[async_trait]
impl CredentialProvider for Named {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.inner.get_credential().await.map_err(|error| {
            let found = failure::words(&error);
            S3Failure::new(Cause::NoCredentials, found, &self.source).into_store_error()
        })
    }
}
