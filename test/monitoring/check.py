#!/usr/bin/env python3
"""What monitoring/ has, run for real: exporter, Prometheus, alerts, dashboard.

Needs a server that preloads pg_nplusone, named by PGHOST, PGPORT and PGUSER (a
superuser), and the programs prometheus-postgres-exporter, prometheus and
promtool.  The last line is "N passed, N failed".
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MONITORING = os.path.join(ROOT, "monitoring")
DATABASE = "nplusone_monitoring"
ROLE = "nplusone_exporter"
METRIC = re.compile(r"\bpg_nplusone_[a-z_]+\b")
SERIES = re.compile(r'^(pg_nplusone_[a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="([^"]*)"')
LOOP_CALLS = 10

TABLES = """
CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES author, title text NOT NULL);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 10) g;
INSERT INTO post SELECT g, 1 + g * 7 % 10, 'post ' || g FROM generate_series(1, 10) g;
"""
LOOP = "SELECT author_id, title FROM post ORDER BY id;\n" + \
    "".join("SELECT name FROM author WHERE id = %d;\n" % (1 + n * 7 % 10) for n in range(1, LOOP_CALLS + 1))
END = "SELECT pg_nplusone_session_reset();\n"

counts = {True: 0, False: 0}


def check(passed, description, detail=""):
    counts[bool(passed)] += 1
    print("%s - %s" % ("ok" if passed else "not ok", description))
    if not passed:
        print("\n".join("# " + line for line in str(detail).splitlines()))


def psql(sql, database=DATABASE):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database], input=sql, check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.read().decode()


def wait_for(url, process):
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("%s ended" % process.args[0])
        try:
            return fetch(url)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("%s does not answer" % process.args[0])


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as stream:
        return stream.read()


# -- The exporter ----------------------------------------------------------


class Exporter:
    def __init__(self, directory):
        self.port = free_port()
        self.log = open(os.path.join(directory, "exporter.log"), "w+")
        source = "host=%s port=%s user=%s dbname=%s sslmode=disable" % (
            os.environ["PGHOST"], os.environ["PGPORT"], ROLE, DATABASE)
        self.process = subprocess.Popen(
            ["prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:%d" % self.port,
             "--disable-default-metrics", "--disable-settings-metrics", "--no-collector.database",
             "--no-collector.bgwriter", "--extend.query-path=" + os.path.join(MONITORING, "postgres_exporter.yaml")],
            env=dict(os.environ, DATA_SOURCE_NAME=source), stdout=self.log, stderr=subprocess.STDOUT)
        wait_for("http://127.0.0.1:%d/" % self.port, self.process)

    def scrape(self):
        """Values by metric and labels, but for the label that names the server."""
        found = {}
        for line in fetch("http://127.0.0.1:%d/metrics" % self.port).splitlines():
            match = SERIES.match(line)
            if match:
                labels = tuple(sorted(pair for pair in LABEL.findall(match[2] or "") if pair[0] != "server"))
                found[match[1], labels] = float(match[3])
        return found

    def errors(self):
        self.log.flush()
        self.log.seek(0)
        return "".join(line for line in self.log if "level=error" in line or "level=warn" in line)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def value(sample, metric, **labels):
    return sample.get((metric, tuple(sorted(labels.items()))))


def filled(sample):
    """What is not zero, to be shown where something is wrong."""
    return "\n".join("%s %s" % item for item in sample.items() if item[1])


def check_counters(exporter):
    """Exactly what has happened between two scrapes; returns the metrics there are."""
    psql(END + LOOP + END)
    before = exporter.scrape()
    psql((LOOP + END) * 7)
    after = exporter.scrape()
    proven = dict(pattern="forward_fk", confidence="proven")
    for metric, grown in (("loops_total", 7), ("calls_total", 7 * LOOP_CALLS), ("duplicate_calls_total", 0),
                          ("rows_total", 7 * LOOP_CALLS)):
        check(value(after, "pg_nplusone_" + metric, **proven) - value(before, "pg_nplusone_" + metric, **proven) == grown,
              "%s grows by %d" % (metric, grown), filled(after))
    for metric in ("exec_seconds_total", "gap_seconds_total"):
        check(0 < value(after, "pg_nplusone_" + metric, **proven) - value(before, "pg_nplusone_" + metric, **proven) < 60,
              "%s grows, in seconds" % metric, filled(after))
    check(set(before) == set(after), "loops make no new series", set(before) ^ set(after))
    loops = [labels for metric, labels in after if metric == "pg_nplusone_loops_total"]
    check(len(loops) == 51, "17 patterns by 3 confidences", loops)
    check({dict(labels).get("datname") for metric, labels in after if "_database_" in metric or "_work_" in metric} >=
          {DATABASE, "postgres"}, "a series for each database", filled(after))
    check(value(after, "pg_nplusone_database_clusters", datname=DATABASE) == 1, "one cluster in the database", filled(after))
    check(value(after, "pg_nplusone_work_units_with_loops", datname=DATABASE) >= 8, "units of work with loops", filled(after))
    check(value(after, "pg_nplusone_work_max_statements", datname=DATABASE) >= LOOP_CALLS + 1, "the longest one", filled(after))
    check(value(after, "pg_nplusone_state_clusters") >= 1 and
          value(after, "pg_nplusone_state_max_clusters") == 1000, "the state of the module", filled(after))
    return after


def check_running(exporter):
    """A loop that has not ended yet, of another role than the exporter's."""
    session = subprocess.Popen(["psql", "-XAtq", "-d", DATABASE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               universal_newlines=True)
    session.stdin.write(END + "SET pg_nplusone.idle_gap = '1min';\n" + LOOP + "\\echo looped\n")
    session.stdin.flush()
    while session.stdout.readline().strip() != "looped":
        pass
    sample = exporter.scrape()
    check(value(sample, "pg_nplusone_running_loops") == 1, "a loop is running", filled(sample))
    check(value(sample, "pg_nplusone_running_max_calls") == LOOP_CALLS, "of so many calls", filled(sample))
    check(0 <= value(sample, "pg_nplusone_running_max_seconds") < 60, "and seconds", filled(sample))
    session.communicate()


def check_reset(exporter):
    before = exporter.scrape()
    psql("SELECT pg_nplusone_reset()")
    after = exporter.scrape()
    check(value(after, "pg_nplusone_database_clusters", datname=DATABASE) == 0, "a reset takes the clusters", filled(after))
    fallen = [key for key in before if key[0].endswith("_total") and after[key] < before[key]]
    check(not fallen, "and no counter falls", fallen)


# -- Prometheus and the dashboard ------------------------------------------


def check_rules():
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        run = subprocess.run(["promtool"] + arguments, cwd=MONITORING, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, universal_newlines=True)
        check(run.returncode == 0, "promtool " + " ".join(arguments), run.stdout)
    fired = re.findall(r"^ +- alert: (\w+)$", read("monitoring/alerts.yaml"), re.M)
    tested = re.findall(r"alertname: (\w+)\n +exp_alerts:", read("monitoring/alerts.test.yaml"))
    check(fired and sorted(fired) == sorted(tested), "each alert has a test in which it fires", (fired, tested))


def check_names(sample):
    """Whatever names a metric names one there is."""
    known = {metric for metric, _ in sample}
    unknown = set(METRIC.findall(read("monitoring/dashboard.json"))) - known
    check(not unknown, "the dashboard names metrics that there are", unknown)
    described = set(re.findall(r"^\| `(pg_nplusone_\w+)`", read("docs/monitoring.md"), re.M))
    check(described == known, "docs/monitoring.md describes all of them", described ^ known)


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "20s")
            yield panel["title"], re.sub(r"\$\w+", ".*", text)


