"""The programs of programs.py: a record shop, and what its pages send.

Keys are spread so that no two columns agree by accident, except where a case
is about just that.
"""

from dataclasses import dataclass, field
from typing import Callable, List, Optional, Tuple

PROVEN = ("proven",)
LIKELY = ("likely",)
SUSPECTED = ("suspected",)
STRONG = ("likely", "proven")
ANY = ("suspected", "likely", "proven")

SCHEMA = """
CREATE TYPE mood AS ENUM ('calm', 'bright', 'dark', 'wild', 'sad', 'odd', 'warm');
CREATE TABLE country (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE artist (id int PRIMARY KEY, name text NOT NULL, country_id int NOT NULL REFERENCES country);
CREATE TABLE profile (id int PRIMARY KEY, artist_id int NOT NULL UNIQUE REFERENCES artist, bio text);
CREATE TABLE label (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE album (id int PRIMARY KEY, artist_id int NOT NULL REFERENCES artist, label_id int REFERENCES label,
    title text, released date, mood mood, price numeric);
CREATE TABLE track (id int PRIMARY KEY, album_id int NOT NULL REFERENCES album, title text, seconds int);
CREATE INDEX ON track (album_id);
CREATE TABLE genre (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE album_genre (album_id int REFERENCES album, genre_id int REFERENCES genre, PRIMARY KEY (album_id, genre_id));
CREATE TABLE note (id int PRIMARY KEY, subject_type text NOT NULL, subject_id int NOT NULL, body text);
CREATE INDEX ON note (subject_type, subject_id);
CREATE TABLE customer (code text PRIMARY KEY, name text);
CREATE TABLE purchase (id uuid PRIMARY KEY, customer_code text REFERENCES customer, album_id int REFERENCES album, amount numeric);
CREATE TABLE shipment (id uuid PRIMARY KEY, purchase_id uuid NOT NULL REFERENCES purchase);
CREATE TABLE branch (code char(8) PRIMARY KEY, town text);
CREATE TABLE shelf (album_id int REFERENCES album, branch_code char(8) REFERENCES branch, pieces int, PRIMARY KEY (album_id, branch_code));
CREATE TABLE mood_text (mood mood PRIMARY KEY, body text);
CREATE TABLE day (day date PRIMARY KEY, weekday text);
CREATE TABLE event (id bigint PRIMARY KEY, previous bigint, body text);
CREATE TABLE event_detail (event_id bigint PRIMARY KEY, body text);
CREATE TABLE folder (id int PRIMARY KEY, parent_id int REFERENCES folder, name text);
CREATE TABLE setting (name text PRIMARY KEY, value text);
CREATE TABLE job (id int PRIMARY KEY, state text NOT NULL, payload text);
CREATE TABLE old_item (id int PRIMARY KEY, owner int, body text);
CREATE TABLE old_owner (id int PRIMARY KEY, name text);
CREATE TABLE journal (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text, album_id int);
CREATE TABLE tally (name text PRIMARY KEY, n int NOT NULL);
CREATE SEQUENCE numbers START 100000;
CREATE SCHEMA archive;
CREATE TABLE archive."Old Sale" (id int PRIMARY KEY, "Artist Id" int NOT NULL REFERENCES artist);
CREATE TABLE visit (id int, artist_id int NOT NULL REFERENCES artist, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (10);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM (10) TO (20);
CREATE VIEW artist_view AS SELECT id, name FROM artist;

INSERT INTO country SELECT g, 'country ' || g FROM generate_series(1, 40) g;
INSERT INTO artist SELECT g, 'artist ' || g, 1 + g * 17 % 37 FROM generate_series(1, 300) g;
INSERT INTO profile SELECT 5000 + g, 1 + g * 89 % 300, 'bio ' || g FROM generate_series(0, 299) g;
INSERT INTO label SELECT g, 'label ' || g FROM generate_series(1, 50) g;
INSERT INTO album SELECT g, 1 + g * 73 % 299, 1 + g * 31 % 47, 'album ' || g, date '1990-01-01' + g * 37 % 1009,
    (enum_range(NULL::mood))[1 + g * 5 % 7], g * 1.25 FROM generate_series(1, 1200) g;
INSERT INTO track SELECT g, 1 + g * 7 % 1200, 'track ' || g, 60 + g * 41 % 300 FROM generate_series(1, 4800) g;
INSERT INTO genre SELECT g, 'genre ' || g FROM generate_series(1, 12) g;
INSERT INTO album_genre SELECT a, 1 + (a * 5 + g) % 12 FROM generate_series(1, 400) a, generate_series(1, 3) g;
INSERT INTO note SELECT g, (ARRAY['album', 'artist'])[1 + g % 2], 1 + g * 53 % 290, 'note ' || g FROM generate_series(1, 800) g;
INSERT INTO customer SELECT md5('c' || g), 'customer ' || g FROM generate_series(1, 100) g;
INSERT INTO purchase SELECT md5('p' || g)::uuid, md5('c' || (1 + g * 37 % 100)), 1 + g * 11 % 1200, g FROM generate_series(1, 300) g;
INSERT INTO shipment SELECT md5('s' || g)::uuid, md5('p' || (1 + g % 300))::uuid FROM generate_series(1, 600) g;
INSERT INTO branch SELECT 'B' || g * 7 % 100, 'town ' || g FROM generate_series(1, 60) g;
INSERT INTO shelf SELECT a, 'B' || (1 + a * 13 % 60) * 7 % 100, a % 9 FROM generate_series(1, 1200) a;
INSERT INTO mood_text SELECT m, 'about ' || m FROM unnest(enum_range(NULL::mood)) m;
INSERT INTO day SELECT date '1990-01-01' + g, to_char(date '1990-01-01' + g, 'Day') FROM generate_series(0, 1100) g;
INSERT INTO event SELECT 5000000000 + g * 7919 % 100003, 5000000000 + g * 104729 % 100003, 'event ' || g FROM generate_series(1, 200) g;
INSERT INTO event_detail SELECT id, body FROM event;
INSERT INTO folder SELECT g, CASE WHEN g > 1 THEN g / 2 END, 'folder ' || g FROM generate_series(1, 127) g;
INSERT INTO setting SELECT 'setting ' || g, 'value ' || g FROM generate_series(1, 30) g;
INSERT INTO job SELECT g, 'queued', 'payload ' || g FROM generate_series(1, 200) g;
INSERT INTO old_item SELECT g, 1 + g * 61 % 211, 'item ' || g FROM generate_series(1, 250) g;
INSERT INTO old_owner SELECT g, 'owner ' || g FROM generate_series(1, 250) g;
INSERT INTO tally SELECT 'tally ' || g, 0 FROM generate_series(1, 100) g;
INSERT INTO archive."Old Sale" SELECT g, 1 + g * 59 % 293 FROM generate_series(1, 200) g;
INSERT INTO visit SELECT g, 1 + g * 67 % 283, g % 20 FROM generate_series(1, 400) g;
"""


