"""Traces: a span for each message handled and each delivery tried, where `PIN_TRACES_URL` is set.

Without it a worker loads nothing of OpenTelemetry, and messages carry on the `traceparent` that they came
with. With it, what a message leads to carries the span that handled it.
"""