def overlap(a, b):
    return a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


def check_layout(dashboard):
    panels = dashboard["panels"]
    places = [panel["gridPos"] for panel in panels]
    check(len({panel["id"] for panel in panels}) == len(panels), "panels have different numbers")
    check(all(p["x"] + p["w"] <= 24 for p in places) and
          not any(overlap(a, b) for i, a in enumerate(places) for b in places[:i]), "and places of their own", places)
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) - {"__rate_interval"}
    check(used <= declared, "variables are declared", used - declared)


def check_types():
    """The dashboard against Grafana's own types, where npm is there to get them."""
    if shutil.which("npm") is None:
        print("skipped: the types of Grafana need npm")
        return
    run = subprocess.run([os.path.join(ROOT, "test", "monitoring", "grafana-types")], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, universal_newlines=True)
    if run.returncode == 77:
        print("skipped: the types of Grafana cannot be had")
    else:
        check(run.returncode == 0, "the dashboard is what Grafana's types say", run.stdout)


def start_prometheus(directory, exporter):
    port = free_port()
    with open(os.path.join(directory, "prometheus.yml"), "w") as config:
        config.write("global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                     "rule_files: [%s]\n" % os.path.join(MONITORING, "alerts.yaml") +
                     "scrape_configs:\n- job_name: postgres\n"
                     "  static_configs: [{targets: ['127.0.0.1:%d']}]\n" % exporter.port)
    log = open(os.path.join(directory, "prometheus.log"), "w")
    process = subprocess.Popen(
        ["prometheus", "--config.file=" + config.name, "--storage.tsdb.path=" + os.path.join(directory, "tsdb"),
         "--web.listen-address=127.0.0.1:%d" % port], stdout=log, stderr=subprocess.STDOUT)
    wait_for("http://127.0.0.1:%d/-/ready" % port, process)
    return process, "http://127.0.0.1:%d" % port


