"""Random SQL over whatever schema a database has.

Catalog reads which tables, operators, functions and aggregates there are;
Generator writes statements that mostly pass the parser: every expression is
made for a type that is wanted, out of columns, literals, operators and
functions of that type.  The same seed writes the same statements.
"""

import random

LITERALS = {
    "int2": ["0", "1", "-1", "7", "32767"],
    "int4": ["0", "1", "-1", "42", "1000", "2147483647"],
    "int8": ["0", "1", "-7", "123456789012", "9223372036854775807"],
    "numeric": ["0", "1.5", "-2.25", "1e30", "NaN"],
    "float4": ["0", "1.5", "-Infinity"],
    "float8": ["0", "1.5", "-1e300", "NaN"],
    "bool": ["t", "f"],
    "text": ["", "a", "AAAAxx", "o''neil", "%x_", "\u00e9t\u00e9 \U0001F600", "x" * 300],
    "varchar": ["", "b", "two words"],
    "bpchar": ["c", "dd   "],
    "name": ["pg_class", "x"],
    "date": ["2000-01-01", "infinity", "1999-12-31"],
    "time": ["04:05:06", "23:59:59.999"],
    "timetz": ["04:05:06+02"],
    "timestamp": ["2000-01-01 00:00", "-infinity"],
    "timestamptz": ["2000-01-01 00:00+00", "epoch"],
    "interval": ["1 day", "-3 months 2 hours"],
    "oid": ["0", "1259"],
    "bytea": ["\\x00ff", "\\x"],
    "uuid": ["00000000-0000-0000-0000-000000000001"],
    "json": ['{"a": [1, null]}', "[]"],
    "jsonb": ['{"a": {"b": 1}}', "[1, 2]", "null"],
    "inet": ["10.0.0.1/8", "::1"],
    "cidr": ["10.0.0.0/8"],
    "bit": ["1"],
    "varbit": ["10101"],
    "money": ["12.50"],
    "point": ["(1,2)"],
    "box": ["((0,0),(1,1))"],
    "circle": ["<(0,0),1>"],
    "tsvector": ["a fat cat", ""],
    "tsquery": ["fat & cat"],
    "int4range": ["[1,5)", "empty"],
    "numrange": ["[1.5,2.5]"],
    "_int4": ["{}", "{1,2,3}", "{NULL,5}"],
    "_text": ["{}", "{a,b}"],
}
FALLBACK = ["int4", "text", "bool", "int8", "numeric"]

# What reads files, waits, changes the server's state, runs SQL of its own or
# gives another answer each time
UNWANTED = ("pg_", "lo_", "lo", "dblink", "txid_", "set_", "current_", "currtid", "nextval", "currval", "lastval",
            "setval", "query_to", "table_to", "cursor_to", "schema_to", "database_to", "binary_upgrade", "inet_client",
            "inet_server", "now", "statement_timestamp", "transaction_timestamp", "session_user", "getdatabase",
            "row_security", "ts_stat", "ts_rewrite", "repeat", "lpad", "rpad", "has_", "to_reg", "version",
            "has_", "obj_description", "shobj_", "col_description", "format_type", "_pg", "factorial", "array_fill")

TABLES = """
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't'
   AND n.nspname NOT LIKE 'pg_toast%%' AND n.nspname NOT LIKE 'pg_temp%%'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relname NOT LIKE 'pg_nplusone%%'
 ORDER BY 2"""
COLUMNS = """
SELECT a.attrelid, quote_ident(a.attname), t.typname
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
 ORDER BY a.attrelid, a.attnum"""
OPERATORS = """
SELECT o.oprname, l.typname, r.typname, t.typname
  FROM pg_operator o JOIN pg_type l ON l.oid = o.oprleft JOIN pg_type r ON r.oid = o.oprright
  JOIN pg_type t ON t.oid = o.oprresult JOIN pg_proc p ON p.oid = o.oprcode
 WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND p.provolatile IN ('i', 's')
 ORDER BY 1, 2, 3"""
