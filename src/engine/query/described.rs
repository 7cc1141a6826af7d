//! What the tables are and what their columns mean, for people who ask: `\d`, completion, `export ddl`.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::execution::SendableRecordBatchStream;

use super::{CELL_TABLES, Catalog, message};
use crate::error::Result;
use crate::tables::schema;

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow calls it.
    pub data_type: DataType,
    /// What it means; empty where nobody says.
    pub comment: &'static str,
}

impl Catalog {
    /// The columns of a table, in order; a cell table and its `_all` twin have the same.
    ///
    /// # Errors
    /// There is no such table.
    pub async fn describe(&self, table: &str) -> Result<Vec<Described>> {
        let found = match self.knows(table) {
            true => self.context.table(format!("\"{table}\"")).await,
            // Told as a query is that names it.
            false => {
                self.context.sql(&format!("DESCRIBE \"{}\"", table.replace('"', "\"\""))).await
            }
        };
        let found = found.map_err(|cause| message::report(cause, self.known()))?;
        let of = table.strip_suffix("_all").unwrap_or(table);
        let column = |field: &Arc<datafusion::arrow::datatypes::Field>| Described {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            comment: schema::comment(of, field.name()),
        };
        Ok(found.schema().fields().iter().map(column).collect())
    }

    /// Every name that a query may read from: the tables, and the twins of cell tables.
    pub fn names(&self) -> Vec<String> {
        let is_cell = |table: &&String| CELL_TABLES.contains(&table.as_str());
        let twins = self.tables.iter().filter(is_cell).map(|table| format!("{table}_all"));
        let mut names: Vec<String> = self.tables.iter().cloned().chain(twins).collect();
        names.sort();
        names
    }

    /// The tables with what a row is, as rows.
    pub(super) fn list_names(&self) -> Result<SendableRecordBatchStream> {
        let names = self.names();
        let rows = names.iter().map(|name| schema::table_comment(name)).collect();
        self.texts([("table", names.iter().map(String::as_str).collect()), ("each_row", rows)])
    }

    /// The columns of a table with type and meaning, as rows.
    pub(super) async fn list_columns(&self, table: &str) -> Result<SendableRecordBatchStream> {
        let columns = self.describe(table).await?;
        let types: Vec<String> =
            columns.iter().map(|column| column.data_type.to_string()).collect();
        self.texts([
            ("column", columns.iter().map(|column| column.name.as_str()).collect()),
            ("type", types.iter().map(String::as_str).collect()),
            ("means", columns.iter().map(|column| column.comment).collect()),
        ])
    }

    fn knows(&self, table: &str) -> bool {
        self.names().iter().any(|name| name == table)
    }

    fn texts<const N: usize>(
        &self,
        columns: [(&str, Vec<&str>); N],
    ) -> Result<SendableRecordBatchStream> {
        let told = |cause| message::report(cause, self.known());
        let columns = columns.map(|(name, values)| {
            (name, Arc::new(StringArray::from(values)) as datafusion::arrow::array::ArrayRef)
        });
        let rows = RecordBatch::try_from_iter(columns).map_err(|cause| told(cause.into()))?;
        let schema = rows.schema();
        Ok(Box::pin(
            datafusion::physical_plan::memory::MemoryStream::try_new(vec![rows], schema, None)
                .map_err(told)?,
        ))
    }
}
