"""What was measured, as text for people."""

import os
from pathlib import Path

from callgrind import OURS, is_call_down

SOURCES = Path(__file__).resolve().parent.parent / "src"


def _is_ours(key):
    return key[0] == OURS


def print_functions(shape, config, profile, lines):
    """Where our own instructions go, per statement."""
    print(f"\n{shape.title} | {config.title}: {profile.steady():.0f} instructions a statement")
    own = {key[1]: cost for key, cost in profile.own.items() if _is_ours(key)}
    print(f"  in our own functions ({sum(own.values()):.0f}):")
    for name, cost in sorted(own.items(), key=lambda item: -item[1]):
        if cost >= 1:
            print(f"    {cost:9.1f}  {name:32} {profile.calls(name):8.2f} calls")
    print("  in what they call:")
    for edge, (calls, cost) in sorted(profile.edges.items(), key=lambda item: -item[1][1]):
        if edge[0] == OURS and edge[2] != OURS and cost >= 1 and not is_call_down(edge):
            print(f"    {cost:9.1f}  {edge[1]} -> {edge[3]} {calls:.2f} calls")
    if lines:
        print("  dearest lines:")
    for (source, number), cost in sorted(profile.lines.items(),
                                         key=lambda item: -item[1])[:lines]:
        print(f"    {cost:9.1f}  {source}:{number}  {_source_line(source, number)}")


def _source_line(source, number):
    path = SOURCES / os.path.basename(source)
    if not path.exists():
        return ""
    text = path.read_text(encoding="utf-8").split("\n")
    return text[number - 1].strip()[:72] if number <= len(text) else ""


def _table(header, rows):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def _present(results, configs):
    """The configurations that something was measured of."""
    return [config for config in configs
            if any(config.name in figures for figures in results.values())]


def added(figures, name, key="instructions", base="bare"):
    """What a configuration adds to the bare server."""
    if name not in figures or base not in figures:
        return None
    return figures[name][key] - figures[base][key]


def ratio(figures):
    """What we add, as a share of what pg_stat_statements adds."""
    ours, theirs = added(figures, "npo"), added(figures, "pgss")
    return None if ours is None or not theirs else ours / theirs


def _number(value, form="{:,.0f}"):
    return "" if value is None else form.format(value)


def instructions_table(results, shapes, configs):
    """Instructions that each configuration adds to a statement."""
    configs = [config for config in _present(results, configs) if config.name != "bare"]
    header = ["shape", "bare"] + [config.title for config in configs] + ["ours / pgss"]
    rows = []
    for shape in shapes:
        figures = results.get(shape.name, {})
        if "bare" not in figures:
            continue
        cells = [shape.title, _number(figures["bare"]["instructions"])]
        cells += [_number(added(figures, config.name), "{:+,.0f}") for config in configs]
        cells.append(_number(ratio(figures), "{:.2f}"))
        rows.append(cells)
    return _table(header, rows)


def peers_table(results, shapes, configs):
    """What all of the modules add, where all were measured."""
    configs = [config for config in _present(results, configs)
               if config.name not in ("bare", "queryid")]
    rows = []
    for shape in shapes:
        figures = results.get(shape.name, {})
        if {config.name for config in configs} <= set(figures) and "bare" in figures:
            rows.append([shape.title] + [_number(added(figures, config.name), "{:+,.0f}")
                                         for config in configs])
    return _table(["shape"] + [config.title for config in configs], rows)


def _verdict(name, measured, bound, form, at_most=True):
    reached = measured <= bound if at_most else measured >= bound
    sign = "≤" if at_most else "≥"
    return [name, sign + " " + form.format(bound), form.format(measured),
            "yes" if reached else "**no**"]


def _share_verdicts(figures, shapes):
    """A quarter where statements give one row, one per cent where they give many."""
    rows = []
    for shape in shapes:
        one = figures.get(shape.name, {})
        share = ratio(one)
        if share is None:
            continue
        if shape.in_target:
            rows.append(_verdict(f"{shape.title}: share of pg_stat_statements' instructions",
                                 share, 0.25, "{:.2f}"))
        else:
            rows.append(_verdict(f"{shape.title}: per cent added",
                                 100 * added(one, "npo") / one["bare"]["instructions"], 1,
                                 "{:.3f}"))
    return rows


