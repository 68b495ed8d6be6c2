/*-------------------------------------------------------------------------
 *
 * connections.c
 *	  Sessions that are over, by program: how long they lived and what for.
 *
 * Owns a table of sums by role, database and application_name, and one place
 * per backend where a session that ends leaves what it was.  A session is
 * seen from its authentication on, also one that sends nothing; a statement
 * costs nothing here.
 *
 * Sessions are counted in batches.  One that ends fills its own place, marks
 * it full, and counts all full places only when there are a few of them or
 * the last batch is a second old; a reader counts what is left.  A place
 * still full when the next session of that backend number ends is counted by
 * that one.
 *
 * Locking: one LWLock guards the table, and emptying a place.  A place is
 * written by its owner alone, and only while it is empty.  Nothing is
 * allocated, looked up or thrown under the lock.
 *
 * "Too fast" is judged over a streak of sessions that has lasted for
 * pg_nplusone.connection_span: more of them have ended than
 * pg_nplusone.connection_rate allows, at least half of them had few
 * statements, and at least half were short; so the median is.  A streak is
 * over when in one of CONNECTION_SLICES parts of that time fewer than half as
 * many came: a burst is none.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

/*
 * The headers of GSSAPI and OpenSSL need not be installed where the server's
 * are; what they add to a Port is not looked at.
 */
#pragma push_macro("ENABLE_GSS")
#pragma push_macro("USE_OPENSSL")
#undef ENABLE_GSS
#undef USE_OPENSSL
#include "libpq/auth.h"
#pragma pop_macro("USE_OPENSSL")
#pragma pop_macro("ENABLE_GSS")

#include "compat.h"
#include "connections.h"
#include "settings.h"
#include "tags.h"
#include "unit.h"

/* so many sessions make a batch */
#define BATCH_SESSIONS 8

/* and so old a one is counted, whatever its size */
#define BATCH_TIME USECS_PER_SEC

/* what a session leaves */
typedef struct ConnectionPlace
{
	pg_atomic_uint32 full;
	Oid			userid;
	Oid			dbid;
	uint8		orm;
	TimestampTz ended;
	int64		statements;
	int64		session_time;
	int64		connect_time;
	char		application_name[NAMEDATALEN];
} ConnectionPlace;

typedef struct ConnectionTable
{
	LWLock		lock;
	pg_atomic_uint32 pending;	/* places that are full */
	pg_atomic_uint64 last_batch;
	int			used;
	int			nplaces;
	ConnectionSums sums[CONNECTIONS_MAX];
	ConnectionPlace places[FLEXIBLE_ARRAY_MEMBER];
} ConnectionTable;

static ConnectionTable *table = NULL;
static ClientAuthentication_hook_type prev_ClientAuthentication = NULL;
static TimestampTz first_statement = 0;

int			connection_statements = 20;
int			connection_time = 1000; /* ms */
int			connection_rate = 60;	/* a minute; -1: off */
static int	connection_span = 60;	/* s */

