//! Refuses SQL that sees the future, and sliding float aggregates whose bits wander.
//!
//! A plan is walked from its leaves; every column carries why it sees the future, if it does.
//! A column whose name starts with `target_` may; the others may not. What counts:
//! - `lead`, `ntile`, `percent_rank`, `cume_dist`, and `lag` by a negative or computed offset;
//! - an aggregate or `first_value`, `last_value`, `nth_value` over a frame that ends after the
//!   current row, which without ORDER BY is the whole partition;
//! - any window function not in the ascending order of `ts`, since the row before in another
//!   order may be a later one;
//! - `GROUP BY` without `ts`: it sums up a history, and a join would bring the sum back to every
//!   row. Grouping or partitioning by `ts` (a cross-section) is fine.
//!
//! Not seen here, but by [`replay`]: a join on a shifted date, or a column that is called `ts` and is
//! not.
//! A filter or a join condition that sees the future taints every column.

pub(crate) mod replay;
mod window_rules;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::error::{Error, Kind, Report, Result};
use crate::failure::from_datafusion;
use crate::features::TARGET_PREFIX;

/// Why a column sees the future; `None` if it does not.
type Taint = Option<String>;

/// Checks the plan of the file `place`; tells all mistakes at once.
pub(crate) fn check(place: &str, plan: &LogicalPlan) -> Result<()> {
    let mut walk = Walk::default();
    let taints = walk.columns(plan).map_err(|error| from_datafusion(place, error))?;
    let mut reports = Vec::new();
    for (field, taint) in plan.schema().fields().iter().zip(taints) {
        if let Some(why) = taint.filter(|_| !field.name().starts_with(TARGET_PREFIX)) {
            let report = Report::new(format!("column `{}` sees the future", field.name()))
                .at(place)
                .expected("values known at the end of the row's day")
                .found(why)
                .hint(format!(
                    "read earlier rows, as `lag` does; only a column named `{TARGET_PREFIX}…` may look ahead, and it is never an input"
                ));
            reports.push(report);
        }
    }
    walk.refused.dedup();
    reports.extend(walk.refused.into_iter().map(|report| report.at(place)));
    if reports.is_empty() { Ok(()) } else { Err(Error { kind: Kind::Config, reports }) }
}

#[derive(Default)]
struct Walk {
    /// What is refused whatever the column's name.
    refused: Vec<Report>,
}

impl Walk {
    /// Taints of the plan's columns, in their order.
    fn columns(&mut self, plan: &LogicalPlan) -> Result<Vec<Taint>, DataFusionError> {
        let inputs = plan.inputs();
        let mut given = Vec::new();
        for input in &inputs {
            given.push(self.columns(input)?);
        }
        let n_columns = plan.schema().fields().len();
        let scope = Scope { inputs: &inputs, taints: &given };
        match plan {
            LogicalPlan::Projection(projection) => {
                projection.expr.iter().map(|expr| self.expr(expr, &scope)).collect()
            }
            LogicalPlan::Window(window) => {
                let results = window.window_expr.iter().map(|expr| self.expr(expr, &scope));
                let results = results.collect::<Result<Vec<_>, _>>()?;
                Ok(given.concat().into_iter().chain(results).collect())
            }
            LogicalPlan::Aggregate(aggregate) => {
                let by_ts = aggregate.group_expr.iter().any(is_ts);
                let whole = (!by_ts).then(|| "a GROUP BY without `ts` sums up all dates".into());
                let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
                let taints = exprs.map(|expr| self.expr(expr, &scope));
                let taints = taints.collect::<Result<Vec<_>, _>>()?;
                let first = taints.into_iter().flatten().next();
                Ok(vec![whole.or(first); n_columns])
            }
            // Row by row, or the same columns under other names.
            LogicalPlan::SubqueryAlias(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Repartition(_) => Ok(given.concat()),
            LogicalPlan::Union(_) => {
                let of_column = |idx: usize| given.iter().find_map(|t| t.get(idx)?.clone());
                Ok((0..n_columns).map(of_column).collect())
            }
            LogicalPlan::TableScan(scan) => {
                let names = scan.projected_schema.fields().iter().map(|field| field.name());
                let taint = |name: &String| {
                    name.starts_with(TARGET_PREFIX).then(|| format!("it is made of `{name}`"))
                };
                Ok(names.map(taint).collect())
            }
            _ => {
                let conditions = plan.expressions();
                let conditions = conditions.iter().map(|expr| self.expr(expr, &scope));
                let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
                let columns = given.concat();
                match conditions.into_iter().flatten().next() {
                    Some(taint) => Ok(vec![Some(taint); n_columns]),
                    None if columns.len() == n_columns => Ok(columns),
                    None => Ok(vec![columns.into_iter().flatten().next(); n_columns]),
                }
            }
        }
    }

    /// The taint of an expression: its own, or that of a column or subquery in it.
    fn expr(&mut self, expr: &Expr, scope: &Scope) -> Result<Taint, DataFusionError> {
        let mut taint = None;
        expr.apply(|inner| {
            let found = match inner {
                Expr::Column(column) => scope.taint(column),
                Expr::WindowFunction(function) => {
                    let schema = scope.inputs.first().map(|input| input.schema().as_ref());
                    let refused = schema.and_then(|schema| window_rules::refused(function, schema));
                    self.refused.extend(refused);
                    window_rules::taint(function)
                }
                Expr::ScalarFunction(function) => {
                    self.refuse_volatile(function);
                    None
                }
                Expr::ScalarSubquery(subquery) => self.subquery(&subquery.subquery)?,
                Expr::Exists(exists) => self.subquery(&exists.subquery.subquery)?,
                Expr::InSubquery(within) => self.subquery(&within.subquery.subquery)?,
                _ => None,
            };
            taint = taint.take().or(found);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(taint)
    }

    fn subquery(&mut self, plan: &LogicalPlan) -> Result<Taint, DataFusionError> {
        Ok(self.columns(plan)?.into_iter().flatten().next())
    }

    fn refuse_volatile(&mut self, function: &datafusion::logical_expr::expr::ScalarFunction) {
        let name = function.func.name();
        let is_clock = matches!(name, "now" | "current_date" | "current_time" | "today");
        if is_clock || function.func.signature().volatility == Volatility::Volatile {
            let report = Report::new(format!("`{name}` gives another value on each run"))
                .expected("a query whose result depends on its tables and parameters only")
                .found(format!("{name}()"))
                .hint("write the value into the file");
            self.refused.push(report);
        }
    }
}

/// What an expression's columns refer to.
struct Scope<'a> {
    inputs: &'a [&'a LogicalPlan],
    taints: &'a [Vec<Taint>],
}

impl Scope<'_> {
    fn taint(&self, column: &datafusion::common::Column) -> Taint {
        self.inputs.iter().zip(self.taints).find_map(|(input, taints)| {
            let idx = input.schema().maybe_index_of_column(column)?;
            taints.get(idx)?.clone()
        })
    }
}

/// Whether `expr` is the column `ts`.
fn is_ts(expr: &Expr) -> bool {
    match expr {
        Expr::Column(column) => column.name == "ts",
        Expr::Alias(alias) => is_ts(&alias.expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
