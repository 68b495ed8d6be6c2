// What is tested: the line under the title of each post.
async function bylines(client) {
  if (process.env.MENDED) {
    const { rows } = await client.query(
      'SELECT p.title, a.name FROM post p JOIN author a ON a.id = p.author_id ORDER BY p.id');
    return rows.map((row) => `${row.title} by ${row.name}`);
  }
  const { rows: posts } = await client.query('SELECT id, author_id, title FROM post ORDER BY id');
  const lines = [];
  for (const post of posts) {
    const { rows } = await client.query('SELECT name FROM author WHERE id = $1', [post.author_id]);
    lines.push(`${post.title} by ${rows[0].name}`);
  }
  return lines;
}

module.exports = { bylines };
