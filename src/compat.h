/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Every difference between PostgreSQL majors, so that no other file
 *	  of the tree looks at PG_VERSION_NUM.
 *
 * A newcomer who ports the module to a new major touches this file only.
 * Each block says what changed and in which major.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_COMPAT_H
#define PG_NPLUSONE_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_nplusone needs PostgreSQL 15 or later"
#endif

/* what a file of one major and another's are told apart by */
#define NPO_SERVER_MAJOR (PG_VERSION_NUM / 10000)

/* 16 moved the macros of varlena types out of postgres.h */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16 moved the query jumbling header */
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif

/* 16 has no use for the text */
#if PG_VERSION_NUM >= 160000
#define NPO_JUMBLE_QUERY(query, text) ((void) JumbleQuery(query))
#else
#define NPO_JUMBLE_QUERY(query, text) ((void) JumbleQuery(query, text))
#endif

/* 19 does not let hooks write to it */
#if PG_VERSION_NUM >= 190000
#define NPO_JUMBLE_STATE const JumbleState
#else
#define NPO_JUMBLE_STATE JumbleState
#endif

/*
 * 18 has the query of DECLARE CURSOR pass by the hook that gives identifiers;
 * before, it has none and is given one when it is declared, on a copy.
 */
#if PG_VERSION_NUM >= 180000
#define NPO_CURSOR_HAS_QUERYID true
#else
#define NPO_CURSOR_HAS_QUERYID false
#endif

/*
 * 18 makes the query identifier from the names of relations without their
 * schemas, so that tables of one name share it.  There, what a statement is
 * told apart by holds its relations as well, and differs from what the views
 * show; it cannot be turned back into that.
 */
#if PG_VERSION_NUM >= 180000
#include "fingerprint.h"
#define NPO_FINGERPRINT(queryid, pstmt) fingerprint_with_relations(queryid, pstmt)
#define NPO_SERVER_QUERYID(fingerprint, pstmt) ((uint64) (pstmt)->queryId)
#define NPO_KNOWN_QUERYID(fingerprint) UINT64CONST(0)
#define NPO_PERMISSION_INFOS(pstmt) ((pstmt)->permInfos)
#else
#define NPO_FINGERPRINT(queryid, pstmt) (queryid)
#define NPO_SERVER_QUERYID(fingerprint, pstmt) (fingerprint)
#define NPO_KNOWN_QUERYID(fingerprint) (fingerprint)
#endif

/* 18 names and versions a module in its magic block */
#if PG_VERSION_NUM >= 180000
#define NPO_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "pg_nplusone", .version = "1.0")
#else
#define NPO_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 16 declares the library's entry point itself */
#if PG_VERSION_NUM < 160000
extern PGDLLEXPORT void _PG_init(void);
#endif

/* 18 says before a function, and not behind it, that it does not return */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 18 dropped execute_once from ExecutorRun */
#if PG_VERSION_NUM >= 180000
#define NPO_EXECUTOR_RUN_ARGS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count
#define NPO_EXECUTOR_RUN_PASS queryDesc, direction, count
#else
#define NPO_EXECUTOR_RUN_ARGS \
	QueryDesc *queryDesc, ScanDirection direction, uint64 count, \
	bool execute_once
#define NPO_EXECUTOR_RUN_PASS queryDesc, direction, count, execute_once
#endif

/* 19 hands the planner an ExplainState */
#if PG_VERSION_NUM >= 190000
#define NPO_PLANNER_ARGS \
	Query *parse, const char *query_string, int cursorOptions, \
	ParamListInfo boundParams, ExplainState *es
#define NPO_PLANNER_PASS parse, query_string, cursorOptions, boundParams, es
#else
#define NPO_PLANNER_ARGS \
	Query *parse, const char *query_string, int cursorOptions, \
	ParamListInfo boundParams
#define NPO_PLANNER_PASS parse, query_string, cursorOptions, boundParams
#endif

/*
 * 17 has the number of the PGPROC in a variable.  Those of clients come first,
 * so that it is below MaxConnections.
 */
#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#define NPO_MY_SLOT() ((int) MyProcNumber)
#else
#include "storage/proc.h"
#define NPO_MY_SLOT() (MyProc->pgprocno)
#endif

/* 17 keeps a local transaction id in the vxid of PGPROC */
#if PG_VERSION_NUM >= 170000
#define NPO_MY_LXID() (MyProc->vxid.lxid)
#else
#define NPO_MY_LXID() (MyProc->lxid)
#endif


