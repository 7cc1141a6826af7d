//! How buckets are reached, and whether the file says so where there is one.

use oddlot_engine::Report;
use oddlot_engine::s3::{S3Settings, bucket_of};

use crate::settings::{Mistakes, Settings, s3::S3, value::Placed};

/// What the file says of a bucket, as the engine takes it.
pub(super) fn settings(s3: Option<&S3>) -> S3Settings {
    let Some(s3) = s3 else { return S3Settings::default() };
    let text = |placed: &Option<Placed<String>>| placed.as_ref().map(|p| p.value.clone());
    S3Settings {
        endpoint: text(&s3.endpoint),
        region: text(&s3.region),
        path_style: s3.path_style.as_ref().map(|p| p.value),
        allow_http: s3.allow_http.as_ref().map(|p| p.value),
        max_attempts: s3.max_attempts.as_ref().map(|p| p.value.get()),
        retry_wait: s3.retry_wait.as_ref().map(|p| p.value),
        timeout: s3.timeout.as_ref().map(|p| p.value),
    }
}

/// Tells of a table without a bucket, and of one bucket that is to be reached in two ways.
pub(super) fn check(settings: &Settings, mistakes: &Mistakes<'_>) {
    let source = settings.source.as_ref().map(|s| ("source.path", &s.path, s.s3.as_ref()));
    let output = settings.output.as_ref().map(|o| ("output.root", &o.root, o.s3.as_ref()));
    for (key, path, s3) in [source, output].into_iter().flatten() {
        let Some(s3) = s3.filter(|_| bucket_of(&path.value).is_none()) else { continue };
        let table = key.split('.').next().unwrap_or_default();
        let report = Report::new(format!("[{table}.s3] has no bucket"))
            .expected(format!("`{key}` in a bucket, s3://bucket/…"))
            .found(super::source::shown(path))
            .hint(format!("delete [{table}.s3], or name the bucket"));
        mistakes.add(s3.at, report);
    }
    let (Some((_, from, one)), Some((_, to, other))) = (source, output) else { return };
    let bucket = bucket_of(&from.value);
    if bucket.is_some()
        && bucket == bucket_of(&to.value)
        && self::settings(one) != self::settings(other)
    {
        let report = Report::new("one bucket is to be reached in two ways")
            .expected("[source.s3] and [output.s3] alike where both are in one bucket")
            .found(format!("{} and {}", super::source::shown(from), super::source::shown(to)))
            .hint("write the same keys in both tables, or leave both to the variables AWS_…");
        mistakes.add(other.or(one).and_then(|s3| s3.at), report);
    }
}
