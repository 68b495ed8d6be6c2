/*-------------------------------------------------------------------------
 *
 * names.h
 *	  What ORMs call the tables and columns of the catalog.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_NAMES_H
#define PG_NPLUSONE_NAMES_H

#include "orm.h"

extern char *names_singular(const char *word);
extern char *names_plural(const char *word);
extern char *names_camel(const char *name, bool upper_first);
extern char *names_snake(const char *name);
extern char *names_stem(Orm orm, const char *table, const char *neighbour);
extern char *names_model(Orm orm, const char *stem);
extern char *names_reference(Orm orm, const char *column);
extern char *names_collection(Orm orm, const char *stem);

#endif							/* PG_NPLUSONE_NAMES_H */