@dataclass
class Loop:
    """A cluster that has to be listed; None is for what does not matter."""

    pattern: Optional[str] = None
    confidence: Tuple[str, ...] = PROVEN
    link: Optional[str] = None
    calls: Optional[int] = None
    loops: Optional[int] = 1
    query: Optional[str] = None


@dataclass
class Case:
    name: str
    program: Callable
    loops: List[Loop] = field(default_factory=list)
    more: bool = False  # other likely or proven clusters are no mistake


CASES: List[Case] = []


def case(*loops, more=False, name=None):
    """Register a program under its name, with what has to be found."""

    def register(program):
        CASES.append(Case(name or program.__name__, program, list(loops), more))
        return program

    return register


ALBUMS = "SELECT id, artist_id, label_id, title FROM album ORDER BY released, id LIMIT %s"
ARTIST = "SELECT id, name, country_id FROM artist WHERE id = %s"
LABEL = "SELECT id, name FROM label WHERE id = %s"
TRACKS = "SELECT id, title FROM track WHERE album_id = %s"
TO_ARTIST = "album.artist_id -> artist.id"
TO_LABEL = "album.label_id -> label.id"
TO_TRACKS = "album.id -> track.album_id"

# --- One row of another table for each row of a list ------------------------


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def artist_of_each_album(s):
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def in_one_transaction(s):
    s.run("BEGIN")
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])
    s.run("COMMIT")


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def a_transaction_for_every_select(s):
    s.run("BEGIN")
    albums = s.run(ALBUMS, 20)
    s.run("COMMIT")
    for album in albums:
        s.run("BEGIN")
        s.run(ARTIST, album[1])
        s.run("COMMIT")


@case(Loop("forward_fk", PROVEN, TO_ARTIST), more=True)
def literals_and_parameters_in_turn(s):
    # with parameters these are two fingerprints of ten executions each
    for n, album in enumerate(s.run(ALBUMS, 20)):
        if n % 2:
            s.run(ARTIST, album[1])
        else:
            s.run(ARTIST % album[1])


@case(Loop("forward_fk", PROVEN, TO_LABEL))
def identity_map_skips_what_it_has(s):
    known = set()
    for album in s.run(ALBUMS, 60):
        if album[2] not in known:
            s.run(LABEL, album[2])
            known.add(album[2])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def every_third_row(s):
    for album in s.run(ALBUMS, 60)[::3]:
        s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST))
def rows_that_a_condition_chooses(s):
    for album in s.run(ALBUMS, 60):
        if s.random.random() < 0.4:
            s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def look_up_that_finds_nothing(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT id, name FROM artist WHERE id = %s AND name = 'nobody'", album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def look_up_with_limit(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT artist.* FROM artist WHERE artist.id = %s LIMIT %s", album[1], 1)


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def list_of_one_element(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT id, name FROM artist WHERE id IN (%s)", album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def array_of_one_element(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT id, name FROM artist WHERE id = ANY(%s::int[])", [album[1]])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 5))
def exactly_the_threshold(s):
    for album in s.run(ALBUMS, 5):
        s.run(ARTIST, album[1])


@case()
def one_less_than_the_threshold(s):
    for album in s.run(ALBUMS, 4):
        s.run(ARTIST, album[1])


@case(Loop("forward_fk", STRONG, TO_ARTIST, 2))
def threshold_of_two(s):
    s.run("SET pg_nplusone.threshold = 2")
    for album in s.run(ALBUMS, 2):
        s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 1000))
def a_thousand_rows(s):
    for album in s.run(ALBUMS, 1000):
        s.run(ARTIST, album[1])


@case(Loop(None, ANY, None, 300))
def the_end_of_a_thousand_rows(s):
    for album in s.run(ALBUMS, 1000)[700:]:
        s.run(ARTIST, album[1])


@case(Loop("forward_fk|duplicate", STRONG, None, 20))
def every_row_has_the_same_label(s):
    s.run("BEGIN")
    s.run("UPDATE album SET label_id = 7 WHERE id <= 20")
    for album in s.run("SELECT id, label_id FROM album WHERE id <= 20"):
        s.run(LABEL, album[1])
    s.run("ROLLBACK")


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def list_from_a_common_table_expression(s):
    for album in s.run("WITH recent AS (SELECT * FROM album WHERE id > 500) SELECT id, artist_id FROM recent ORDER BY price DESC LIMIT 20"):
        s.run(ARTIST, album[1])


@case(Loop(None, PROVEN, None, 40))
def list_from_a_union(s):
    rows = s.run("(SELECT artist_id FROM album ORDER BY id LIMIT 20) UNION ALL (SELECT id FROM artist ORDER BY name LIMIT 20)")
    for row in rows:
        s.run(ARTIST, row[0])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 25))
def list_that_is_grouped(s):
    for row in s.run("SELECT artist_id, count(*) FROM album GROUP BY artist_id ORDER BY count(*) DESC, md5(artist_id::text) LIMIT 25"):
        s.run(ARTIST, row[0])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def list_from_a_join(s):
    rows = s.run("SELECT t.id, t.title, a.artist_id FROM track t JOIN album a ON a.id = t.album_id ORDER BY t.seconds, t.id LIMIT 20")
    for row in rows:
        s.run(ARTIST, row[2])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def key_at_the_end_of_a_wide_row(s):
    texts = ", ".join(f"title || '{n}' AS t{n}" for n in range(40))
    for row in s.run(f"SELECT {texts}, artist_id FROM album ORDER BY released, id LIMIT 20"):
        s.run(ARTIST, row[40])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 30))
