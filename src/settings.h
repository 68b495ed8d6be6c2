/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings of the module, as C sees them.
 *
 * pg_nplusone.c owns the variables and registers them; every other room only
 * reads them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SETTINGS_H
#define PG_NPLUSONE_SETTINGS_H

/* pg_nplusone.track */
typedef enum TrackLevel
{
	TRACK_NONE,
	TRACK_TOP,
	TRACK_ALL
} TrackLevel;

/*
 * What ties the executions of a loop together, from weak to strong.  The
 * order matters: a stronger tie replaces a weaker one.
 */
typedef enum Confidence
{
	CONFIDENCE_NONE,			/* not a loop (yet) */
	CONFIDENCE_SUSPECTED,
	CONFIDENCE_LIKELY,
	CONFIDENCE_PROVEN
} Confidence;

extern int	npo_max;			/* clusters kept */
extern int	npo_query_size;		/* bytes of text kept per statement */
extern int	npo_track;			/* TrackLevel */
extern int	npo_threshold;		/* executions that make a loop */
extern int	npo_idle_gap;		/* milliseconds */
extern int	npo_min_confidence; /* Confidence */
extern int	npo_orm;			/* Orm, or ORM_AUTO */
extern int	npo_action;			/* Action */
extern int	npo_action_min_confidence;	/* Confidence */
extern bool npo_save;			/* keep clusters across restarts */
extern int	npo_save_interval;	/* seconds */
extern char *npo_tags;			/* request tags set by the program */
extern char *npo_trace_tag;		/* tag that names a request */
extern bool npo_pools;			/* look for loops spread over sessions */
extern int	npo_sample_rows;	/* rows of a result kept as evidence */

/* true once the shared memory of the module is there */
extern bool npo_loaded;

#endif							/* PG_NPLUSONE_SETTINGS_H */
