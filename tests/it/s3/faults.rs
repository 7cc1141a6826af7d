//! What an object store does wrong, and what becomes of a run: the table of `src/engine/s3/README.md`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::wire::{Fault, Operation, Wire};
use crate::cloud::Cloud;
use crate::market::{csv, date, revise, ticker_from};
use crate::workshop::{Ran, changed};

const FAULTS: [(&str, Fault); 10] = [
    ("throttled (503 SlowDown)", Fault::Throttled),
    ("no answer in time", Fault::Timeout),
    ("connection lost half way", Fault::Reset),
    ("forbidden (403)", Fault::Forbidden),
    ("expired token (400)", Fault::Expired),
    ("missing (404)", Fault::Missing),
    ("done, the answer lost", Fault::Lost),
    ("list out of date", Fault::Stale),
    ("slow", Fault::Slow),
    ("disk full (507)", Fault::Full),
];

const OPERATIONS: [(&str, Operation); 6] = [
    ("list", Operation::List),
    ("get", Operation::Get),
    ("get of a range", Operation::RangedGet),
    ("put", Operation::Put),
    ("upload by parts", Operation::Multipart),
    ("conditional put", Operation::ConditionalPut),
];

/// What cannot happen: only writing fills disks and loses answers that matter, only lists are out of date.
fn exists(fault: Fault, operation: Operation) -> bool {
    let writes = !matches!(operation, Operation::List | Operation::Get | Operation::RangedGet);
    match fault {
        Fault::Lost | Fault::Full => writes,
        Fault::Stale => operation == Operation::List,
        _ => true,
    }
}

/// Those that may be over at the next try.
fn is_passing(fault: Fault) -> bool {
    matches!(fault, Fault::Throttled | Fault::Timeout | Fault::Reset | Fault::Lost | Fault::Full)
}

/// One cheap model over three years of one ticker.
const NIGHTLY: &str = r#"
[source]
path = "prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[source.s3]
retry_wait = "5ms"
[features]
sql = "builtin:log_return"
[windows]
length = 8
[split]
train_to = "2014-12-31"
validation_to = "2015-06-30"
calibration_to = "2015-12-31"
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.99
[output]
root = "out"
[output.s3]
retry_wait = "5ms"
"#;

/// Cells are larger than this, so that they are uploaded by parts; notes about them are not.
const PUT_BYTES: &str = "4096";

/// A bucket behind a wire, with a price revised since the last run.
struct Stage {
    cloud: Cloud,
    wire: Wire,
    /// All objects before.
    before: BTreeMap<String, Vec<u8>>,
    /// The data cells after an undisturbed run.
    after: BTreeMap<String, Vec<u8>>,
}

impl Stage {
    fn new() -> Self {
        let mut prices = ticker_from("AAA", date("2014-01-01"));
        let cloud = Cloud::new(NIGHTLY);
        let upload = |csv: &str| {
            cloud.workshop.prices(csv);
            cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
        };
        upload(&csv(&prices));
        let wire = Wire::to(cloud.address);
        let mut stage = Self { cloud, wire, before: BTreeMap::new(), after: BTreeMap::new() };
        stage.run("30s").ok();
        revise(&mut prices, "AAA", "2016-06-01", 11, 10);
        stage.cloud.workshop.prices(&csv(&prices));
        stage.cloud.upload("prices/prices.parquet", "prices/eod/prices.parquet");
        stage.before = stage.cloud.everything();
        stage.run("30s").ok();
        stage.after = stage.cloud.cells();
        stage.reset();
        assert!(!changed(&stage.cloud.cells(), &stage.after).is_empty());
        stage
    }

    /// As it was before the price was revised.
    fn reset(&self) {
        for (name, bytes) in self.cloud.everything() {
            match self.before.get(&name) {
                None => std::fs::remove_file(self.cloud.file(&name)).unwrap(),
                Some(old) if *old != bytes => std::fs::write(self.cloud.file(&name), old).unwrap(),
                Some(_) => {}
            }
        }
    }

    /// A run that got no answer about its lease may leave it; nobody waits until it has run out here.
    fn forget_lease(&self) {
        let is_lease = |name: &String| name.contains("/_state/leases/");
        for name in self.cloud.everything().into_keys().filter(is_lease) {
            match self.before.get(&name) {
                Some(old) => std::fs::write(self.cloud.file(&name), old).unwrap(),
                None => std::fs::remove_file(self.cloud.file(&name)).unwrap(),
            }
        }
    }

    /// A run over the wire that gives the server so much time to answer.
    fn run(&self, timeout: &str) -> Ran {
        let mut command = self.cloud.command(&["run", "job.toml"]);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", self.wire.address));
        command.env("AWS_MAX_ATTEMPTS", "2").env("AWS_TIMEOUT", timeout);
        command.env("ODDLOT_S3_PUT_BYTES", PUT_BYTES).output().unwrap().into()
    }

