"""{name}: every weekday at 22:30 UTC, when US exchanges are closed in summer and in winter.

For Airflow 3 with apache-airflow-providers-standard. Code 99 (nothing to do) marks the task as skipped, any other
but 0 fails it; a retry is always safe. The last line of stdout is JSON and becomes the task's XCom.
`airflow backfill create --dag-id oddlot_{name} --from-date … --to-date …` makes up for earlier nights.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="oddlot_{name}",
    schedule="30 22 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    # Runs of one pipeline would only wait for each other: the second ends with code 75.
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10)},
    tags=["oddlot"],
) as dag:
    BashOperator(
        task_id="run",
        bash_command={command},
        skip_on_exit_code=99,
        do_xcom_push=True,
        append_env=True,
    )
