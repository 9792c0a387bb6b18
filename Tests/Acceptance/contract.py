#!/usr/bin/env python3
"""The server conforms to its /openapi.json, as checked by schemathesis.

schemathesis generates thousands of valid and invalid requests from the document. It checks status codes, media types, header
fields and bodies against it, that invalid data are rejected and valid data accepted, that other methods get 405, and that
nothing is a server error. Two of three paths name existing models. Checks that a schema cannot express are disabled: whether
bytes are an image, and whether the data of a tensor fit its shape.

Needs schemathesis and Pillow.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from acceptance import ROOT, Server, Verdict, make_parser, parse

MODEL, SPARE = "fashion-mnist", "spare"
SETTINGS = """
[[operations]]
include-path-regex = "[/:](infer|predict|classify|explain|invocations)$|^/predictions/"
checks.positive_data_acceptance.enabled = false

# These phases take names from other answers, and would unload the models that the other requests need.
[[operations]]
include-path-regex = "/unload$"
phases.coverage.enabled = false
phases.stateful.enabled = false
"""
HOOKS = f"""
import io
import os

import schemathesis
from hypothesis import strategies
from PIL import Image


def make(form, width, height, colour):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, form)
    return buffer.getvalue()


sides = strategies.integers(1, 64)
colours = strategies.tuples(*[strategies.integers(0, 255)] * 3)
for form in ("JPEG", "PNG", "WebP"):
    schemathesis.openapi.media_type(f"image/{{form.lower()}}", strategies.builds(make, strategies.just(form), sides, sides, colours))
schemathesis.openapi.media_type("application/octet-stream", strategies.builds(make, strategies.just("PNG"), sides, sides, colours))


@schemathesis.hook
def map_path_parameters(context, parameters):
    if parameters and len(parameters.get("model", "")) % 3:
        # Only the spare model may be unloaded: the other requests need theirs.
        parameters["model"] = "{SPARE}" if context.operation.path.endswith("/unload") else "{MODEL}"
        if len(parameters.get("version", "")) % 3:
            parameters["version"] = os.environ["CONTRACT_VERSION"]
    return parameters
"""


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "weights")
    parser.add_argument("--examples", type=int, default=100, help="requests of each kind")
    options = parse(parser)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-contract-") as folder:
        folder = Path(folder)
        for name in (MODEL, SPARE):
            shutil.copytree(options.models / MODEL, folder / "models" / name)
        (folder / "token").write_text("a token of more than sixteen bytes\n")
        (folder / "contract_hooks.py").write_text(HOOKS)
        (folder / "schemathesis.toml").write_text(SETTINGS)
        environment = {"ALEXNET_ADMIN_TOKEN_FILE": str(folder / "token"), "ALEXNET_LOG_ACCESS": "false"}
        with Server(options.binary, "--models", folder / "models", "--default-model", MODEL, environment=environment) as server:
            version = json.loads(server.get(f"/v1/models/{MODEL}")[2])["version"]
            command = [
                sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run",
                f"http://{server.host}:{server.port}/openapi.json", "--header",
                f"Authorization: Bearer {(folder / 'token').read_text().strip()}", "--max-examples", str(options.examples),
            ]
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True,
                env=os.environ | {"SCHEMATHESIS_HOOKS": "contract_hooks", "CONTRACT_VERSION": version, "PYTHONPATH": str(folder)})
            summary = done.stdout[done.stdout.rfind("= SUMMARY"):]
            print(summary)
            verdict.check(done.returncode == 0, "no check of schemathesis fails", done.stdout[done.stdout.find("= FAILURES"):] + done.stderr[-2000:])
            verdict.check(server.get("/healthz")[0] == 200, "the server lives")
    verdict.finish()


if __name__ == "__main__":
    main()
