"""Load generation with wrk."""

import json
import shutil
import subprocess
from pathlib import Path


class Load:
    """wrk in a closed loop: each connection sends its next request when it has the answer to the last."""

    def __init__(self, server, image, connections, seconds, expected_index):
        if not shutil.which("wrk"):
            raise SystemExit("wrk is needed and was not found on PATH; Debian's package is called wrk")
        contender = server.contender
        self.process = subprocess.Popen([
            "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s",
            "--timeout", "60s", "--script", str(Path(__file__).with_name("post.lua")),
            f"http://127.0.0.1:{server.port}{contender.path}", "--", str(image), contender.form, str(expected_index),
        ], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def result(self):
        """Requests per second, latencies in milliseconds, and the counts of refused, wrong and failed answers."""
        output = self.process.communicate()[0]
        lines = [line for line in output.splitlines() if line.startswith("{")]
        if self.process.returncode != 0 or not lines:
            raise SystemExit(f"wrk failed:\n{output}")
        result = json.loads(lines[-1])
        good = result["answered"] - result["refused"] - result["wrong"]
        return {"requests_per_second": good / result["seconds"],
                **{name: result[name] for name in ("p50", "p99", "refused", "wrong", "failed")}}
