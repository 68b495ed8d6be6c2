/*-------------------------------------------------------------------------
 *
 * npo_text.c
 *	  SQL functions over the rooms that read text, for their tests only.
 *
 * The functions are created by the tests themselves; there is no extension
 * around them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "compat.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "advice_table.h"
#include "names.h"
#include "normalize.h"
#include "orm.h"
#include "tags.h"
#include "texthash.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(npo_normalize);

/*
 * npo_normalize(statement bytea, location int, len int, maxbytes int): bytes,
 * so that tests can hand in what is no text in the server's encoding.
 */
Datum
npo_normalize(PG_FUNCTION_ARGS)
{
	bytea	   *arg = PG_GETARG_BYTEA_PP(0);
	char	   *text = pnstrdup(VARDATA_ANY(arg), VARSIZE_ANY_EXHDR(arg));
	int			maxbytes = PG_GETARG_INT32(3);
	char	   *result = normalize_statement(text, PG_GETARG_INT32(1),
											 PG_GETARG_INT32(2), maxbytes);

	if (strlen(result) > maxbytes)
		elog(ERROR, "result has %zu bytes", strlen(result));
	PG_RETURN_BYTEA_P(cstring_to_text(result));
}

PG_FUNCTION_INFO_V1(npo_texthash);

/* npo_texthash(statement text, standard_strings boolean): the number as text */
Datum
npo_texthash(PG_FUNCTION_ARGS)
{
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	uint64		hash = texthash(statement, strlen(statement), PG_GETARG_BOOL(1));

	PG_RETURN_TEXT_P(cstring_to_text(psprintf(UINT64_FORMAT, hash)));
}

/*
 * The bytes of an argument, in memory of exactly their size, so that valgrind
 * and the address sanitiser see a read beyond them.
 */
static char *
exact_bytes(bytea *arg, int *len)
{
	char	   *bytes;

	*len = VARSIZE_ANY_EXHDR(arg);
	bytes = palloc(*len);
	memcpy(bytes, VARDATA_ANY(arg), *len);
	return bytes;
}

static text *
json_of(const RequestTags *tags)
{
	char		json[TAGS_JSON_BYTES];
	int			len = tags_to_json(tags, json, sizeof(json));

	if (len != strlen(json))
		elog(ERROR, "length %d does not fit %s", len, json);
	return cstring_to_text(json);
}

PG_FUNCTION_INFO_V1(npo_tags);

/* npo_tags(statement bytea): the tags at either end as JSON, or null */
Datum
npo_tags(PG_FUNCTION_ARGS)
{
	RequestTags tags;
	int			len;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);

	if (!tags_read_statement(bytes, len, &tags))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(json_of(&tags));
}

PG_FUNCTION_INFO_V1(npo_tags_json);

/* npo_tags_json(statement bytea, size int): the same, in so many bytes */
Datum
npo_tags_json(PG_FUNCTION_ARGS)
{
	RequestTags tags;
	int			len;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);
	char	   *json = palloc(PG_GETARG_INT32(1));

	tags_read_statement(bytes, len, &tags);
	tags_to_json(&tags, json, PG_GETARG_INT32(1));
	PG_RETURN_TEXT_P(cstring_to_text(json));
}

PG_FUNCTION_INFO_V1(npo_tags_list);

/* npo_tags_list(setting text): the tags as JSON, or null if malformed */
Datum
npo_tags_list(PG_FUNCTION_ARGS)
{
	RequestTags tags;

	if (!tags_parse_list(text_to_cstring(PG_GETARG_TEXT_PP(0)), &tags))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(json_of(&tags));
}

PG_FUNCTION_INFO_V1(npo_tags_hash);

/* npo_tags_hash(statement bytea): identity of the request, 0 for none */
Datum
npo_tags_hash(PG_FUNCTION_ARGS)
{
	RequestTags tags;
	int			len;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);

	tags_read_statement(bytes, len, &tags);
	PG_RETURN_INT64(tags_request_hash(&tags));
}

