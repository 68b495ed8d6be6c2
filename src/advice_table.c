/*-------------------------------------------------------------------------
 *
 * advice_table.c
 *	  The sentences of the advice: what happens, and what to do about it.
 *
 * One table of kinds and ORMs, every place of which is filled (the tests look
 * for holes).  Words in braces are filled in by advice.c:
 *
 *	 {parent} {child}	the tables			{pcol} {key}	their columns
 *	 {through}			the table that links them
 *	 {Root} {Parent} {Child}	the models of the outermost parent, of the
 *						parent and of the child
 *	 {rel}				the relation that leads from parent to child
 *	 {load}				the path of relations from the root, as the ORM has it
 *	 {field}			the reference that the key is, as the ORM names it
 *	 {column} {columns}	of the aggregate; read, or changed
 *	 {Agg} {agg}		the aggregate function
 *	 {order}			the order of the rows
 *	 {and} {q}			what else than the key they are chosen by, as Django has it
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advice_table.h"

static const char *const leads[ADVICE_KINDS] = {
	[ADVICE_FORWARD] = "{child} is read once for each row of {parent}, by {pcol}.",
	[ADVICE_REVERSE] = "{child} is read once for each row of {parent}, by {key}.",
	[ADVICE_MANY] = "{child} is read through {through} once for each row of {parent}.",
	[ADVICE_POLYMORPHIC] = "{child} is read once for each row of {parent}, by a reference with a type column.",
	[ADVICE_DEFERRED] = "Columns of {child} ({columns}) are read again for each row of a list of {parent}.",
	[ADVICE_COUNT] = "Rows of {child} are counted once for each row of {parent}.",
	[ADVICE_EXISTS] = "Whether there is a row of {child} is asked once for each row of {parent}.",
	[ADVICE_AGGREGATE] = "{agg} of {column} over {child} is asked once for each row of {parent}.",
	[ADVICE_GROUPED] = "{child} is summed up for one {key} at a time.",
	[ADVICE_FIRST] = "The first row of {child} is read once for each row of {parent}.",
	[ADVICE_LOOKUP] = "{child} is looked up by {key}, one value at a time.",
	[ADVICE_DUPLICATE] = "The same rows of {child} are read again and again.",
	[ADVICE_FOR_UPDATE] = "Rows of {child} are locked one at a time.",
	[ADVICE_INSERT] = "Rows are inserted into {child} one statement at a time.",
	[ADVICE_UPDATE] = "Rows of {child} are updated one statement at a time.",
	[ADVICE_UPDATE_IN_PLACE] = "Rows of {child} are updated one statement at a time, from their own values.",
	[ADVICE_DELETE] = "Rows of {child} are deleted one statement at a time.",
	[ADVICE_UPSERT] = "Rows of {child} are looked for and then written one at a time.",
	[ADVICE_OTHER] = "The same statement on {child} is sent again and again."
};

/* *INDENT-OFF* */
static const char *const fixes[ADVICE_KINDS][ORM_COUNT] = {
	[ADVICE_FORWARD] = {
		[ORM_SQL] = "Read them all with one statement: JOIN {child} ON {child}.{key} = {parent}.{pcol}, or WHERE {key} = ANY ($1) with the values of {pcol}.",
		[ORM_DJANGO] = "Let the list bring them: {Root}.objects.{load}.",
		[ORM_RAILS] = "Let the list bring them: {Root}.includes({load}); strict_loading makes the next such loop an error.",
		[ORM_SQLALCHEMY] = "Let the list bring them: select({Root}).options({load}); raiseload() makes the next such loop an error.",
		[ORM_HIBERNATE] = "Let the query bring them: JOIN FETCH of {load}, or @EntityGraph(attributePaths = \"{load}\"), or @BatchSize on {Child}.",
		[ORM_PRISMA] = "Let the list bring them: {root}.findMany({ include: { {load} } }); relationLoadStrategy: \"join\" makes it one statement.",
		[ORM_SEQUELIZE] = "Let the list bring them: {Root}.findAll({ include: [{load}] }).",
		[ORM_TYPEORM] = "Let the list bring them: find({ relations: { {load} } }), or leftJoinAndSelect() in a query builder of {Root}.",
		[ORM_LARAVEL] = "Let the list bring them: {Root}::with('{load}'); Model::preventLazyLoading() makes the next such loop an error.",
		[ORM_EF] = "Let the query of {Root} bring them: .{load}.",
		[ORM_DRIZZLE] = "Let the list bring them: a leftJoin() with {child} on {child}.{key} = {parent}.{pcol}, or a relational query with: { {load} }.",
		[ORM_KYSELY] = "Let the list bring them: .leftJoin('{child}', '{child}.{key}', '{parent}.{pcol}'), or one query with where('{key}', 'in', ids).",
		[ORM_KNEX] = "Let the list bring them: .leftJoin('{child}', '{child}.{key}', '{parent}.{pcol}'), or one query with whereIn('{key}', ids).",
		[ORM_PEEWEE] = "Let the list bring them: {Parent}.select({Parent}, {Child}).join({Child})."
	},
	[ADVICE_REVERSE] = {
		[ORM_SQL] = "Read them all with one statement: WHERE {key} = ANY ($1) with the values of {parent}.{pcol}, and sort them out by {key}.",
		[ORM_DJANGO] = "Let the list bring them: {Root}.objects.{load}{default}.",
		[ORM_RAILS] = "Let the list bring them: {Root}.includes({load}), or preload; strict_loading makes the next such loop an error.",
		[ORM_SQLALCHEMY] = "Let the list bring them: select({Root}).options({load}); raiseload() makes the next such loop an error.",
		[ORM_HIBERNATE] = "Let the query bring them: JOIN FETCH of {load}, or @EntityGraph(attributePaths = \"{load}\"), or @BatchSize on the collection {rel}.",
		[ORM_PRISMA] = "Let the list bring them: {root}.findMany({ include: { {load} } }).",
		[ORM_SEQUELIZE] = "Let the list bring them: {Root}.findAll({ include: [{load}] }), with separate: true where the rows are many.",
		[ORM_TYPEORM] = "Let the list bring them: find({ relations: { {load} } }), or leftJoinAndSelect() in a query builder of {Root}.",
		[ORM_LARAVEL] = "Let the list bring them: {Root}::with('{load}'); Model::preventLazyLoading() makes the next such loop an error.",
		[ORM_EF] = "Let the query of {Root} bring them: .{load}, with AsSplitQuery() where several collections are included.",
		[ORM_DRIZZLE] = "Let a relational query bring them: with: { {load} }, or one query with inArray({child}.{key}, ids).",
		[ORM_KYSELY] = "Read them all with one query, where('{key}', 'in', ids), or let the list bring them with jsonArrayFrom().",
		[ORM_KNEX] = "Read them all with one query, whereIn('{key}', ids), and sort them out by {key}.",
		[ORM_PEEWEE] = "Let the list bring them: prefetch({Parent}.select(), {Child}.select())."
	},
	[ADVICE_MANY] = {
		[ORM_SQL] = "Read them all with one statement: join {child} with {through} WHERE {key} = ANY ($1), with {key} among the columns.",
		[ORM_DJANGO] = "Let the list bring them: {Root}.objects.{load}.",
		[ORM_RAILS] = "Let the list bring them: {Root}.includes({load}), or preload.",
		[ORM_SQLALCHEMY] = "Let the list bring them: select({Root}).options({load}).",
		[ORM_HIBERNATE] = "Let the query bring them: JOIN FETCH of {load}, or @EntityGraph(attributePaths = \"{load}\"), or @BatchSize on the collection {rel}.",
		[ORM_PRISMA] = "Let the list bring them: {root}.findMany({ include: { {load} } }).",
		[ORM_SEQUELIZE] = "Let the list bring them: {Root}.findAll({ include: [{load}] }).",
		[ORM_TYPEORM] = "Let the list bring them: find({ relations: { {load} } }), or leftJoinAndSelect() in a query builder of {Root}.",
		[ORM_LARAVEL] = "Let the list bring them: {Root}::with('{load}').",
		[ORM_EF] = "Let the query of {Root} bring them: .{load}, with AsSplitQuery() where several collections are included.",
		[ORM_DRIZZLE] = "Let a relational query bring them: with: { {load} }, or one query that joins the linking table with inArray() on {key}.",
		[ORM_KYSELY] = "Read them all with one query that joins the linking table, with where('{key}', 'in', ids) and {key} among its columns.",
		[ORM_KNEX] = "Read them all with one query that joins the linking table, with whereIn('{key}', ids) and {key} among its columns.",
		[ORM_PEEWEE] = "Let the list bring them: prefetch({Parent}.select(), the through model, {Child}.select())."
	},
	[ADVICE_POLYMORPHIC] = {
		[ORM_SQL] = "Read them with one statement per type: WHERE {key} = ANY ($1) with the values that {parent} has for that type.",
		[ORM_DJANGO] = "Let the list bring them, one query per type: {Root}.objects.prefetch_related('{rel}') follows a GenericForeignKey.",
		[ORM_RAILS] = "Let the list bring them, one query per type: {Root}.preload(:{rel}) follows a polymorphic association.",
		[ORM_SQLALCHEMY] = "Read them with one select({Child}).where({Child}.{key}.in_(ids)) per type and hand them to the rows of {Parent}.",
		[ORM_HIBERNATE] = "Read them with one query per type, WHERE {key} IN (:ids), or put @BatchSize on {Child} for an @Any reference.",
		[ORM_PRISMA] = "Read them with one findMany({ where: { {key}: { in: ids } } }) per type.",
		[ORM_SEQUELIZE] = "Read them with one {Child}.findAll({ where: { {key}: ids } }) per type.",
		[ORM_TYPEORM] = "Read them with one findBy({ {key}: In(ids) }) of {Child} per type.",
		[ORM_LARAVEL] = "Let the list bring them, one query per type: {Root}::with('{rel}') follows a morphTo relation.",
		[ORM_EF] = "Read them with one query per type: .Where(x => ids.Contains(x.{Key})).",
		[ORM_DRIZZLE] = "Read them with one query per type: inArray({child}.{key}, ids).",
		[ORM_KYSELY] = "Read them with one query per type: where('{key}', 'in', ids).",
		[ORM_KNEX] = "Read them with one query per type: whereIn('{key}', ids).",
		[ORM_PEEWEE] = "Read them with one query per type: {Child}.select().where({Child}.{key}.in_(ids))."
	},
	[ADVICE_DEFERRED] = {
		[ORM_SQL] = "Read these columns with the list, or for all its rows at once: WHERE {key} = ANY ($1).",
		[ORM_DJANGO] = "Take {columns} out of defer() or into only() where {Child} is listed, or read plain values() of what is shown.",
		[ORM_RAILS] = "Add {columns} to the select() of the list of {Child}, or leave the select() out.",
		[ORM_SQLALCHEMY] = "Take {columns} out of defer(), or undefer() it, in the list of {Child}; if a commit expired the objects, use expire_on_commit=False.",
		[ORM_HIBERNATE] = "Fetch {columns} with the list of {Child} (a fetch graph, or FETCH ALL PROPERTIES), or read a projection of what is shown.",
		[ORM_PRISMA] = "Add {columns} to the select of the findMany() that lists {Child}.",
		[ORM_SEQUELIZE] = "Add {columns} to the attributes of the findAll() that lists {Child}, in place of reload().",
		[ORM_TYPEORM] = "Add {columns} to the select of the find() that lists {Child} (addSelect() in a query builder).",
		[ORM_LARAVEL] = "Add {columns} to the select() of the list of {Child}, in place of fresh() or refresh() for each model.",
		[ORM_EF] = "Read {columns} with the list of {Child}: add it to the Select() projection, in place of Reload() for each entity.",
		[ORM_DRIZZLE] = "Add {columns} to the columns of the query that lists {child}.",
		[ORM_KYSELY] = "Add {columns} to the select() of the query that lists {child}.",
		[ORM_KNEX] = "Add {columns} to the select() of the query that lists {child}.",
		[ORM_PEEWEE] = "Add {columns} to the select() of the list of {Child}."
	},
	[ADVICE_COUNT] = {
		[ORM_SQL] = "Count them all with one statement: SELECT {key}, count(*) ... WHERE {key} = ANY ($1) GROUP BY {key}.",
		[ORM_DJANGO] = "Let the list count: {Root}.objects.annotate({one}_count=Count('{path}'{q})){default}.",
		[ORM_RAILS] = "Count with one query, {Child}.where({key}: ids).group(:{key}).count, or keep a counter_cache; size counts what includes has loaded without a query.",
		[ORM_SQLALCHEMY] = "Count with one query, select({Child}.{key}, func.count()).group_by({Child}.{key}), or make it a column_property of {Parent}.",
		[ORM_HIBERNATE] = "Count with one query, GROUP BY {field}, or make it a @Formula of {Parent}; @LazyCollection(EXTRA) or size() in a loop asks for each row.",
		[ORM_PRISMA] = "Let the list count: {parent1}.findMany({ include: { _count: { select: { {rel}: true } } } }).",
		[ORM_SEQUELIZE] = "Count with one query: {Child}.count({ where: { {key}: ids }, group: ['{key}'] }).",
		[ORM_TYPEORM] = "Let the list count: loadRelationCountAndMap() in the query builder of {Parent}, or one query with groupBy('{key}').",
		[ORM_LARAVEL] = "Let the list count: {Root}::withCount('{rel}').",
		[ORM_EF] = "Let the query count: .Select(x => new { x, Count = x.{Rel}.Count() }).",
		[ORM_DRIZZLE] = "Count with one query: select {key} and count() from {child}, with inArray({child}.{key}, ids) and groupBy({child}.{key}).",
		[ORM_KYSELY] = "Count with one query: select '{key}' and fn.countAll(), with where('{key}', 'in', ids) and groupBy('{key}').",
		[ORM_KNEX] = "Count with one query: whereIn('{key}', ids).groupBy('{key}').select('{key}').count().",
		[ORM_PEEWEE] = "Let the list count: {Parent}.select({Parent}, fn.COUNT({Child}.id)).join({Child}, JOIN.LEFT_OUTER).group_by({Parent})."
	},
	[ADVICE_EXISTS] = {
		[ORM_SQL] = "Ask for all with one statement: EXISTS (SELECT FROM {child} WHERE {key} = {parent}.{pcol}) among the columns of the list.",
		[ORM_DJANGO] = "Let the list ask: {Root}.objects.annotate(has_{rel}=Exists({Child}.objects.filter({field}=OuterRef('{outer}'){and}))).",
		[ORM_RAILS] = "Load them with the list, {Root}.includes(:{rel}), and use any? or empty? on what is loaded, or ask once: {Child}.where({key}: ids).distinct.pluck(:{key}).",
		[ORM_SQLALCHEMY] = "Let the list ask: select({Root}, {Root}.{rel}.any()), or one query for the {key} values that occur.",
		[ORM_HIBERNATE] = "Let the query ask: a CASE WHEN EXISTS (...) in its SELECT, or one query for the {field} values that occur.",
		[ORM_PRISMA] = "Let the list ask: include: { _count: { select: { {rel}: true } } }, or filter it by {rel}: { some: {} }.",
		[ORM_SEQUELIZE] = "Ask once for the {key} values that occur: {Child}.findAll({ where: { {key}: ids }, attributes: ['{key}'], group: ['{key}'] }).",
		[ORM_TYPEORM] = "Ask once for the {key} values that occur: a query builder of {Child} with where {key} IN (:...ids) and select distinct {key}.",
		[ORM_LARAVEL] = "Let the list ask: {Root}::withExists('{rel}').",
		[ORM_EF] = "Let the query ask: .Select(x => new { x, Any = x.{Rel}.Any() }).",
		[ORM_DRIZZLE] = "Let the list ask: exists() with a subquery on {child} among its columns, or one selectDistinct() of {key} with inArray().",
		[ORM_KYSELY] = "Let the list ask: eb.exists() with a subquery on {child} among its columns, or one query for the distinct {key} where('{key}', 'in', ids).",
		[ORM_KNEX] = "Ask once for the {key} values that occur: whereIn('{key}', ids).distinct('{key}').",
		[ORM_PEEWEE] = "Ask once for the {key} values that occur: {Child}.select({Child}.{field}).where({Child}.{field}.in_(ids)).distinct()."
	},
	[ADVICE_AGGREGATE] = {
		[ORM_SQL] = "Ask for all with one statement: SELECT {key}, {agg}({column}) ... WHERE {key} = ANY ($1) GROUP BY {key}.",
		[ORM_DJANGO] = "Let the list do it: {Root}.objects.annotate({column}_{agg}={Agg}('{path}__{column}'{q})){default}.",
		[ORM_RAILS] = "Ask once: {Child}.where({key}: ids).group(:{key}).{calculate}.",
		[ORM_SQLALCHEMY] = "Ask once: select({Child}.{key}, func.{agg}({Child}.{column})).group_by({Child}.{key}), or make it a column_property of {Parent}.",
		[ORM_HIBERNATE] = "Ask once, {agg}({column}) with GROUP BY {field}, or make it a @Formula of {Parent}.",
		[ORM_PRISMA] = "Ask once: {one1}.groupBy({ by: ['{key}'], where: { {key}: { in: ids } }, _{agg}: { {column}: true } }).",
		[ORM_SEQUELIZE] = "Ask once: {Child}.findAll({ attributes: ['{key}', [fn('{agg}', col('{column}')), '{agg}']], where: { {key}: ids }, group: ['{key}'] }).",
		[ORM_TYPEORM] = "Ask once: a query builder of {Child} with {agg}({column}), where {key} IN (:...ids) and groupBy('{key}').",
		[ORM_LARAVEL] = "Let the list do it: {Root}::withAggregate('{rel}', '{column}', '{agg}') (withSum, withAvg, withMin, withMax).",
		[ORM_EF] = "Let the query do it: .Select(x => new { x, Value = x.{Rel}.{AggEf}(c => c.{Column}) }).",
		[ORM_DRIZZLE] = "Ask once: select {key} and {agg}({child}.{column}), with inArray({child}.{key}, ids) and groupBy({child}.{key}).",
		[ORM_KYSELY] = "Ask once: select '{key}' and fn.{agg}('{column}'), with where('{key}', 'in', ids) and groupBy('{key}').",
		[ORM_KNEX] = "Ask once: whereIn('{key}', ids).groupBy('{key}').select('{key}').{agg}('{column}').",
		[ORM_PEEWEE] = "Let the list do it: {Parent}.select({Parent}, fn.{AGG}({Child}.{column})).join({Child}, JOIN.LEFT_OUTER).group_by({Parent})."
	},
	[ADVICE_GROUPED] = {
		[ORM_SQL] = "Ask for all with one statement: WHERE {key} = ANY ($1) GROUP BY {key}.",
		[ORM_DJANGO] = "Ask once: {Child}.objects.filter({keypath}__in=values).values('{keypath}').annotate(Count('pk')), or Sum and its like.",
		[ORM_RAILS] = "Ask once: {Child}.where({key}: values).group(:{key}).count, or sum and its like.",
		[ORM_SQLALCHEMY] = "Ask once: select({Child}.{key}, func.count()).where({Child}.{key}.in_(values)).group_by({Child}.{key}).",
		[ORM_HIBERNATE] = "Ask once, with WHERE {key} IN (:values) GROUP BY {key}.",
		[ORM_PRISMA] = "Ask once: {one1}.groupBy({ by: ['{key}'], where: { {key}: { in: values } }, _count: true }).",
		[ORM_SEQUELIZE] = "Ask once: {Child}.count({ where: { {key}: values }, group: ['{key}'] }), or findAll() with fn() and group.",
		[ORM_TYPEORM] = "Ask once: a query builder of {Child} with where {key} IN (:...values) and groupBy('{key}').",
		[ORM_LARAVEL] = "Ask once: {Child}::whereIn('{key}', $values)->groupBy('{key}') with selectRaw() of the key and the aggregate.",
		[ORM_EF] = "Ask once: .Where(x => values.Contains(x.{Key})).GroupBy(x => x.{Key}) with the aggregate in its Select().",
		[ORM_DRIZZLE] = "Ask once, with inArray({child}.{key}, values) and groupBy({child}.{key}).",
		[ORM_KYSELY] = "Ask once, with where('{key}', 'in', values) and groupBy('{key}').",
		[ORM_KNEX] = "Ask once, with whereIn('{key}', values) and groupBy('{key}').",
		[ORM_PEEWEE] = "Ask once: {Child}.select({Child}.{field}, fn.COUNT({Child}.id)).where({Child}.{field}.in_(values)).group_by({Child}.{field})."
	},
	[ADVICE_FIRST] = {
		[ORM_SQL] = "Read them all with one statement: DISTINCT ON ({key}) ... ORDER BY {key}, {order}, or a LATERAL subquery with LIMIT 1 in the list.",
		[ORM_DJANGO] = "Let the list bring it: annotate(first_{one}=Subquery({Child}.objects.filter({field}=OuterRef('{outer}'){and}).order_by({order}).values('pk')[:1])), or a Prefetch of the rows whose Window(RowNumber()) is 1.",
		[ORM_RAILS] = "Make it an association: has_one with a scope on the newest row loads all with {Root}.includes, or select DISTINCT ON ({key}) of {Child} once.",
		[ORM_SQLALCHEMY] = "Read them once: select({Child}).distinct({Child}.{key}).order_by({Child}.{key}, ...), or make it a relationship with a row_number() subquery, and selectinload() it.",
		[ORM_HIBERNATE] = "Read them once with a LATERAL or row_number() subquery, or make it a @Formula or @JoinFormula of {Parent}.",
		[ORM_PRISMA] = "Let the list bring it: {parent1}.findMany({ include: { {rel}: { orderBy: ..., take: 1 } } }).",
		[ORM_SEQUELIZE] = "Let the list bring it: include: [{ association: '{rel}', separate: true, limit: 1, order: ... }], or one query with DISTINCT ON ({key}).",
		[ORM_TYPEORM] = "Read them once: a query builder of {Child} with distinctOn(['{key}']) ordered by {key} first.",
		[ORM_LARAVEL] = "Make it a relation, hasOne({Child}::class)->latestOfMany(), and let the list bring it with {Root}::with().",
		[ORM_EF] = "Let the query bring it: .Select(x => new { x, First = x.{Rel}.OrderBy(...).FirstOrDefault() }).",
		[ORM_DRIZZLE] = "Read them once: selectDistinctOn([{child}.{key}]) ordered by {key} first, or with: { {rel}: { limit: 1 } }.",
		[ORM_KYSELY] = "Read them once: distinctOn('{key}') ordered by {key} first, or leftJoinLateral() with limit(1).",
		[ORM_KNEX] = "Read them once: distinctOn('{key}') with whereIn('{key}', ids), ordered by {key} first.",
		[ORM_PEEWEE] = "Read them once: {Child}.select().distinct({Child}.{field}).order_by({Child}.{field}, ...), or a lateral join with limit(1)."
	},
	[ADVICE_LOOKUP] = {
		[ORM_SQL] = "Collect the values and read them with one statement: WHERE {key} = ANY ($1).",
		[ORM_DJANGO] = "Collect the values and read them with one query: {bulk}.",
		[ORM_RAILS] = "Collect the values and read them with one query: {Child}.where({key}: values).index_by(&:{key}).",
		[ORM_SQLALCHEMY] = "Collect the values and read them with one query: select({Child}).where({Child}.{key}.in_(values)).",
		[ORM_HIBERNATE] = "Collect the values and read them with one query: WHERE {key} IN (:values), findAllById(ids), or a multi-load of the session.",
		[ORM_PRISMA] = "Collect the values and read them with one query: {one1}.findMany({ where: { {key}: { in: values } } }).",
		[ORM_SEQUELIZE] = "Collect the values and read them with one query: {Child}.findAll({ where: { {key}: values } }).",
		[ORM_TYPEORM] = "Collect the values and read them with one query: findBy({ {key}: In(values) }) of {Child}.",
		[ORM_LARAVEL] = "Collect the values and read them with one query: {Child}::whereIn('{key}', $values)->get()->keyBy('{key}').",
		[ORM_EF] = "Collect the values and read them with one query: .Where(x => values.Contains(x.{Key})).ToDictionary(x => x.{Key}).",
		[ORM_DRIZZLE] = "Collect the values and read them with one query: where(inArray({child}.{key}, values)).",
		[ORM_KYSELY] = "Collect the values and read them with one query: where('{key}', 'in', values).",
		[ORM_KNEX] = "Collect the values and read them with one query: whereIn('{key}', values).",
		[ORM_PEEWEE] = "Collect the values and read them with one query: {Child}.select().where({Child}.{key}.in_(values))."
	},
	[ADVICE_DUPLICATE] = {
		[ORM_SQL] = "Keep the result of the first time, or cache it.",
		[ORM_DJANGO] = "Keep the object of the first time: hand it on, make it a cached_property, or cache it (functools.lru_cache, the cache framework) where it seldom changes.",
		[ORM_RAILS] = "Keep the object of the first time (@{one} ||= ...), or use Rails.cache.fetch where it seldom changes; the query cache holds within one request only.",
		[ORM_SQLALCHEMY] = "Keep the object of the first time: Session.get() answers from the identity map as long as the session lives and the object is not expired.",
		[ORM_HIBERNATE] = "Keep the object of the first time, or let @Cacheable or the query cache answer where {Child} seldom changes.",
		[ORM_PRISMA] = "Keep the object of the first time, or cache it where {Child} seldom changes.",
		[ORM_SEQUELIZE] = "Keep the object of the first time, or cache it where {Child} seldom changes.",
		[ORM_TYPEORM] = "Keep the object of the first time, or use cache: true in the find() where {Child} seldom changes.",
		[ORM_LARAVEL] = "Keep the model of the first time (once(), a property), or use Cache::remember() where {Child} seldom changes.",
		[ORM_EF] = "Keep the entity of the first time: DbSet.Find() answers from the context, or use IMemoryCache where {Child} seldom changes.",
		[ORM_DRIZZLE] = "Keep the result of the first time, or cache it where {child} seldom changes.",
		[ORM_KYSELY] = "Keep the result of the first time, or cache it where {child} seldom changes.",
		[ORM_KNEX] = "Keep the result of the first time, or cache it where {child} seldom changes.",
		[ORM_PEEWEE] = "Keep the object of the first time: hand it on, or cache it (functools.lru_cache) where it seldom changes."
	},
	[ADVICE_FOR_UPDATE] = {
		[ORM_SQL] = "Lock them with one statement: WHERE {key} = ANY ($1) ORDER BY {key} FOR UPDATE. Always in one order of keys, or two sessions can deadlock.",
		[ORM_DJANGO] = "Lock them with one query: {Child}.objects.select_for_update().filter({keypath}__in=values).order_by('{keypath}'). Always in one order of keys, or two sessions can deadlock.",
		[ORM_RAILS] = "Lock them with one query: {Child}.where({key}: values).order(:{key}).lock. Always in one order of keys, or two sessions can deadlock.",
		[ORM_SQLALCHEMY] = "Lock them with one query: select({Child}).where({Child}.{key}.in_(values)).order_by({Child}.{key}).with_for_update(). Always in one order of keys, or two sessions can deadlock.",
		[ORM_HIBERNATE] = "Lock them with one query: WHERE {key} IN (:values) ORDER BY {key} with LockModeType.PESSIMISTIC_WRITE. Always in one order of keys, or two sessions can deadlock.",
		[ORM_PRISMA] = "Lock them with one $queryRaw: WHERE {key} = ANY (...) ORDER BY {key} FOR UPDATE. Always in one order of keys, or two sessions can deadlock.",
		[ORM_SEQUELIZE] = "Lock them with one query: {Child}.findAll({ where: { {key}: values }, order: ['{key}'], lock: true }). Always in one order of keys, or two sessions can deadlock.",
		[ORM_TYPEORM] = "Lock them with one query: find({ where: { {key}: In(values) }, order: { {key}: 'ASC' }, lock: { mode: 'pessimistic_write' } }). Always in one order of keys, or two sessions can deadlock.",
		[ORM_LARAVEL] = "Lock them with one query: {Child}::whereIn('{key}', $values)->orderBy('{key}')->lockForUpdate()->get(). Always in one order of keys, or two sessions can deadlock.",
		[ORM_EF] = "Lock them with one FromSql query: WHERE {key} = ANY (...) ORDER BY {key} FOR UPDATE. Always in one order of keys, or two sessions can deadlock.",
		[ORM_DRIZZLE] = "Lock them with one query: inArray({child}.{key}, values), orderBy({child}.{key}) and for('update'). Always in one order of keys, or two sessions can deadlock.",
		[ORM_KYSELY] = "Lock them with one query: where('{key}', 'in', values).orderBy('{key}').forUpdate(). Always in one order of keys, or two sessions can deadlock.",
		[ORM_KNEX] = "Lock them with one query: whereIn('{key}', values).orderBy('{key}').forUpdate(). Always in one order of keys, or two sessions can deadlock.",
		[ORM_PEEWEE] = "Lock them with one query: {Child}.select().where({Child}.{key}.in_(values)).order_by({Child}.{key}).for_update(). Always in one order of keys, or two sessions can deadlock."
	},
	[ADVICE_INSERT] = {
		[ORM_SQL] = "Insert them with one statement: several rows in VALUES, INSERT ... SELECT ... FROM unnest($1, ...), or COPY; at least send them as one batch in one transaction.",
		[ORM_DJANGO] = "Insert them with one query: {Child}.objects.bulk_create(objects).",
		[ORM_RAILS] = "Insert them with one query: {Child}.insert_all(rows).",
		[ORM_SQLALCHEMY] = "Insert them with one statement: session.execute(insert({Child}), rows), which uses insertmanyvalues; before 2.0, use_insertmanyvalues has its like in executemany_mode='values_only'. Commit once.",
		[ORM_HIBERNATE] = "Insert them in batches: hibernate.jdbc.batch_size with hibernate.order_inserts, and keys from a sequence, as IDENTITY keys turn batches off.",
		[ORM_PRISMA] = "Insert them with one query: {one1}.createMany({ data: rows }).",
		[ORM_SEQUELIZE] = "Insert them with one query: {Child}.bulkCreate(rows).",
		[ORM_TYPEORM] = "Insert them with one query: insert(rows) on the repository of {Child}, or save(entities) once with all of them.",
		[ORM_LARAVEL] = "Insert them with one query: {Child}::insert($rows).",
		[ORM_EF] = "Add all of them (AddRange) and call SaveChanges() once, which sends them in batches.",
		[ORM_DRIZZLE] = "Insert them with one query: insert({child}).values(rows).",
		[ORM_KYSELY] = "Insert them with one query: insertInto('{child}').values(rows).",
		[ORM_KNEX] = "Insert them with one query: knex('{child}').insert(rows), or batchInsert().",
		[ORM_PEEWEE] = "Insert them with one query: {Child}.insert_many(rows) or bulk_create()."
	},
	[ADVICE_UPDATE] = {
		[ORM_SQL] = "Update them with one statement: UPDATE {child} SET ... FROM unnest($1, ...) AS rows, or {key} = ANY ($1) where all get the same values.",
		[ORM_DJANGO] = "Update them with one query: {Child}.objects.bulk_update(objects, [{quoted}]), or filter({keypath}__in=values).update(...) where all get the same values or the same arithmetic, with F().",
		[ORM_RAILS] = "Update them with one query: {Child}.where({key}: values).update_all(...) where all get the same values, else {Child}.upsert_all(rows).",
		[ORM_SQLALCHEMY] = "Update them with one statement: update({Child}).where({Child}.{key}.in_(values)) where all get the same values, else session.execute(update({Child}), rows). Commit once, not for each.",
		[ORM_HIBERNATE] = "Update them with one JPQL UPDATE where all get the same values, else in batches: hibernate.jdbc.batch_size with hibernate.order_updates.",
		[ORM_PRISMA] = "Update them with one query: {one1}.updateMany({ where: { {key}: { in: values } }, data }) where all get the same values, else one $executeRaw with UPDATE ... FROM unnest(...).",
		[ORM_SEQUELIZE] = "Update them with one query: {Child}.update(values, { where: { {key}: ids } }) where all get the same values, else bulkCreate(rows, { updateOnDuplicate: [{quoted}] }).",
		[ORM_TYPEORM] = "Update them with one query: update({ {key}: In(ids) }, values) where all get the same values, else upsert(rows, ['{key}']) of {Child}.",
		[ORM_LARAVEL] = "Update them with one query: {Child}::whereIn('{key}', $ids)->update([...]) where all get the same values, else {Child}::upsert($rows, ['{key}'], [{quoted}]).",
		[ORM_EF] = "Update them with one query: ExecuteUpdate() where all get the same values, else call SaveChanges() once for all of them.",
		[ORM_DRIZZLE] = "Update them with one query: update({child}).set(...).where(inArray({child}.{key}, ids)) where all get the same values, else insert().values(rows).onConflictDoUpdate().",
		[ORM_KYSELY] = "Update them with one query: updateTable('{child}') with where('{key}', 'in', ids) where all get the same values, else from() with the rows as values.",
		[ORM_KNEX] = "Update them with one query: whereIn('{key}', ids).update(...) where all get the same values, else insert(rows).onConflict('{key}').merge([{quoted}]).",
		[ORM_PEEWEE] = "Update them with one query: {Child}.bulk_update(objects, [{quoted}]), or {Child}.update(...).where({Child}.{key}.in_(values)) where all get the same values."
	},
	[ADVICE_UPDATE_IN_PLACE] = {
		[ORM_SQL] = "Update them with one statement: UPDATE {child} SET ... WHERE {key} = ANY ($1), with the arithmetic on {columns} as it is.",
		[ORM_DJANGO] = "Update them with one query: {Child}.objects.filter({keypath}__in=values).update({setf}).",
		[ORM_RAILS] = "Update them with one query: {Child}.where({key}: values).update_all('{columns} = {columns} + ...'), or update_counters(values, {columns}: 1).",
		[ORM_SQLALCHEMY] = "Update them with one statement: update({Child}).where({Child}.{key}.in_(values)).values({columns}={Child}.{columns} + ...).",
		[ORM_HIBERNATE] = "Update them with one JPQL UPDATE: SET {columns} = {columns} + :n WHERE {key} IN (:values).",
		[ORM_PRISMA] = "Update them with one query: {one1}.updateMany({ where: { {key}: { in: values } }, data: { {columns}: { increment: n } } }).",
		[ORM_SEQUELIZE] = "Update them with one query: {Child}.increment('{columns}', { by: n, where: { {key}: values } }).",
		[ORM_TYPEORM] = "Update them with one query: increment({ {key}: In(values) }, '{columns}', n) of {Child}.",
		[ORM_LARAVEL] = "Update them with one query: {Child}::whereIn('{key}', $values)->increment('{columns}').",
		[ORM_EF] = "Update them with one query: ExecuteUpdate(s => s.SetProperty(x => x.{Column}, x => x.{Column} + n)).",
		[ORM_DRIZZLE] = "Update them with one query: update({child}).set({ {columns}: sql`{columns} + n` }).where(inArray({child}.{key}, values)).",
		[ORM_KYSELY] = "Update them with one query: set((eb) => ({ {columns}: eb('{columns}', '+', n) })).where('{key}', 'in', values).",
		[ORM_KNEX] = "Update them with one query: whereIn('{key}', values).increment('{columns}', n).",
		[ORM_PEEWEE] = "Update them with one query: {Child}.update({columns}={Child}.{columns} + ...).where({Child}.{key}.in_(values))."
	},
	[ADVICE_DELETE] = {
		[ORM_SQL] = "Delete them with one statement: DELETE FROM {child} WHERE {key} = ANY ($1), or with the condition that listed them.",
		[ORM_DJANGO] = "Delete them with one query: {Child}.objects.filter({keypath}__in=values).delete(), or delete() on the queryset that lists them.",
		[ORM_RAILS] = "Delete them with one query: {Child}.where({key}: values).delete_all (callbacks do not run then), or dependent: :delete_all.",
		[ORM_SQLALCHEMY] = "Delete them with one statement: delete({Child}).where({Child}.{key}.in_(values)), or passive_deletes with ON DELETE CASCADE.",
		[ORM_HIBERNATE] = "Delete them with one JPQL DELETE ... WHERE {key} IN (:values), deleteAllInBatch(), or @OnDelete with ON DELETE CASCADE.",
		[ORM_PRISMA] = "Delete them with one query: {one1}.deleteMany({ where: { {key}: { in: values } } }).",
		[ORM_SEQUELIZE] = "Delete them with one query: {Child}.destroy({ where: { {key}: values } }).",
		[ORM_TYPEORM] = "Delete them with one query: delete({ {key}: In(values) }) of {Child}.",
		[ORM_LARAVEL] = "Delete them with one query: {Child}::whereIn('{key}', $values)->delete().",
		[ORM_EF] = "Delete them with one query: .Where(x => values.Contains(x.{Key})).ExecuteDelete().",
		[ORM_DRIZZLE] = "Delete them with one query: delete({child}).where(inArray({child}.{key}, values)).",
		[ORM_KYSELY] = "Delete them with one query: deleteFrom('{child}').where('{key}', 'in', values).",
		[ORM_KNEX] = "Delete them with one query: knex('{child}').whereIn('{key}', values).del().",
		[ORM_PEEWEE] = "Delete them with one query: {Child}.delete().where({Child}.{key}.in_(values))."
	},
	[ADVICE_UPSERT] = {
		[ORM_SQL] = "Write them with one statement: INSERT ... SELECT ... FROM unnest($1, ...) ON CONFLICT DO NOTHING (or DO UPDATE), which needs a unique key.",
		[ORM_DJANGO] = "Write them with one query in place of get_or_create() or update_or_create() for each: {Child}.objects.bulk_create(objects, ignore_conflicts=True) (or update_conflicts), which needs a unique key.",
		[ORM_RAILS] = "Write them with one query in place of find_or_create_by for each: {Child}.insert_all(rows) skips those that are there, upsert_all(rows) updates them; both need a unique key.",
		[ORM_SQLALCHEMY] = "Write them with one statement: postgresql.insert({Child}).values(rows).on_conflict_do_nothing() (or on_conflict_do_update()), which needs a unique key.",
		[ORM_HIBERNATE] = "Look all of them up with one query (IN), and persist() only the missing in batches (hibernate.jdbc.batch_size), or use a native INSERT ... ON CONFLICT.",
		[ORM_PRISMA] = "Write them with one query in place of upsert() for each: {one1}.createMany({ data: rows, skipDuplicates: true }), which needs a unique key.",
		[ORM_SEQUELIZE] = "Write them with one query in place of findOrCreate() for each: {Child}.bulkCreate(rows, { ignoreDuplicates: true }) (or updateOnDuplicate), which needs a unique key.",
		[ORM_TYPEORM] = "Write them with one query: upsert(rows, conflictPaths) of {Child}, or insert().orIgnore() in a query builder; both need a unique key.",
		[ORM_LARAVEL] = "Write them with one query in place of firstOrCreate() or updateOrCreate() for each: {Child}::insertOrIgnore($rows) or {Child}::upsert(), which need a unique key.",
		[ORM_EF] = "Look all of them up with one query, .Where(x => values.Contains(x.{Key})), AddRange() the missing and call SaveChanges() once.",
		[ORM_DRIZZLE] = "Write them with one query: insert({child}).values(rows).onConflictDoNothing() (or onConflictDoUpdate()), which needs a unique key.",
		[ORM_KYSELY] = "Write them with one query: insertInto('{child}').values(rows).onConflict((oc) => oc.doNothing()), which needs a unique key.",
		[ORM_KNEX] = "Write them with one query: knex('{child}').insert(rows).onConflict().ignore() (or merge()), which needs a unique key.",
		[ORM_PEEWEE] = "Write them with one query in place of get_or_create() for each: {Child}.insert_many(rows).on_conflict_ignore(), which needs a unique key."
	},
	[ADVICE_OTHER] = {
		[ORM_SQL] = "Send it once for all values: = ANY ($1), or a join with unnest($1).",
		[ORM_DJANGO] = "Send it once for all values: filter(..__in=values), or an annotation of the list.",
		[ORM_RAILS] = "Send it once for all values: where(column: values), or let the list bring the result.",
		[ORM_SQLALCHEMY] = "Send it once for all values: column.in_(values), or let the list bring the result.",
		[ORM_HIBERNATE] = "Send it once for all values: IN (:values), or let the query of the list bring the result.",
		[ORM_PRISMA] = "Send it once for all values: { in: values }, or let the list bring the result.",
		[ORM_SEQUELIZE] = "Send it once for all values: where: { column: values }, or let the list bring the result.",
		[ORM_TYPEORM] = "Send it once for all values: In(values), or let the list bring the result.",
		[ORM_LARAVEL] = "Send it once for all values: whereIn(), or let the list bring the result.",
		[ORM_EF] = "Send it once for all values: values.Contains(), or let the query of the list bring the result.",
		[ORM_DRIZZLE] = "Send it once for all values: inArray(), or let the list bring the result.",
		[ORM_KYSELY] = "Send it once for all values: 'in', or let the list bring the result.",
		[ORM_KNEX] = "Send it once for all values: whereIn(), or let the list bring the result.",
		[ORM_PEEWEE] = "Send it once for all values: column.in_(values), or let the list bring the result."
	}
};

/* *INDENT-ON* */

/* what to do; NULL would be a hole in the table */
const char *
advice_template(AdviceKind kind, Orm orm)
{
	return fixes[kind][orm];
}

/* what happens */
const char *
advice_lead(AdviceKind kind)
{
	return leads[kind];
}
