"""Scratch servers: one data directory each, copied from one template.

Everything lives in one temporary directory that is removed at the end.  The
servers listen on Unix sockets only.
"""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

BASE_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_connections": "100",
    "logging_collector": "off",
    "log_statement": "none",
}


@dataclass
class Config:
    """One way to set a server up."""
    name: str
    title: str
    library: str = ""
    settings: dict = None


EVERYTHING = {
    "pg_nplusone.track": "all",
    "pg_nplusone.threshold": "2",
    "pg_nplusone.min_confidence": "suspected",
    "pg_nplusone.sample_rows": "64",
    "pg_nplusone.action": "log",
    "pg_nplusone.index_hints": "on",
    "pg_nplusone.hint_min_time": "0",
    "pg_nplusone.save": "on",
}

CONFIGS = [
    Config("bare", "bare", "", {}),
    Config("queryid", "bare, compute_query_id = on", "", {"compute_query_id": "on"}),
    Config("pgss", "pg_stat_statements", "pg_stat_statements", {}),
    Config("qualstats", "pg_qualstats", "pg_qualstats", {}),
    Config("qualstats-all", "pg_qualstats, sample_rate = 1", "pg_qualstats",
           {"pg_qualstats.sample_rate": "1"}),
    Config("auto_explain", "auto_explain, log_analyze, 1 s", "auto_explain",
           {"auto_explain.log_min_duration": "1s", "auto_explain.log_analyze": "on"}),
    Config("npo", "pg_nplusone", "pg_nplusone", {}),
    Config("npo-all", "pg_nplusone, everything on", "pg_nplusone", EVERYTHING),
]


def pg_config(option):
    """What pg_config says of the installation under test."""
    program = os.environ.get("PG_CONFIG", "pg_config")
    return subprocess.run([program, option], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def is_installed(config):
    """Is the library that a configuration loads there?"""
    return not config.library or \
        (Path(pg_config("--pkglibdir")) / (config.library + ".so")).exists()


def _unprivileged(command):
    """The server refuses to run as root; then it runs as postgres."""
    return ["runuser", "-u", "postgres", "--"] + command if os.geteuid() == 0 else command


def server_user():
    return "postgres" if os.geteuid() == 0 else getpass.getuser()


class Farm:
    """The temporary directory, the template and the servers made from it."""

    def __init__(self, schema, rows):
        self.bindir = Path(pg_config("--bindir"))
        self.dir = Path(tempfile.mkdtemp(prefix="npo-bench-"))
        self.dir.chmod(0o755)
        self.servers = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        self._make_template(schema, rows)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for server in self.servers:
            server.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def run(self, command, **kwargs):
        """Run a program as the user of the servers."""
        return subprocess.run(_unprivileged([str(part) for part in command]), check=True,
                              text=True, cwd=self.dir, **kwargs)

    def _make_template(self, schema, rows):
        template = self.dir / "template"
        self.run([self.bindir / "initdb", "-D", template, "-U", "postgres", "-A", "trust",
                  "--no-sync", "-E", "UTF8", "--locale=C"], stdout=subprocess.DEVNULL)
        server = Server(self, Config("template", "", "", {}), template)
        server.start()
        self.run([self.bindir / "pgbench", "-i", "-q", "-s", "1", *server.address()],
                 stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        server.psql(schema, "-v", f"rows={rows}")
        server.stop()

    def server(self, config):
        """A fresh copy of the template, set up as the configuration says."""
        data = self.dir / f"data-{config.name}-{len(self.servers)}"
        self.run(["cp", "-a", "--reflink=auto", self.dir / "template", data])
        server = Server(self, config, data)
        self.servers.append(server)
        return server


class Server:
    """One postmaster, perhaps under a tool of valgrind's."""

    def __init__(self, farm, config, data):
        self.farm = farm
        self.config = config
        self.data = data
        self.sockets = farm.dir / f"s{len(farm.servers)}"
        self.process = None
        self.pid = 0

    def address(self):
        return ["-h", str(self.sockets), "-U", "postgres", "postgres"]

    def start(self, wrapper=(), poll=0.1):
        farm = self.farm
        if not self.sockets.exists():
            farm.run(["mkdir", self.sockets])
        settings = dict(BASE_SETTINGS, **self.config.settings)
        settings["shared_preload_libraries"] = self.config.library
        settings["unix_socket_directories"] = str(self.sockets)
        command = [*wrapper, str(farm.bindir / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(farm.dir / f"log-{self.config.name}", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(_unprivileged(command), cwd=farm.dir,
                                            stdout=log, stderr=log)
        self._wait_until_ready(poll)

    def _wait_until_ready(self, poll):
        for _ in range(int(120 / poll)):
            if self.process.poll() is not None:
                break
            ready = subprocess.run([self.farm.bindir / "pg_isready", "-q",
                                    "-h", str(self.sockets)], check=False)
            if ready.returncode == 0:
                pidfile = (self.data / "postmaster.pid").read_text(encoding="utf-8")
                self.pid = int(pidfile.split("\n", 1)[0])
                return
            time.sleep(poll)
        log = self.farm.dir / f"log-{self.config.name}"
        raise RuntimeError(f"server {self.config.name} did not start:\n"
                           + log.read_text(encoding="utf-8")[-2000:])

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None and self.pid:
            self.farm.run(["kill", "-INT", str(self.pid)])
        self.process.wait(timeout=300)
        self.process = None

    def psql(self, sql, *options):
        return self.farm.run([self.farm.bindir / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1",
                              *options, *self.address()], input=sql,
                             stdout=subprocess.PIPE).stdout

    def pgbench(self, shape, *options):
        """Send a shape's traffic; returns what pgbench printed."""
        script = self.farm.dir / f"{shape.name}.sql"
        if not script.exists():
            script.write_text(shape.script, encoding="utf-8")
        environment = dict(os.environ)
        environment["PGOPTIONS"] = " ".join(
            f"-c {name}={value}" for name, value in shape.options.items())
        return subprocess.run([self.farm.bindir / "pgbench", "-n", "-f", script, "-M", shape.mode,
                               "--random-seed=42", *options, *self.address()],
                              check=True, text=True, env=environment, cwd=self.farm.dir,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def children_cpu(self):
        """Seconds of CPU that ended backends have used, user and system."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8")
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