def _flat_verdict(figures):
    """Instructions from one fingerprint to ten thousand, apart from the server's own."""
    totals = [one["npo"]["instructions"] / one["bare"]["instructions"]
              for name, one in figures.items()
              if name.startswith("fingerprints-") and "npo" in one and "bare" in one]
    if len(totals) < 2:
        return []
    return [_verdict("1 to 10,000 fingerprints: per cent between the dearest and the cheapest"
                     " statement, relative to the server's own",
                     100 * (max(totals) / min(totals) - 1), 5, "{:.1f}")]


def _quiet_verdicts(figures):
    """Nothing for a row beyond the sample, nothing that waits outside of a loop."""
    rows = []
    large = figures.get("million-all", {}).get("npo")
    if large is not None and "rows" in large:
        rows.append(_verdict("our own instructions a row of a large result, once the sample is full",
                             large["own"] / large["rows"], 0.1, "{:.3f}"))
    for name in ("eight-prepared", "eight-extended", "eight-simple"):
        one = figures.get(name, {}).get("npo")
        if one is None or "own_system_calls" not in one:
            continue
        waits = sum(one[key] for key in ("own_locked", "own_lwlocks", "own_allocations",
                                         "own_system_calls"))
        mode = name.split("-")[1]
        rows.append(_verdict("outside of a loop: locked operations, locks, allocations and system"
                             f" calls of ours a statement, {mode}", waits, 0.01, "{:.3f}"))
    loop = figures.get("loop-prepared", {}).get("npo")
    if loop is not None:
        rows.append(_verdict("a loop of 101 statements: locks taken, at its beginning and its end",
                             round(loop["own_lwlocks"] * 101, 1), 2, "{:.1f}"))
    return rows


def _cluster_verdicts(figures):
    """A loop's statements with an empty table of clusters and with a full one."""
    if {"empty", "full"} <= set(figures):
        change = figures["full"]["instructions"] / figures["empty"]["instructions"] - 1
        return [_verdict(f"from {figures['empty']['clusters']} cluster to"
                         f" {figures['full']['clusters']:,}: per cent more instructions a"
                         " statement of a loop", 100 * abs(change), 5, "{:.2f}")]
    return []


def _limit_verdicts(limits):
    return [
        _verdict("shared memory at the defaults, MB", limits["shared_bytes"] / 2 ** 20, 8, "{:.2f}"),
        _verdict("private memory of a backend, KB", limits["private_bytes"] / 1024, 32, "{:.1f}"),
        _verdict("reading the view with 1,000 clusters, ms", limits["read_view_ms"], 10, "{:.1f}"),
        _verdict("start-up with a full save file, ms more than without",
                 limits["start_full_ms"] - limits["start_empty_ms"], 50, "{:.0f}"),
    ]


def _loop_verdicts(figures):
    """The rare work of a loop: nanoseconds at one instruction each, a cautious rate."""
    one = figures.get("loop-prepared", {}).get("npo")
    # a compiler that has inlined the function leaves nothing to count
    if one is None or not one.get("fold"):
        return []
    return [_verdict("folding one loop, instructions (5 µs at one a nanosecond)",
                     one["fold"], 5000, "{:,.0f}")]


def targets_table(results, shapes):
    """What was aimed at, and what came of it."""
    rows = []
    if results.get("instructions"):
        rows += _share_verdicts(results["instructions"], shapes)
        rows += _flat_verdict(results["instructions"])
        rows += _loop_verdicts(results["instructions"])
        rows += _quiet_verdicts(results["instructions"])
    rows += _cluster_verdicts(results.get("clusters", {}))
    pipeline = results.get("pairs", {}).get("pipeline", {}).get("npo")
    if pipeline:
        rows.append(_verdict("100 in a pipeline: throughput, share of bare",
                             pipeline["throughput"][0], 0.99, "{:.3f}", at_most=False))
    if results.get("limits"):
        rows += _limit_verdicts(results["limits"])
    return _table(["aim", "bound", "measured", "reached"], rows)


def shares_table(results, shapes):
    """What is added, as a share of the whole statement."""
    rows = []
    for shape in shapes:
        figures = results.get(shape.name, {})
        if "bare" in figures and "npo" in figures and "pgss" in figures:
            rows.append([shape.title] + [
                f"{100 * added(figures, name) / figures['bare']['instructions']:.2f} %"
                for name in ("pgss", "npo")])
    return _table(["shape", "pg_stat_statements", "pg_nplusone"], rows)


