/*-------------------------------------------------------------------------
 *
 * orm.h
 *	  Which ORM wrote a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_NPLUSONE_ORM_H
#define PG_NPLUSONE_ORM_H

#include "tags.h"

typedef enum Orm
{
	ORM_SQL,					/* none, or not known for sure */
	ORM_DJANGO,
	ORM_RAILS,
	ORM_SQLALCHEMY,
	ORM_HIBERNATE,
	ORM_PRISMA,
	ORM_SEQUELIZE,
	ORM_TYPEORM,
	ORM_LARAVEL,
	ORM_EF,
	ORM_DRIZZLE,
	ORM_KYSELY,
	ORM_KNEX,
	ORM_PEEWEE,
	ORM_COUNT
} Orm;

/* pg_nplusone.orm: one of the above, or this */
#define ORM_AUTO (-1)

extern const char *orm_name(Orm orm);
extern Orm	orm_recognise(const char *text, int len, const RequestTags *tags,
						  const char *application_name);
extern bool orm_like_django(const char *text, int len, bool django_database);
extern bool orm_like_rails(const char *text, int len);

#endif							/* PG_NPLUSONE_ORM_H */
