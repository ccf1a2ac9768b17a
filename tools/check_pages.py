#!/usr/bin/env python3
"""Looks at every page of `cairn serve` with Chromium; see tools/test-pages, which runs it.

Makes a ledger of the demo's data in a temporary folder, starts the server on a free port of this machine, and ends the
server and the browser it started, and nothing else. Exit code 0: every page is as it should be. 1: what is not is listed.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SECONDS_MAX = 1.0
# The server looks at every pair once a minute; the first look at a large fleet takes a while.
COMPARED_SECONDS_MAX = 240
BYTES_MAX = 1_000_000
# A change is on the page this soon; the page itself looks at most once a second.
LIVE_SECONDS_MAX = 8
RUN = "migration/pages-one"
SOURCE, TARGET = "harbor-sm-eu-1", "harbor-eks-eu-1"


class Failures:
    def __init__(self):
        self.lines = []

    def expect(self, condition, text):
        if not condition:
            self.lines.append(text)
            print(f"FAILED  {text}", flush=True)


class Ledger:
    """The command line on one ledger."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.environment = dict(
            os.environ, CAIRN_LEDGER=str(folder / "ledger"), CAIRN_KEY=str(folder / "signing-key"), NO_COLOR="1"
        )

    def run(self, *arguments, codes=(0,)):
        done = subprocess.run(
            [self.binary, *map(str, arguments)], env=self.environment, capture_output=True, text=True, timeout=900
        )
        if done.returncode not in codes:
            sys.exit(f"cairn {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def record(self, event_type, stream, actor, ago=None, **data):
        when = [f"--time=-{ago}m"] if ago else []
        self.run("record", event_type, "--stream", stream, "--actor", actor, *when, "--data", json.dumps(data))

    def query(self, sql):
        return json.loads(self.run("query", sql, "-o", "json"))


def fill(ledger, folder, data):
    ledger.run("init", "--origin", "pages.cairn.example/ledger")
    ledger.run("import", "events", data / "events.jsonl")
    ledger.run("import", "eventbridge", data / "eventbridge.jsonl")
    ledger.run("import", "prometheus", data / "metrics")
    for cluster, more in ((SOURCE, []), (TARGET, ["--analyze"])):
        ledger.run("import", "flow-logs", data / "flow-logs" / cluster, "--cluster", cluster, *more, codes=(0, 1))
    plan_run(ledger, RUN, "Pages one", "pages-old", "pages-new", ["search", "cart"])
    ledger.record("cairn.phase.started.v1", RUN, "marek", ago=30, phase="precheck")
    ledger.record("cairn.approval.requested.v1", RUN, "marek", ago=5, phase="build", reason="prechecks look fine")
    samples(ledger, folder, ["pages-old", "pages-new"], ["search", "cart"], ["stage_0_duration_seconds"], slow=[])


def samples(ledger, folder, clusters, names, metrics, slow):
    """Gauges of the last forty minutes; those of slow applications double in the second cluster half-way."""
    draw = random.Random(16)
    now = int(time.time()) // 60 * 60
    for cluster in clusters:
        path = folder / f"{cluster}.prom"
        with open(path, "w", encoding="ascii") as file:
            for metric in metrics:
                file.write(f"# TYPE {metric} gauge\n")
                for name in names:
                    labels = f'{metric}{{app="{name}",quantile="0.99"}}'
                    for minute in range(40):
                        step = 2 if cluster == clusters[1] and name in slow and minute >= 20 else 1
                        value = 0.2 * step * draw.uniform(0.97, 1.03)
                        file.write(f"{labels} {value:.4f} {(now - (39 - minute) * 60) * 1000}\n")
        ledger.run("import", "prometheus", path, "--cluster", cluster)


def plan_run(ledger, run, title, source, target, applications):
    names = [{"name": name, "class": "stateless"} for name in applications]
    ledger.record(
        "cairn.migration.planned.v1", run, "marek", ago=35, playbook="cluster-migration", title=title, source_cluster=source,
        target_cluster=target, applications=names,
    )


def fill_fleet(ledger, folder, count):
    """A migration of many applications: half an hour of 12 gauges in both clusters, one application in fifty slower."""
    names = [f"app-{number:04}" for number in range(count)]
    # An event has room for some hundred applications; the rest is in the samples all the same.
    plan_run(ledger, "migration/fleet", "A large fleet", "fleet-old", "fleet-new", names[:400])
    # Told, not commanded: nobody approved anything.
    ledger.record("observed.phase.started.v1", "migration/fleet", "marek", ago=22, phase="shift-traffic")
    weights = {"source": 50, "target": 50}
    ledger.record("observed.traffic.shifted.v1", "migration/fleet", "marek", ago=21, kind="production", weights=weights)
    metrics = [f"stage_{number}_duration_seconds" for number in range(12)]
    samples(ledger, folder, ["fleet-old", "fleet-new"], names, metrics, slow=set(names[7::50]))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(ledger, folder):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(
            [ledger.binary, "serve", "--listen", f"127.0.0.1:{port}"], env=ledger.environment, stdout=log, stderr=log
        )
        try:
            for _ in range(150):
                if process.poll() is not None:
                    break
                try:
                    with urllib.request.urlopen(f"{base}/login", timeout=2) as answer:
                        if answer.status == 200:
                            break
                except OSError:
                    time.sleep(0.2)
            else:
                sys.exit(f"the server does not answer: {(folder / 'server.log').read_text()[-2000:]}")
            if process.poll() is not None:
                sys.exit(f"the server ended: {(folder / 'server.log').read_text()[-2000:]}")
            yield base
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextlib.contextmanager
def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        yield driver
    finally:
        driver.quit()


class Site:
    def __init__(self, driver, base, failures, screenshots):
        self.driver, self.base, self.failures, self.screenshots = driver, base, failures, screenshots

    def size(self, width, height=900, dark=False):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def log_in(self, token):
        self.driver.delete_all_cookies()
        self.driver.get(f"{self.base}/")
        self.failures.expect("/login" in self.driver.current_url, "a stranger is sent to the login page")
        self.driver.find_element(By.NAME, "token").send_keys(token)
        self.driver.find_element(By.CSS_SELECTOR, "form.stack button").click()
        WebDriverWait(self.driver, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, ".viewer"))

    def open(self, path):
        self.driver.get(self.base + path)
        # The first answer of the stream of events keeps loading; the page itself is there.
        WebDriverWait(self.driver, 10).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "main h1"))

    def console(self, where):
        for line in self.driver.get_log("browser"):
            if line["level"] in ("SEVERE", "WARNING"):
                self.failures.expect(False, f"{where}: the console says {line['message'][:300]}")

    def look(self, path, width, dark):
        """One page, loaded and measured."""
        self.size(width, dark=dark)
        self.open(path)
        where = f"{path} at {width}{' dark' if dark else ''}"
        seen = self.driver.execute_script(
            """
            const entry = performance.getEntriesByType("navigation")[0];
            const wide = [...document.querySelectorAll("main *")].filter(
                one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll,.command,svg,.unseen"));
            const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
            return {
              seconds: (entry.responseEnd - entry.requestStart) / 1000, bytes: entry.decodedBodySize,
              width: document.documentElement.scrollWidth, wide: wide.slice(0, 3).map(one => one.outerHTML.slice(0, 120)),
              doubled: ids.filter((id, index) => ids.indexOf(id) !== index).slice(0, 3),
              inline: document.querySelectorAll("[style],style,script:not([src])").length,
              scopes: document.querySelectorAll("th:not([scope])").length,
              unnamed: [...document.querySelectorAll("input:not([type=hidden]),select,textarea")]
                  .filter(one => !one.labels.length && !one.ariaLabel).length,
              styled: getComputedStyle(document.querySelector(".masthead")).display === "flex",
            };
            """
        )
        expect = self.failures.expect
        expect(seen["seconds"] <= SECONDS_MAX, f"{where}: it took {seen['seconds']:.2f} s")
        expect(seen["bytes"] <= BYTES_MAX, f"{where}: it has {seen['bytes']} bytes")
        expect(seen["width"] <= width, f"{where}: it is {seen['width']} wide: {seen['wide']}")
        expect(not seen["doubled"], f"{where}: ids are there twice: {seen['doubled']}")
        expect(seen["inline"] == 0, f"{where}: {seen['inline']} inline styles or scripts")
        expect(seen["scopes"] == 0, f"{where}: {seen['scopes']} headers without a scope")
        expect(seen["unnamed"] == 0, f"{where}: {seen['unnamed']} fields without a label")
        expect(seen["styled"], f"{where}: the style sheet was not used")
        self.console(where)
        if self.screenshots:
            name = path.strip("/").split("?")[0].replace("/", "_") or "fleet"
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            self.size(width, height=min(height, 6000), dark=dark)
            self.driver.save_screenshot(str(self.screenshots / f"{name}-{width}{'-dark' if dark else ''}.png"))
        return seen

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "main").text

    def fetch(self, path, **options):
        return self.driver.execute_async_script(
            """
            const [path, options, done] = arguments;
            fetch(path, options).then(async answer => done([answer.status, await answer.text()])).catch(error => done([0, String(error)]));
            """,
            path, options,
        )


