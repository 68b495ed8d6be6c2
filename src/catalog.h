/*-------------------------------------------------------------------------
 *
 * catalog.h
 *	  What the catalog says of columns: foreign keys, unique keys, names.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_CATALOG_H
#define PG_NPLUSONE_CATALOG_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

extern Oid	catalog_root(Oid relid);
extern bool catalog_is_of_extension(Oid relid);
extern bool catalog_references(Oid relid, AttrNumber attnum,
							   Oid target, AttrNumber target_attnum);
extern Oid	catalog_target(Oid relid, AttrNumber attnum,
						   AttrNumber *target_attnum);
extern bool catalog_links_any(Oid relid, AttrNumber except, const List *targets);
extern bool catalog_links(Oid relid, Oid target);
extern AttrNumber catalog_column_to(Oid relid, Oid target);
extern bool catalog_is_primary(Oid relid, AttrNumber attnum);
extern bool catalog_is_unique(Oid relid, AttrNumber attnum);
extern List *catalog_unique_key(Oid relid, const List *attnums);
extern bool catalog_has_type_column(Oid relid, AttrNumber attnum);
extern char *catalog_column_name(Oid relid, AttrNumber attnum);

#endif							/* PG_NPLUSONE_CATALOG_H */
