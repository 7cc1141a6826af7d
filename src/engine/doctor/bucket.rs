//! A bucket: whose credentials, list, get, put, put unless it is there, and the server's clock.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use super::Check;
use crate::s3::{self, Access, Place, failure_in};
use crate::{Error, Kind, Report};

/// Requests are refused by servers whose clock is a quarter of an hour away.
const SKEW_REFUSED_S: i64 = 15 * 60;

/// Told, though it works: clocks that are set are seconds apart.
const SKEW_TOLD_S: i64 = 60;

/// Tries what reading needs: credentials, list, and a piece of an object.
pub async fn read_bucket(of: &'static str, place: &Place) -> Vec<Check> {
    let mut checks = Vec::new();
    let Some((store, prefix)) = reached(of, place, &mut checks).await else { return checks };
    let listed = store.list(Some(&prefix)).try_next().await;
    let object = match listed.map_err(|error| refused(&place.path, &error, Kind::Data)) {
        Ok(object) => object,
        Err(error) => return with(checks, Check::broken(of, "list", error)),
    };
    let Some(object) = object else {
        let report = Report::new("there is no object to read")
            .at(place.path.as_str())
            .expected("Parquet files")
            .found("an empty list")
            .hint("correct `source.path`, or put the files there");
        return with(checks, Check::broken(of, "list", Error::data(report)));
    };
    checks.push(Check::fine(of, "list", format!("the first is {}", object.location)));
    let piece = store.get_range(&object.location, 0..object.size.min(4)).await;
    checks.push(match piece {
        Ok(piece) => {
            let found = format!("{} of {} bytes of it", piece.len(), object.size);
            Check::fine(of, "get", found)
        }
        Err(error) => Check::broken(of, "get", refused(&place.path, &error, Kind::Data)),
    });
    checks
}

/// Tries what writing needs, on an object of its own below `_state/doctor/`, which is gone afterwards; `name` is
/// nobody else's. `now` is the time on this machine.
pub async fn write_bucket(
    of: &'static str,
    place: &Place,
    name: &str,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    let Some((store, prefix)) = reached(of, place, &mut checks).await else { return checks };
    let listed = store.list(Some(&prefix)).try_next().await;
    if let Err(error) = listed {
        let error = refused(&place.path, &error, Kind::Output);
        return with(checks, Check::broken(of, "list", error));
    }
    checks.push(Check::fine(of, "list", place.path.as_str()));
    let probe = Probe {
        of,
        place: &place.path,
        objects: ["put", "conditional"].map(|what| {
            let path = format!("{prefix}/_state/doctor/{name}-{what}");
            Path::from(path.trim_start_matches('/'))
        }),
        store,
    };
    probe.try_all(now, &mut checks).await;
    checks.extend(probe.sweep().await);
    checks
}

/// Opens a bucket and asks for credentials; what does not work is added to `checks`.
async fn reached(
    of: &'static str,
    place: &Place,
    checks: &mut Vec<Check>,
) -> Option<(Arc<dyn ObjectStore>, Path)> {
    let opened = || {
        let prefix = s3::prefix_of(&place.path)?;
        let (store, access) = s3::open_briefly(place.bucket().unwrap_or_default(), &place.s3)?;
        Ok((store, access, prefix))
    };
    let (store, access, prefix) = match opened() {
        Ok(opened) => opened,
        Err(mut error) => {
            at(&mut error, &place.path);
            checks.push(Check::broken(of, "settings", error));
            return None;
        }
    };
    let Access { source, endpoint, region, .. } = &access;
    let region = region.as_deref().unwrap_or("us-east-1");
    checks.push(Check::fine(
        of,
        "settings",
        format!("{} at {endpoint}, region {region}", place.path),
    ));
    // Where requests are not signed, nobody is asked who signs them.
    if source.starts_with("none") {
        checks.push(Check::fine(of, "credentials", source.as_ref()));
        return Some((store, prefix));
    }
    match access.identity(&place.path).await {
        Ok(identity) => {
            checks.push(Check::fine(of, "credentials", format!("{identity}, from {source}")));
            Some((store, prefix))
        }
        Err(error) => {
            checks.push(Check::broken(of, "credentials", error));
            None
        }
    }
}

struct Probe<'a> {
    of: &'static str,
    place: &'a str,
    /// That of plain puts, and that of conditional ones.
    objects: [Path; 2],
    store: Arc<dyn ObjectStore>,
}