void
connections_define_settings(void)
{
	DefineCustomIntVariable("pg_nplusone.connection_rate",
							"Sets how many sessions a minute are too many to come and go.",
							"-1 counts no sessions.",
							&connection_rate, 60, -1, PG_INT32_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.connection_span",
							"Sets for how long they have to come at that rate.",
							NULL, &connection_span, 60, 1, SECS_PER_DAY,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.connection_statements",
							"Sets how many statements are too few for a session.",
							NULL, &connection_statements, 20, 0, PG_INT32_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.connection_time",
							"Sets how long a session has to live not to be short.",
							NULL, &connection_time, 1000, 1, PG_INT32_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

Size
connections_shmem_size(void)
{
	return add_size(offsetof(ConnectionTable, places),
					mul_size(MaxConnections, sizeof(ConnectionPlace)));
}

void
connections_shmem_init(void)
{
	bool		found;

	table = ShmemInitStruct("pg_nplusone connections", connections_shmem_size(), &found);
	if (found)
	{
		npo_register_tranche(table->lock.tranche, "pg_nplusone_connections");
		return;
	}
	memset(table, 0, connections_shmem_size());
	LWLockInitialize(&table->lock, npo_new_tranche("pg_nplusone_connections"));
	pg_atomic_init_u32(&table->pending, 0);
	pg_atomic_init_u64(&table->last_batch, 0);
	table->nplaces = MaxConnections;
	for (int i = 0; i < table->nplaces; i++)
		pg_atomic_init_u32(&table->places[i].full, 0);
}

/* -------------------------------------------------------------------------
 * Counting, under the lock
 * -------------------------------------------------------------------------
 */

/* The line of a program; when there is none left, that seen longest ago. */
static ConnectionSums *
line_for(const ConnectionPlace *place)
{
	ConnectionSums *oldest = &table->sums[0];

	for (int i = 0; i < table->used; i++)
	{
		ConnectionSums *sums = &table->sums[i];

		if (sums->userid == place->userid && sums->dbid == place->dbid &&
			strcmp(sums->application_name, place->application_name) == 0)
			return sums;
		if (sums->last_seen < oldest->last_seen)
			oldest = sums;
	}
	if (table->used < CONNECTIONS_MAX)
		oldest = &table->sums[table->used++];
	memset(oldest, 0, sizeof(*oldest));
	oldest->userid = place->userid;
	oldest->dbid = place->dbid;
	strlcpy(oldest->application_name, place->application_name,
			sizeof(oldest->application_name));
	return oldest;
}

static int64
slice_length(void)
{
	return connection_span * USECS_PER_SEC / CONNECTION_SLICES;
}

/* sessions that may end in so much time */
static double
allowed_sessions(int64 usecs)
{
	return connection_rate * (double) usecs / (60 * USECS_PER_SEC);
}

static void
begin_streak(ConnectionSums *sums, TimestampTz when)
{
	sums->streak_started = when;
	sums->streak_sessions = sums->streak_few = sums->streak_short = 0;
}

/*
 * A session has ended in another slice than the one before.  The slice that a
 * streak began in was not a whole one.
 */
static void
begin_slice(ConnectionSums *sums, int64 slice, TimestampTz when)
{
	bool		whole = sums->streak_started / slice_length() < sums->slice;

	if (slice < sums->slice)
		return;					/* a late one of a slice that is over */
	if (slice > sums->slice + 1 ||
		(whole && sums->slice_sessions * 2 < allowed_sessions(slice_length())))
		begin_streak(sums, when);
	sums->slice = slice;
	sums->slice_sessions = 0;
}

/* The streak has lasted for long enough: have its sessions done so little? */
static bool
is_churn(const ConnectionSums *sums, int64 elapsed)
{
	/* the first one has begun the streak */
	return sums->streak_sessions - 1 > allowed_sessions(elapsed) &&
		sums->streak_few * 2 >= sums->streak_sessions &&
		sums->streak_short * 2 >= sums->streak_sessions;
}

static void
go_on_with_streak(ConnectionSums *sums, const ConnectionPlace *place)
{
	int64		slice = place->ended / slice_length();
	int64		elapsed;

	if (slice != sums->slice)
		begin_slice(sums, slice, place->ended);
	sums->slice_sessions++;
	sums->streak_sessions++;
	sums->streak_few += place->statements <= connection_statements;
	sums->streak_short += place->session_time < connection_time * INT64CONST(1000);
	elapsed = place->ended - sums->streak_started;
	if (elapsed < connection_span * USECS_PER_SEC)
		return;
	if (is_churn(sums, elapsed))
		sums->churns = true;
	else
		begin_streak(sums, place->ended);
}

static void
count_session(const ConnectionPlace *place)
{
	ConnectionSums *sums = line_for(place);

	sums->sessions++;
	sums->statements += place->statements;
	sums->session_time += place->session_time;
	sums->connect_time += place->connect_time;
	sums->last_seen = Max(sums->last_seen, place->ended);
	if (place->orm != ORM_SQL)
		sums->orm = place->orm;
	go_on_with_streak(sums, place);
}

static void
count_pending(TimestampTz now)
{
	for (int i = 0; i < table->nplaces; i++)
	{
		ConnectionPlace *place = &table->places[i];

		if (pg_atomic_read_u32(&place->full) == 0)
			continue;
		pg_read_barrier();
		count_session(place);
		pg_memory_barrier();
		pg_atomic_write_u32(&place->full, 0);
		pg_atomic_fetch_sub_u32(&table->pending, 1);
	}
	pg_atomic_write_u64(&table->last_batch, (uint64) now);
}

/* -------------------------------------------------------------------------
 * The session
 * -------------------------------------------------------------------------
 */

/* The first statement has come: until then the session was being set up. */
void
connections_note_first_statement(TimestampTz when)
{
	if (first_statement == 0)
		first_statement = when;
}

/*
 * The ORM that the session's last statement shows, as far as it can be told
 * without the catalog.
 */
static Orm
session_orm(const char *name)
{
	const char *text = MyBEEntry ? MyBEEntry->st_activity_raw : NULL;
	int			len = text ? strlen(text) : 0;
	RequestTags tags;
	Orm			orm;

	if (npo_orm != ORM_AUTO)
		return npo_orm;
	orm = orm_recognise(text, len,
						len > 0 && tags_read_statement(text, len, &tags) ? &tags : NULL,
						name);
	if (orm == ORM_SQL && len > 0 && orm_like_django(text, len, false))
		orm = ORM_DJANGO;
	return orm;
}

static void
fill_place(ConnectionPlace *place, TimestampTz now)
{
	const char *name = application_name ? application_name : "";

	place->userid = GetAuthenticatedUserId();
	place->dbid = MyDatabaseId;
	place->orm = session_orm(name);
	place->ended = now;
	place->statements = unit_total_statements();
	place->session_time = Max(now - MyStartTimestamp, 0);
	place->connect_time = first_statement != 0 ?
		Max(first_statement - MyStartTimestamp, 0) : place->session_time;
	strlcpy(place->application_name, name, sizeof(place->application_name));
}

/* In the exit of a client's backend: numbers only. */
static void
leave_session(int code, Datum arg)
{
	int			number = NPO_MY_SLOT();
	TimestampTz now = GetCurrentTimestamp();
	ConnectionPlace *place;
	bool		due;

	/* one that was turned away is no session */
	if (table == NULL || !OidIsValid(MyDatabaseId) || am_walsender ||
		npo_track == TRACK_NONE || connection_rate < 0 ||
		number < 0 || number >= table->nplaces)
		return;
	place = &table->places[number];
	if (pg_atomic_read_u32(&place->full) != 0)
	{
		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		count_pending(now);
		LWLockRelease(&table->lock);
	}
	fill_place(place, now);
	pg_write_barrier();
	pg_atomic_write_u32(&place->full, 1);
	due = pg_atomic_add_fetch_u32(&table->pending, 1) >= BATCH_SESSIONS ||
		now - (TimestampTz) pg_atomic_read_u64(&table->last_batch) >= BATCH_TIME;
	if (due)
	{
		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		count_pending(now);
		LWLockRelease(&table->lock);
	}
}

static void
at_authentication(Port *port, int status)
{
	if (prev_ClientAuthentication)
		prev_ClientAuthentication(port, status);
	if (status == STATUS_OK)
		before_shmem_exit(leave_session, (Datum) 0);
}

void
connections_install(void)
{
	prev_ClientAuthentication = ClientAuthentication_hook;
	ClientAuthentication_hook = at_authentication;
}

/* -------------------------------------------------------------------------
 * Reading and resetting
 * -------------------------------------------------------------------------
 */

/* Copy the sums, with every session that is over; returns how many. */
int
connections_collect(ConnectionSums *into)
{
	int			n;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	count_pending(GetCurrentTimestamp());
	n = table->used;
	memcpy(into, table->sums, n * sizeof(ConnectionSums));
	LWLockRelease(&table->lock);
	return n;
}

/* Forget the sessions of a role, of a database (0: any). */
void
connections_reset(Oid userid, Oid dbid)
{
	int			kept = 0;

	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	count_pending(GetCurrentTimestamp());
	for (int i = 0; i < table->used; i++)
	{
		const ConnectionSums *sums = &table->sums[i];

		if ((OidIsValid(userid) && sums->userid != userid) ||
			(OidIsValid(dbid) && sums->dbid != dbid))
			table->sums[kept++] = *sums;
	}
	table->used = kept;
	LWLockRelease(&table->lock);
}
