//! Runs `tests/sql/*.slt` against our session.
//!
//! Two statements are the runner's own: `features NAME LENGTH` registers the windows relation of
//! builtin features over the table `prices` as `windows`, and `sorted prices` declares its order.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::prelude::{SessionContext, ident};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::relation::{self, PipelineSql};
use crate::sql_file::SqlFile;
use crate::step;
use crate::testing::session_of;

struct Database(SessionContext);

type Output = DBOutput<DefaultColumnType>;

impl Database {
    async fn features(&self, name: &str, length: usize) -> Result<Output, DataFusionError> {
        let external = |error| DataFusionError::External(Box::new(error));
        let file = SqlFile::builtin_features(name).map_err(external)?;
        let relation = relation::windows(&self.0, &PipelineSql::new(file, length)).await;
        let frame = relation.map_err(external)?.frame().clone();
        step::register(&self.0, "windows", frame).map_err(external)?;
        Ok(DBOutput::StatementComplete(0))
    }

    async fn sorted(&self) -> Result<Output, DataFusionError> {
        let frame = self.0.table("prices").await?;
        let schema = Arc::clone(frame.schema().inner());
        let order = ["ticker", "ts"].map(|name| ident(name).sort(true, false)).to_vec();
        let table = MemTable::try_new(schema, vec![frame.collect().await?])?;
        self.0.deregister_table("prices")?;
        self.0.register_table("prices", Arc::new(table.with_sort_order(vec![order])))?;
        Ok(DBOutput::StatementComplete(0))
    }

    async fn query(&self, sql: &str) -> Result<Output, DataFusionError> {
        let frame = self.0.sql(sql).await?;
        let n_columns = frame.schema().fields().len();
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in frame.collect().await? {
            let columns = batch.columns().iter();
            let columns: Vec<ArrayFormatter> = columns
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
                .collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
            }
        }
        if n_columns == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; n_columns], rows })
    }
}

#[async_trait::async_trait]
impl AsyncDB for Database {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<Output, DataFusionError> {
        let words: Vec<&str> = sql.split_whitespace().collect();
        match words[..] {
            ["features", name, length] => self.features(name, length.parse().unwrap()).await,
            ["sorted", "prices"] => self.sorted().await,
            _ => self.query(sql).await,
        }
    }

    async fn shutdown(&mut self) {}
}

#[tokio::test]
async fn every_slt_file_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sql");
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "slt") {
            // Batches of three rows: every table of the files crosses a batch.
            let mut runner = Runner::new(|| async { Ok(Database(session_of(3))) });
            runner.run_file_async(&path).await.unwrap_or_else(|error| panic!("{error}"));
            n_files += 1;
        }
    }
    assert!(n_files >= 3, "{n_files}");
}
