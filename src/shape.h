/*-------------------------------------------------------------------------
 *
 * shape.h
 *	  What kind of statement a plan is, and where in it the keys lie.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_SHAPE_H
#define PG_NPLUSONE_SHAPE_H

#include "catalog/pg_type_d.h"
#include "executor/execdesc.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"

#include "value.h"

#define SHAPE_KEYS 4			/* places kept per statement */
#define SHAPE_STEPS 8			/* plan nodes between the root and a key */
#define SHAPE_STEP_BITS 4
#define SHAPE_STEP(place, i) \
	((place)->steps >> SHAPE_STEP_BITS * (i) & ((1 << SHAPE_STEP_BITS) - 1))

typedef enum StatementKind
{
	KIND_SELECT,
	KIND_COUNT,					/* one row of count() */
	KIND_EXISTS,				/* is there a row */
	KIND_AGGREGATE,				/* one row of other aggregates */
	KIND_FOR_UPDATE,
	KIND_INSERT,				/* one row */
	KIND_UPSERT,				/* one row, ON CONFLICT or MERGE */
	KIND_UPDATE,
	KIND_DELETE,
	KIND_OTHER
} StatementKind;

#define KIND_IS_WRITE(kind) ((kind) >= KIND_INSERT && (kind) <= KIND_DELETE)

/* bits of Shape.flags */
#define SHAPE_NOISE			0x0001	/* touches no relation of the users */
#define SHAPE_BATCH			0x0002	/* works on many keys at once */
#define SHAPE_LIMIT			0x0004
#define SHAPE_LIMIT_ONE		0x0008	/* LIMIT 1, where it is a constant */
#define SHAPE_ORDERED		0x0010
#define SHAPE_OPAQUE		0x0020	/* has values that no key place shows */
#define SHAPE_SKIP_LOCKED	0x0040	/* takes work from a queue */
#define SHAPE_RI			0x0080	/* a foreign key's own check or action */
#define SHAPE_KNOWN			0x0100	/* has been read */
#define SHAPE_ROWS_KNOWN	0x0200	/* the next bit has been found out */
#define SHAPE_SINGLE_ROW	0x0400	/* never returns more than one row */
#define SHAPE_OFFSET		0x0800	/* skips rows, at the top or further down */
#define SHAPE_KEY_TELLS		0x1000	/* its only key tells its executions apart */

/* what the value at a key place does in the statement */
typedef enum KeyRole
{
	KEY_EQUAL,					/* column = value */
	KEY_LIST,					/* column = ANY (value) */
	KEY_STORED,					/* value of a column of the inserted row */
	KEY_RANGE,					/* column < value, and its like */
	KEY_OFFSET					/* OFFSET value */
} KeyRole;

#define ROLE_IS_KEY(role) ((role) <= KEY_STORED)

/*
 * Where a key lies: the plan tree (0: the main one), the steps down from its
 * root, the list there and the element of it.  Found once per fingerprint
 * and checked at every use, since another plan of the same statement may
 * have it elsewhere.
 */
typedef struct KeyPlace
{
	Oid			relid;			/* the column it is compared with, or 0 */
	AttrNumber	attnum;
	uint8		role;			/* KeyRole */
	uint8		list;			/* which list of the plan node */
	uint8		element;
	uint8		plan;
	uint8		nsteps;
	uint8		param;			/* number of the parameter, 0: unknown */
	uint32		steps;			/* four bits each, the first one lowest */
} KeyPlace;

typedef struct Shape
{
	uint16		flags;
	uint8		kind;			/* StatementKind */
	uint8		nkeys;
	Oid			relid;			/* the first relation of the users' */
	KeyPlace	keys[SHAPE_KEYS];
} Shape;

/* the values at the key places in one execution */
typedef struct KeyValues
{
	uint32		hash[SHAPE_KEYS];
	bool		batch;			/* a list of more than one element */
} KeyValues;

extern uint32 shape_hash_param(const ParamExternData *prm);

/* The hash of a parameter; integers, which most keys are, at once. */
static pg_attribute_always_inline uint32
shape_param_hash(const ParamExternData *prm)
{
	if (prm->isnull)
		return VALUE_UNKNOWN;
	if (prm->ptype == INT4OID)
		return value_hash_integer(DatumGetInt32(prm->value));
	if (prm->ptype == INT8OID)
		return value_hash_integer(DatumGetInt64(prm->value));
	return shape_hash_param(prm);
}

extern void shape_read(const QueryDesc *queryDesc, Shape *shape);
extern void shape_find_keys(const QueryDesc *queryDesc, Shape *shape,
							KeyValues *values);
extern bool shape_touches_user_relation(const PlannedStmt *pstmt);
extern void shape_note_rows(const PlannedStmt *pstmt, Shape *shape);
extern bool shape_limit_is_one(const QueryDesc *queryDesc);

extern uint32 shape_fetched_hash(ParamListInfo params, int number);

/* The same by the parameter's number. */
static pg_attribute_always_inline uint32
shape_number_hash(ParamListInfo params, int number)
{
	return params->paramFetch == NULL ? shape_param_hash(&params->params[number - 1]) :
		shape_fetched_hash(params, number);
}

/*
 * The values at the key places of this execution.  One key that is a known
 * parameter, as in most loops, need not be looked for in the plan.
 */
static inline void
shape_read_keys(const QueryDesc *queryDesc, Shape *shape, KeyValues *values)
{
	ParamListInfo params = queryDesc->params;

	memset(values, 0, sizeof(*values));
	if (shape->nkeys == 1 && params != NULL &&
		shape->keys[0].param != 0 && shape->keys[0].param <= params->numParams)
		values->hash[0] = shape_number_hash(params, shape->keys[0].param);
	else if (shape->nkeys > 0)
		shape_find_keys(queryDesc, shape, values);
}

#endif							/* PG_NPLUSONE_SHAPE_H */
