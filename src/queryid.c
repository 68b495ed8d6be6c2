/*-------------------------------------------------------------------------
 *
 * queryid.c
 *	  Query identifiers, made anew only where the text of a statement is new.
 *
 * The fingerprint of a statement is the server's own, which it makes by walking
 * the parse tree: for a simple statement that costs more than all else that is
 * done about it here.  A program sends the same few texts again and again,
 * though, and a text that is known has the identifier that it had.  So, with
 * compute_query_id = auto, the server is not asked to make identifiers for
 * everybody; it is done here, after parse analysis, where the server would have
 * done it, and with its own function where the text is not known.  If another
 * module has asked for identifiers, or the administrator has, they are there
 * already, and nothing is done.
 *
 * What a text means depends on the catalog, the search path, the user (for
 * "$user"), the types of the parameters and a setting of the parser; they are
 * part of the key, or make all that is known void.  Within a function's body
 * names may be variables, and in a trigger tables may be those of the trigger:
 * there nothing is remembered.  texthash.c says why literals do not matter.
 *
 * A text is not believed at its first sight.  A change of the catalog may have
 * come in while the statement was being analysed; at the second its identifier
 * is made again, and only if it is the same will it do from then on.
 *
 * Private, of fixed size, no lock, no allocation for a text that is known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "parser/parse_expr.h"
#include "parser/parse_param.h"
#include "parser/parser.h"

#include "compat.h"
#include "inval.h"
#include "queryid.h"
#include "requests.h"
#include "texthash.h"
#include "value.h"

#define KNOWN_TEXTS 256			/* a power of two */
#define PLACES 2				/* where a text may be */

typedef struct KnownText
{
	uint64		key;
	uint64		queryid;
	uint32		generation;		/* of the catalog; 0: unused */
	bool		sure;			/* seen twice with this identifier */
	bool		varies;			/* seen with another one */
} KnownText;

/* what parse_param.c keeps behind ParseState.p_ref_hook_state */
typedef struct VariableParams
{
	Oid		  **types;
	int		   *n;
} VariableParams;

static post_parse_analyze_hook_type prev_post_parse_analyze = NULL;
static CoerceParamHook variable_params_hook = NULL;
static KnownText known[KNOWN_TEXTS];

/* Has the administrator turned identifiers off? */
bool
queryid_is_off(void)
{
	return compute_query_id == COMPUTE_QUERY_ID_OFF;
}

/*
 * The server's own identifier.  Its function insists on being asked for, which
 * is what we avoid: so for this moment only.  If it fails the server goes on
 * making identifiers in this session, which is right, if dearer.
 */
uint64
queryid_compute(Query *query, const char *text)
{
	const bool	enabled = query_id_enabled;

	query_id_enabled = true;
	NPO_JUMBLE_QUERY(query, text);
	query_id_enabled = enabled;
	return (uint64) query->queryId;
}

/*
 * Parameters that a client has declared, or left to be inferred.  Where they
 * are kept is not for others to know, so it is found out by asking for some.
 */
static void
learn_variable_params(void)
{
	ParseState *pstate = make_parsestate(NULL);
	Oid		   *types = NULL;
	int			n = 0;
	const VariableParams *params;

	setup_parse_variable_parameters(pstate, &types, &n);
	params = (const VariableParams *) pstate->p_ref_hook_state;
	if (params != NULL && params->types == &types && params->n == &n)
		variable_params_hook = pstate->p_coerce_param_hook;
	free_parsestate(pstate);
}

/* Does the text say it all?  Then "types" becomes a hash of the parameters' types. */
static inline bool
text_tells(const ParseState *pstate, uint64 *types)
{
	const VariableParams *params;

	*types = 0;
	if (pstate->p_pre_columnref_hook != NULL || pstate->p_post_columnref_hook != NULL ||
		pstate->p_queryEnv != NULL || pstate->p_sourcetext == NULL)
		return false;
	if (pstate->p_paramref_hook == NULL)
		return true;
	if (variable_params_hook == NULL || pstate->p_coerce_param_hook != variable_params_hook)
		return false;
	params = (const VariableParams *) pstate->p_ref_hook_state;
	for (int i = 0; i < *params->n; i++)
		*types = value_mix(*types, (*params->types)[i] + 1);
	return true;
}

/* what else a text means different things by */
static inline uint64
circumstances(uint64 types)
{
	uint64		key = value_mix(types, (uint64) GetUserId() << 1 | Transform_null_equals);

	return value_mix(key, value_hash_bytes(namespace_search_path,
										   strlen(namespace_search_path)));
}

/* Where a text is, or is to go. */
static inline KnownText *
place_of(uint64 key)
{
	KnownText  *place = &known[key % (KNOWN_TEXTS / PLACES) * PLACES];

	if (place[0].key == key || place[1].key == key)
		return place[0].key == key ? &place[0] : &place[1];
	/* what has been seen once is the first to go */
	return place[0].generation != inval_generation || !place[0].sure ? &place[0] : &place[1];
}

static inline bool
is_known(const KnownText *place, uint64 key)
{
	return place->key == key && place->sure && place->generation == inval_generation;
}

static void
note(KnownText *place, uint64 key, uint64 queryid)
{
	if (place->key != key || place->generation != inval_generation)
	{
		place->key = key;
		place->queryid = queryid;
		place->generation = inval_generation;
		place->sure = place->varies = false;
		return;
	}
	place->varies |= place->queryid != queryid;
	place->sure = !place->varies;
}

/*
 * A text with parameters is mostly the very same, and then a hash of all of
 * it will do; one without mostly has literals in their place.
 */
static void
give_queryid(const ParseState *pstate, Query *query)
{
	const char *text;
	int			len;
	uint64		key;
	KnownText  *place;

	if (query->stmt_location < 0 || !text_tells(pstate, &key))
	{
		(void) queryid_compute(query, pstate->p_sourcetext);
		return;
	}
	inval_start();
	text = pstate->p_sourcetext + query->stmt_location;
	len = query->stmt_len > 0 ? query->stmt_len : (int) strlen(text);
	if (query->stmt_location == 0 && (text[len] == '\0' || text[len + 1] == '\0'))
		requests_note_parsed(text, len);
	key = circumstances(key);
	key = value_mix(key, pstate->p_paramref_hook != NULL ? value_mix_bytes(0, text, len) :
					texthash(text, len, NPO_STANDARD_STRINGS));
	place = place_of(key);
	if (is_known(place, key))
	{
		Assert(place->queryid ==
			   queryid_compute(copyObject(query), pstate->p_sourcetext));
		query->queryId = place->queryid;
	}
	else
		note(place, key, queryid_compute(query, pstate->p_sourcetext));
}

static void
npo_post_parse_analyze(ParseState *pstate, Query *query, NPO_JUMBLE_STATE * jstate)
{
	requests_parsed = NULL;
	if (query->queryId == 0 && query->commandType != CMD_UTILITY && !queryid_is_off())
		give_queryid(pstate, query);
	if (prev_post_parse_analyze)
		prev_post_parse_analyze(pstate, query, jstate);
}

void
queryid_install(void)
{
	learn_variable_params();
	prev_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = npo_post_parse_analyze;
}