    /// A run under a fault that comes `times` to each of `operations`; whatever comes of it, nothing is half
    /// replaced, and who must act is told.
    fn under(&self, fault: Fault, operations: &[Operation], times: usize) -> Ran {
        let old = self.cloud.cells();
        self.forget_lease();
        self.wire.arm(fault, operations, times);
        // Where nobody is to be waited for, a busy machine has its time.
        let ran = self.run(if fault == Fault::Timeout { "300ms" } else { "30s" });
        assert_eq!(self.wire.disarm(), [], "{fault:?} did not happen\n{}", ran.stderr);
        for (name, bytes) in self.cloud.cells() {
            let is_whole = old.get(&name) == Some(&bytes) || self.after.get(&name) == Some(&bytes);
            assert!(is_whole, "{fault:?} of {operations:?}: {name} is half replaced");
        }
        let is_refused = matches!(fault, Fault::Forbidden | Fault::Expired);
        if is_refused && !operations.contains(&Operation::Multipart) {
            let told = "come from AWS_ACCESS_KEY_ID\n";
            assert!(ran.stderr.contains(told), "{fault:?} of {operations:?}\n{}", ran.stderr);
        }
        if ran.code != Some(0) {
            let is_told = ran.stderr.contains("error: ") && ran.stderr.contains("hint: ");
            assert!(is_told, "{fault:?} of {operations:?}\n{}", ran.stderr);
        }
        ran
    }

    /// An undisturbed run leaves what it always leaves, whatever was there.
    fn mend(&self) {
        self.forget_lease();
        self.run("30s").ok();
        assert_eq!(changed(&self.cloud.cells(), &self.after), [""; 0]);
    }

    /// The exit code under each fault of `operation` that lasts.
    fn lasting(&self, operation: Operation) -> Vec<(Fault, i32)> {
        let faults = FAULTS.iter().filter(|(_, fault)| exists(*fault, operation));
        // A server that is slow for everything is so for each.
        let faults = faults.filter(|(_, fault)| *fault != Fault::Slow);
        let codes = faults.map(|(_, fault)| {
            let code = self.under(*fault, &[operation], usize::MAX).code.unwrap();
            if code == 0 {
                assert_eq!(changed(&self.cloud.cells(), &self.after), [""; 0], "{fault:?}");
                self.reset();
            }
            (*fault, code)
        });
        let codes = codes.collect();
        self.mend();
        self.reset();
        codes
    }
}

#[test]
fn every_fault_of_every_operation_ends_as_the_document_says() {
    let operations = Mutex::new(OPERATIONS.iter());
    let outcomes = Mutex::new(BTreeMap::new());
    let lasting = || {
        let stage = Stage::new();
        while let Some((_, operation)) = operations.lock().unwrap().next() {
            for (fault, code) in stage.lasting(*operation) {
                let key = format!("{fault:?} {operation:?}");
                outcomes.lock().unwrap().insert(key, code.to_string());
            }
        }
        stage
    };
    let stage = std::thread::scope(|scope| {
        let beside = [(); 2].map(|()| scope.spawn(lasting));
        let stage = lasting();
        for beside in beside {
            beside.join().unwrap();
        }
        stage
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    let all = OPERATIONS.map(|(_, operation)| operation);
    stage.under(Fault::Slow, &all, usize::MAX).ok();
    assert_eq!(changed(&stage.cloud.cells(), &stage.after), [""; 0]);
    stage.reset();
    outcomes.extend(all.map(|operation| (format!("Slow {operation:?}"), "0".to_owned())));
    // What passes is survived, wherever trying again can help.
    for (_, fault) in FAULTS.iter().filter(|(_, fault)| is_passing(*fault)) {
        let is_met = |operation: &Operation| {
            exists(*fault, *operation) && outcomes[&format!("{fault:?} {operation:?}")] != "0"
        };
        let met: Vec<_> = OPERATIONS.iter().map(|(_, of)| *of).filter(is_met).collect();
        stage.under(*fault, &met, 1).ok();
        assert_eq!(changed(&stage.cloud.cells(), &stage.after), [""; 0], "{fault:?}");
        stage.reset();
        for operation in met {
            let outcome = outcomes.get_mut(&format!("{fault:?} {operation:?}")).unwrap();
            *outcome = format!("again; {outcome}");
        }
    }
    let mut table = format!("| |{}\n", OPERATIONS.map(|(name, _)| format!(" {name} |")).concat());
    table += &format!("|---|{}\n", "---|".repeat(OPERATIONS.len()));
    for (name, fault) in FAULTS {
        let cells = OPERATIONS.map(|(_, operation)| {
            let outcome = outcomes.get(&format!("{fault:?} {operation:?}"));
            format!(" {} |", outcome.map_or("–", String::as_str))
        });
        table += &format!("| {name} |{}\n", cells.concat());
    }
    let document = include_str!("../../../src/engine/s3/README.md");
    assert!(document.contains(&table), "src/engine/s3/README.md should say\n{table}");
}