def wait_until_compared(site, failures, pair):
    deadline = time.monotonic() + COMPARED_SECONDS_MAX
    site.open(f"/divergence?{pair}")
    while "has not compared them yet" in site.text():
        if time.monotonic() > deadline:
            return failures.expect(False, f"{pair} was not compared within {COMPARED_SECONDS_MAX} s")
        time.sleep(2)
        site.open(f"/divergence?{pair}")


def check_all(site, ledger, failures, has_fleet):
    incident = ledger.query("SELECT incident FROM incidents ORDER BY opened_us LIMIT 1")[0]["incident"]
    finding = ledger.query("SELECT finding FROM findings WHERE app IS NOT NULL ORDER BY position LIMIT 1")[0]["finding"]
    pair = f"source={SOURCE}&target={TARGET}"
    paths = [
        "/", "/?kind=deployment&sort=title", "/runs/migration/harbor-eu-1", f"/runs/{RUN}", f"/divergence?{pair}",
        f"/divergence?{pair}&verdict=all", f"/divergence/search/http_requests_total?{pair}", f"/drops?{pair}", "/drops",
        "/incidents", f"/incidents/{incident}", f"/findings/{finding}", "/entries/0", "/timeline",
    ]
    deployment = ledger.query("SELECT run FROM runs WHERE kind = 'deployment' LIMIT 1")
    paths += [f"/runs/{one['run']}" for one in deployment]
    if has_fleet:
        paths += ["/divergence?source=fleet-old&target=fleet-new", "/divergence?source=fleet-old&target=fleet-new&verdict=all"]
        paths += ["/runs/migration/fleet"]
    wait_until_compared(site, failures, pair)
    if has_fleet:
        wait_until_compared(site, failures, "source=fleet-old&target=fleet-new")
    for path in paths:
        site.open(path)
        seen = [site.look(path, width, dark) for width, dark in ((1280, False), (360, False), (1280, True))]
        print(f"{max(one['bytes'] for one in seen):>8} bytes  {max(one['seconds'] for one in seen):.3f} s  {path}", flush=True)
    return incident