def answer(url, expression):
    """The result of a query, or what is wrong with it."""
    try:
        reply = json.loads(fetch(url + "/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        return reply["data"]["result"]
    except OSError as error:
        return "%s: %s" % (expression, error)


def check_queries(directory, exporter, dashboard, known):
    """Each query of the dashboard has an answer where loops run."""
    process, url = start_prometheus(directory, exporter)
    try:
        open_queries = list(expressions(dashboard))
        for _ in range(30):
            psql((LOOP + END) * 3)
            time.sleep(1)
            open_queries = [query for query in open_queries if not isinstance(answer(url, query[1]), list) or
                            not answer(url, query[1])]
            if not open_queries:
                break
        check(not open_queries, "each query of the dashboard has an answer",
              "\n".join("%s: %s" % (title, answer(url, text)) for title, text in open_queries))
        rules = json.loads(fetch(url + "/api/v1/rules"))["data"]["groups"][0]["rules"]
        check(all(rule["health"] == "ok" for rule in rules), "and each alert can be evaluated", rules)
        unknown = set(METRIC.findall(" ".join(rule["query"] for rule in rules))) - known
        check(rules and not unknown, "of metrics that there are", unknown)
    finally:
        process.terminate()
        process.wait()


def main():
    directory = tempfile.mkdtemp()
    exporter = None
    psql("CREATE DATABASE %s" % DATABASE, "postgres")
    psql("CREATE ROLE %s LOGIN" % ROLE, "postgres")
    try:
        psql("CREATE EXTENSION pg_nplusone;" + TABLES)
        dashboard = json.loads(read("monitoring/dashboard.json"))
        exporter = Exporter(directory)
        sample = check_counters(exporter)
        check_running(exporter)
        check_rules()
        check_names(sample)
        check_layout(dashboard)
        check_types()
        check_queries(directory, exporter, dashboard, {metric for metric, _ in sample})
        check_reset(exporter)
        check(not exporter.errors(), "the exporter has nothing to complain of", exporter.errors())
    finally:
        if exporter:
            exporter.end()
        psql("DROP DATABASE %s" % DATABASE, "postgres")
        psql("DROP ROLE %s" % ROLE, "postgres")
        shutil.rmtree(directory)
    print("%d passed, %d failed" % (counts[True], counts[False]))
    return int(counts[False] > 0)


if __name__ == "__main__":
    sys.exit(main())
