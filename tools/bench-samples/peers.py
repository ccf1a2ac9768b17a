"""Other time-series databases as processes on loopback: loaded with Prometheus text, asked for their size and for one
scan of everything. Each is started here and stopped by its id."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

START_SECONDS_MAX = 30
LOAD_BYTES = 8 << 20
SCANS = 20


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A database that serves HTTP on loopback, for the length of a `with`."""

    def __init__(self, command, port, ready):
        self.command, self.port, self.ready = command, port, ready

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self.get(self.ready)
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.command[0]} does not start on 127.0.0.1:{self.port}")
                time.sleep(0.1)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def get(self, path, data=None):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", data, timeout=120) as answer:
            return answer.read()

    def cpu_seconds(self):
        """User and system time of the process so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def scan(self, moment_ms, range_ms, extra=""):
        """The largest value of all samples, and the processor seconds of finding it once, on average: the clock of
        processes ticks in hundredths."""
        query = urllib.parse.urlencode({
            "query": f'max(max_over_time({{__name__=~".+"}}[{range_ms}ms]))', "time": moment_ms / 1000})
        before = self.cpu_seconds()
        for _ in range(SCANS):
            answer = json.loads(self.get(f"/api/v1/query?{query}{extra}"))
        cost = (self.cpu_seconds() - before) / SCANS
        return float(answer["data"]["result"][0]["value"][1]), cost


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(top, name)) for top, _, names in os.walk(folder) for name in names)


def victoria_metrics(program, text, work, moment_ms, range_ms):
    """Name, bytes of data, bytes of index, largest value, processor seconds of the load and of one scan."""
    port = free_port()
    storage = os.path.join(work, "victoria-metrics")
    command = [program, f"-storageDataPath={storage}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y",
               "-search.latencyOffset=0s", "-search.disableCache", "-memory.allowedPercent=20"]
    with Server(command, port, "/health") as server:
        before = server.cpu_seconds()
        rest = b""
        with open(text, "rb") as file:
            while block := file.read(LOAD_BYTES):
                lines, _, tail = (rest + block).rpartition(b"\n")
                server.get("/api/v1/import/prometheus", lines + b"\n")
                rest = tail
        server.get("/internal/force_flush")
        load = server.cpu_seconds() - before
        server.get("/internal/force_merge")
        data, index = 0, 0
        # A merge goes on in the background: the size counts when it has stopped shrinking.
        for _ in range(20):
            time.sleep(1)
            metrics = server.get("/metrics").decode()
            sizes = dict(re.findall(r'^vm_data_size_bytes\{type="([^"]+)"\} (\d+)', metrics, re.M))
            now = (sum(int(size) for kind, size in sizes.items() if kind.startswith("storage/")),
                   sum(int(size) for kind, size in sizes.items() if kind.startswith("indexdb")))
            if now == (data, index):
                break
            data, index = now
        largest, scan = server.scan(moment_ms, range_ms, "&nocache=1")
        version = re.search(r'vm_app_version\{version="([^"]*)"', metrics)
    return {"name": "VictoriaMetrics", "version": version.group(1) if version else "", "data": data, "index": index,
            "largest": largest, "load_cpu": load, "scan_cpu": scan}


def prometheus(program, promtool, text, work, moment_ms, range_ms):
    """The same for Prometheus, whose blocks its own promtool makes."""
    storage, open_metrics = os.path.join(work, "prometheus"), os.path.join(work, "open-metrics.txt")
    os.makedirs(storage, exist_ok=True)
    with open(text) as source, open(open_metrics, "w") as target:
        for line in source:
            name_and_value, stamp = line.rstrip("\n").rsplit(" ", 1)
            target.write(f"{name_and_value} {int(stamp) / 1000:.3f}\n")
        target.write("# EOF\n")
    before = os.times()
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", open_metrics, storage], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = os.times()
    os.remove(open_metrics)
    chunks, index = 0, 0
    for block in os.listdir(storage):
        place = os.path.join(storage, block)
        if os.path.exists(os.path.join(place, "meta.json")):
            chunks += folder_bytes(os.path.join(place, "chunks"))
            index += os.path.getsize(os.path.join(place, "index"))
    port = free_port()
    configuration = os.path.join(work, "prometheus.yml")
    with open(configuration, "w") as file:
        file.write("global: {evaluation_interval: 1m}\n")
    command = [program, f"--config.file={configuration}", f"--storage.tsdb.path={storage}",
               f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y",
               "--query.max-samples=500000000", "--query.timeout=10m", "--log.level=error"]
    with Server(command, port, "/-/ready") as server:
        largest, scan = server.scan(moment_ms, range_ms)
        version = json.loads(server.get("/api/v1/status/buildinfo"))["data"]["version"]
    return {"name": "Prometheus", "version": version, "data": chunks, "index": index, "largest": largest,
            "load_cpu": after.children_user + after.children_system - before.children_user - before.children_system,
            "scan_cpu": scan}
