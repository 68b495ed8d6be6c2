const { after, before, test } = require('node:test');
const assert = require('node:assert');
const { Pool } = require('pg');
const { bylines } = require('./blog');
const { assertNoLoops } = require('./no_loops');

// One connection: pg_nplusone_session tells of the session that asks.
const pool = new Pool({ database: process.env.RECIPE_DATABASE, max: 1 });
let client;

before(async () => { client = await pool.connect(); });
after(async () => { client.release(); await pool.end(); });

test('bylines', async () => {
  const lines = await assertNoLoops(client, () => bylines(client));
  assert.strictEqual(lines.length, 10);
});