def list_read_through_a_cursor(s):
    s.run("BEGIN")
    s.run("DECLARE albums CURSOR FOR SELECT id, artist_id FROM album ORDER BY released, id LIMIT 30")
    while True:
        rows = s.run("FETCH 8 FROM albums")
        if not rows:
            break
        for row in rows:
            s.run(ARTIST, row[1])
    s.run("COMMIT")


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def noise_between_the_look_ups(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT 1")
        s.run("SHOW search_path")
        s.run("SET application_name = 'shop'")
        s.run("SELECT nextval('numbers')")
        s.run("SELECT count(*) FROM pg_class WHERE relname = 'album'")
        s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 40, 2))
def the_same_page_twice(s):
    for _ in range(2):
        for album in s.run(ALBUMS, 20):
            s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 40, 2))
def the_same_page_in_two_requests(s):
    for _ in range(2):
        for album in s.run(ALBUMS, 20):
            s.run(ARTIST, album[1])
        s.new_request()


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 40, None))
def two_passes_over_one_list(s):
    albums = s.run(ALBUMS, 20)
    for _ in range(2):
        for album in albums:
            s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20), Loop("forward_fk", PROVEN, TO_LABEL, 20))
def two_loops_one_after_the_other(s):
    albums = s.run(ALBUMS, 20)
    for album in albums:
        s.run(ARTIST, album[1])
    for album in albums:
        s.run(LABEL, album[2])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 600, 30))
def thirty_requests_with_a_loop_each(s):
    for _ in range(30):
        for album in s.run(ALBUMS, 20):
            s.run(ARTIST, album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20), Loop(None, SUSPECTED, None, 12))
def a_loop_and_then_single_look_ups(s):
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])
    for _ in range(12):
        s.run(ARTIST, s.random.randint(1, 300))


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def single_look_ups_and_then_a_loop(s):
    for _ in range(12):
        s.run(ARTIST, s.random.randint(1, 300))
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])


@case(
    Loop("forward_fk", PROVEN, TO_ARTIST, 20),
    Loop("reverse_fk|lookup|deferred_column|forward_fk", PROVEN, "profile.artist_id -> artist.id", 20),
)
def two_lists_that_lead_to_the_same_table(s):
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])
    for profile in s.run("SELECT id, artist_id FROM profile ORDER BY id LIMIT 20"):
        s.run(ARTIST, profile[1])


@case(Loop("forward_fk", PROVEN, "folder.parent_id -> folder.id", 20))
def parent_of_each_folder(s):
    for folder in s.run("SELECT id, parent_id FROM folder WHERE id > 1 ORDER BY md5(name) LIMIT 20"):
        s.run("SELECT name FROM folder WHERE id = %s", folder[1])


@case(Loop("reverse_fk", PROVEN, "folder.id -> folder.parent_id", 20))
def children_of_each_folder(s):
    for folder in s.run("SELECT id, name FROM folder ORDER BY md5(name) LIMIT 20"):
        s.run("SELECT id FROM folder WHERE parent_id = %s", folder[0])


@case(Loop("lookup", PROVEN, "artist.name -> profile.bio", 20))
def look_up_by_a_name(s):
    s.run("BEGIN")
    s.run("UPDATE profile SET bio = (SELECT name FROM artist WHERE artist.id = profile.artist_id)")
    for artist in s.run("SELECT name FROM artist ORDER BY md5(name) LIMIT 20"):
        s.run("SELECT id FROM profile WHERE bio = %s", artist[0])
    s.run("ROLLBACK")


@case(Loop("forward_fk", PROVEN, 'archive."Old Sale"."Artist Id" -> artist.id', 20))
def a_list_of_another_schema(s):
    for sale in s.run('SELECT id, "Artist Id" FROM archive."Old Sale" ORDER BY id LIMIT 20'):
        s.run(ARTIST, sale[1])


@case(Loop("forward_fk", PROVEN, "visit.artist_id -> artist.id", 20))
def a_list_of_a_partitioned_table(s):
    for visit in s.run("SELECT id, artist_id FROM visit ORDER BY id LIMIT 20"):
        s.run(ARTIST, visit[1])


@case(Loop("reverse_fk", PROVEN, "artist.id -> visit.artist_id", 20))
def look_up_in_a_partitioned_table(s):
    for artist in s.run("SELECT id, name FROM artist ORDER BY md5(name) LIMIT 20"):
        s.run("SELECT id, day FROM visit WHERE artist_id = %s", artist[0])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def look_up_in_a_view(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT name FROM artist_view WHERE id = %s", album[1])


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 200, 10))
def look_ups_for_the_rows_of_every_page(s):
    # a batch job: the pages are no loop, what is done for each row is
    last = 0
    for _ in range(10):
        page = s.run("SELECT id, artist_id FROM album WHERE id > %s ORDER BY id LIMIT 20", last)
        for album in page:
            s.run(ARTIST, album[1])
        last = page[-1][0]


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def unlike_statements_between_the_look_ups(s):
    for n, album in enumerate(s.run(ALBUMS, 20)):
        s.run(ARTIST, album[1])
        columns = ", ".join(f"id AS c{i}" if (n + 1) & (1 << i) else f"name AS c{i}" for i in range(5))
        s.run(f"SELECT {columns} FROM label WHERE id = %s", 1)
        s.run(f"SELECT count(*), {columns} FROM genre GROUP BY id, name HAVING id = %s", 1)


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20))
def unlike_lists_between_the_look_ups(s):
    for n, album in enumerate(s.run(ALBUMS, 20)):
        s.run(ARTIST, album[1])
        columns = ", ".join(f"id AS c{i}" if (n + 1) & (1 << i) else f"name AS c{i}" for i in range(5))
        s.run(f"SELECT {columns} FROM label ORDER BY id LIMIT %s", 12)
        s.run(f"SELECT {columns} FROM genre ORDER BY id LIMIT %s", 12)


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 40, 2))
def a_transaction_that_is_tried_again(s):
    for attempt in range(2):
        s.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for album in s.run(ALBUMS, 20):
            s.run(ARTIST, album[1])
        s.run("ROLLBACK" if attempt == 0 else "COMMIT")