def calls_table(results, shapes, configs):
    """Locks, allocations and clock reads added to a statement."""
    names = [config for config in _present(results, configs)
             if config.name in ("pgss", "npo", "npo-all")]
    header = ["shape"] + [f"{config.title}: {what}" for config in names
                          for what in ("locked", "LWLocks", "allocations", "clock reads")]
    rows = []
    for shape in shapes:
        figures = results.get(shape.name, {})
        if "bare" not in figures:
            continue
        cells = [shape.title]
        for config in names:
            cells += [_number(added(figures, config.name, key), "{:+.2f}")
                      for key in ("locked", "lwlocks", "allocations", "clock_reads")]
        rows.append(cells)
    return _table(header, rows)


def own_table(results, shapes):
    """Direct calls from our own code, which need no subtraction."""
    rows = []
    for shape in shapes:
        for name in ("npo", "npo-all"):
            figures = results.get(shape.name, {}).get(name)
            if figures is not None:
                rows.append([shape.title + ("" if name == "npo" else ", everything on"),
                             f"{figures['attributed']:,.0f}"] +
                            [f"{figures[key]:.3f}" for key in
                             ("own_locked", "own_lwlocks", "own_allocations")])
    return _table(["shape", "instructions, with what it calls", "locked instructions",
                   "LWLockAcquire", "allocations"], rows)


def _spread(values):
    middle, low, high = values
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def pairs_table(results, shapes, configs, key):
    """Ratios to the bare server: median and quartiles."""
    configs = _present(results, configs)
    what = "bare, statements/s" if key == "throughput" else "bare, CPU us a statement"
    rows = []
    for shape in shapes:
        figures = results.get(shape.name)
        if not figures:
            continue
        base = "bare_rate" if key == "throughput" else "bare_cpu_us"
        cells = [shape.title, f"{max(one[base] for one in figures.values()):,.1f}"]
        cells += [_spread(figures[config.name][key]) if config.name in figures else ""
                  for config in configs]
        rows.append(cells)
    return _table(["shape", what] + [config.title for config in configs], rows)


def scale_table(results):
    """Throughput of one hot query, by the number of clients."""
    rows = []
    for clients in sorted(results, key=int):
        figures = results[clients]
        rows.append([clients, f"{max(one['bare_rate'] for one in figures.values()):,.0f}"] +
                    [_spread(figures[name]["throughput"]) if name in figures else ""
                     for name in ("pgss", "npo")])
    return _table(["clients", "bare, statements/s", "pg_stat_statements", "pg_nplusone"], rows)


def contention_table(results):
    """Counting alone, without a server, in many processes."""
    rows = []
    for processes in sorted(results, key=int):
        line = results[processes]
        rows.append([processes, *(f"{line[design][0] / 1e6:,.1f}"
                                  for design in ("none", "theirs", "ours")),
                     f"{line['theirs'][1] / 1e6:,.0f}", f"{line['ours'][1] / 1e6:,.0f}"])
    return _table(["processes", "no counting, million/s", "as pg_stat_statements, million/s",
                   "as pg_nplusone, million/s", "their shared writes, million/s",
                   "our shared writes, million/s"], rows)


def limits_table(figures):
    """Sizes and rare operations."""
    return _table(["figure", "value"],
                  [[name, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"]
                   for name, value in figures.items()])


def machine_line(machine):
    """One line about where this was measured."""
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}, "
            f"{machine['postgresql']}, {machine['valgrind']}, "
            f"pg_nplusone {machine['pg_nplusone']}, {machine['date']}")


def text(results, shapes, configs):
    """The whole report, in Markdown."""
    parts = [machine_line(results["machine"]), "### Aims", targets_table(results, shapes)]
    if results.get("instructions"):
        figures = results["instructions"]
        parts += ["### Instructions added to a statement",
                  instructions_table(figures, shapes, configs),
                  "### As a share of the statement", shares_table(figures, shapes),
                  "### Locked instructions, locks, allocations and clock reads added",
                  calls_table(figures, shapes, configs),
                  "### From our own code, directly", own_table(figures, shapes)]
    if results.get("pairs"):
        parts += ["### Throughput, share of bare",
                  pairs_table(results["pairs"], shapes, configs, "throughput"),
                  "### CPU time of the server, share of bare",
                  pairs_table(results["pairs"], shapes, configs, "cpu")]
    if results.get("scale"):
        parts += ["### One hot query, many clients", scale_table(results["scale"])]
    if results.get("contention"):
        parts += ["### Counting alone, in many processes", contention_table(results["contention"])]
    if results.get("limits"):
        parts += ["### Sizes and rare operations", limits_table(results["limits"])]
    return "\n\n".join(parts)
