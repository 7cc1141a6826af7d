//! A profile that `AWS_PROFILE` names: its keys, or the process that gives them.
//!
//! Of `~/.aws/config` and `~/.aws/credentials` (or `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`) two things are
//! understood: keys, and `credential_process`, through which every other way can be had. A profile of another kind
//! (SSO, a role to assume) is not guessed at: the message names the command that puts it into the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, StaticCredentialProvider};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Error, Kind, Report, Result};

/// A process is asked again after this time: what it gives lasts a quarter of an hour at least.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// What a profile holds, by its keys.
type Entries = BTreeMap<String, String>;

/// Where the credentials of a profile come from.
#[derive(Debug)]
pub(super) enum Origin {
    /// Keys of a file.
    Keys(StaticCredentialProvider<AwsCredential>),
    /// The output of a command.
    Process(Process),
}

/// The profile that the variables name, if they name one.
///
/// # Errors
/// [`Kind::Credentials`]: there is no such profile, or it says something else than is understood here.
pub(super) fn of(variables: &[(String, String)]) -> Result<Option<(String, Origin)>> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let Some(name) = variable("AWS_PROFILE").or_else(|| variable("AWS_DEFAULT_PROFILE")) else {
        return Ok(None);
    };
    let below_home =
        |file: &str| Path::new(variable("HOME").unwrap_or("/")).join(".aws").join(file);
    let file =
        |name: &str, file: &str| variable(name).map_or_else(|| below_home(file), PathBuf::from);
    let files =
        [file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
    let mut entries = None;
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if let Some(found) = section(&text, name) {
            entries.get_or_insert_with(Entries::new).extend(found);
        }
    }
    let places = files.map(|path| path.display().to_string()).join(", ");
    let Some(entries) = entries else { return Err(absent(name, &places)) };
    let origin = match (entries.get("aws_access_key_id"), entries.get("aws_secret_access_key")) {
        (Some(key_id), Some(secret_key)) => {
            Origin::Keys(StaticCredentialProvider::new(AwsCredential {
                key_id: key_id.clone(),
                secret_key: secret_key.clone(),
                token: entries.get("aws_session_token").cloned(),
            }))
        }
        _ => match entries.get("credential_process") {
            Some(command) => Origin::Process(Process::new(command)),
            None => return Err(not_understood(name, &entries)),
        },
    };
    let what = match &origin {
        Origin::Keys(_) => "the keys",
        Origin::Process(_) => "the credential_process",
    };
    Ok(Some((format!("{what} of the profile {name}, AWS_PROFILE"), origin)))
}

/// The entries of `[name]` or `[profile name]`.
fn section(text: &str, name: &str) -> Option<Entries> {
    let mut found = None;
    let mut is_ours = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(title) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let title = title.trim();
            let title = title.strip_prefix("profile ").map_or(title, str::trim);
            is_ours = title == name;
            if is_ours {
                found.get_or_insert_with(Entries::new);
            }
            continue;
        }
        // Indented lines belong to the setting above them.
        let is_nested = line.starts_with(char::is_whitespace);
        if let (true, false, Some((key, value))) = (is_ours, is_nested, trimmed.split_once('='))
            && let Some(entries) = &mut found
        {
            entries.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

fn absent(name: &str, places: &str) -> Error {
    Error::new(
        Kind::Credentials,
        Report::new("there is no such profile")
            .at(format!("AWS_PROFILE={name}"))
            .expected(format!("a profile of {places}"))
            .found("none of that name")
            .hint("correct AWS_PROFILE, or unset it where a role gives access"),
    )
}

fn not_understood(name: &str, entries: &Entries) -> Error {
    let keys: Vec<&str> = entries.keys().map(String::as_str).collect();
    Error::new(
        Kind::Credentials,
        Report::new("this profile cannot be resolved here")
            .at(format!("AWS_PROFILE={name}"))
            .expected("aws_access_key_id with aws_secret_access_key, or credential_process")
            .found(match keys.is_empty() {
                true => "an empty profile".to_owned(),
                false => keys.join(", "),
            })
            .hint(format!(
                "let the AWS CLI do it: eval \"$(aws configure export-credentials --profile {name} --format env)\"; unset AWS_PROFILE"
            )),
    )
}

/// A command that prints credentials, as AWS describes it ("Sourcing credentials with an external process").
#[derive(Debug)]
pub(super) struct Process {
    command: String,
    kept: Mutex<Option<(Arc<AwsCredential>, Instant)>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl Process {
    fn new(command: &str) -> Self {
        Self { command: command.to_owned(), kept: Mutex::new(None) }
    }
}

#[async_trait]
impl CredentialProvider for Process {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut kept = self.kept.lock().await;
        if let Some((credential, since)) = &*kept
            && since.elapsed() < KEPT
        {
            return Ok(Arc::clone(credential));
        }
        let command = self.command.clone();
        let ran = tokio::task::spawn_blocking(move || run(&command)).await;
        let credential = match ran {
            Ok(Ok(credential)) => Arc::new(credential),
            Ok(Err(words)) => return Err(failed(words)),
            Err(_) => return Err(failed("the process was not waited for".to_owned())),
        };
        *kept = Some((Arc::clone(&credential), Instant::now()));
        Ok(credential)
    }
}

fn failed(words: String) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: words.into() }
}