/* 19 knows one reading of backslashes in '...' and never warns about them */
#if PG_VERSION_NUM >= 190000
#define NPO_TWO_STRING_READINGS false
#define NPO_STANDARD_STRINGS true
#define NPO_SCANNER_READ_AS(yyextra, standard) ((void) (standard))
#else
#define NPO_TWO_STRING_READINGS true
#define NPO_STANDARD_STRINGS standard_conforming_strings
#define NPO_SCANNER_READ_AS(yyextra, standard) \
	((yyextra)->standard_conforming_strings = (standard), \
	 (yyextra)->escape_string_warning = false)
#endif

#include "storage/lwlock.h"

/* 16 has a third argument for attributes that are missing */
#include "access/attmap.h"
#if PG_VERSION_NUM >= 160000
#define npo_attrmap_by_name(indesc, outdesc) \
	build_attrmap_by_name(indesc, outdesc, true)
#else
#define npo_attrmap_by_name(indesc, outdesc) \
	build_attrmap_by_name(indesc, outdesc)
#endif

/*
 * 19 replaced get_relation_info_hook by build_simple_rel_hook, which runs for
 * every kind of relation.
 */
#include "optimizer/plancat.h"
#if PG_VERSION_NUM >= 190000
#include "optimizer/pathnode.h"
typedef build_simple_rel_hook_type NpoRelInfoHook;
#define npo_rel_info_hook build_simple_rel_hook
#define NPO_REL_INFO_ARGS \
	PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define NPO_REL_INFO_PASS root, rel, rte
#define NPO_REL_INFO_RELID (rte->relid)
#define NPO_REL_INFO_HAS_STORAGE \
	(rte->rtekind == RTE_RELATION && !rte->inh && \
	 (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW))
#else
typedef get_relation_info_hook_type NpoRelInfoHook;
#define npo_rel_info_hook get_relation_info_hook
#define NPO_REL_INFO_ARGS \
	PlannerInfo *root, Oid relationObjectId, bool inhparent, RelOptInfo *rel
#define NPO_REL_INFO_PASS root, relationObjectId, inhparent, rel
#define NPO_REL_INFO_RELID relationObjectId
#define NPO_REL_INFO_HAS_STORAGE (!inhparent)
#endif

/* 19 hands the planner an ExplainState, which a what-if planning has not */
#if PG_VERSION_NUM >= 190000
#define NPO_CALL_PLANNER(fn, parse, text, options, params) \
	(fn) (parse, text, options, params, NULL)
#else
#define NPO_CALL_PLANNER(fn, parse, text, options, params) \
	(fn) (parse, text, options, params)
#endif

/*
 * The ICU headers that this one includes need not be installed where the
 * server's are (Debian's packages stopped to bring them); nothing here calls
 * ICU.
 */
#pragma push_macro("USE_ICU")
#undef USE_ICU
#include "utils/pg_locale.h"
#pragma pop_macro("USE_ICU")

/* 18 keeps in the locale whether a collation sorts by bytes */
#if PG_VERSION_NUM >= 180000
#define npo_collate_is_c(collation) \
	(pg_newlocale_from_collation(collation)->collate_is_c)
#else
#define npo_collate_is_c(collation) lc_collate_is_c(collation)
#endif

/* 18 gives a pathkey a compare type instead of a B-tree strategy */
#if PG_VERSION_NUM >= 180000
#define NPO_PATHKEY_DESCENDING(pk) ((pk)->pk_cmptype == COMPARE_GT)
#else
#define NPO_PATHKEY_DESCENDING(pk) \
	((pk)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* 19 takes an LWLock tranche's name with the tranche */
#if PG_VERSION_NUM >= 190000
#define npo_new_tranche(name) LWLockNewTrancheId(name)
#define npo_register_tranche(tranche, name) ((void) 0)
#else
#define npo_register_tranche(tranche, name) \
	LWLockRegisterTranche(tranche, name)
static inline int
npo_new_tranche_named(const char *name)
{
	int			tranche = LWLockNewTrancheId();

	LWLockRegisterTranche(tranche, name);
	return tranche;
}
#define npo_new_tranche(name) npo_new_tranche_named(name)
#endif

#endif							/* PG_NPLUSONE_COMPAT_H */
