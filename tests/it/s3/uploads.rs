//! An upload is done or it is not: what it would have replaced stays.

use s3s::S3ErrorCode;

use crate::cloud::Cloud;
use crate::market::{closes, csv, revise};
use crate::workshop::{PIPELINE, Workshop, changed};

#[test]
fn a_refused_upload_leaves_the_old_objects_and_the_same_command_resumes() {
    let mut prices = closes();
    let cloud = Cloud::with_prices(&csv(&prices));
    cloud.oddlot(&["run", "job.toml"]).ok();
    let before = cloud.cells();
    revise(&mut prices, "AAA", "2015-06-01", 3, 2);
    cloud.workshop.prices(&csv(&prices));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");

    let codes: [(fn() -> S3ErrorCode, i32); 3] = [
        (|| S3ErrorCode::SlowDown, 75),
        (|| S3ErrorCode::AccessDenied, 77),
        (|| S3ErrorCode::EntityTooLarge, 73),
    ];
    for (refusal, code) in codes {
        cloud.refuse("PutObject", "tables/errors/pipeline=job/year=2015", refusal);
        let told = cloud.oddlot(&["run", "job.toml"]).ends_with(code).stderr;
        let place = "--> s3://tables/base/tables/errors/pipeline=job/year=2015/part-00000.parquet";
        assert!(told.contains(place) && told.contains("as the test wants it"), "{told}");
        let after = cloud.cells();
        assert_eq!(after.len(), before.len());
        assert_eq!(changed(&before, &after).iter().filter(|c| c.starts_with("errors")).count(), 0);
        assert!(!cloud.workshop.path("oddlot-staging").exists());
    }
    cloud.relent();
    cloud.oddlot(&["run", "job.toml"]).ok();
    let local = Workshop::with_prices(&csv(&prices));
    local.run();
    assert_eq!(changed(&local.cells(), &cloud.cells()), [""; 0]);
}

/// One network whose weights are more than one PUT, and little to learn.
const WIDE: &str = "[models.forecaster.detector.lstm_forecaster]\nunits = 1500";

fn wide() -> Cloud {
    let pipeline =
        PIPELINE.replace("[models.forecaster.detector.lstm_forecaster]\nunits = 4", WIDE);
    let (start, rest) = pipeline.split_once("[models.autoencoder.detector").unwrap();
    let rest = rest.split_once("[models.forecaster.detector").unwrap().1;
    let rest = rest.replace("epochs = 1", "epochs = 1\nbatch_size = 256");
    let cloud = Cloud::new(&format!("{start}[models.forecaster.detector{rest}"));
    let mut prices = closes();
    prices.retain(|row| row.ticker == "AAA");
    cloud.workshop.prices(&csv(&prices));
    cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
    cloud
}

#[test]
fn a_large_object_is_uploaded_by_parts_and_a_failed_part_calls_all_of_it_off() {
    let cloud = wide();
    cloud.refuse("UploadPart", "weights.safetensors", || S3ErrorCode::InternalError);
    let told = cloud.oddlot(&["train", "job.toml"]).ends_with(75).stderr;
    assert!(told.contains("weights.safetensors"), "{told}");
    let is_weights = |key: &&String| key.ends_with("weights.safetensors");
    assert_eq!(cloud.asked("AbortMultipartUpload").iter().filter(is_weights).count(), 1);
    assert_eq!(cloud.asked("CompleteMultipartUpload").len(), 0);
    let left = cloud.everything();
    assert!(left.keys().all(|name| !name.contains("upload_id")), "{:?}", left.keys());
    assert_eq!(
        cloud.out().into_keys().collect::<Vec<_>>(),
        ["_state/leases/pipeline=job/training.json"]
    );

    cloud.relent();
    cloud.oddlot(&["train", "job.toml"]).ok();
    let parts = cloud.asked("UploadPart").iter().filter(is_weights).count();
    assert!(parts > 2, "{parts} parts, one of them refused");
    assert_eq!(cloud.asked("CompleteMultipartUpload").len(), 1);
    let export = ["models", "export", "job.toml", "forecaster", "--layout", "keras"];
    cloud.oddlot(&[&export[..], &["--output", "net.safetensors"]].concat()).ok();
}