impl Probe<'_> {
    async fn try_all(&self, now: DateTime<Utc>, checks: &mut Vec<Check>) {
        const CONTENT: &str = "oddlot doctor";
        let (of, [object, _]) = (self.of, &self.objects);
        let put = self.store.put(object, CONTENT.into()).await;
        if let Err(error) = put {
            checks.push(Check::broken(of, "put", refused(self.place, &error, Kind::Output)));
            return;
        }
        checks.push(Check::fine(of, "put", object.as_ref()));
        let read = async {
            let found = self.store.get(object).await?;
            let meta = found.meta.clone();
            Ok::<_, object_store::Error>((meta, found.bytes().await?))
        };
        match read.await {
            Ok((meta, bytes)) if bytes == CONTENT => {
                checks.push(Check::fine(of, "get", "what was put"));
                checks.push(clock(of, self.place, &meta, now));
            }
            Ok((_, bytes)) => {
                let report = Report::new("the bucket gives back something else than was put")
                    .at(self.place)
                    .expected(CONTENT)
                    .found(format!("{} bytes of something else", bytes.len()))
                    .hint("use a server that is consistent after a put");
                checks.push(Check::broken(of, "get", Error::new(Kind::Output, report)));
            }
            Err(error) => {
                checks.push(Check::broken(of, "get", refused(self.place, &error, Kind::Output)));
            }
        }
        checks.push(self.conditional().await);
    }

    /// A put that must not replace: the first succeeds, the second is refused.
    async fn conditional(&self) -> Check {
        let (of, [_, object]) = (self.of, &self.objects);
        let put = async |text: &'static str| {
            let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
            self.store.put_opts(object, text.into(), options).await
        };
        let missing = |found: String| {
            Report::new("the server has no conditional put")
                .at(self.place)
                .expected("a put with If-None-Match: * that does not replace what is there")
                .found(found)
                .hint("let one machine write to this output at a time: nothing else would tell two from each other; or use a server that has it")
        };
        if let Err(error) = put("first").await {
            let error =
                match failure_in(&error).map(|failure| failure.error(self.place, Kind::Output)) {
                    Some(error) if matches!(error.kind, Kind::Credentials | Kind::Store) => error,
                    _ => return Check::odd(of, "conditional put", missing(words(&error))),
                };
            return Check::broken(of, "conditional put", error);
        }
        match put("second").await {
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Check::fine(of, "conditional put", "the second was refused, as it should be"),
            Err(error) => {
                Check::broken(of, "conditional put", refused(self.place, &error, Kind::Output))
            }
            Ok(_) => Check::odd(
                of,
                "conditional put",
                missing("the second put replaced the first".to_owned()),
            ),
        }
    }

    /// Takes away what was put; a check only where that does not work.
    async fn sweep(&self) -> Option<Check> {
        for object in &self.objects {
            match self.store.delete(object).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    let mut error = refused(self.place, &error, Kind::Output);
                    if let Some(report) = error.reports.first_mut() {
                        report.hint = Some(format!("grant s3:DeleteObject, and remove {object}"));
                    }
                    return Some(Check::broken(self.of, "delete", error));
                }
            }
        }
        None
    }
}

/// The server's clock, as it dated an object that was put now.
fn clock(of: &'static str, place: &str, meta: &ObjectMeta, now: DateTime<Utc>) -> Check {
    let skew = (meta.last_modified - now).num_seconds();
    if skew.abs() <= SKEW_TOLD_S {
        return Check::fine(of, "clock", format!("{} s away from the server's", skew.abs()));
    }
    let which = if skew > 0 { "behind" } else { "ahead of" };
    Check::odd(
        of,
        "clock",
        Report::new("the clocks of this machine and of the server differ")
            .at(place)
            .expected(format!("less than {SKEW_REFUSED_S} s, beyond which servers refuse requests"))
            .found(format!("this machine is {} s {which} the server", skew.abs()))
            .hint("set the clock, as with `timedatectl set-ntp true`"),
    )
}

fn refused(place: &str, error: &object_store::Error, otherwise: Kind) -> Error {
    match failure_in(error) {
        Some(failure) => failure.error(place, otherwise),
        None => Error::new(
            otherwise,
            Report::new("the bucket does not do what it is asked")
                .at(place)
                .expected("a server that does what the client asks")
                .found(words(error)),
        ),
    }
}

fn words(error: &object_store::Error) -> String {
    failure_in(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn at(error: &mut Error, place: &str) {
    for report in &mut error.reports {
        report.place.get_or_insert_with(|| place.to_owned());
    }
}

fn with(mut checks: Vec<Check>, last: Check) -> Vec<Check> {
    checks.push(last);
    checks
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn a_clock_that_is_minutes_away_is_told_with_its_direction() {
        let now = DateTime::from_timestamp(1_770_000_000, 0).unwrap();
        let meta = |after: i64| ObjectMeta {
            location: Path::from("x"),
            last_modified: now + chrono::Duration::seconds(after),
            size: 1,
            e_tag: None,
            version: None,
        };
        let told = |after| match clock("output", "s3://b", &meta(after), now).standing {
            Standing::Fine(found) => found,
            Standing::Odd(report) => report.found.unwrap(),
            Standing::Broken(error) => panic!("{error}"),
        };
        assert_eq!(told(-1), "1 s away from the server's");
        assert_eq!(told(600), "this machine is 600 s behind the server");
        assert_eq!(told(-61), "this machine is 61 s ahead of the server");
    }
}
