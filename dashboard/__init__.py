"""The dashboard of ``install/grafana-dashboard.json``, with data: ``python -m dashboard`` draws its panels.

A real server gets requests and faults, a real Prometheus reads its metrics, and each panel shows what Prometheus
answers to the queries of the file. A test does the same for some seconds, and fails where a query has no data.
"""
