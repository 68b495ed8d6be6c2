/*-------------------------------------------------------------------------
 *
 * encoding.c
 *	  Texts of other databases, in the encoding of this one.
 *
 * Clusters of all databases are in one table, each text in the encoding of the
 * database that it comes from.  Whoever reads them gets the encoding of their
 * own.  What cannot be said in it, and what is no text in the encoding that it
 * is said to be in (SQL_ASCII takes all bytes), becomes question marks: a view
 * that raises an error because of one text would hide all the others.
 *
 * Locking: none; catalog caches only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_database.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "encoding.h"

/* that of a database which has been dropped is not known any more */
int
encoding_of_database(Oid dbid)
{
	HeapTuple	tuple;
	int			encoding;

	if (dbid == MyDatabaseId)
		return GetDatabaseEncoding();
	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(dbid));
	if (!HeapTupleIsValid(tuple))
		return PG_SQL_ASCII;
	encoding = ((Form_pg_database) GETSTRUCT(tuple))->encoding;
	ReleaseSysCache(tuple);
	return encoding;
}

static bool
is_ascii_only(const char *text)
{
	for (; *text != '\0'; text++)
		if (IS_HIGHBIT_SET(*text))
			return false;
	return true;
}

/* bytes of the character at the beginning, 0 where there is none */
static int
valid_char(const char *text, int len, int encoding)
{
	int			bytes;

	if (!IS_HIGHBIT_SET(*text))
		return 1;
	bytes = pg_encoding_verifymbchar(encoding, text, len);
	return bytes > 0 ? bytes : 0;
}

/* append one character of another encoding; false where ours has none for it */
static bool
append_converted(StringInfo buf, Oid proc, int from, const char *text, int len)
{
	unsigned char converted[MAX_CONVERSION_GROWTH * MAX_MULTIBYTE_CHAR_LEN + 1];

	if (!OidIsValid(proc) ||
		pg_do_encoding_conversion_buf(proc, from, GetDatabaseEncoding(), (unsigned char *) text, len,
									  converted, sizeof(converted), true) != len)
		return false;
	appendStringInfoString(buf, (char *) converted);
	return true;
}

/*
 * The text, or a copy of it in this database's encoding.
 */
const char *
encoding_convert(const char *text, int encoding)
{
	int			own = GetDatabaseEncoding();
	bool		same = encoding == own || encoding == PG_SQL_ASCII;
	const char *end;
	StringInfoData buf;
	Oid			proc;

	if (text == NULL || own == PG_SQL_ASCII || is_ascii_only(text))
		return text;
	end = text + strlen(text);
	if (same && pg_verifymbstr(text, end - text, true))
		return text;

	proc = same ? InvalidOid : FindDefaultConversionProc(encoding, own);
	initStringInfo(&buf);
	while (text < end)
	{
		int			len = valid_char(text, end - text, same ? own : encoding);

		if (len == 0)
			appendStringInfoChar(&buf, '?');
		else if (same || !IS_HIGHBIT_SET(*text))
			appendBinaryStringInfo(&buf, text, len);
		else if (!append_converted(&buf, proc, encoding, text, len))
			appendStringInfoChar(&buf, '?');
		text += Max(len, 1);
	}
	return buf.data;
}
