"""A real Airflow reads what `oddlot export airflow` prints: parse.py [ODDLOT]

    python -m venv venv && venv/bin/pip install -r tests/airflow/requirements.txt
    venv/bin/python tests/airflow/parse.py target/debug/oddlot

Both DAGs are put into a folder of their own, imported by Airflow's DagBag, and looked at: schedule, retries, the
code that skips, the templated instant as Airflow renders it, and that this oddlot reads that instant. The Bash task's
command is then run, once with something to do and once without. Needs no network and no database server.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ODDLOT = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/debug/oddlot").resolve())
HOME = pathlib.Path(tempfile.mkdtemp(prefix="oddlot-airflow-"))
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="false",
    AIRFLOW__CORE__UNIT_TEST_MODE="true",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db",
)

JOB = """
[source]
path = "prices/*.parquet"
columns = { ticker = "ticker", ts = "date", value = "close" }
[features]
sql = "builtin:log_return"
[windows]
length = 8
[split]
train_to = "1995-12-29"
validation_to = "1996-06-28"
calibration_to = "1997-06-30"
[models.ewma.detector.ewma_z]
[threshold.quantile]
q = 0.995
[output]
root = "out"
"""


def oddlot(*arguments):
    done = subprocess.run([ODDLOT, *arguments], cwd=HOME, capture_output=True, text=True, check=True)
    return done.stdout


def dag_bag(dags):
    try:
        from airflow.dag_processing.dagbag import DagBag  # 3.2 and later
    except ImportError:
        from airflow.models.dagbag import DagBag
    bag = DagBag(dag_folder=str(dags))
    assert not bag.import_errors, bag.import_errors
    return bag


def rendered(text, instant):
    """As Airflow fills a template: Jinja, with its own environment and a pendulum instant."""
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment().from_string(text).render(data_interval_end=instant)


def main():
    import pendulum

    (HOME / "job.toml").write_text(JOB)
    oddlot("import", "--generate", "tickers=3,days=1200,seed=7", "-o", "prices", "--columns", "close")
    dags = HOME / "dags"
    for name, more in [("bash", []), ("pod", ["--image", "example.com/oddlot:1"])]:
        (dags / name).mkdir(parents=True)
        (dags / name / "dag.py").write_text(oddlot("export", "airflow", "job.toml", *more))

    instant = pendulum.datetime(1998, 9, 30, 22, 30, tz="UTC")
    for name in ["bash", "pod"]:
        [(dag_id, dag)] = dag_bag(dags / name).dags.items()
        [task] = dag.tasks
        assert dag_id == "oddlot_job" and dag.max_active_runs == 1, dag_id
        assert task.retries == 3 and 99 in task.skip_on_exit_code, task
        assert dag.schedule == "30 22 * * 1-5", dag.schedule
        print(f"{name}: {dag_id}, {type(task).__name__}, retries {task.retries}, skips on {task.skip_on_exit_code}")
        if name == "pod":
            arguments = [rendered(text, instant) for text in task.arguments]
            assert arguments[arguments.index("--result-file") + 1] == "/airflow/xcom/return.json"
            assert task.do_xcom_push and task.image == "example.com/oddlot:1"
            oddlot("plan", "job.toml", "--as-of", arguments[arguments.index("--as-of") + 1])
            continue
        command = rendered(task.bash_command, instant)
        print(f"bash: {command}")
        codes = []
        for _ in range(2):
            done = subprocess.run(["bash", "-c", command], cwd="/", capture_output=True, text=True, check=False)
            codes.append(done.returncode)
            last = json.loads(done.stdout.splitlines()[-1])
            assert last["session"] == "1998-09-30", last
        assert codes == [0, 99], (codes, done.stderr)
        print(f"bash: ended with {codes[0]}, and again with {codes[1]}: nothing to do")


try:
    main()
finally:
    shutil.rmtree(HOME, ignore_errors=True)