FUNCTIONS = """
SELECT p.proname, p.prokind::text, t.typname,
       array(SELECT y.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS u(oid, n)
               JOIN pg_type y ON y.oid = u.oid ORDER BY u.n)
  FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND NOT p.proretset AND p.prokind IN ('f', 'a')
   AND p.provolatile IN ('i', 's') AND p.provariadic = 0 AND p.pronargs BETWEEN 1 AND 3
   AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE a.aggfnoid = p.oid AND a.aggkind <> 'n')
 ORDER BY p.proname, p.oid"""


class Catalog:
    def __init__(self, connection):
        fetch = lambda sql: connection.execute(sql).fetchall()
        columns = {}
        for relid, name, kind in fetch(COLUMNS):
            columns.setdefault(relid, []).append((name, kind))
        self.tables = [(name, columns[oid], kind) for oid, name, kind in fetch(TABLES) if oid in columns]
        self.operators = {}
        for name, left, right, result in fetch(OPERATORS):
            if left in LITERALS and right in LITERALS:
                self.operators.setdefault(result, []).append((name, left, right))
        self.functions, self.aggregates = {}, {}
        for name, prokind, result, arguments in fetch(FUNCTIONS):
            if name.startswith(UNWANTED) or not all(a in LITERALS for a in arguments):
                continue
            where = self.aggregates if prokind == "a" else self.functions
            where.setdefault(result, []).append((name, arguments))


