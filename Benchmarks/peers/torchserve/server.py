"""TorchServe: one worker per core, each of which preprocesses and runs batches on that core.

Serves the archive that prepare.py packed. Configuration and logs go into the current directory.
"""

import json
import os
import sys
from pathlib import Path

from serving import parse

MAX_BATCH_SIZE = 8
MAX_BATCH_DELAY_MILLISECONDS = 2

options = parse(__doc__)
programs = Path(sys.executable).parent
folder = Path.cwd()
model = {
    "defaultVersion": True, "marName": "model.mar", "minWorkers": options.threads, "maxWorkers": options.threads,
    "batchSize": MAX_BATCH_SIZE, "maxBatchDelay": MAX_BATCH_DELAY_MILLISECONDS, "responseTimeout": 60,
}
(folder / "config.properties").write_text("\n".join([
    f"inference_address=http://127.0.0.1:{options.port}",
    f"management_address=http://127.0.0.1:{options.port + 1}",
    f"metrics_address=http://127.0.0.1:{options.port + 2}",
    f"grpc_inference_port={options.port + 3}",
    f"grpc_management_port={options.port + 4}",
    f"vmargs=-Djava.io.tmpdir={folder}",
    f"model_store={options.model / 'torchserve'}",
    "load_models=model.mar",
    f"models={json.dumps({'model': {'1.0': model}})}",
    "disable_system_metrics=true",
    "max_request_size=33554432",
]))
# Without OMP_NUM_THREADS each worker would use every core.
os.execve(programs / "torchserve", [
    "torchserve", "--start", "--foreground", "--ts-config", str(folder / "config.properties"), "--disable-token-auth",
], os.environ | {
    "OMP_NUM_THREADS": "1", "PATH": f"{programs}:{os.environ['PATH']}", "LOG_LOCATION": str(folder),
    "METRICS_LOCATION": str(folder), "BENCHMARK_CLASSES": str(options.model / "class_indices.json"),
})
