use super::*;
use crate::Kind;

fn opened(settings: &S3Settings, variables: &[(&str, &str)]) -> Result<Arc<dyn ObjectStore>> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    open_with("prices", settings, &variables.iter().map(owned).collect::<Vec<_>>())
}

const KEYS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "AKIA1"), ("AWS_SECRET_ACCESS_KEY", "s3cr3t")];

#[test]
fn half_a_pair_of_keys_ends_with_77_and_names_the_other_half() {
    let error = opened(&S3Settings::default(), &KEYS[..1]).unwrap_err();
    assert_eq!(error.kind, Kind::Credentials);
    assert_eq!(
        error.reports[0].found.as_deref(),
        Some("AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY")
    );
    let error = opened(&S3Settings::default(), &KEYS[1..]).unwrap_err();
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

#[test]
fn the_file_wins_over_the_variables() {
    let http = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
    let variables = [KEYS[0], KEYS[1], http];
    assert_eq!(opened(&S3Settings::default(), &variables).unwrap_err().kind, Kind::Config);
    let endpoint = Some("https://s3.example.com".to_owned());
    opened(&S3Settings { endpoint, ..S3Settings::default() }, &variables).unwrap();
    let allow_http = Some(true);
    opened(&S3Settings { allow_http, ..S3Settings::default() }, &variables).unwrap();
    let allowed = [KEYS[0], KEYS[1], http, ("AWS_ALLOW_HTTP", "true")];
    opened(&S3Settings::default(), &allowed).unwrap();
    let refused = S3Settings { allow_http: Some(false), ..S3Settings::default() };
    assert_eq!(opened(&refused, &allowed).unwrap_err().kind, Kind::Config);
}

#[test]
fn a_switch_that_is_none_is_a_mistake_of_the_configuration() {
    let variables = [KEYS[0], KEYS[1], ("AWS_UNSIGNED_PAYLOAD", "perhaps")];
    let error = opened(&S3Settings::default(), &variables).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.to_string().contains("perhaps"), "{error}");
}

#[test]
fn a_bucket_is_named_as_amazon_allows() {
    for name in ["prices", "my-prices.eu", "0123"] {
        assert!(is_bucket_name(name), "{name}");
    }
    for name in ["", "ab", "Prices", "a_b_c", "-abc", "abc.", "a..b", "a b c", "abc/../d", "é€é"]
    {
        assert!(!is_bucket_name(name), "{name}");
    }
    assert_eq!(bucket_of("s3://prices/eod/x"), Some("prices"));
    assert_eq!(bucket_of("s3://prices"), Some("prices"));
    assert_eq!(bucket_of("/prices"), None);
}

#[test]
fn a_prefix_is_taken_letter_by_letter() {
    for (path, prefix) in
        [("s3://prices", ""), ("s3://prices/", ""), ("s3://prices/a b/ü/c%2Fd/", "a b/ü/c%2Fd")]
    {
        assert_eq!(prefix_of(path).unwrap().as_ref(), prefix, "{path}");
    }
    for path in ["s3://prices/a//b", "s3://prices/../x", "s3://prices/./x"] {
        assert_eq!(prefix_of(path).unwrap_err().kind, Kind::Config, "{path}");
    }
}

#[test]
fn a_request_is_tried_as_often_as_the_file_says_or_else_the_variable() {
    let of = |max_attempts, variable: Option<&str>| {
        let settings = S3Settings { max_attempts, ..S3Settings::default() };
        let variables: Vec<_> =
            variable.map(|value| (ATTEMPTS.to_owned(), value.to_owned())).into_iter().collect();
        retry(&settings, &variables).max_retries
    };
    assert_eq!((of(None, None), of(None, Some("4")), of(Some(3), Some("4"))), (19, 3, 2));
    assert_eq!((of(None, Some("1")), of(None, Some("0")), of(None, Some("often"))), (0, 0, 19));
    let wait = Duration::from_secs(20);
    let settings = S3Settings { retry_wait: Some(wait), ..S3Settings::default() };
    let backoff = retry(&settings, &[]).backoff;
    assert_eq!((backoff.init_backoff, backoff.max_backoff), (wait, wait));
}
