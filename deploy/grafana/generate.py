#!/usr/bin/env python3
"""Write the dashboard alexnet.json for Grafana.

    deploy/grafana/generate.py > deploy/grafana/alexnet.json
"""

import json
import sys

PREDICTIONS = 'route=~"/predict|/v1/models/.*|/v2/.*infer|/invocations|/predictions/.*"'
SERVERS = 'instance=~"$instance"'


def quantile(share, metric, by="le", more=""):
    return f"histogram_quantile({share}, sum by ({by}) (rate({metric}_bucket{{{SERVERS}{more}}}[$__rate_interval])))"


def mean(metric, by=""):
    by = f" by ({by})" if by else ""
    return (
        f"sum{by} (rate({metric}_sum{{{SERVERS}}}[$__rate_interval])) / sum{by} (rate({metric}_count{{{SERVERS}}}[$__rate_interval]))")


# Title, unit, and the lines: expression and legend.
PANELS = [
    ("Requests a second, by status", "reqps", [
        (f"sum by (status) (rate(alexnet_http_requests_total{{{SERVERS},{PREDICTIONS}}}[$__rate_interval]))", "{{status}}")]),
    ("Latency", "s", [
        (quantile(share, "alexnet_http_request_duration_seconds", more="," + PREDICTIONS), name)
        for share, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))]),
    ("Wait for a batch", "s", [
        (mean("alexnet_queue_wait_seconds"), "mean"), (quantile(0.99, "alexnet_queue_wait_seconds"), "99 %")]),
    ("Images in a batch, mean", "short", [(mean("alexnet_batch_size"), "images")]),
    ("Images that wait", "short", [(f"sum by (instance) (alexnet_queue_depth{{{SERVERS}}})", "{{instance}}")]),
    ("Time of one image or batch, mean", "s", [
        (mean("alexnet_decode_seconds"), "decode, one image"), (mean("alexnet_preprocess_seconds"), "preprocess, one image"),
        (mean("alexnet_inference_seconds", "model"), "network, one batch: {{model}}")]),
    ("Refused a second, by reason", "reqps", [
        (f"sum by (reason) (rate(alexnet_rejected_total{{{SERVERS}}}[$__rate_interval]))", "{{reason}}")]),
    ("Answers by class", "short", [
        (f"topk(10, sum by (model, class) (rate(alexnet_predictions_total{{{SERVERS}}}[$__rate_interval])))", "{{model}}: {{class}}")]),
    ("Versions", "short", [(f"count by (model, version) (alexnet_model_info{{{SERVERS}}})", "{{model}} {{version}}")]),
    ("Reloads", "short", [
        (f"sum by (model, outcome) (increase(alexnet_model_reloads_total{{{SERVERS},outcome!=\"unchanged\"}}[$__rate_interval]))",
         "{{model}}: {{outcome}}")]),
    ("Memory", "bytes", [
        (f"process_resident_memory_bytes{{{SERVERS}}}", "{{instance}}"),
        (f"sum by (instance) (alexnet_model_memory_bytes{{{SERVERS}}})", "{{instance}}, models")]),
    ("Processors in use", "short", [(f"rate(process_cpu_seconds_total{{{SERVERS}}}[$__rate_interval])", "{{instance}}")]),
    ("Connections", "short", [(f"alexnet_http_connections{{{SERVERS}}}", "{{instance}}")]),
    ("Lines of the log lost a second", "short", [
        (f"rate(alexnet_log_lines_dropped_total{{{SERVERS}}}[$__rate_interval])", "{{instance}}")]),
]


def panel(number, title, unit, lines):
    return {
        "id": number + 1, "type": "timeseries", "title": title, "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + index), "expr": expression, "legendFormat": legend} for index, (expression, legend) in enumerate(lines)],
    }


def dashboard():
    return {
        "title": "alexnet", "uid": "alexnet", "schemaVersion": 39, "refresh": "15s", "time": {"from": "now-1h", "to": "now"},
        "tags": ["alexnet"], "timezone": "browser", "editable": True,
        "templating": {"list": [
            {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
            {
                "name": "instance", "type": "query", "label": "Server", "datasource": {"type": "prometheus", "uid": "${source}"},
                "query": "label_values(alexnet_build_info, instance)", "includeAll": True, "multi": True, "refresh": 2,
                "current": {"text": "All", "value": "$__all"}, "allValue": ".*",
            },
        ]},
        "panels": [panel(number, *one) for number, one in enumerate(PANELS)],
    }


if __name__ == "__main__":
    json.dump(dashboard(), sys.stdout, indent=1)
    print()
