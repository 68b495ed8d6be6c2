/*-------------------------------------------------------------------------
 *
 * pg_nplusone.c
 *	  Finds N+1 query loops from inside the server: the front door.
 *
 * Here are the settings, the request for shared memory, and the order in
 * which the rooms are set up.  One execution is followed, from the hooks to
 * the view, by reading downward:
 *
 *	 src/queryid.c    what a statement is known by
 *	 src/hooks.c      which statements are followed, and when we are called
 *	 src/unit.c       the unit of work: fingerprints and open executions
 *	 src/shape.c      what kind of statement it is, where its keys lie
 *	 src/evidence.c   samples of results, and keys that follow them in order
 *	 src/pool.c       loops that are spread over sessions, and poolwatch.c
 *	 src/loops.c      repeated statements and what ties them together
 *	 src/detect.c     once per loop: classify.c, normalize.c, and publishing
 *	 src/clusters.c   the clusters of all backends, in shared memory
 *	 src/sqlfuncs.c   the functions under the views
 *	 src/heavy.c      results that carry too much, and connections.c: sessions
 *					  that carry too little
 *	 src/persist.c    what is kept across restarts
 *
 * Nothing is done outside of shared_preload_libraries: loading the library
 * later is silent, and its functions say what is missing.
 *
 * Copyright (c) 2026, the pg_nplusone developers
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "storage/lwlock.h"
#include "utils/guc.h"

#include "action.h"
#include "clusters.h"
#include "compat.h"
#include "connections.h"
#include "heavy.h"
#include "hints.h"
#include "hooks.h"
#include "orm.h"
#include "persist.h"
#include "pool.h"
#include "queryid.h"
#include "requests.h"
#include "settings.h"
#include "slots.h"
#include "tally.h"
#include "traces.h"

NPO_MODULE_MAGIC;

int			npo_max = 1000;
int			npo_query_size = 2048;
int			npo_track = TRACK_TOP;
int			npo_threshold = 5;
int			npo_idle_gap = 500;
int			npo_min_confidence = CONFIDENCE_SUSPECTED;
int			npo_sample_rows = 64;
int			npo_orm = ORM_AUTO;
int			npo_action = ACTION_OFF;
int			npo_action_min_confidence = CONFIDENCE_LIKELY;
char	   *npo_tags = NULL;
char	   *npo_trace_tag = NULL;
bool		npo_save = true;
int			npo_save_interval = 60;
bool		npo_loaded = false;

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

static const struct config_enum_entry track_options[] = {
	{"none", TRACK_NONE, false},
	{"top", TRACK_TOP, false},
	{"all", TRACK_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry action_options[] = {
	{"off", ACTION_OFF, false},
	{"log", ACTION_LOG, false},
	{"notice", ACTION_NOTICE, false},
	{"warning", ACTION_WARNING, false},
	{"error", ACTION_ERROR, false},
	{NULL, 0, false}
};

static const struct config_enum_entry confidence_options[] = {
	{"suspected", CONFIDENCE_SUSPECTED, false},
	{"likely", CONFIDENCE_LIKELY, false},
	{"proven", CONFIDENCE_PROVEN, false},
	{NULL, 0, false}
};

static const struct config_enum_entry orm_options[] = {
	{"auto", ORM_AUTO, false},
	{"sql", ORM_SQL, false},
	{"django", ORM_DJANGO, false},
	{"rails", ORM_RAILS, false},
	{"sqlalchemy", ORM_SQLALCHEMY, false},
	{"hibernate", ORM_HIBERNATE, false},
	{"prisma", ORM_PRISMA, false},
	{"sequelize", ORM_SEQUELIZE, false},
	{"typeorm", ORM_TYPEORM, false},
	{"laravel", ORM_LARAVEL, false},
	{"ef", ORM_EF, false},
	{"drizzle", ORM_DRIZZLE, false},
	{"kysely", ORM_KYSELY, false},
	{"knex", ORM_KNEX, false},
	{"peewee", ORM_PEEWEE, false},
	{NULL, 0, false}
};

static void
define_memory_settings(void)
{
	DefineCustomIntVariable("pg_nplusone.max",
							"Sets the number of clusters that pg_nplusone keeps.",
							NULL, &npo_max, 1000, 50, 100000,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.query_size",
							"Sets the bytes of text kept for each statement of a cluster.",
							NULL, &npo_query_size, 2048, 256, 65536,
							PGC_POSTMASTER, GUC_UNIT_BYTE, NULL, NULL, NULL);
}

static void
define_detection_settings(void)
{
	DefineCustomEnumVariable("pg_nplusone.track",
							 "Selects which statements pg_nplusone follows.",
							 NULL, &npo_track, TRACK_TOP, track_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.threshold",
							"Sets the number of executions that make a loop.",
							NULL, &npo_threshold, 5, 2, PG_INT32_MAX / 2,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.idle_gap",
							"Sets how long a client must be idle outside a transaction to end a unit of work.",
							NULL, &npo_idle_gap, 500, 1, PG_INT32_MAX,
							PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_nplusone.min_confidence",
							 "Sets the least confidence at which a loop is recorded.",
							 NULL, &npo_min_confidence, CONFIDENCE_SUSPECTED,
							 confidence_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.sample_rows",
							"Sets how many rows of a result are kept as evidence.",
							"Zero turns the comparison of values off.",
							&npo_sample_rows, 64, 0, 64,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_nplusone.orm",
							 "Sets the ORM in whose words pg_nplusone advises.",
							 "With \"auto\" it is recognised by tags, application_name or SQL.",
							 &npo_orm, ORM_AUTO, orm_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("pg_nplusone.pools",
							 "Puts together loops whose statements are spread over several sessions.",
							 "Sessions of one database, role and application_name are looked at, or those that serve one request, if its statements name it.",
							 &npo_pools, true,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

static bool
check_tags(char **newval, void **extra, GucSource source)
{
	if (*newval != NULL && !requests_check_tags(*newval))
	{
		GUC_check_errdetail("Tags are written as key=value, separated by commas.");
		return false;
	}
	return true;
}

static void
assign_tags(const char *newval, void *extra)
{
	requests_assign_tags(newval != NULL ? newval : "");
}

static void
define_request_settings(void)
{
	DefineCustomEnumVariable("pg_nplusone.action",
							 "Selects what happens when a loop reaches the threshold.",
							 NULL, &npo_action, ACTION_OFF, action_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("pg_nplusone.action_min_confidence",
							 "Sets the least confidence at which pg_nplusone.action applies.",
							 NULL, &npo_action_min_confidence, CONFIDENCE_LIKELY,
							 confidence_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("pg_nplusone.tags",
							   "Sets the tags of the request that the following statements serve.",
							   "A list of key=value, separated by commas, as a comment of a statement would have.",
							   &npo_tags, "",
							   PGC_USERSET, 0, check_tags, assign_tags, NULL);
	DefineCustomStringVariable("pg_nplusone.trace_tag",
							   "Sets the tag that names the request that a statement serves.",
							   "It comes before traceparent and request_id, which always do.",
							   &npo_trace_tag, "",
							   PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_persistence_settings(void)
{
	DefineCustomBoolVariable("pg_nplusone.save",
							 "Keeps clusters across restarts of the server.",
							 NULL, &npo_save, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_nplusone.save_interval",
							"Sets how often clusters are saved, which is how much a crash can lose.",
							"Zero saves them when the server shuts down only.",
							&npo_save_interval, 60, 0, PG_INT32_MAX / 1000,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
}

static void
request_shmem(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(clusters_shmem_size());
	RequestAddinShmemSpace(slots_shmem_size());
	RequestAddinShmemSpace(requests_shmem_size());
	RequestAddinShmemSpace(persist_shmem_size());
	RequestAddinShmemSpace(hintstore_shmem_size());
	RequestAddinShmemSpace(heavystore_shmem_size());
	RequestAddinShmemSpace(connections_shmem_size());
	RequestAddinShmemSpace(tally_shmem_size());
	RequestAddinShmemSpace(pool_shmem_size());
	RequestAddinShmemSpace(traces_shmem_size());
	RequestNamedLWLockTranche(CLUSTER_LOCK_TRANCHE, CLUSTER_LOCKS);
	RequestNamedLWLockTranche(REQUESTS_TRANCHE, 1);
	RequestNamedLWLockTranche(POOL_TRANCHE, 1);
	RequestNamedLWLockTranche(TRACES_TRANCHE, 1);
}

static void
start_shmem(void)
{
	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	clusters_shmem_init();
	slots_shmem_init();
	requests_shmem_init();
	persist_shmem_init();
	hintstore_shmem_init();
	heavystore_shmem_init();
	connections_shmem_init();
	tally_shmem_init();
	pool_shmem_init();
	traces_shmem_init();
	LWLockRelease(AddinShmemInitLock);
	if (!IsUnderPostmaster)
	{
		persist_load();
		on_shmem_exit(persist_save_at_shutdown, (Datum) 0);
	}
	npo_loaded = true;
}

void
_PG_init(void)
{
	/* too late for shared memory: CREATE EXTENSION and pg_upgrade get by */
	if (!process_shared_preload_libraries_in_progress)
		return;

	define_memory_settings();
	define_detection_settings();
	define_request_settings();
	define_persistence_settings();
	hints_define_settings();
	heavy_define_settings();
	connections_define_settings();
	MarkGUCPrefixReserved("pg_nplusone");

	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
	queryid_install();
	hooks_install();
	persist_register_worker();
}
