/*-------------------------------------------------------------------------
 *
 * rewrite_values.h
 *	  The values of a statement, taken out of it and put back as parameters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_REWRITE_VALUES_H
#define PG_NPLUSONE_REWRITE_VALUES_H

#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"

#define REWRITE_VALUES 128		/* more values than this: no rewrite */

typedef enum ValueUse
{
	VALUE_SAME,					/* the same for the whole loop: a parameter */
	VALUE_PER_ROW,				/* another one in each execution */
	VALUE_ONE,					/* the 1 of LIMIT 1 */
	VALUE_GONE					/* no longer in the statement */
} ValueUse;

/* one value of the statement; its number is its place in the list, from 1 */
typedef struct RewriteValue
{
	Node	   *node;			/* the Const or Param that was there */
	Oid			type;
	ValueUse	use;
	char	   *name;			/* of its column among the rows or keys */
	Oid			relid;			/* the column it is compared with or stored */
	AttrNumber	attnum;			/* in, 0: none */
	bool		equality;		/* compared by "=" */
	bool		doubtful;		/* may be a key in another place */
	int			number;			/* its $n in the rewrite, 0: none yet */
} RewriteValue;

typedef struct RewriteValues
{
	RewriteValue values[REWRITE_VALUES];
	int			n;
	List	   *rtables;		/* of the queries around the present node */
	bool		share_equal;	/* equal constants have to stay equal */
	bool		all;			/* TRUE, FALSE and NULL are values as well */
	const char *rows;			/* name of the relation of values per row */
} RewriteValues;

extern Query *values_take_out(RewriteValues *values, Query *query);
extern int	values_add(RewriteValues *values, Node *node, Oid type, ValueUse use);
extern Param *values_param(const RewriteValues *values, int number);
extern int	values_number_of(const Node *node);
extern Node *values_strip_casts(Node *node);
extern bool values_is_value(const Node *node);
extern char *values_deparse(Query *query);
extern char *values_put_back(RewriteValues *values, const char *text);
extern const char *values_skip_quoted(const char *p);
extern const char *values_find_word(const char *text, const char *word);

#endif							/* PG_NPLUSONE_REWRITE_VALUES_H */
