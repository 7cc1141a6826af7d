"""onnxruntime: scores the models that torch exports when first asked for."""

import tempfile
import warnings
from pathlib import Path

import onnxruntime
import torch

from protocol import Unsupported, fastest, serve
from torch_models import MODELS, windows

FOLDER = tempfile.TemporaryDirectory(prefix="oddlot-peers-")
SESSIONS = {}


def exported(name):
    path = Path(FOLDER.name) / f"{name}.onnx"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                MODELS[name]().eval(), (windows(name, 2)[0],), path, input_names=["x"], output_names=["y"],
                dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}}, dynamo=False, opset_version=17)
    return path


def session(name, threads):
    if (name, threads) not in SESSIONS:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # A waiting thread sleeps, or it would take a core from whoever is timed next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        SESSIONS[name, threads] = onnxruntime.InferenceSession(
            exported(name), options, providers=["CPUExecutionProvider"])
    return SESSIONS[name, threads]


def score(request):
    batch = request["batch"]
    run = session(request["model"], request["threads"]).run
    given = {"x": windows(request["model"], batch)[0].numpy()}
    return fastest(lambda: run(None, given), batch, request["seconds"])


def scores_only(_):
    raise Unsupported("onnxruntime scores, it does not train")


def describe(_):
    return {"name": "onnxruntime", "version": onnxruntime.__version__, "exported_by": f"torch {torch.__version__}"}


torch.set_num_threads(1)
serve({"describe": describe, "train": scores_only, "score": score, "bulk": scores_only})
