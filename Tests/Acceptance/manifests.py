#!/usr/bin/env python3
"""The files in `deploy/` against what they describe.

Manifests fit Kubernetes' published schemas (PyPI's `kubernetes-validate`); the configuration in the ConfigMap is one that the
server takes; every metric in the dashboard, the alerts and the adapter's rule is one that a running server has; every expression is
one that Prometheus parses (Debian's `prometheus`); the dashboard is what its script makes. What is not installed is left out, and said.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from http.client import HTTPConnection
from pathlib import Path

import yaml

from acceptance import ROOT, Server, Verdict, make_parser, parse

DEPLOY = ROOT / "deploy"
# Kubernetes' own kinds, for which there are published schemas.
MANIFESTS = [DEPLOY / "kubernetes" / "alexnet.yaml"]
METRIC = re.compile(r"\b(?:alexnet|process)_[a-z_]+")


def manifests(verdict):
    if not importlib.util.find_spec("kubernetes_validate"):
        verdict.note("kubernetes-validate is not installed: the manifests are not validated")
        return
    import kubernetes_validate
    version = kubernetes_validate.latest_version()
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            name = f"{document['kind']} in {path.relative_to(ROOT)}"
            try:
                kubernetes_validate.validate(document, version, strict=True)
                verdict.check(True, f"{name} fits the schema of Kubernetes {version}")
            except Exception as error:  # the package has an error of its own for each way to fail
                verdict.check(False, f"{name} fits the schema of Kubernetes {version}", error)


def configuration(verdict, binary):
    """The ConfigMap's configuration, with a free port and this repository's models."""
    documents = {one["kind"]: one for one in yaml.safe_load_all(MANIFESTS[0].read_text())}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(documents["ConfigMap"]["data"]["alexnet.yaml"])
        file.flush()
        with Server(binary, "--config", file.name, "--host", "127.0.0.1", "--models", ROOT / "weights", environment={
            "ALEXNET_MODELS_TUNING_CACHE": tempfile.gettempdir(), "ALEXNET_SERVER_DRAIN_DELAY": "0s",
        }) as server:
            verdict.check(True, "the server takes the configuration in the ConfigMap")
            connection = HTTPConnection(server.host, server.port)
            connection.request("POST", "/predict", (ROOT / "docs" / "dress.jpg").read_bytes())
            connection.getresponse().read()
            return server.get("/metrics")[2].decode()


def expressions():
    """Every expression of the dashboard, the alerts and the adapter's rule, with where it stands."""
    dashboard = json.loads((DEPLOY / "grafana" / "alexnet.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"dashboard: {panel['title']}", target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert: {rule['alert']}", rule["expr"]
    for rule in yaml.safe_load((DEPLOY / "kubernetes" / "prometheus-adapter.yaml").read_text())["rules"]["custom"]:
        yield "adapter", rule["metricsQuery"].replace("<<.GroupBy>>", "pod").replace("<<.LabelMatchers>>", 'namespace="x"')


def metrics(verdict, exposition):
    served = set(re.findall(r"^# TYPE (\S+)", exposition, re.M))
    parts = ("_bucket", "_sum", "_count")
    found = list(expressions())
    missing = []
    for place, expression in found:
        for name in METRIC.findall(expression):
            base = next((name.removesuffix(part) for part in parts if name.endswith(part)), name)
            if name not in served and base not in served:
                missing.append(f"{place}: {name}")
    verdict.check(not missing, f"every metric of {len(found)} expressions is served", "\n".join(missing))
    promtool = shutil.which("promtool")
    if not promtool:
        verdict.note("promtool is not installed: the expressions are not parsed")
        return
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.yml"
        rules.write_text(json.dumps({"groups": [{"name": "all", "rules": [
            {"record": f"expression:{number}", "expr": expression} for number, (_, expression) in enumerate(found)]}]}))
        result = subprocess.run([promtool, "check", "rules", str(rules)], capture_output=True, text=True, timeout=60)
    verdict.check(result.returncode == 0, "Prometheus parses all of them", result.stdout + result.stderr)
    for command in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
        result = subprocess.run([promtool, *command], capture_output=True, text=True, timeout=60, cwd=DEPLOY / "prometheus")
        verdict.check(result.returncode == 0, "promtool " + " ".join(command), result.stdout + result.stderr)


def main():
    options = parse(make_parser(__doc__.splitlines()[0]))
    verdict = Verdict()
    made = subprocess.run([sys.executable, str(DEPLOY / "grafana" / "generate.py")], capture_output=True, text=True, timeout=60)
    verdict.check(made.stdout == (DEPLOY / "grafana" / "alexnet.json").read_text(), "the dashboard is what its script makes")
    manifests(verdict)
    metrics(verdict, configuration(verdict, options.binary))
    verdict.finish()


if __name__ == "__main__":
    main()
