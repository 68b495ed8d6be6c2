/*-------------------------------------------------------------------------
 *
 * heavywords.c
 *	  The sentences about heavy reads and connections: what to do.
 *
 * Tables of kinds and ORMs, every place of which is filled (the tests look
 * for holes).  What happens is said by the view, with the numbers of the
 * moment.  Words in braces are filled in by heavyadvice.c:
 *
 *	 {table} {Model} {model}	the table that the rows are of, and its model
 *	 {columns}			the wide columns	{fields}	as the ORM names them
 *	 {quoted} {symbols} {attrs}	'a', 'b'	:a, :b		Post.a, Post.b
 *	 {true} {false}		a: true, b: true	a: false, b: false
 *	 {key}				the primary key		{keyfield}	as the ORM names it
 *	 {after}			the condition for rows behind the last one
 *	 {filter}			the same as Django has it
 *	 {order}			the order of the rows, as the ORM has it
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "heavywords.h"

/* *INDENT-OFF* */
static const char *const fixes[HEAVY_KINDS][ORM_COUNT] = {
	[HEAVY_WIDE_COLUMNS] = {
		[ORM_SQL] = "Name the columns that are used in place of *, and read {columns} where a single row is shown.",
		[ORM_DJANGO] = "Leave what is not shown out of the list: {Model}.objects.defer({quoted}), only() with the fields that are shown, or values().",
		[ORM_RAILS] = "Leave what is not shown out of the list: {Model}.select({Model}.column_names - [{quoted}]), or pluck() of what is shown.",
		[ORM_SQLALCHEMY] = "Leave what is not shown out of the list: select({Model}).options({defer}), or load_only() with the attributes that are shown.",
		[ORM_HIBERNATE] = "Leave what is not shown out of the list: a projection (SELECT NEW, a record or an interface) without {fields}; @Basic(fetch = LAZY) on {fields} needs bytecode enhancement.",
		[ORM_PRISMA] = "Leave what is not shown out of the list: {model}.findMany({ omit: { {true} } }), or select with the fields that are shown.",
		[ORM_SEQUELIZE] = "Leave what is not shown out of the list: {Model}.findAll({ attributes: { exclude: [{quoted}] } }).",
		[ORM_TYPEORM] = "Leave what is not shown out of the list: select in the find() of {Model}, or @Column({ select: false }) on {fields}.",
		[ORM_LARAVEL] = "Leave what is not shown out of the list: {Model}::select([...]) or get([...]) with the columns that are shown.",
		[ORM_EF] = "Leave what is not shown out of the list: .Select(x => new { ... }) without {fields}.",
		[ORM_DRIZZLE] = "Leave what is not shown out of the list: columns: { {false} } in a relational query, or select({ ... }) with the columns that are shown.",
		[ORM_KYSELY] = "Leave what is not shown out of the list: select([...]) with the columns that are shown, in place of selectAll().",
		[ORM_KNEX] = "Leave what is not shown out of the list: select(...) with the columns that are shown.",
		[ORM_PEEWEE] = "Leave what is not shown out of the list: {Model}.select() with the fields that are shown, without {attrs}."
	},
	[HEAVY_UNBOUNDED] = {
		[ORM_SQL] = "Show a page at a time: WHERE {key} > $1 ORDER BY {key} LIMIT 100. To work through all of it, read in portions: DECLARE ... CURSOR and FETCH 1000, or a portal with a row limit.",
		[ORM_DJANGO] = "Show a page at a time: a slice, [:100], or filter({key}__gt=last).order_by('{key}')[:100]. To work through all of it, {Model}.objects....iterator(chunk_size=2000) reads through a server-side cursor.",
		[ORM_RAILS] = "Show a page at a time: limit(100), or where('{key} > ?', last).order(:{key}).limit(100). To work through all of it, {Model}.find_each or in_batches(of: 1000).",
		[ORM_SQLALCHEMY] = "Show a page at a time: limit(100), or where({Model}.{key} > last).order_by({Model}.{key}).limit(100). To work through all of it, execution_options(yield_per=1000) reads through a server-side cursor.",
		[ORM_HIBERNATE] = "Show a page at a time: setMaxResults(100), or WHERE {keyfield} > :last ORDER BY {keyfield}. To work through all of it, getResultStream() with a fetch size (setHint(HINT_FETCH_SIZE, 1000)) in a transaction reads in portions.",
		[ORM_PRISMA] = "Show a page at a time: {model}.findMany({ take: 100, skip: 1, cursor: { {key}: last } }), and work through all of it in a loop of those.",
		[ORM_SEQUELIZE] = "Show a page at a time: {Model}.findAll({ where: { {key}: { [Op.gt]: last } }, order: ['{key}'], limit: 100 }), and work through all of it in a loop of those.",
		[ORM_TYPEORM] = "Show a page at a time: find({ where: { {key}: MoreThan(last) }, order: { {key}: 'ASC' }, take: 100 }). To work through all of it, stream() of a query builder of {Model}.",
		[ORM_LARAVEL] = "Show a page at a time: {Model}::cursorPaginate(100). To work through all of it, lazyById(1000) or chunkById(1000); cursor() reads it whole.",
		[ORM_EF] = "Show a page at a time: .Where(x => x.{keyfield} > last).OrderBy(x => x.{keyfield}).Take(100). To work through all of it, read in a loop of those, with AsNoTracking().",
		[ORM_DRIZZLE] = "Show a page at a time: .where(gt({table}.{key}, last)).orderBy({table}.{key}).limit(100), and work through all of it in a loop of those.",
		[ORM_KYSELY] = "Show a page at a time: .where('{key}', '>', last).orderBy('{key}').limit(100). To work through all of it, .stream(1000) reads through a cursor.",
		[ORM_KNEX] = "Show a page at a time: .where('{key}', '>', last).orderBy('{key}').limit(100). To work through all of it, .stream() reads through a cursor.",
		[ORM_PEEWEE] = "Show a page at a time: {Model}.select().where({Model}.{key} > last).order_by({Model}.{key}).limit(100). To work through all of it, ServerSide(query) reads through a cursor."
	},
	[HEAVY_DEEP_OFFSET] = {
		[ORM_SQL] = "Go on behind the last row that was shown in place of OFFSET: WHERE {after}.",
		[ORM_DJANGO] = "Go on behind the last row that was shown in place of a slice [start:end]: {Model}.objects.filter({filter}).order_by({order})[:n].",
		[ORM_RAILS] = "Go on behind the last row that was shown in place of offset(): {Model}.where('{after}', ...).order({order}).limit(n).",
		[ORM_SQLALCHEMY] = "Go on behind the last row that was shown in place of offset(): select({Model}).where({tuple}).order_by({order}).limit(n).",
		[ORM_HIBERNATE] = "Go on behind the last row that was shown in place of setFirstResult(): WHERE {after} with setMaxResults(n), or ScrollPosition.keyset() of Spring Data in place of a Pageable.",
		[ORM_PRISMA] = "Go on behind the last row that was shown in place of skip: {model}.findMany({ cursor: { {key}: last }, skip: 1, take: n, orderBy: [{order}] }).",
		[ORM_SEQUELIZE] = "Go on behind the last row that was shown in place of offset: {Model}.findAll({ where: literal('{after}'), order: [{order}], limit: n, replacements: [...] }).",
		[ORM_TYPEORM] = "Go on behind the last row that was shown in place of skip(): a query builder of {Model} with where('{after}') and take(n).",
		[ORM_LARAVEL] = "Go on behind the last row that was shown: {Model}::orderBy(...)->cursorPaginate(n) in place of paginate() and offset().",
		[ORM_EF] = "Go on behind the last row that was shown in place of Skip(): .Where(x => ...) for {after}, with OrderBy() and Take(n).",
		[ORM_DRIZZLE] = "Go on behind the last row that was shown in place of offset(): .where(sql`{after}`).limit(n) with the same orderBy().",
		[ORM_KYSELY] = "Go on behind the last row that was shown in place of offset(): .where(sql`{after}`).limit(n) with the same orderBy().",
		[ORM_KNEX] = "Go on behind the last row that was shown in place of offset(): .whereRaw('{after}', [...]).limit(n) with the same orderBy().",
		[ORM_PEEWEE] = "Go on behind the last row that was shown in place of offset() and paginate(): {Model}.select().where({tuple}).order_by({order}).limit(n)."
	}
};

