"""Pack the model into a TorchServe archive (.mar) beside it, once."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", type=Path, required=True, help="folder that export.py made")
options = parser.parse_args()
archive = options.model / "torchserve/model.mar"
handler = Path(__file__).with_name("handler.py")
if not archive.exists() or archive.stat().st_mtime < handler.stat().st_mtime:
    archive.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.model) as folder:
        subprocess.run([
            Path(sys.executable).with_name("torch-model-archiver"), "--model-name", "model", "--version", "1.0",
            "--serialized-file", options.model / "model.pt", "--handler", handler, "--export-path", folder,
        ], check=True)
        (Path(folder) / "model.mar").rename(archive)
