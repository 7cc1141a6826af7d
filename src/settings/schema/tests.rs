use super::super::tree::{Entry, Value};
use super::*;

/// Whether a value is valid: the few keywords that are written here, and no other.
fn accepts(root: &Json, schema: &Json, value: &Json) -> bool {
    let of = match schema {
        Json::Bool(all) => return *all,
        schema => schema.as_object().unwrap(),
    };
    let object = value.as_object();
    let listed = |key: &str| of.get("properties").and_then(|all| all.get(key));
    of.iter().all(|(keyword, says)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "then" | "else" => true,
        "$ref" => {
            let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            accepts(root, &root["$defs"][name], value)
        }
        "type" => match says.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            other => panic!("{other}"),
        },
        "const" => value == says,
        "enum" => says.as_array().unwrap().contains(value),
        "pattern" => value
            .as_str()
            .is_none_or(|text| regex::Regex::new(says.as_str().unwrap()).unwrap().is_match(text)),
        "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > says.as_f64().unwrap()),
        "exclusiveMaximum" => value.as_f64().is_none_or(|number| number < says.as_f64().unwrap()),
        "anyOf" => says.as_array().unwrap().iter().any(|one| accepts(root, one, value)),
        "minItems" => value.as_array().is_none_or(|all| all.len() as u64 >= says.as_u64().unwrap()),
        "items" => {
            value.as_array().is_none_or(|all| all.iter().all(|one| accepts(root, says, one)))
        }
        "minProperties" => object.is_none_or(|all| all.len() as u64 >= says.as_u64().unwrap()),
        "maxProperties" => object.is_none_or(|all| all.len() as u64 <= says.as_u64().unwrap()),
        "required" => object.is_none_or(|all| {
            says.as_array().unwrap().iter().all(|key| all.contains_key(key.as_str().unwrap()))
        }),
        "properties" => object.is_none_or(|all| {
            all.iter().all(|(key, value)| listed(key).is_none_or(|own| accepts(root, own, value)))
        }),
        "additionalProperties" => object.is_none_or(|all| {
            all.iter().all(|(key, value)| listed(key).is_some() || accepts(root, says, value))
        }),
        "if" => {
            let branch = if accepts(root, says, value) { "then" } else { "else" };
            of.get(branch).is_none_or(|branch| accepts(root, branch, value))
        }
        other => panic!("`{other}` is not understood here"),
    })
}

/// As editors see it: dates are texts.
fn as_json(value: &toml::Value) -> Json {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect())
        }
        other => serde_json::to_value(other).unwrap(),
    }
}

fn is_valid(text: &str) -> bool {
    let schema = of_pipeline();
    let table: toml::Table = toml::from_str(text).unwrap();
    accepts(&schema, &schema, &as_json(&table.into()))
}

const FILE: &str = r#"
[source]
path = "prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close", volume = "volume" }
[features]
sql = "builtin:log_return"
[windows]
length = 30
[split]
train_to = "2011-12-31"
validation_to = 2012-12-31
calibration_to = "${LAST:-2013-12-31}"
[models.autoencoder.detector.lstm_autoencoder]
units = 4
[models.autoencoder.train]
loss = "${LOSS}"
patience = false
[threshold.quantile]
q = 0.995
[checks]
jumps = "drop"
mine = { sql = "mine.sql", severity = "stop" }
[output]
root = "out"
"#;

#[test]
fn every_pipeline_that_is_shipped_is_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|e| e == "toml")).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(is_valid(&std::fs::read_to_string(&file).unwrap()), "{}", file.display());
    }
}

#[test]
fn mistakes_are_not_valid() {
    assert!(is_valid(FILE));
    for (right, wrong) in [
        ("length = 30", "lenght = 30"),
        ("length = 30", "length = \"30\""),
        // A window of one row is for published protocols only.
        ("length = 30", "length = 1"),
        ("length = 30", "# nothing"),
        ("lstm_autoencoder", "lstm_autoencoders"),
        ("units = 4", "steps = 4"),
        ("units = 4", "units = 0"),
        ("\"${LOSS}\"", "\"mea\""),
        ("patience = false", "patience = true"),
        ("[threshold.quantile]\nq = 0.995", "[threshold]"),
        ("q = 0.995", "q = 1.0"),
        ("q = 0.995", "q = 0.995\n[threshold.fixed]\nvalue = 1.0"),
        ("2012-12-31", "\"soon\""),
        ("jumps = \"drop\"", "jumps = \"delete\""),
        ("sql = \"mine.sql\", ", ""),
        ("value = \"close\"", "price = \"close\""),
        ("volume = \"volume\"", "volume = 1"),
        ("[source]", "profil = \"nightly\"\n[source]"),
        // [split] and networks with [train] are not of an archive.
        ("[source]", "profile = \"archive\"\n[source]"),
    ] {
        let text = FILE.replacen(right, wrong, 1);
        assert_ne!(text, FILE, "{right}");
        assert!(!is_valid(&text), "{wrong} in place of {right}");
    }
    let archive = FILE.split("[features]").next().unwrap();
    assert!(is_valid(&format!("profile = \"archive\"\n{archive}\n[output]\nroot = \"out\"")));
    assert!(!is_valid(&format!("{archive}\n[output]\nroot = \"out\"")));
    let published = FILE.replace("length = 30", "length = 1");
    assert!(is_valid(&format!("{published}[as_published]")));
}

