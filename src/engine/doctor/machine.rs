//! This machine: memory, room for staging, and the certificates by which servers are known.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Check, SCARCE, folder, size};
use crate::{Error, Kind, Report};

/// Where systems keep the certificates of authorities.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Tries what every run needs; `variable` reads the environment. Certificates matter where `is_encrypted`: some
/// place is reached by https.
pub fn machine(variable: impl Fn(&str) -> Option<String>, is_encrypted: bool) -> Vec<Check> {
    let of = "machine";
    let mut checks = Vec::new();
    checks.extend(memory(of));
    checks.extend(folder::room(of, &std::env::temp_dir()));
    checks.push(certificates(of, variable, is_encrypted));
    checks
}

/// What is left of memory, or of the share that a container may have.
fn memory(of: &'static str) -> Option<Check> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10;
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
    Some(of_memory(of, available, limit))
}

fn of_memory(of: &'static str, available: u64, limit: Option<u64>) -> Check {
    let usable = limit.map_or(available, |limit| limit.min(available));
    let found = match limit {
        Some(limit) if limit < available => format!("{}, the limit of this container", size(limit)),
        _ => format!("{} available", size(available)),
    };
    if usable >= SCARCE {
        return Check::fine(of, "memory", found);
    }
    let report = Report::new("there is little memory")
        .at("this machine")
        .expected(format!("{} or more", size(SCARCE)))
        .found(found)
        .hint("run with `--threads 1`, which holds fewer tickers at a time, or give it more");
    Check::odd(of, "memory", report)
}

/// As the client finds them: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's.
fn certificates(
    of: &'static str,
    variable: impl Fn(&str) -> Option<String>,
    is_encrypted: bool,
) -> Check {
    let what = "certificates";
    let own = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, variable(name)));
    for (name, value) in &own {
        if let Some(value) = value.as_deref().filter(|value| !Path::new(value).exists()) {
            let error = no_certificates(format!("{name}={value}, which is not there"));
            return match is_encrypted {
                true => Check::broken(of, what, error),
                false => Check::fine(of, what, format!("{name} names nothing; not needed")),
            };
        }
    }
    if let [(_, Some(file)), _] = &own {
        return count(of, Path::new(file), is_encrypted);
    }
    if let [_, (_, Some(folder))] = &own {
        return Check::fine(of, what, format!("those in {folder}, from SSL_CERT_DIR"));
    }
    match BUNDLES.iter().map(PathBuf::from).find(|bundle| bundle.is_file()) {
        Some(bundle) => count(of, &bundle, is_encrypted),
        None if !is_encrypted => Check::fine(of, what, "none found; not needed"),
        None => Check::broken(of, what, no_certificates("none where systems keep them".to_owned())),
    }
}

fn count(of: &'static str, bundle: &Path, is_encrypted: bool) -> Check {
    let text = fs::read(bundle).unwrap_or_default();
    let n = String::from_utf8_lossy(&text).matches("-----BEGIN CERTIFICATE-----").count();
    let found = format!("{n} in {}", bundle.display());
    match n == 0 && is_encrypted {
        true => Check::broken(of, "certificates", no_certificates(found)),
        false => Check::fine(of, "certificates", found),
    }
}

fn no_certificates(found: String) -> Error {
    let report = Report::new("there are no certificates by which to know a server")
        .at("this machine")
        .expected("a bundle of the certificates of authorities, for https")
        .found(found)
        .hint("install ca-certificates, or point SSL_CERT_FILE to a bundle");
    Error::new(Kind::Store, report)
}

#[cfg(test)]
mod tests {
    use super::super::Standing;
    use super::*;

    #[test]
    fn a_container_has_what_it_may_have_and_little_is_told() {
        let gib = 1_u64 << 30;
        let found = |available, limit| match of_memory("machine", available, limit).standing {
            Standing::Fine(found) => found,
            Standing::Odd(report) => report.title,
            Standing::Broken(error) => panic!("{error}"),
        };
        assert_eq!(found(8 * gib, None), "8.0 GiB available");
        assert_eq!(found(8 * gib, Some(2 * gib)), "2.0 GiB, the limit of this container");
        assert_eq!(found(8 * gib, Some(gib / 2)), "there is little memory");
        assert_eq!(found(gib / 2, None), "there is little memory");
    }

    #[test]
    fn certificates_are_those_that_the_variable_names() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("ca.pem");
        fs::write(&bundle, "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
            .unwrap();
        let check = |file: &Path, is_encrypted| {
            let variable =
                |name: &str| (name == "SSL_CERT_FILE").then(|| file.display().to_string());
            certificates("machine", variable, is_encrypted)
        };
        let Standing::Fine(found) = check(&bundle, true).standing else { panic!("one") };
        assert!(found.starts_with("1 in "), "{found}");
        let absent = folder.path().join("none.pem");
        assert!(check(&absent, true).is_broken() && !check(&absent, false).is_broken());
        fs::write(&bundle, "").unwrap();
        assert!(check(&bundle, true).is_broken() && !check(&bundle, false).is_broken());
    }
}
