"""{name}: every weekday at 22:30 UTC, when US exchanges are closed in summer and in winter.

For Airflow 3 with apache-airflow-providers-cncf-kubernetes. Code 99 (nothing to do) marks the task as skipped, any
other but 0 fails it; a retry is always safe. The result file becomes the task's XCom.
The image has oddlot and the pipeline file; source and output are buckets or a volume that the pod mounts, and
credentials come from the role of its service account.
`airflow backfill create --dag-id oddlot_{name} --from-date … --to-date …` makes up for earlier nights.
"""

from datetime import datetime, timedelta, timezone

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
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
    KubernetesPodOperator(
        task_id="run",
        name="oddlot-{dashed}",
        image={image},
        cmds=[{binary}],
        arguments={arguments},
        skip_on_exit_code=99,
        do_xcom_push=True,
        on_finish_action="delete_pod",
    )
