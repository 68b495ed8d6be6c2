"""The sizes and the rare operations: memory, a full table, a full save file."""

import statistics
import time
from pathlib import Path

import servers
import shapes

CLUSTERS = 1000
READS = 21
STARTS = 11

SHARED = """SELECT coalesce(sum(allocated_size), 0) FROM pg_shmem_allocations
  WHERE name LIKE 'pg_nplusone%'"""
PRIVATE = """SELECT name || '=' || total_bytes FROM pg_backend_memory_contexts
  WHERE name LIKE 'pg_nplusone%'"""
FILL = """SELECT name FROM author WHERE id = 1;
SELECT id, title FROM post WHERE shelf = 7 ORDER BY id;
"""


def default_config(**settings):
    """pg_nplusone as it comes, but for these settings."""
    config = [config for config in servers.CONFIGS if config.name == "npo"][0]
    return servers.Config(config.name, config.title, config.library,
                          {name.replace("__", "."): value for name, value in settings.items()})


def loops(count):
    """So many loops, of a fingerprint each."""
    parts = []
    for number in range(count):
        statement = shapes.coded(number)
        parts.append("BEGIN;")
        parts += [statement.replace(":id", str(i)) for i in range(1, 8)]
        parts.append("COMMIT;")
    return "\n".join(parts)


def _seconds_to_start(server):
    """Until the first connection is let in."""
    started = time.perf_counter()
    server.start(poll=0.002)
    return time.perf_counter() - started


def _starts(server, saved, times):
    """
    Milliseconds to start without the save file and with it, in turn, so that
    what else the machine does falls on both.
    """
    kept = Path(str(saved) + ".kept")
    saved.rename(kept)
    without, full = [], []
    for _ in range(times):
        saved.unlink(missing_ok=True)
        without.append(1000 * _seconds_to_start(server))
        server.stop()
        server.farm.run(["cp", kept, saved])
        full.append(1000 * _seconds_to_start(server))
        server.stop()
    return statistics.median(without), statistics.median(full)


def _reading(server):
    """Milliseconds that reading the whole view takes."""
    sql = "\\timing on\n" + "\\o /dev/null\nSELECT * FROM pg_nplusone;\n\\o\n" * READS
    times = [float(line.split()[1]) for line in server.psql(sql).splitlines()
             if line.startswith("Time:")]
    return statistics.median(times)


def _memory(farm, config, fill):
    server = farm.server(config)
    server.start()
    server.psql("CREATE EXTENSION IF NOT EXISTS pg_nplusone;")
    lines = server.psql(fill + SHARED + ";\n" + PRIVATE + ";\n").splitlines()
    contexts = dict(line.split("=") for line in lines if "pg_nplusone" in line and "=" in line)
    shared = [line for line in lines if line.isdigit()][-1]
    server.stop()
    return int(shared), sum(int(size) for size in contexts.values())


def measure():
    """Every figure of this module, by name."""
    figures = {}
    with servers.Farm(shapes.SCHEMA, 1000) as farm:
        shared, private = _memory(farm, default_config(), FILL)
        figures["shared_bytes"] = shared
        figures["private_bytes"] = private
        figures["shared_bytes_1000_connections"], _ = _memory(
            farm, default_config(max_connections="1000"), FILL)

        server = farm.server(default_config())
        server.start()
        server.psql("CREATE EXTENSION pg_nplusone;\n" + loops(CLUSTERS + 200))
        figures["clusters"] = int(server.psql("SELECT count(*) FROM pg_nplusone;"))
        figures["read_view_ms"] = _reading(server)
        server.stop()
        saved = server.data / "pg_stat_tmp" / "pg_nplusone.stat"
        figures["save_file_bytes"] = saved.stat().st_size
        figures["start_empty_ms"], figures["start_full_ms"] = _starts(server, saved, STARTS)
    return figures