# --- Several look-ups for each row ------------------------------------------


@case(Loop("forward_fk", PROVEN, TO_ARTIST, 20), Loop("forward_fk", PROVEN, TO_LABEL, 20))
def two_in_turn(s):
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST, album[1])
        s.run(LABEL, album[2])


@case(
    Loop("forward_fk", PROVEN, TO_ARTIST, 30),
    Loop("forward_fk", PROVEN, TO_LABEL, 30),
    Loop("reverse_fk", PROVEN, TO_TRACKS, 10),
)
def a_b_and_sometimes_c(s):
    for n, album in enumerate(s.run(ALBUMS, 30)):
        s.run(ARTIST, album[1])
        s.run(LABEL, album[2])
        if n % 3 == 0:
            s.run(TRACKS, album[0])


@case(
    Loop("forward_fk", PROVEN, TO_ARTIST, 15),
    Loop("forward_fk", PROVEN, TO_LABEL, 15),
    Loop("reverse_fk", PROVEN, TO_TRACKS, 15),
    Loop("count", PROVEN, TO_TRACKS, 15),
    Loop("many_to_many", PROVEN, "album.id -> album_genre.album_id", 15),
    Loop("polymorphic", PROVEN, "album.id -> note.subject_id", 15),
    Loop("exists", PROVEN, "album.id -> shelf.album_id", 15),
    Loop("aggregate", PROVEN, "album.id -> purchase.album_id", 15),
)
def eight_look_ups_for_each_row(s):
    for album in s.run(ALBUMS, 15):
        s.run(ARTIST, album[1])
        s.run(LABEL, album[2])
        s.run(TRACKS, album[0])
        s.run("SELECT count(*) FROM track WHERE album_id = %s", album[0])
        s.run("SELECT g.id, g.name FROM genre g JOIN album_genre ag ON ag.genre_id = g.id WHERE ag.album_id = %s", album[0])
        s.run("SELECT body FROM note WHERE subject_type = 'album' AND subject_id = %s", album[0])
        s.run("SELECT EXISTS (SELECT 1 FROM shelf WHERE album_id = %s)", album[0])
        s.run("SELECT sum(amount) FROM purchase WHERE album_id = %s", album[0])


@case(Loop(None, PROVEN, None, None, None), more=True)
def twenty_look_ups_for_each_row(s):
    columns = ["id", "title", "seconds", "album_id"]
    for album in s.run(ALBUMS, 15):
        for n in range(20):
            chosen = ", ".join(columns[i] for i in range(4) if (n + 1) & (1 << i)) or "id, id"
            s.run(f"SELECT {chosen} FROM track WHERE album_id = %s", album[0])


# --- Rows that refer to the parent -------------------------------------------


@case(Loop("reverse_fk", PROVEN, TO_TRACKS, 20))
def tracks_of_each_album(s):
    for album in s.run(ALBUMS, 20):
        s.run(TRACKS, album[0])


@case(Loop("reverse_fk", PROVEN, "artist.id -> profile.artist_id", 20))
def profile_of_each_artist(s):
    for artist in s.run("SELECT id, name FROM artist ORDER BY md5(name) LIMIT 20"):
        s.run("SELECT id, bio FROM profile WHERE artist_id = %s", artist[0])


@case(Loop("many_to_many", PROVEN, "album.id -> album_genre.album_id", 20))
def genres_of_each_album(s):
    for album in s.run("SELECT id, title FROM album WHERE id <= 400 ORDER BY released, id LIMIT 20"):
        s.run("SELECT g.id, g.name FROM genre g INNER JOIN album_genre ag ON g.id = ag.genre_id WHERE ag.album_id = %s", album[0])