def check_links(site, failures):
    """Every address that a page names leads somewhere."""
    seen, waiting = set(), ["/", "/runs/migration/harbor-eu-1", "/divergence", "/drops", "/incidents"]
    for path in waiting:
        site.open(path)
        for link in site.driver.find_elements(By.CSS_SELECTOR, "a[href]"):
            address = link.get_attribute("href").split("#")[0]
            if address.startswith(site.base):
                seen.add(address[len(site.base) :])
    site.console("links")
    for path in sorted(seen)[:150]:
        status, _ = site.fetch(path)
        failures.expect(status == 200, f"{path} is linked and answers {status}")
    print(f"{min(len(seen), 150)} links lead somewhere", flush=True)


def check_live(site, ledger, failures):
    """An event of the command line is on the page, which was not loaded again and kept what the reader had done."""
    site.size(1280)
    site.open("/runs/migration/harbor-eu-1")
    driver = site.driver
    WebDriverWait(driver, 10).until(lambda d: d.find_element(By.ID, "freshness").text == "live")
    driver.execute_script(
        """
        window.notLoadedAgain = true;
        document.querySelector("#axis-table").open = true;
        window.scrollTo(0, 400);
        document.querySelector("#axis-table summary").focus({preventScroll: true});
        """
    )
    ledger.record("cairn.note.added.v1", "migration/harbor-eu-1", "ana", text="seen by the page itself")
    started = time.monotonic()
    try:
        WebDriverWait(driver, LIVE_SECONDS_MAX).until(
            lambda d: "seen by the page itself" in d.find_element(By.TAG_NAME, "main").get_attribute("textContent")
        )
        print(f"a change was on the page after {time.monotonic() - started:.1f} s", flush=True)
    except TimeoutException:
        failures.expect(False, f"an event was not on the page after {LIVE_SECONDS_MAX} s")
    state = driver.execute_script(
        "return [window.notLoadedAgain, document.querySelector('#axis-table').open, window.scrollY,"
        " document.activeElement.tagName, document.getElementById('freshness').textContent]"
    )
    failures.expect(state == [True, True, 400, "SUMMARY", "live"], f"after the change the page is {state}")
    site.console("live")


