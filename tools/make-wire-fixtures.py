#!/usr/bin/env python3
"""Makes the binary fixtures of the wire formats with other people's encoders: protobuf, libsnappy, zlib.

    python3 -m venv venv && venv/bin/pip install cramjam protobuf opentelemetry-proto
    venv/bin/python tools/make-wire-fixtures.py

They are committed, so nobody needs this to run the tests. Same input, same bytes, but for the keys of SNS.
"""
import base64
import functools
import gzip
import json
import math
import pathlib
import random
import struct
import subprocess
import tempfile

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

TESTS = pathlib.Path(__file__).resolve().parent.parent / "Tests"
INGEST = TESTS / "CairnIngestTests/Fixtures/Wire"
BYTES = TESTS / "CairnBytesTests/Fixtures"
START = 1_773_136_800_000  # 2026-03-10T10:00:00Z
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def message_types():
    """The messages of remote write 1.0 and 2.0, from their published schemas."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package="cairn.test", syntax="proto3")

    def add(name, *fields):
        message = file.message_type.add(name=name)
        for number, field_name, kind, repeated in fields:
            one = message.field.add(name=field_name, number=number)
            one.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if isinstance(kind, str):
                one.type, one.type_name = field.TYPE_MESSAGE, f".cairn.test.{kind}"
            else:
                one.type = kind

    add("Label", (1, "name", field.TYPE_STRING, False), (2, "value", field.TYPE_STRING, False))
    add("Sample", (1, "value", field.TYPE_DOUBLE, False), (2, "timestamp", field.TYPE_INT64, False),
        (3, "start_timestamp", field.TYPE_INT64, False))
    add("Exemplar", (1, "labels", "Label", True), (2, "value", field.TYPE_DOUBLE, False),
        (3, "timestamp", field.TYPE_INT64, False))
    add("Histogram", (1, "count_int", field.TYPE_UINT64, False), (3, "sum", field.TYPE_DOUBLE, False),
        (15, "timestamp", field.TYPE_INT64, False))
    add("TimeSeries", (1, "labels", "Label", True), (2, "samples", "Sample", True), (3, "exemplars", "Exemplar", True),
        (4, "histograms", "Histogram", True))
    add("Metadata", (1, "type", field.TYPE_UINT32, False), (2, "name", field.TYPE_STRING, False),
        (4, "help", field.TYPE_STRING, False))
    add("WriteRequest", (1, "timeseries", "TimeSeries", True), (3, "metadata", "Metadata", True))
    add("TimeSeries2", (1, "labels_refs", field.TYPE_UINT32, True), (2, "samples", "Sample", True),
        (3, "histograms", "Histogram", True), (4, "exemplars", "Exemplar", True))
    add("Request", (4, "symbols", field.TYPE_STRING, True), (5, "timeseries", "TimeSeries2", True))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"cairn.test.{name}"))
        for name in ("WriteRequest", "Request")
    }


SERIES = [
    ({"__name__": "up", "instance": "a:9100", "job": "node"}, [(START, 1.0), (START + 15_000, 0.0)], 0, 0),
    # As vmagent sends them: what relabelling added stands at the end.
    ({"__name__": "http_requests_total", "code": "200", "app": "checkout"}, [(START, 1e15 + 0.5)], 0, 0),
    ({"__name__": "gone", "app": "checkout"}, [(START, STALE)], 0, 0),
    ({"__name__": "odd", "app": "Übersicht", "empty": ""}, [(START - 1, -0.0), (START, math.inf)], 0, 1),
    ({"__name__": "latency", "app": "checkout"}, [], 2, 0),
    ({"app": "checkout"}, [(START, 4.0)], 0, 0),  # no name
    ({"__name__": "late", "app": "x"}, [(START, 1.0), (2**62, 2.0)], 0, 0),
    ({"__name__": "up", "instance": "a:9100", "job": "node"}, [(START + 30_000, 1.0)], 0, 0),
]


def remote_write(types):
    request = types["WriteRequest"]()
    for labels, samples, histograms, exemplars in SERIES:
        series = request.timeseries.add()
        for name, value in labels.items():
            series.labels.add(name=name, value=value)
        for time, value in samples:
            series.samples.add(timestamp=time, value=value)
        for _ in range(histograms):
            series.histograms.add(count_int=3, sum=1.5, timestamp=START)
        for _ in range(exemplars):
            series.exemplars.add(value=1.0, timestamp=START)
    twice = request.timeseries.add()
    for name in ("__name__", "a", "a"):
        twice.labels.add(name=name, value="v")
    twice.samples.add(timestamp=START, value=1.0)
    request.metadata.add(type=1, name="up", help="whether the scrape worked")
    return request.SerializeToString(deterministic=True)


def remote_write_2(types):
    request = types["Request"]()
    symbols = {"": 0}

    def symbol(text):
        return symbols.setdefault(text, len(symbols))

    for labels, samples, histograms, exemplars in SERIES:
        series = request.timeseries.add()
        for name, value in labels.items():
            series.labels_refs.extend([symbol(name), symbol(value)])
        for time, value in samples:
            series.samples.add(timestamp=time, value=value, start_timestamp=START - 60_000)
        for _ in range(histograms):
            series.histograms.add(count_int=3, sum=1.5, timestamp=START)
        for _ in range(exemplars):
            series.exemplars.add(value=1.0, timestamp=START)
    beyond = request.timeseries.add()
    beyond.labels_refs.extend([symbol("__name__"), 999])
    beyond.samples.add(timestamp=START, value=1.0)
    odd = request.timeseries.add()
    odd.labels_refs.extend([symbol("__name__")])
    odd.samples.add(timestamp=START, value=1.0)
    request.symbols.extend(symbols)
    return request.SerializeToString(deterministic=True)


def attribute(holder, key, value):
    one = holder.attributes.add(key=key) if hasattr(holder, "attributes") else holder.values.add(key=key)
    fill(one.value, value)


def fill(any_value, value):
    if isinstance(value, bool):
        any_value.bool_value = value
    elif isinstance(value, int):
        any_value.int_value = value
    elif isinstance(value, float):
        any_value.double_value = value
    elif isinstance(value, str):
        any_value.string_value = value
    elif isinstance(value, list):
        for one in value:
            fill(any_value.array_value.values.add(), one)
    else:
        any_value.kvlist_value.SetInParent()
        for key, inner in value.items():
            attribute(any_value.kvlist_value, key, inner)


def otlp():
    """One of each kind of metric, as an SDK and a collector send them."""
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    for key, value in {
        "service.namespace": "shop", "service.name": "checkout", "service.instance.id": "checkout-7",
        "k8s.cluster.name": "eks-eu-1", "host.id": 17, "0day": True, "weights": [1, 2.5, "x"],
    }.items():
        attribute(resource.resource, key, value)
    scope = resource.scope_metrics.add()
    scope.scope.name = "io.opentelemetry.http"
    time = START * 1_000_000 + 123_456

    def metric(name, unit):
        return scope.metrics.add(name=name, unit=unit, description="of the fixture")

    def number(data, value, stamp=time, flags=0, **attributes):
        point = data.data_points.add(time_unix_nano=stamp, start_time_unix_nano=time - 10**9, flags=flags)
        if isinstance(value, int):
            point.as_int = value
        elif value is not None:
            point.as_double = value
        for key, one in attributes.items():
            attribute(point, key, one)
        return point

    number(metric("system.memory.usage", "By").gauge, 123456789, state="used")
    number(metric("system.cpu.utilization", "1").gauge, 0.25, **{"cpu.id": "0", "cpu_id": "a"})
    number(metric("jvm.gone", "").gauge, None, flags=1)
    number(metric("no.value", "").gauge, None)
    number(metric("no.time", "").gauge, 1.0, stamp=0)
    counter = metric("http.server.requests", "{request}").sum
    counter.aggregation_temporality, counter.is_monotonic = 2, True
    number(counter, 2**53 + 2, code=200, ok=True).exemplars.add(as_double=1.0)
    number(counter, 17, code=500)
    counter = metric("network.io", "By/s").sum
    counter.aggregation_temporality = 2
    number(counter, -5.5)
    delta = metric("queue.published", "1").sum
    delta.aggregation_temporality, delta.is_monotonic = 1, True
    number(delta, 3)
    histogram = metric("http.server.duration", "ms").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.add(
        time_unix_nano=time, count=6, sum=417.25, bucket_counts=[1, 2, 0, 3], explicit_bounds=[5, 12.5, 100])
    histogram.data_points.add(time_unix_nano=time, count=2, bucket_counts=[1, 1], explicit_bounds=[5, 10])
    stale = histogram.data_points.add(time_unix_nano=time, flags=1)
    attribute(stale, "route", "/old")
    exponential = metric("rpc.duration", "s").exponential_histogram
    exponential.aggregation_temporality = 2
    exponential.data_points.add(time_unix_nano=time, count=2, sum=1.0, scale=3)
    summary = metric("gc.pause", "s").summary
    point = summary.data_points.add(time_unix_nano=time, count=4, sum=0.5)
    point.quantile_values.add(quantile=0.5, value=0.1)
    point.quantile_values.add(quantile=0.99, value=0.25)
    metric("empty", "")
    return request


def metric_stream():
    """What a CloudWatch metric stream in the format opentelemetry1.0 puts into one record: two messages."""
    messages = b""
    for name, minute in (("CPUUtilization", 0), ("TargetResponseTime", 1)):
        request = metrics_service_pb2.ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        for key, value in {
            "cloud.provider": "aws", "cloud.account.id": "111122223333", "cloud.region": "eu-west-1",
            "aws.exporter.arn": "arn:aws:cloudwatch:eu-west-1:111122223333:metric-stream/all",
        }.items():
            attribute(resource.resource, key, value)
        metric = resource.scope_metrics.add().metrics.add(name=f"amazonaws.com/AWS/ECS/{name}", unit="Percent")
        time = (START + 60_000 * minute) * 1_000_000
        point = metric.summary.data_points.add(time_unix_nano=time, start_time_unix_nano=time - 60 * 10**9)
        point.count, point.sum = 5, 61.25
        for quantile, value in ((0, 10.0), (0.999, 14.5), (1, 15.0)):
            point.quantile_values.add(quantile=quantile, value=value)
        attribute(point, "Namespace", "AWS/ECS")
        attribute(point, "MetricName", name)
        attribute(point, "Dimensions", {"ClusterName": "shop", "ServiceName": "checkout"})
        encoded = request.SerializeToString(deterministic=True)
        length, prefix = len(encoded), b""
        while length >= 128:
            prefix += bytes([length & 127 | 128])
            length >>= 7
        messages += prefix + bytes([length]) + encoded
    return messages


def sns():
    """Messages of SNS, signed with a key made here; openssl makes certificate and signatures."""
    topic = "arn:aws:sns:eu-west-1:111122223333:migrations"
    host = "https://sns.eu-west-1.amazonaws.com"
    alarm = json.dumps({
        "AlarmName": "checkout-5xx", "AlarmArn": "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:checkout-5xx",
        "AWSAccountId": "111122223333", "NewStateValue": "ALARM", "OldStateValue": "OK",
        "NewStateReason": "Threshold Crossed", "StateChangeTime": "2026-03-10T10:00:00.123+0000",
        "Region": "EU (Ireland)",
    })
    messages = {
        "notification": {"Type": "Notification", "Subject": "ALARM: checkout-5xx", "Message": alarm},
        "plain": {"Type": "Notification", "Message": "backup of Übersicht\nis done"},
        "confirmation": {
            "Type": "SubscriptionConfirmation", "Token": "2336412f37", "Message": "You have chosen to subscribe ...",
            "SubscribeURL": f"{host}/?Action=ConfirmSubscription&TopicArn={topic}&Token=2336412f37",
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        key, certificate, text, signature = (f"{folder}/{name}" for name in ("key", "certificate", "text", "signature"))
        run = functools.partial(subprocess.run, check=True, capture_output=True)
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
             "-subj", "/CN=sns.amazonaws.com", "-days", "3650"])
        (INGEST / "sns.pem").write_bytes(pathlib.Path(certificate).read_bytes())
        run(["openssl", "x509", "-in", certificate, "-outform", "DER", "-out", str(INGEST / "sns.der")])
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
             f"{folder}/ec", "-out", str(INGEST / "sns-ec.pem"), "-subj", "/CN=sns.amazonaws.com", "-days", "3650"])
        for number, (name, message) in enumerate(messages.items()):
            version = 2 - number % 2
            message |= {
                "MessageId": f"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf32{number}", "TopicArn": topic,
                "Timestamp": "2026-03-10T10:00:01.000Z", "SignatureVersion": str(version),
                "SigningCertURL": f"{host}/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem",
                "UnsubscribeURL": f"{host}/?Action=Unsubscribe",
            }
            signed = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
            lines = "".join(f"{one}\n{message[one]}\n" for one in signed if one in message)
            pathlib.Path(text).write_text(lines)
            run(["openssl", "dgst", "-sha256" if version == 2 else "-sha1", "-sign", key, "-out", signature, text])
            message["Signature"] = base64.b64encode(pathlib.Path(signature).read_bytes()).decode()
            (INGEST / f"sns-{name}.json").write_text(json.dumps(message, indent=1, ensure_ascii=False) + "\n")


def snappy_blocks():
    """Blocks of libsnappy over contents of different kinds, as pairs of files."""
    numbers = random.Random(5)
    contents = {
        "empty": b"",
        "one": b"x",
        "text": b"".join(b"http_requests_total{app=\"shop-%d\"} %d\n" % (i % 7, i * 13) for i in range(300)),
        "run": b"a" * 3000 + b"ab" * 1500 + b"abcdefg" * 400,
        "noise": numbers.randbytes(1000),
        # A literal of more than 256 bytes, and a copy from more than 2 KiB back.
        "far": (far := numbers.randbytes(5000)) + far[:2000] + b"tail",
    }
    for name, content in contents.items():
        yield name, content, bytes(cramjam.snappy.compress_raw(content))


def main():
    INGEST.mkdir(parents=True, exist_ok=True)
    BYTES.mkdir(parents=True, exist_ok=True)
    types = message_types()
    (INGEST / "remote-write-1.bin").write_bytes(remote_write(types))
    (INGEST / "remote-write-2.bin").write_bytes(remote_write_2(types))
    request = otlp()
    (INGEST / "otlp-metrics.bin").write_bytes(request.SerializeToString(deterministic=True))
    (INGEST / "otlp-metrics.json").write_text(
        json_format.MessageToJson(request, use_integers_for_enums=True, indent=1) + "\n")
    (INGEST / "metric-stream-otlp.bin").write_bytes(metric_stream())
    sns()
    pieces = b""
    for name, content, block in snappy_blocks():
        for part in (name.encode(), content, block):
            pieces += struct.pack("<I", len(part)) + part
    (BYTES / "snappy.bin.gz").write_bytes(gzip.compress(pieces, mtime=0))


if __name__ == "__main__":
    main()
