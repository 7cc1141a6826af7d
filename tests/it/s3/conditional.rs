//! What leases stand on: of several conditional puts at once one wins, on the server of the tests as on a real one.

use std::sync::Arc;
use std::time::Duration;

use datafusion::object_store::aws::{AmazonS3, AmazonS3Builder};
use datafusion::object_store::path::Path;
use datafusion::object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use futures::future::join_all;
use futures::stream;
use s3s::dto::{ETagCondition, PutObjectInput, StreamingBlob};
use s3s::{Body, S3, S3Request};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::cloud::Cloud;
use crate::server::{ACCESS_KEY, Buckets, SECRET_KEY};

/// How often, each time of another object.
const ROUNDS: usize = 100;
/// Puts at once.
const RIVALS: usize = 4;

fn store(cloud: &Cloud) -> Arc<AmazonS3> {
    let store = AmazonS3Builder::new().with_endpoint(format!("http://{}", cloud.address));
    let store = store.with_access_key_id(ACCESS_KEY).with_secret_access_key(SECRET_KEY);
    let store = store.with_allow_http(true).with_region("us-east-1").with_bucket_name("tables");
    Arc::new(store.build().unwrap())
}

/// The one of [`RIVALS`] puts of `object` at once that wins; each puts its number.
async fn winner(store: &Arc<AmazonS3>, object: &Path, mode: &PutMode) -> u8 {
    let puts = (0..RIVALS as u8).map(|rival| {
        let (store, object, mode) = (Arc::clone(store), object.clone(), mode.clone());
        tokio::spawn(async move {
            let done = store.put_opts(&object, vec![rival].into(), mode.into()).await;
            match done {
                Ok(_) => Some(rival),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => None,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let won: Vec<u8> = join_all(puts).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(won.len(), 1, "{object}: {won:?} have won");
    won[0]
}

#[test]
fn of_conditional_puts_at_once_one_wins_and_its_bytes_are_there() {
    let cloud = Cloud::new("");
    let store = store(&cloud);
    Runtime::new().unwrap().block_on(async {
        for round in 0..ROUNDS {
            let object = Path::from(format!("puts/{round}"));
            let created = winner(&store, &object, &PutMode::Create).await;
            let there = store.get(&object).await.unwrap();
            let e_tag = there.meta.e_tag.clone();
            assert_eq!(there.bytes().await.unwrap()[..], [created]);
            // None of the rivals puts what is there, so that the tag becomes another.
            store.put(&object, vec![9].into()).await.unwrap();
            let stale = PutMode::Update(UpdateVersion { e_tag, version: None });
            let refused = store.put_opts(&object, vec![7].into(), stale.into()).await;
            assert!(matches!(refused, Err(Error::Precondition { .. })), "{refused:?}");
            let e_tag = store.head(&object).await.unwrap().e_tag;
            let mode = PutMode::Update(UpdateVersion { e_tag, version: None });
            let updated = winner(&store, &object, &mode).await;
            let there = store.get(&object).await.unwrap().bytes().await.unwrap();
            assert_eq!(there[..], [updated]);
        }
    });
}

fn put(body: StreamingBlob) -> S3Request<PutObjectInput> {
    let input = PutObjectInput {
        bucket: "tables".to_owned(),
        key: "lease".to_owned(),
        body: Some(body),
        if_none_match: Some(ETagCondition::Any),
        ..PutObjectInput::default()
    };
    S3Request {
        input,
        method: Default::default(),
        uri: Default::default(),
        headers: Default::default(),
        extensions: Default::default(),
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    }
}

#[test]
fn a_conditional_put_whose_body_is_withheld_keeps_no_other_waiting() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("tables")).unwrap();
    let buckets = Buckets::of(folder.path()).unwrap();
    Runtime::new().unwrap().block_on(async {
        let withheld = StreamingBlob::wrap(stream::pending::<Result<_, std::io::Error>>());
        let mut withheld = buckets.put_object(put(withheld));
        assert!(futures::poll!(&mut withheld).is_pending());
        let whole = Body::from(b"whole".to_vec()).into();
        let other = tokio::time::timeout(Duration::from_secs(20), buckets.put_object(put(whole)));
        other.await.unwrap().unwrap();
        assert!(futures::poll!(&mut withheld).is_pending());
    });
    assert_eq!(std::fs::read(folder.path().join("tables/lease")).unwrap(), b"whole");
}