/// Values of every type about the bounds of all ranges.
fn probes() -> Vec<Value> {
    let wholes = [-1, 0, 1, 2, 3, 8, 9, 100, 101, 500, 501, 512, 513, 1000, 1001, 1024, 1025];
    let larger = [4096, 4097, 10_000, 10_001, 36_500, 36_501, 65_536, 65_537, 100_000, 100_001];
    let largest = [1_000_000, 1_000_001, 1_000_000_000, 1_000_000_001, i64::MAX];
    let wholes = wholes.into_iter().chain(larger).chain(largest);
    let wholes = wholes.map(|whole| Value::Whole(Some(whole)));
    let reals = [-0.5, 0.25, 0.999, 1.5, 999.5, 1000.5, 1e300].map(|real| Value::Real(Some(real)));
    let texts = [
        "",
        " ",
        "x",
        "no_such_name",
        "2001-12-31",
        "never",
        "every 90d",
        "when_stale",
        "500ms",
        "30s",
        "1GiB",
        "2147483648B",
        "21:00",
        "25:00",
        "tanh",
        "l2",
        "warn",
        "pooled",
        "keras",
    ];
    let texts = texts.map(|text| Value::Text(text.into()));
    let lists =
        [vec![], vec![Value::Whole(Some(1))], vec![Value::Text("x".into())]].map(Value::List);
    let table = Value::Table(Vec::<Entry>::new());
    let switches = [Value::Switch(true), Value::Switch(false)];
    wholes.chain(reals).chain(texts).chain(lists).chain(switches).chain([table]).collect()
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) | Value::Date(text) => text.as_str().into(),
        Value::Whole(whole) => json!(whole),
        Value::Real(real) => json!(real),
        Value::Switch(on) => (*on).into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Table(_) | Value::Told => json!({}),
    }
}

#[test]
fn for_every_key_the_schema_takes_what_the_parser_takes_and_nothing_else() {
    let root = of_pipeline();
    let all = sketch(&[&NIGHTLY[..], &PUBLISHED, &ARCHIVE].concat());
    let mut n_keys = 0;
    for (table, key, of) in
        all.iter().flat_map(|(name, table)| table.keys.iter().map(move |(key, of)| (name, key, of)))
    {
        for (schema, takes) in of.schemas.iter().zip(&of.takes) {
            n_keys += 1;
            for value in probes() {
                let (parser, editor) = (takes(&value), accepts(&root, schema, &plain(&value)));
                assert_eq!(parser, editor, "{table}.{key}: {value:?} by {schema}");
            }
        }
    }
    assert!(n_keys > 120, "{n_keys}");
}

/// Every table of the schema, by its dotted name, with its keys.
fn tables_of(schema: &Json, name: &str, found: &mut BTreeMap<String, Vec<String>>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let mut keys: Vec<String> = properties.keys().cloned().collect();
    for (key, below) in properties {
        tables_of(below, &path(name, key), found);
    }
    if schema["additionalProperties"].is_object() {
        keys.push(USERS_OWN.into());
        tables_of(&schema["additionalProperties"], &path(name, USERS_OWN), found);
    }
    keys.sort();
    found.insert(name.to_owned(), keys);
}

#[test]
fn every_key_that_the_parser_asks_for_is_in_the_schema_and_no_other() {
    let all = sketch(&[&NIGHTLY[..], &PUBLISHED, &ARCHIVE].concat());
    let asked: BTreeMap<String, Vec<String>> = all
        .iter()
        .map(|(name, table)| (name.clone(), table.keys.keys().cloned().collect()))
        .collect();
    let mut found = BTreeMap::new();
    tables_of(&of_pipeline(), "", &mut found);
    assert_eq!(asked, found);
    // Keys that README names, from all corners of the file.
    for (table, key) in [
        ("", "memory_limit"),
        ("source.columns", USERS_OWN),
        ("output.s3", "retry_wait"),
        ("models.any", "retrain"),
        ("models.any.train", "initialiser"),
        ("models.any.threshold.dynamic", "prune"),
        ("models.any.detector.lstm_autoencoder", "hide_newest"),
        ("models.any.detector.ensemble.members.isolation_forest", "sample"),
        ("merge.smoothing.ewma", "lambda"),
        ("split", "train_rows"),
        ("checks", "stale_prices"),
        ("as_published", "target"),
    ] {
        assert!(asked[table].iter().any(|known| known == key), "{table}: {key}");
    }
}

#[test]
fn a_key_tells_what_may_stand_there_and_its_default() {
    let schema = of_pipeline();
    let length = &schema["properties"]["windows"]["properties"]["length"];
    assert!(
        length["description"].as_str().unwrap().contains("for example `length = 30`"),
        "{length}"
    );
    let train = &schema["properties"]["models"]["additionalProperties"]["properties"]["train"];
    assert_eq!(train["properties"]["learning_rate"]["default"], json!(0.001));
    assert_eq!(train["properties"]["loss"]["default"], json!("mae"));
}