def check_keyboard(site, failures):
    site.open(f"/divergence?source={SOURCE}&target={TARGET}&verdict=all")
    site.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    skip = site.driver.execute_script(
        "const one = document.activeElement; return [one.className, one.getBoundingClientRect().top >= 0]"
    )
    failures.expect(skip == ["skip", True], f"the first stop of the keyboard is {skip}")
    cells = site.driver.find_elements(By.CSS_SELECTOR, ".heat td a")
    failures.expect(len(cells) > 1, "the heat map of the demo has fields")
    for key, name in ((Keys.ARROW_DOWN, "down"), (Keys.ARROW_UP, "up")):
        before = site.driver.execute_script("arguments[0].focus(); return arguments[0].href", cells[0 if name == "down" else -1])
        site.driver.switch_to.active_element.send_keys(key)
        moved = site.driver.execute_script("return document.activeElement.href !== arguments[0]", before)
        failures.expect(moved, f"the arrow {name} does not move in the heat map")


def check_without_script(site, failures):
    site.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        site.driver.get(f"{site.base}/")
        failures.expect("as of" in site.driver.find_element(By.ID, "freshness").text, "without a script the time is shown")
        failures.expect("Pages one" in site.text(), "without a script the fleet is there")
        field = site.driver.find_element(By.NAME, "q")
        field.send_keys("pages")
        field.send_keys(Keys.ENTER)
        WebDriverWait(site.driver, 10).until(lambda driver: "q=pages" in driver.current_url)
        failures.expect("Harbor" not in site.driver.find_element(By.ID, "main").text.split("Data")[0].split("Runs")[1],
                        "without a script the filter works")
    finally:
        site.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def check_approving(site, ledger, failures, reader, approver):
    site.log_in(reader)
    site.open(f"/runs/{RUN}")
    failures.expect(not site.driver.find_elements(By.CSS_SELECTOR, "form.decide"), "who may only read is offered a form")
    status, _ = site.fetch(f"/runs/{RUN}/approve", method="POST", body="phase=build",
                           headers={"content-type": "application/x-www-form-urlencoded"})
    failures.expect(status == 403, f"approving with a token that may read answers {status}")
    site.driver.get_log("browser")
    site.log_in(approver)
    status, _ = site.fetch(f"/runs/{RUN}/approve", method="POST", body="phase=build&form_token=guess",
                           headers={"content-type": "application/x-www-form-urlencoded"})
    failures.expect(status == 403, f"approving without the form's token answers {status}")
    site.driver.get_log("browser")
    site.open(f"/runs/{RUN}")
    site.driver.find_element(By.NAME, "comment").send_keys("looked at the prechecks")
    site.driver.find_element(By.CSS_SELECTOR, "form.decide button.good").click()
    WebDriverWait(site.driver, 10).until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, "form.decide"))
    failures.expect("granted" in site.text(), "the page does not say that it was granted")
    rows = ledger.query(f"SELECT decision, approver, comment, four_eyes FROM approvals WHERE run = '{RUN}'")
    failures.expect(
        rows and rows[0]["decision"] == "granted" and rows[0]["four_eyes"] == 1, f"the log says {rows} of the approval"
    )
    site.console("approving")