class Generator:
    """Writes one statement after the other; scope is the list of columns in reach."""

    def __init__(self, catalog, seed):
        self.catalog = catalog
        self.random = random.Random(seed)
        self.aliases = 0

    def chance(self, share):
        return self.random.random() < share

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases % 1000}"

    def table(self, kinds="rpvm"):
        while True:
            table = self.random.choice(self.catalog.tables)
            if table[2] in kinds:
                return table

    # --- expressions ---------------------------------------------------------

    def literal(self, kind):
        if self.chance(0.05):
            return f"NULL::{kind}"
        if kind not in LITERALS:
            return "NULL"
        value = self.random.choice(LITERALS[kind])
        if kind in ("int4", "numeric") and self.chance(0.6) and value != "NaN":
            return f"({value})"
        return f"'{value}'::{kind}" if not value.startswith("\\") else f"'{value}'::{kind}"

    def column(self, kind, scope):
        fitting = [name for name, column_kind in scope if column_kind == kind]
        return self.random.choice(fitting) if fitting else None

    def expression(self, kind, scope, depth=3):
        draw = self.random.random()
        if depth <= 0 or draw < 0.4:
            return self.column(kind, scope) or self.literal(kind)
        if draw < 0.6 and kind in self.catalog.operators:
            name, left, right = self.random.choice(self.catalog.operators[kind])
            return (f"({self.expression(left, scope, depth - 1)} OPERATOR(pg_catalog.{name}) "
                    f"{self.expression(right, scope, depth - 1)})")
        if draw < 0.75 and kind in self.catalog.functions:
            name, arguments = self.random.choice(self.catalog.functions[kind])
            return f'"{name}"(' + ", ".join(self.expression(a, scope, depth - 1) for a in arguments) + ")"
        if draw < 0.82:
            return (f"CASE WHEN {self.condition(scope, depth - 1)} THEN {self.expression(kind, scope, depth - 1)} "
                    f"ELSE {self.expression(kind, scope, depth - 1)} END")
        if draw < 0.88:
            return f"coalesce({self.expression(kind, scope, depth - 1)}, {self.expression(kind, scope, depth - 1)})"
        if draw < 0.94 and depth > 1:
            return "(" + self.scalar_query(kind, scope, depth - 2) + ")"
        return self.literal(kind)

    def condition(self, scope, depth=2):
        draw = self.random.random()
        name, kind = self.random.choice(scope) if scope else (None, "int4")
        left = name or self.literal(kind)
        if draw < 0.35:
            return f"{left} {self.random.choice(['=', '<', '>=', '<>', 'IS DISTINCT FROM'])} {self.expression(kind, scope, depth - 1)}"
        if draw < 0.45:
            many = ", ".join(self.expression(kind, scope, 0) for _ in range(self.random.randint(1, 4)))
            return f"{left} {self.random.choice(['IN', 'NOT IN'])} ({many})"
        if draw < 0.52:
            return f"{left} = ANY (ARRAY[{self.literal(kind)}, {self.literal(kind)}])"
        if draw < 0.6:
            return f"{left} IS {self.random.choice(['NULL', 'NOT NULL'])}"
        if draw < 0.65:
            return f"{left}::text LIKE {self.literal('text')}"
        if draw < 0.75 and depth > 0:
            return f"({self.condition(scope, depth - 1)} {self.random.choice(['AND', 'OR'])} {self.condition(scope, depth - 1)})"
        if draw < 0.8 and depth > 0:
            return f"NOT ({self.condition(scope, depth - 1)})"
        if draw < 0.9 and depth > 0:
            source, inner = self.source(0)
            return f"{self.random.choice(['', 'NOT '])}EXISTS (SELECT FROM {source} WHERE {self.condition(scope + inner, depth - 1)})"
        return self.expression("bool", scope, depth)

    def scalar_query(self, kind, scope, depth):
        source, inner = self.source(0)
        if self.chance(0.4) and self.catalog.aggregates.get(kind):
            value = self.aggregate(kind, scope + inner)
            return f"SELECT {value} FROM {source} WHERE {self.condition(scope + inner, depth)}"
        return f"SELECT {self.expression(kind, scope + inner, depth)} FROM {source} WHERE {self.condition(scope + inner, depth)} LIMIT 1"

    def aggregate(self, kind, scope):
        if kind == "int8" and self.chance(0.5):
            return "count(*)"
        name, arguments = self.random.choice(self.catalog.aggregates[kind])
        distinct = "DISTINCT " if len(arguments) == 1 and self.chance(0.1) else ""
        called = f'"{name}"({distinct}' + ", ".join(self.expression(a, scope, 1) for a in arguments) + ")"
        return called + (f" FILTER (WHERE {self.condition(scope, 0)})" if self.chance(0.1) else "")

    # --- queries -------------------------------------------------------------

    def source(self, depth):
        """What stands behind FROM, and the columns that it brings into reach."""
        alias = self.alias()
        draw = self.random.random()
        if depth > 0 and draw < 0.2:
            query, kinds = self.query(depth - 1)
            names = [f"c{i}" for i in range(len(kinds))]
            lateral = "LATERAL " if self.chance(0.3) else ""
            return f"{lateral}({query}) AS {alias}({', '.join(names)})", [(f"{alias}.{n}", k) for n, k in zip(names, kinds)]
        if draw < 0.28:
            return f"generate_series(1, {self.random.randint(0, 20)}) AS {alias}(n)", [(f"{alias}.n", "int4")]
        if draw < 0.33:
            kind = self.random.choice(FALLBACK)
            rows = ", ".join(f"({self.literal(kind)})" for _ in range(self.random.randint(1, 4)))
            return f"(VALUES {rows}) AS {alias}(v)", [(f"{alias}.v", kind)]
        name, columns, kind = self.table()
        sample = " TABLESAMPLE SYSTEM (50) REPEATABLE (1)" if kind == "r" and self.chance(0.03) else ""
        return f"{name} AS {alias}{sample}", [(f"{alias}.{c}", k) for c, k in columns]

    def from_clause(self, depth):
        text, scope = self.source(depth)
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
            more, columns = self.source(depth - 1)
            how = self.random.choice(["JOIN", "LEFT JOIN", "FULL JOIN", "CROSS JOIN", ","])
            if more.startswith("LATERAL") and how == "FULL JOIN":
                how = "JOIN"
            text += f" {how} {more}"
            if how not in ("CROSS JOIN", ","):
                text += f" ON {self.join_condition(scope, columns)}"
            scope = scope + columns
        return text, scope

    def join_condition(self, left, right):
        pairs = [(a, b) for a, k in left for b, m in right if k == m]
        if pairs and self.chance(0.9):
            return "%s = %s" % self.random.choice(pairs)
        return self.condition(left + right, 0)

    def kind_in(self, scope):
        if scope and self.chance(0.8):
            return self.random.choice(scope)[1]
        return self.random.choice(FALLBACK)

    def query(self, depth=2, kinds=None):
        """A SELECT and the types of its columns."""
        source, scope = self.from_clause(depth)
        kinds = kinds or [self.kind_in(scope) for _ in range(self.random.randint(1, 4))]
        grouped = self.chance(0.2)
        if grouped:
            kinds = [k if k in self.catalog.aggregates else "int8" for k in kinds]
            values = [self.aggregate(k, scope) for k in kinds]
        else:
            values = [self.expression(k, scope, 2) for k in kinds]
            if scope and self.chance(0.1):
                over = f"OVER (PARTITION BY {self.random.choice(scope)[0]} ORDER BY {self.random.choice(scope)[0]})"
                values[0], kinds[0] = f"{self.random.choice(['row_number', 'rank'])}() {over}", "int8"
        text = f"SELECT {'DISTINCT ' if self.chance(0.1) and not grouped else ''}{', '.join(values)} FROM {source}"
        if self.chance(0.7):
            text += f" WHERE {self.condition(scope)}"
        if grouped and scope and self.chance(0.6):
            text += f" GROUP BY {self.random.choice(scope)[0]}"
            text += f" HAVING count(*) > {self.random.randint(0, 3)}" if self.chance(0.3) else ""
        return text, kinds

    def select(self):
        text, kinds = self.query()
        if self.chance(0.1):
            more, _ = self.query(1, list(kinds))
            text = f"({text}) {self.random.choice(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT'])} ({more})"
        elif self.chance(0.1):
            recursive = self.random.choice(["", "MATERIALIZED ", "NOT MATERIALIZED "])
            text = f"WITH w AS {recursive}({text}) SELECT * FROM w"
        if self.chance(0.5):
            text += f" ORDER BY {self.random.randint(1, len(kinds))}{self.random.choice(['', ' DESC', ' NULLS FIRST'])}"
        text += f" LIMIT {self.random.randint(0, 50)}" if self.chance(0.5) else " LIMIT 500"
        if self.chance(0.15):
            text += f" OFFSET {self.random.choice([0, 1, 5, 1000])}"
        elif self.chance(0.05) and text.startswith("SELECT") and "DISTINCT" not in text:
            text += self.random.choice([" FOR UPDATE", " FOR SHARE", " FOR KEY SHARE SKIP LOCKED"])
        return text

    # --- writing -------------------------------------------------------------

    def write(self):
        name, columns, _ = self.table("rp")
        alias = self.alias()
        scope = [(f"{alias}.{c}", k) for c, k in columns]
        chosen = self.random.sample(columns, self.random.randint(1, len(columns)))
        returning = self.random.choice(["", "", " RETURNING *", f" RETURNING {alias}.{self.random.choice(columns)[0]}"])
        draw = self.random.random()
        if draw < 0.35:
            return self.insert(name, alias, chosen, returning)
        if draw < 0.65:
            sets = ", ".join(f"{c} = {self.expression(k, scope, 1)}" for c, k in chosen[:3])
            return f"UPDATE {name} AS {alias} SET {sets} WHERE {self.condition(scope)}{returning}"
        if draw < 0.9:
            return f"DELETE FROM {name} AS {alias} WHERE {self.condition(scope)}{returning}"
        source, inner = self.source(1)
        return (f"MERGE INTO {name} AS {alias} USING {source} ON {self.join_condition(scope, inner)} "
                f"WHEN MATCHED AND {self.condition(scope + inner, 0)} THEN DELETE WHEN MATCHED THEN DO NOTHING")

    def insert(self, name, alias, chosen, returning):
        names = ", ".join(c for c, _ in chosen)
        conflict = " ON CONFLICT DO NOTHING" if self.chance(0.3) else ""
        if self.chance(0.3):
            query, _ = self.query(1, [k for _, k in chosen])
            return f"INSERT INTO {name} AS {alias} ({names}) {query} LIMIT 20{conflict}{returning}"
        rows = ", ".join("(" + ", ".join(self.expression(k, [], 1) for _, k in chosen) + ")"
                         for _ in range(self.random.choice([1, 1, 1, 2, 5])))
        return f"INSERT INTO {name} AS {alias} ({names}) VALUES {rows}{conflict}{returning}"

    # --- loops ---------------------------------------------------------------

    def parent(self):
        """A list, and the type of the column that its reader goes through."""
        name, columns, _ = self.table()
        column, kind = self.random.choice(columns)
        order = f" ORDER BY {self.random.choice(columns)[0]}" if self.chance(0.7) else ""
        return f"SELECT {column}, * FROM {name}{order} LIMIT {self.random.randint(2, 40)}", kind

    def child(self, kind):
        """What is asked once for each of its rows: %s is the value."""
        fitting = [(t, c) for t in self.catalog.tables for c, k in t[1] if k == kind]
        table, column = self.random.choice(fitting) if fitting else (self.table(), None)
        name, columns, relkind = table
        scope = list(columns)
        where = f"{column or self.random.choice(columns)[0]} = %s"
        extra = f" AND {self.condition(scope, 1)}" if self.chance(0.3) else ""
        extra = extra.replace("%", "%%")
        draw = self.random.random()
        if draw < 0.15 and relkind in "rp":
            target = self.random.choice(columns)
            return f"UPDATE {name} SET {target[0]} = {self.literal(target[1]).replace('%', '%%')} WHERE {where}{extra}"
        if draw < 0.22 and relkind in "rp":
            return f"DELETE FROM {name} WHERE {where}{extra}"
        if draw < 0.32 and relkind in "rp" and column:
            return f"INSERT INTO {name} ({column}) VALUES (%s)"
        what = self.random.choice(["*", "count(*)", "1", f"max({scope[0][0]})", ", ".join(c for c, _ in columns[:3])])
        tail = self.random.choice(["", "", " LIMIT 1", f" ORDER BY {scope[0][0]} DESC LIMIT 1"]) if "(" not in what else ""
        if self.chance(0.1):
            return f"SELECT EXISTS (SELECT FROM {name} WHERE {where}{extra})"
        join = ""
        if self.chance(0.15):
            other, others, _ = self.table()
            join = f" LEFT JOIN {other} AS o ON {self.join_condition([(f'x.{c}', k) for c, k in columns], [(f'o.{c}', k) for c, k in others])}".replace("%", "%%")
            where, what, tail, extra = f"x.{column or columns[0][0]} = %s", "x.*", "", ""
        return f"SELECT {what} FROM {name} AS x{join} WHERE {where}{extra}{tail}"

    # --- the rest --------------------------------------------------------------

    def comment(self):
        """At the front or at the end, mostly as sqlcommenter writes them, sometimes damaged."""
        text = self.random.choice(["controller='posts',action='index'", "route='%2Fposts'", "nplusone:ignore",
                                   "controller:posts,action:show", "a='b", "\u00fc='%C3%BC%ff'", "x" * 5000, "/* nested */"])
        if self.chance(0.3):
            at = self.random.randrange(len(text))
            text = text[:at] + self.random.choice("'=,%\\;:") + text[at:]
        return f"/*{text}*/"

    def decorated(self, statement):
        draw = self.random.random()
        if draw < 0.05:
            return f"{self.comment()} {statement}"
        if draw < 0.15:
            return f"{statement} {self.comment()}"
        return statement