PG_FUNCTION_INFO_V1(npo_tags_route);

/* npo_tags_route(statement bytea, size int): the route in so many bytes */
Datum
npo_tags_route(PG_FUNCTION_ARGS)
{
	RequestTags tags;
	int			len;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);
	char	   *route = palloc(PG_GETARG_INT32(1));

	tags_read_statement(bytes, len, &tags);
	len = tags_route(&tags, route, PG_GETARG_INT32(1));
	if (len != strlen(route))
		elog(ERROR, "length %d does not fit %s", len, route);
	PG_RETURN_TEXT_P(cstring_to_text(route));
}

PG_FUNCTION_INFO_V1(npo_tags_ignore);

/* npo_tags_ignore(statement bytea): does it carry nplusone:ignore? */
Datum
npo_tags_ignore(PG_FUNCTION_ARGS)
{
	int			len;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);

	PG_RETURN_BOOL(tags_ignore(bytes, len));
}

PG_FUNCTION_INFO_V1(npo_tags_find_comment);

/* npo_tags_find_comment(statement bytea): the inside of it, or null */
Datum
npo_tags_find_comment(PG_FUNCTION_ARGS)
{
	int			len,
				start,
				stop;
	char	   *bytes = exact_bytes(PG_GETARG_BYTEA_PP(0), &len);

	if (!tags_find_comment(bytes, len, &start, &stop))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(cstring_to_text_with_len(bytes + start, stop - start));
}

PG_FUNCTION_INFO_V1(npo_orm_of);

/* npo_orm_of(statement text, tags text, application_name text): the ORM's name */
Datum
npo_orm_of(PG_FUNCTION_ARGS)
{
	RequestTags tags;
	int			len;
	char	   *bytes = exact_bytes((bytea *) PG_GETARG_TEXT_PP(0), &len);
	bool		tagged;
	Orm			orm;

	if (PG_ARGISNULL(1))
		tagged = tags_read_statement(bytes, len, &tags);
	else
		tagged = tags_parse_list(text_to_cstring(PG_GETARG_TEXT_PP(1)), &tags);
	orm = orm_recognise(bytes, len, tagged ? &tags : NULL,
						PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_TEXT_P(cstring_to_text(orm_name(orm)));
}

PG_FUNCTION_INFO_V1(npo_like_django);

/* npo_like_django(statement text, django_database boolean): could Django have written it? */
Datum
npo_like_django(PG_FUNCTION_ARGS)
{
	int			len;
	char	   *bytes = exact_bytes((bytea *) PG_GETARG_TEXT_PP(0), &len);

	PG_RETURN_BOOL(orm_like_django(bytes, len, PG_GETARG_BOOL(1)));
}

PG_FUNCTION_INFO_V1(npo_like_rails);

/* npo_like_rails(statement text): could Rails have written it? */
Datum
npo_like_rails(PG_FUNCTION_ARGS)
{
	int			len;
	char	   *bytes = exact_bytes((bytea *) PG_GETARG_TEXT_PP(0), &len);

	PG_RETURN_BOOL(orm_like_rails(bytes, len));
}

PG_FUNCTION_INFO_V1(npo_advice);

/* npo_advice(kind int, orm text): the sentence as it stands in the table */
Datum
npo_advice(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int			kind = PG_GETARG_INT32(0);

	if (kind < 0 || kind >= ADVICE_KINDS)
		PG_RETURN_NULL();
	for (int orm = 0; orm < ORM_COUNT; orm++)
		if (strcmp(orm_name(orm), name) == 0 && advice_template(kind, orm) != NULL)
			PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s", advice_lead(kind),
													  advice_template(kind, orm))));
	PG_RETURN_NULL();
}

PG_FUNCTION_INFO_V1(npo_names);

/* npo_names(word text): its singular, its plural, its model */
Datum
npo_names(PG_FUNCTION_ARGS)
{
	char	   *word = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s %s %s", names_singular(word),
											  names_plural(word),
											  names_model(ORM_RAILS, word))));
}