@case(Loop("count", PROVEN, TO_TRACKS, 20))
def number_of_tracks(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT count(*) FROM track WHERE album_id = %s", album[0])


@case(Loop("exists", PROVEN, TO_TRACKS, 20))
def is_there_a_track(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT 1 AS one FROM track WHERE album_id = %s LIMIT 1", album[0])


@case(Loop("aggregate", PROVEN, TO_TRACKS, 20))
def length_of_each_album(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT sum(seconds), max(seconds) FROM track WHERE album_id = %s", album[0])


@case(Loop("first_per_parent", PROVEN, TO_TRACKS, 20))
def longest_track_of_each_album(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT id, title FROM track WHERE album_id = %s ORDER BY seconds DESC, id LIMIT 1", album[0])


@case(Loop("deferred_column", PROVEN, "album.id -> album.id", 20))
def a_column_that_was_left_out(s):
    for album in s.run("SELECT id, artist_id FROM album ORDER BY released, id LIMIT 20"):
        s.run("SELECT title FROM album WHERE id = %s", album[0])


@case(Loop("polymorphic", PROVEN, "album.id -> note.subject_id", 20))
def notes_of_each_album(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT id, body FROM note WHERE subject_type = %s AND subject_id = %s", "album", album[0])


@case(Loop("polymorphic", PROVEN, "note.subject_id -> album.id", 20))
def subject_of_each_note(s):
    for note in s.run("SELECT id, subject_type, subject_id FROM note WHERE subject_type = 'album' ORDER BY id LIMIT 20"):
        s.run("SELECT id, title FROM album WHERE id = %s", note[2])


@case(Loop("lookup", PROVEN, "old_item.owner -> old_owner.id", 20))
def no_foreign_key(s):
    for item in s.run("SELECT id, owner FROM old_item ORDER BY id LIMIT 20"):
        s.run("SELECT name FROM old_owner WHERE id = %s", item[1])


@case(Loop("select_for_update", PROVEN, "album.id -> album.id", 20))
def lock_row_by_row(s):
    for album in s.run(ALBUMS, 20):
        s.run("BEGIN")
        s.run("SELECT * FROM album WHERE id = %s FOR UPDATE", album[0])
        s.run("COMMIT")


# --- Which column, where values agree ----------------------------------------


def two_lists(first, second):
    def program(s):
        s.run(first)
        s.run(second)
        for number in range(1, 21):
            s.run(TRACKS, number)

    return program


LABEL_LIST = "SELECT id, name FROM label WHERE id <= 20 ORDER BY id"
ALBUM_LIST = "SELECT id, title FROM album WHERE id <= 20 ORDER BY id"
for _name, _first, _second in (
    ("only_the_foreign_key_tells_the_parent", ALBUM_LIST, LABEL_LIST),
    ("only_the_foreign_key_tells_the_parent_read_last", LABEL_LIST, ALBUM_LIST),
):
    case(Loop("reverse_fk", PROVEN, TO_TRACKS, 20), name=_name)(two_lists(_first, _second))


@case(Loop("forward_fk", PROVEN, "album.label_id -> label.id", 20))
def equal_values_in_two_columns(s):
    s.run("BEGIN")
    s.run("UPDATE album SET label_id = id WHERE id <= 20")
    for album in s.run("SELECT id, label_id FROM album WHERE id <= 20 ORDER BY id"):
        s.run(LABEL, album[1])
    s.run("ROLLBACK")


# --- Kinds of keys ------------------------------------------------------------


@case(Loop("forward_fk", PROVEN, "purchase.customer_code -> customer.code", 20))
def text_keys(s):
    for row in s.run("SELECT id, customer_code FROM purchase ORDER BY id LIMIT 20"):
        s.run("SELECT name FROM customer WHERE code = %s", row[1])


@case(Loop("reverse_fk", PROVEN, "purchase.id -> shipment.purchase_id", 20))
def uuid_keys(s):
    for row in s.run("SELECT id, amount FROM purchase ORDER BY amount LIMIT 20"):
        s.run("SELECT id FROM shipment WHERE purchase_id = %s", row[0])


@case(Loop("lookup", PROVEN, "album.released -> day.day", 20))
def date_keys(s):
    for row in s.run("SELECT id, released FROM album ORDER BY id LIMIT 20"):
        s.run("SELECT weekday FROM day WHERE day = %s", row[1])


@case(Loop("forward_fk", PROVEN, "shelf.branch_code -> branch.code", 20))
def blank_padded_keys(s):
    for row in s.run("SELECT album_id, branch_code FROM shelf ORDER BY album_id LIMIT 20"):
        s.run("SELECT town FROM branch WHERE code = %s", row[1])


@case(Loop("lookup", PROVEN, "event.previous -> event_detail.event_id", 20))
def eight_byte_keys(s):
    for row in s.run("SELECT id, previous FROM event ORDER BY body LIMIT 20"):
        s.run("SELECT body FROM event_detail WHERE event_id = %s", row[1])


@case(Loop("lookup", PROVEN, "album.mood -> mood_text.mood", 20))
def enum_keys(s):
    for row in s.run("SELECT id, mood FROM album ORDER BY id LIMIT 20"):
        s.run("SELECT body FROM mood_text WHERE mood = %s::mood", row[1])


@case(Loop(None, PROVEN, "album.id -> shelf.album_id", 20))
def composite_key_half_of_it_constant(s):
    for album in s.run(ALBUMS, 20):
        s.run("SELECT pieces FROM shelf WHERE album_id = %s AND branch_code = %s", album[0], "B7")


@case(Loop(None, PROVEN, "shelf.album_id -> shelf.album_id", 20))
def composite_key(s):
    for row in s.run("SELECT album_id, branch_code FROM shelf ORDER BY pieces, album_id LIMIT 20"):
        s.run("SELECT pieces FROM shelf WHERE album_id = %s AND branch_code = %s", row[0], row[1])


@case(Loop(None, PROVEN, None, 20))
def look_up_that_joins(s):
    for album in s.run(ALBUMS, 20):
        s.run(
            "SELECT a.title, r.name, c.name FROM album a JOIN artist r ON r.id = a.artist_id"
            " JOIN country c ON c.id = r.country_id WHERE a.id = %s",
            album[0],
        )


# --- Loops in loops ------------------------------------------------------------


@case(
    Loop("reverse_fk", PROVEN, "artist.id -> album.artist_id", 10),
    Loop("reverse_fk", PROVEN, TO_TRACKS, 40),
)
def two_levels(s):
    for artist in s.run("SELECT id, name FROM artist ORDER BY md5(name) LIMIT 10"):
        for album in s.run("SELECT id, title FROM album WHERE artist_id = %s", artist[0]):
            s.run(TRACKS, album[0])


@case(
    Loop("reverse_fk", PROVEN, "artist.id -> album.artist_id", 6),
    Loop("reverse_fk", PROVEN, TO_TRACKS),
    Loop("deferred_column", PROVEN, "track.id -> track.id"),
)
def three_levels(s):
    for artist in s.run("SELECT id, name FROM artist ORDER BY md5(name) LIMIT 6"):
        for album in s.run("SELECT id, title FROM album WHERE artist_id = %s", artist[0]):
            for track in s.run(TRACKS, album[0]):
                s.run("SELECT seconds FROM track WHERE id = %s", track[0])


@case(
    Loop("reverse_fk", PROVEN, TO_TRACKS, 15),
    Loop("forward_fk", PROVEN, TO_ARTIST, 15),
    Loop("deferred_column", PROVEN, "track.id -> track.id"),
)
def inner_loop_beside_another_look_up(s):
    for album in s.run(ALBUMS, 15):
        s.run(ARTIST, album[1])
        for track in s.run(TRACKS, album[0]):
            s.run("SELECT seconds FROM track WHERE id = %s", track[0])


@case(
    Loop("forward_fk", PROVEN, TO_ARTIST, 20),
    Loop("forward_fk", PROVEN, "artist.country_id -> country.id", 20),
)
def chain_of_two(s):
    for album in s.run(ALBUMS, 20):
        artist = s.one(ARTIST, album[1])
        s.run("SELECT id, name FROM country WHERE id = %s", artist[2])


@case(
    Loop("forward_fk", PROVEN, "track.album_id -> album.id", 25),
    Loop("forward_fk", PROVEN, TO_ARTIST, 25),
    Loop("reverse_fk", PROVEN, None, 25, query="profile"),
)
def chain_of_three(s):
    for track in s.run("SELECT id, album_id FROM track ORDER BY seconds, id LIMIT 25"):
        album = s.one("SELECT id, artist_id, title FROM album WHERE id = %s", track[1])
        artist = s.one("SELECT id, name FROM artist WHERE id = %s", album[1])
        s.run("SELECT bio FROM profile WHERE artist_id = %s", artist[0])


@case(Loop(None, ANY, None, None, None), more=True)
def walk_up_a_tree(s):
    for start in range(64, 128):
        folder = start
        while folder is not None:
            folder = s.one("SELECT parent_id, name FROM folder WHERE id = %s", folder)[0]


@case(Loop(None, ANY, None, None, None), more=True)
def walk_down_a_tree(s):
    def walk(folder):
        for child in s.column(0, "SELECT id, name FROM folder WHERE parent_id = %s ORDER BY id", folder):
            walk(child)

    walk(1)


# --- Writes ----------------------------------------------------------------------


@case(Loop("insert", STRONG, None, 20))
def insert_row_by_row(s):
    for n in range(20):
        s.run("INSERT INTO journal (what, album_id) VALUES (%s, %s)", f"turn {n}", n)


@case(Loop("insert", STRONG, None, 20))
def insert_in_a_transaction(s):
    s.run("BEGIN")
    for n in range(20):
        s.run("INSERT INTO journal (what, album_id) VALUES (%s, %s) RETURNING id", f"turn {n}", n)
    s.run("ROLLBACK")


@case(Loop("insert", STRONG, None, 20))
def insert_with_a_commit_for_each(s):
    for n in range(20):
        s.run("BEGIN")
        s.run("INSERT INTO journal (what, album_id) VALUES (%s, %s)", f"turn {n}", n)
        s.run("COMMIT")


@case(Loop("insert", STRONG, None, 20))
def insert_with_a_number_from_a_sequence(s):
    for n in range(20):
        number = s.one("SELECT nextval('numbers')")[0]
        s.run("INSERT INTO setting VALUES (%s, %s)", f"number {number}", str(n))


@case(Loop("update", PROVEN, None, 20))
def update_each_row_of_a_list(s):
    for album in s.run("SELECT id, price FROM album ORDER BY released, id LIMIT 20"):
        s.run("UPDATE album SET price = %s WHERE id = %s", album[1] + 1, album[0])


@case(Loop("update", STRONG, None, 20))
def update_with_a_commit_for_each(s):
    for n in range(1, 21):
        s.run("BEGIN")
        s.run("UPDATE tally SET n = n + 1 WHERE name = %s", f"tally {n}")
        s.run("COMMIT")


@case(Loop("update", STRONG, None, 20))
def update_the_same_row_again_and_again(s):
    for _ in range(20):
        s.run("UPDATE tally SET n = n + 1 WHERE name = %s", "tally 1")


@case(Loop("delete", STRONG, None, 20))
def delete_row_by_row(s):
    s.run("INSERT INTO job SELECT g, 'done', '' FROM generate_series(1001, 1020) g")
    for number in s.column(0, "SELECT id FROM job WHERE id > 1000 ORDER BY md5(id::text)"):
        s.run("DELETE FROM job WHERE id = %s", number)


@case(Loop("upsert", STRONG, None, 20))
def insert_on_conflict_row_by_row(s):
    for n in range(20):
        s.run("INSERT INTO tally VALUES (%s, 1) ON CONFLICT (name) DO UPDATE SET n = tally.n + 1", f"tally {n * 10}")


@case(Loop("upsert", STRONG, None, None, None, "INSERT"), more=True)
def get_or_create_of_new_rows(s):
    for n in range(20):
        name = f"new {s.protocol} {n}"
        if not s.run("SELECT value FROM setting WHERE name = %s", name):
            s.run("INSERT INTO setting (name, value) VALUES (%s, %s)", name, "1")


@case(Loop("upsert", STRONG, None, None, None, "INSERT"), more=True)
def get_or_create_of_which_half_is_there(s):
    s.run("INSERT INTO setting SELECT %s || g, '0' FROM generate_series(0, 38, 2) g", f"half {s.protocol} ")
    for n in range(40):
        name = f"half {s.protocol} {n}"
        if not s.run("SELECT value FROM setting WHERE name = %s", name):
            s.run("INSERT INTO setting (name, value) VALUES (%s, %s)", name, "1")


@case(Loop("upsert", STRONG, None, None, None, "INSERT"), more=True)
def get_or_create_with_a_transaction_for_each(s):
    for n in range(20):
        name = f"each {s.protocol} {n}"
        s.run("BEGIN")
        found = s.run("SELECT value FROM setting WHERE name = %s", name)
        s.run("SAVEPOINT s")
        if not found:
            s.run("INSERT INTO setting (name, value) VALUES (%s, %s)", name, "1")
        s.run("RELEASE s")
        s.run("COMMIT")


@case(Loop("update", PROVEN, None, 20), Loop("insert", STRONG, None, 20))
def update_and_journal_for_each_row(s):
    for album in s.run(ALBUMS, 20):
        s.run("UPDATE album SET price = price + 1 WHERE id = %s", album[0])
        s.run("INSERT INTO journal (what, album_id) VALUES ('price', %s)", album[0])


@case(Loop("insert", STRONG, None, 20))
def rows_for_the_rows_just_inserted(s):
    numbers = s.column(0, "INSERT INTO journal (what) SELECT 'parent' FROM generate_series(1, 20) RETURNING id")
    for number in numbers:
        s.run("INSERT INTO journal (what, album_id) VALUES ('child', %s)", number)


@case(Loop("update", PROVEN, None, 60), Loop("select_for_update", PROVEN, None, 60))
def lock_and_update_each_row_in_its_transaction(s):
    for album in s.run(ALBUMS, 60):
        s.run("BEGIN")
        price = s.one("SELECT price FROM album WHERE id = %s FOR UPDATE", album[0])[0]
        s.run("UPDATE album SET price = %s WHERE id = %s", price + 1, album[0])
        s.run("COMMIT")


@case(Loop("insert", STRONG, None, 30, None, "INSERT"), Loop("update", STRONG, None, 30, None, "UPDATE"), more=True)
def two_writes_in_turn_without_a_list(s):
    s.run("BEGIN")
    for n in range(30):
        s.run("INSERT INTO journal (what, album_id) VALUES ('turn', %s)", n + 1)
        s.run("UPDATE tally SET n = n + 1 WHERE name = %s", f"tally {n + 1}")
    s.run("COMMIT")


# --- What is no loop ---------------------------------------------------------------


def draw(s, rows, n):
    """Rows in random order.

    Six that come in the list's own order by accident (1 in 720) are what a
    loop over some of the rows looks like, and nothing can tell: drawn again.
    """
    while True:
        drawn = s.random.sample(rows, n)
        places = [rows.index(row) for row in drawn[:6]]
        if n < 6 or places != sorted(places):
            return drawn


@case()
def random_detail_pages_after_a_list(s):
    for _ in range(100):
        albums = s.run(ALBUMS, 20)
        for album in s.random.choices(albums, k=s.random.randint(3, 15)):
            s.run("SELECT title, price FROM album WHERE id = %s", album[0])


@case()
def every_detail_page_once_in_random_order(s):
    for _ in range(100):
        albums = s.run(ALBUMS, 20)
        s.random.shuffle(albums)
        for album in albums:
            s.run("SELECT title, price FROM album WHERE id = %s", album[0])


@case()
def random_pages_of_other_tables(s):
    for _ in range(100):
        albums = s.run(ALBUMS, 20)
        for album in draw(s, albums, 8):
            s.run(ARTIST, album[1])


@case()
def random_pages_without_a_list(s):
    for _ in range(300):
        s.run(ARTIST, s.random.randint(1, 300))


@case()
def three_statements_for_each_of_fifty_visitors(s):
    for _ in range(50):
        purchase = s.one("SELECT id, customer_code, album_id FROM purchase WHERE amount = %s", s.random.randint(1, 300))
        s.run("SELECT name FROM customer WHERE code = %s", purchase[1])
        s.run("SELECT title FROM album WHERE id = %s", purchase[2])


@case()
def a_list_and_one_row_again_and_again(s):
    for _ in range(50):
        album = s.random.choice(s.run(ALBUMS, 20))
        s.run(ARTIST, album[1])


@case()
def the_first_row_of_a_list_again_and_again(s):
    for _ in range(50):
        album = s.run(ALBUMS, 20)[0]
        s.run(ARTIST, album[1])


@case()
def a_list_and_two_rows_again_and_again(s):
    for _ in range(50):
        for album in s.run(ALBUMS, 20)[:2]:
            s.run(ARTIST, album[1])


@case()
def all_at_once(s):
    for _ in range(30):
        numbers = [album[1] for album in s.run(ALBUMS, 20)]
        s.run("SELECT id, name FROM artist WHERE id = ANY(%s::int[])", numbers)


@case()
def all_at_once_in_a_list(s):
    for _ in range(30):
        numbers = [album[1] for album in s.run(ALBUMS, 20)]
        s.run(f"SELECT id, name FROM artist WHERE id IN ({', '.join(['%s'] * 20)})", *numbers)


def chunks(s, sql):
    numbers = s.column(1, ALBUMS, 101)
    for start in range(0, 101, 10):
        chunk = numbers[start : start + 10]
        yield chunk, sql


@case()
def batches_of_ten_the_last_of_one(s):
    for chunk, _ in chunks(s, ""):
        s.run(f"SELECT id, name FROM artist WHERE id IN ({', '.join(['%s'] * len(chunk))})", *chunk)


@case()
def arrays_of_ten_the_last_of_one(s):
    for chunk, _ in chunks(s, ""):
        s.run("SELECT id, name FROM artist WHERE id = ANY(%s::int[])", chunk)


@case()
def batches_in_a_transaction(s):
    s.run("BEGIN")
    for chunk, _ in chunks(s, ""):
        s.run(f"SELECT id, name FROM artist WHERE id IN ({', '.join(['%s'] * len(chunk))})", *chunk)
        s.run("SELECT id, title FROM album WHERE artist_id = ANY(%s::int[])", chunk)
    s.run("COMMIT")


def keyset_pages(s):
    last = 0
    while True:
        rows = s.run("SELECT id, title FROM album WHERE id > %s ORDER BY id LIMIT 50", last)
        if not rows:
            return
        yield rows
        last = rows[-1][0]


@case()
def keyset_pages_one_by_one(s):
    for _ in keyset_pages(s):
        pass


@case()
def keyset_pages_in_a_transaction(s):
    s.run("BEGIN")
    for _ in keyset_pages(s):
        pass
    s.run("COMMIT")


@case()
def keyset_pages_each_with_its_tracks(s):
    for page in keyset_pages(s):
        s.run("SELECT id, album_id FROM track WHERE album_id = ANY(%s::int[])", [row[0] for row in page])


@case()
def offset_pages_with_their_count(s):
    for page in range(20):
        s.run("SELECT count(*) FROM album")
        s.run("SELECT id, title FROM album ORDER BY id LIMIT 50 OFFSET %s", page * 50)


@case()
def offset_pages_in_a_transaction(s):
    s.run("BEGIN")
    for page in range(25):
        s.run("SELECT id, title FROM album ORDER BY id LIMIT 50 OFFSET %s", page * 50)
    s.run("COMMIT")


@case()
def a_cursor_in_pieces(s):
    s.run("BEGIN")
    s.run("DECLARE albums CURSOR FOR SELECT id, title FROM album ORDER BY id")
    while s.run("FETCH 50 FROM albums"):
        pass
    s.run("COMMIT")


@case()
def many_rows_in_one_insert(s):
    for _ in range(10):
        rows = ", ".join(["(%s, %s)"] * 25)
        s.run(f"INSERT INTO journal (what, album_id) VALUES {rows}", *[value for n in range(25) for value in (f"row {n}", n)])


@case(Loop("insert", STRONG, None, 10))
def insert_from_a_select_for_each_artist(s):
    for n in range(10):
        s.run("INSERT INTO journal (what, album_id) SELECT 'copy', id FROM album WHERE artist_id = %s AND id < 0", n)


@case()
def polling_a_queue(s):
    for _ in range(40):
        s.run("BEGIN")
        row = s.one("SELECT id, payload FROM job WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
        assert row
        s.run("ROLLBACK")


@case()
def polling_a_value(s):
    for _ in range(40):
        s.run("SELECT state FROM job WHERE id = %s", 7)


@case(Loop("duplicate", SUSPECTED, None, 20))
def the_same_setting_again_and_again(s):
    for _ in range(20):
        s.run("SELECT value FROM setting WHERE name = %s", "setting 7")


@case()
def a_statement_that_is_tried_again(s):
    for _ in range(4):
        s.run("BEGIN")
        s.run("SELECT n FROM tally WHERE name = %s", "tally 3")
        s.run("UPDATE tally SET n = n + 1 WHERE name = %s", "tally 3")
        s.run("ROLLBACK")


@case(Loop(None, SUSPECTED, None, 10))
def numbers_of_a_range_without_a_list(s):
    for number in range(10):
        s.run(ARTIST, number)


@case()
def health_checks(s):
    for _ in range(50):
        s.run("SELECT 1")
        s.run("SHOW transaction_isolation")
        s.run("SELECT current_setting('search_path')")
        s.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")


@case()
def a_delete_that_cascades(s):
    s.run("BEGIN")
    s.run("CREATE TEMPORARY TABLE parent (id int PRIMARY KEY) ON COMMIT DROP")
    s.run("CREATE TEMPORARY TABLE child (id int REFERENCES parent ON DELETE CASCADE) ON COMMIT DROP")
    s.run("INSERT INTO parent SELECT generate_series(1, 50)")
    s.run("INSERT INTO child SELECT generate_series(1, 50)")
    s.run("DELETE FROM parent")
    s.run("COMMIT")


@case()
def eager_loading_on_every_page(s):
    for page in range(20):
        numbers = s.column(0, "SELECT id, title FROM album ORDER BY released, id LIMIT 20")
        s.run("SELECT id, album_id, title FROM track WHERE album_id = ANY(%s::int[]) ORDER BY id", numbers)
        s.run("SELECT count(*) FROM album")
        s.run("SELECT value FROM setting WHERE name = %s", "setting 3")


@case()
def one_album_and_its_parts_for_each_visitor(s):
    for _ in range(40):
        number = s.random.randint(1, 400)
        album = s.one("SELECT id, artist_id, label_id FROM album WHERE id = %s", number)
        s.run(TRACKS, number)
        s.run(ARTIST, album[1])
        s.run(LABEL, album[2])
        s.run("SELECT g.id, g.name FROM genre g JOIN album_genre ag ON ag.genre_id = g.id WHERE ag.album_id = %s", number)


@case()
def ignored_by_its_own_comment(s):
    for album in s.run(ALBUMS, 20):
        s.run("/* nplusone:ignore */ " + ARTIST, album[1])


@case()
def ignored_by_a_comment_at_the_end(s):
    for album in s.run(ALBUMS, 20):
        s.run(ARTIST + " /* nplusone:ignore */", album[1])


@case()
def many_executions_at_once(s):
    if s.protocol == "simple":
        return  # it has no pipelines
    with s.connection.pipeline(), s.connection.cursor() as cursor:
        cursor.executemany("SELECT name FROM artist WHERE id = %s", [(n,) for n in range(1, 60)], returning=True)
        cursor.executemany("INSERT INTO journal (what, album_id) VALUES ('many', %s)", [(n,) for n in range(60)])


@case()
def rows_that_are_copied_in(s):
    for _ in range(10):
        with s.connection.cursor().copy("COPY journal (what, album_id) FROM STDIN") as copy:
            for n in range(20):
                copy.write_row(("copied", n))


@case()
def a_search_with_other_words_each_time(s):
    for _ in range(40):
        s.run("SELECT id, title FROM album WHERE title LIKE %s ORDER BY id LIMIT 10", f"album {s.random.randint(1, 99)}%")
        s.run("SELECT count(*) FROM album WHERE title LIKE %s", f"album {s.random.randint(1, 99)}%")


@case()
def a_search_and_the_best_result(s):
    for _ in range(40):
        rows = s.run("SELECT id, artist_id FROM album WHERE title LIKE %s ORDER BY price LIMIT 10", f"album {s.random.randint(1, 99)}%")
        s.run(ARTIST, s.random.choice(rows)[1])


@case()
def sessions_of_visitors(s):
    # who is it, what may they do, what do they look at
    for _ in range(60):
        code = s.random.choice("0123456789abcdef")
        customer = s.one("SELECT code, name FROM customer WHERE code > %s ORDER BY code LIMIT 1", code)
        if customer:
            s.run("SELECT id FROM purchase WHERE customer_code = %s", customer[0])
        s.run("SELECT value FROM setting WHERE name = %s", "setting 1")
        s.run("SELECT id, title FROM album WHERE id = %s", s.random.randint(1, 1200))


@case()
def a_list_and_its_rows_in_other_requests(s):
    # the list page, and then, much later, each row on a page of its own
    albums = s.run(ALBUMS, 6)
    for album in albums:
        s.new_request()
        s.run(ARTIST, album[1])


@case()
def every_second_request_is_a_list(s):
    for _ in range(60):
        if s.random.random() < 0.5:
            s.run(ALBUMS, 20)
        else:
            s.run(ARTIST, s.random.randint(1, 300))


@case()
def lists_of_ten_and_detail_pages_of_other_lists(s):
    # what is looked at was on the list before last
    before = s.run(ALBUMS, 10)
    for _ in range(100):
        after = s.run("SELECT id, artist_id, label_id, title FROM album ORDER BY md5(title || %s) LIMIT 10", str(s.random.random()))
        for album in s.random.sample(before, 5):
            s.run(ARTIST, album[1])
        before = after
