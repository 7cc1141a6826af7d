//! `export ddl`: the tables of an output root as views of DuckDB, with what every column means.
//!
//! The statements are those of `sql/ddl/duckdb*.sql`; here names, places and comments are put into them.

use std::fmt::Write;

use oddlot_engine::query::{CELL_TABLES, Catalog};
use oddlot_engine::s3;
use oddlot_engine::tables::schema::table_comment;
use oddlot_engine::{Error, Report};

const HEAD: &str = include_str!("../../../sql/ddl/duckdb.sql");
const HEAD_S3: &str = include_str!("../../../sql/ddl/duckdb_s3.sql");
const TABLE: &str = include_str!("../../../sql/ddl/duckdb_table.sql");
const COMMITTED: &str = include_str!("../../../sql/ddl/duckdb_committed.sql");
const CELLS: &str = include_str!("../../../sql/ddl/duckdb_cells.sql");

/// Statements that make views over the tables of `catalog`, which lie under `root`: an absolute path, or a URL.
///
/// # Errors
/// `Config`: no run has written a table yet.
pub async fn duckdb(catalog: &Catalog, root: &str) -> Result<String, Error> {
    let tables = catalog.tables();
    if tables.is_empty() {
        let report = Report::new("there are no tables to make views of")
            .at(root)
            .expected("the output of a run")
            .found("none")
            .hint("`oddlot run PIPELINE` writes them");
        return Err(Error::config(report));
    }
    let mut text = HEAD.to_owned();
    if s3::bucket_of(root).is_some() {
        text.push_str(HEAD_S3);
    }
    let has_runs = catalog.has("runs");
    let is_cell = |table: &str| CELL_TABLES.contains(&table);
    for table in tables {
        let view = if has_runs && is_cell(table) { format!("{table}_all") } else { table.clone() };
        let files = format!("{}/tables/{table}/*/*/*.parquet", globbed(root));
        text += &TABLE.replace("{view}", &view).replace("{files}", &quoted(&files));
        explain(&mut text, catalog, &view).await?;
    }
    if has_runs {
        text.push_str(COMMITTED);
        for table in tables.iter().filter(|table| is_cell(table)) {
            text += &CELLS.replace("{view}", table);
            explain(&mut text, catalog, table).await?;
        }
    }
    Ok(text)
}

async fn explain(text: &mut String, catalog: &Catalog, view: &str) -> Result<(), Error> {
    // Writing to a String cannot fail.
    let mut say = |what: &str, comment: &str| {
        if !comment.is_empty() {
            let _ = writeln!(text, "COMMENT ON {what} IS '{}';", quoted(comment));
        }
    };
    say(&format!("VIEW {view}"), table_comment(view));
    for column in catalog.describe(view).await? {
        let name = column.name.replace('"', "\"\"");
        say(&format!("COLUMN {view}.\"{name}\""), column.comment);
    }
    Ok(())
}

/// The inside of a text of SQL.
fn quoted(text: &str) -> String {
    text.replace('\'', "''")
}

/// A path in which `*`, `?` and `[` stand for themselves.
fn globbed(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for c in path.trim_end_matches('/').chars() {
        match c {
            '*' | '?' | '[' => text.extend(['[', c, ']']),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_no_pattern_and_ends_no_text() {
        assert_eq!(globbed("/a*b/c?[d]/"), "/a[*]b/c[?][[]d]");
        assert_eq!(quoted("it's"), "it''s");
    }
}