def check_exports(site, failures, incident):
    for kind, marker in (("md", "# "), ("html", "<!DOCTYPE html>"), ("json", "{"), ("csv", "time,actor")):
        status, text = site.fetch(f"/v1/timeline?incident={incident}&format={kind}")
        failures.expect(status == 200 and text.startswith(marker), f"the export as {kind} answers {status}: {text[:80]!r}")
    status, text = site.fetch("/v1/report/change/migration/harbor-eu-1")
    failures.expect(status == 200 and "harbor-eu-1" in text, f"the audit report answers {status}")


def check_policy(site, failures):
    """What the browser is told it may load."""
    try:
        with urllib.request.urlopen(f"{site.base}/login", timeout=5) as answer:
            policy = answer.headers.get("Content-Security-Policy", "")
    except urllib.error.HTTPError as error:
        policy = error.headers.get("Content-Security-Policy", "")
    failures.expect("default-src 'none'" in policy and "unsafe" not in policy, f"the content policy is {policy!r}")


def check_server(site, ledger, failures, reader, approver, has_fleet):
    site.size(1280)
    check_policy(site, failures)
    site.log_in(reader)
    site.console("logging in")
    incident = check_all(site, ledger, failures, has_fleet)
    check_links(site, failures)
    check_exports(site, failures, incident)
    check_keyboard(site, failures)
    check_without_script(site, failures)
    check_live(site, ledger, failures)
    check_approving(site, ledger, failures, reader, approver)


def check_lost(site, failures):
    """The server has ended: the page says so, and how old is what it shows."""
    try:
        WebDriverWait(site.driver, 10).until(
            lambda d: d.find_element(By.ID, "freshness").text.startswith("reconnecting, data as of ")
        )
    except TimeoutException:
        failures.expect(False, "without a server the page says " + site.driver.find_element(By.ID, "freshness").text)
    failures.expect("Pages one" in site.text(), "without a server the page still shows what it had")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--applications", type=int, default=0)
    options = parser.parse_args()
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    failures = Failures()
    with tempfile.TemporaryDirectory(prefix="cairn-pages-") as name:
        folder = pathlib.Path(name)
        ledger = Ledger(options.binary, folder)
        fill(ledger, folder, options.data)
        if options.applications:
            fill_fleet(ledger, folder, options.applications)
        reader = ledger.run("token", "create", "--name", "rita", "--scope", "read")
        approver = ledger.run("token", "create", "--name", "priya", "--scope", "read", "--scope", "approve")
        with browser() as driver:
            with server(ledger, folder) as base:
                site = Site(driver, base, failures, options.screenshots)
                check_server(site, ledger, failures, reader, approver, options.applications > 0)
                site.open("/")
                WebDriverWait(driver, 10).until(lambda d: d.find_element(By.ID, "freshness").text == "live")
            check_lost(site, failures)
    print("all pages are as they should be" if not failures.lines else f"{len(failures.lines)} things are not as they should be")
    return 1 if failures.lines else 0


if __name__ == "__main__":
    sys.exit(main())