/// What a command prints; or why that cannot be used, without a word of what it printed.
fn run(command: &str) -> Result<AwsCredential, String> {
    let program = command.split_whitespace().next().unwrap_or_default();
    let said = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
    let said = said.map_err(|error| format!("{program} cannot be started: {error}"))?;
    if !said.status.success() {
        return Err(format!("credential_process {program} failed: {}", said.status));
    }
    let printed: Printed = serde_json::from_slice(&said.stdout)
        .map_err(|_| format!("credential_process {program} printed no credentials as JSON"))?;
    if printed.version != 1 {
        let version = printed.version;
        return Err(format!("credential_process {program} printed version {version}, not 1"));
    }
    let Printed { access_key_id, secret_access_key, session_token, .. } = printed;
    Ok(AwsCredential { key_id: access_key_id, secret_key: secret_access_key, token: session_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[default]\nregion = eu-central-1\n\n# a comment\n[profile night]\ncredential_process = /bin/give --as night\ns3 =\n  max_retries = 3\n\
[profile web]\nsso_session = us\nrole_arn=arn:x\n[other]\naws_access_key_id = AKIA1\n";

    #[test]
    fn a_section_is_found_with_and_without_the_word_profile_and_nested_lines_are_not_its_own() {
        let night = section(CONFIG, "night").unwrap();
        assert_eq!(night["credential_process"], "/bin/give --as night");
        assert!(!night.contains_key("max_retries"));
        assert_eq!(section(CONFIG, "default").unwrap().len(), 1);
        assert_eq!(section(CONFIG, "other").unwrap()["aws_access_key_id"], "AKIA1");
        assert_eq!(section(CONFIG, "nigh"), None);
    }

    #[test]
    fn a_profile_of_another_kind_is_handed_to_the_cli_and_an_absent_one_is_told() {
        let told = not_understood("web", &section(CONFIG, "web").unwrap());
        assert_eq!(told.kind, Kind::Credentials);
        assert_eq!(told.reports[0].found.as_deref(), Some("role_arn, sso_session"));
        let hint = told.reports[0].hint.as_deref().unwrap();
        assert!(hint.contains("aws configure export-credentials --profile web"), "{hint}");
        let variables = [("AWS_PROFILE", "nobody"), ("HOME", "/nowhere")];
        let told = of(&variables.map(|(n, v)| (n.to_owned(), v.to_owned()))).unwrap_err();
        assert!(told.to_string().contains("/nowhere/.aws/config"), "{told}");
    }

    #[tokio::test]
    async fn a_process_gives_credentials_once_and_never_tells_what_it_printed() {
        let give = r#"printf '{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s3","SessionToken":"t"}'"#;
        let process = Process::new(give);
        let first = process.get_credential().await.unwrap();
        assert_eq!((first.key_id.as_str(), first.token.as_deref()), ("AKIA1", Some("t")));
        assert!(Arc::ptr_eq(&first, &process.get_credential().await.unwrap()));
        for (command, words) in [
            ("exit 3", "exit failed"),
            ("echo s3cr3t", "echo printed no credentials"),
            (r#"echo '{"Version":2,"AccessKeyId":"a","SecretAccessKey":"s3cr3t"}'"#, "version 2"),
        ] {
            let told = run(command).unwrap_err();
            assert!(told.contains(words) && !told.contains("s3cr3t"), "{told}");
        }
    }
}
