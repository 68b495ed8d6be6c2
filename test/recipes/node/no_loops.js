// Fail the test that holds a loop.  Works in node:test, Jest and Vitest alike.
const assert = require('node:assert');

const LOOPS = `
  SELECT pattern, calls, coalesce(link, query) AS link, coalesce(advice, '') AS advice
    FROM pg_nplusone_session
   WHERE confidence <> 'suspected' AND NOT muted`;

async function assertNoLoops(client, act) {
  await client.query('SELECT pg_nplusone_session_reset()');
  const result = await act();
  const { rows } = await client.query(LOOPS);
  const found = rows.map((row) => `${row.pattern}, ${row.calls} executions: ${row.link} ${row.advice}`);
  assert.strictEqual(rows.length, 0, `the test holds a loop\n${found.join('\n')}`);
  return result;
}

module.exports = { assertNoLoops };