static const char *const connections[ORM_COUNT] = {
	[ORM_SQL] = "Keep connections and use them again: a pool in the program, persistent connections, or a pooler such as PgBouncer in front of the server.",
	[ORM_DJANGO] = "Keep connections from one request to the next: CONN_MAX_AGE = 60 in DATABASES with CONN_HEALTH_CHECKS, or a pool (OPTIONS = {'pool': True}, from Django 5.1), or PgBouncer.",
	[ORM_RAILS] = "Let Active Record keep its pool: establish_connection once at the start and not for each request or job; in forking servers and scripts that start often, PgBouncer.",
	[ORM_SQLALCHEMY] = "Make one engine for the program, not one for each request: create_engine() keeps a pool. NullPool belongs only in front of a pooler such as PgBouncer.",
	[ORM_HIBERNATE] = "Use a pool: HikariCP (hibernate.hikari.*, or spring.datasource), not DriverManager for each session; one SessionFactory for the program.",
	[ORM_PRISMA] = "Make one PrismaClient for the program, not one for each request; for functions that start often, connection_limit and PgBouncer (pgbouncer=true) or another pooler.",
	[ORM_SEQUELIZE] = "Make one Sequelize instance for the program: it keeps a pool (pool: { max, min, idle }); do not close() it after each request.",
	[ORM_TYPEORM] = "Initialize one DataSource for the program: it keeps a pool; do not destroy() it after each request.",
	[ORM_LARAVEL] = "Keep connections from one request to the next: PDO::ATTR_PERSISTENT => true in the options of the connection, Laravel Octane, or PgBouncer.",
	[ORM_EF] = "Let Npgsql keep its pool: Pooling=true and one connection string, AddDbContextPool(), and no NpgsqlConnection.ClearAllPools() between requests.",
	[ORM_DRIZZLE] = "Make one Pool (pg) or one client (postgres.js) for the program and hand it to drizzle(), not one for each request.",
	[ORM_KYSELY] = "Make one Pool for the program and one Kysely instance over it; do not destroy() it after each request.",
	[ORM_KNEX] = "Make one knex instance for the program: it keeps a pool ({ min, max }); do not destroy() it after each request.",
	[ORM_PEEWEE] = "Use PooledPostgresqlDatabase (playhouse.pool) in place of PostgresqlDatabase, or PgBouncer."
};

/* *INDENT-ON* */

/* what to do about a heavy read */
const char *
heavywords_fix(HeavyKind kind, Orm orm)
{
	return fixes[kind][orm];
}

/* what to do about sessions that are over soon */
const char *
heavywords_connections(Orm orm)
{
	return connections[orm];
}
