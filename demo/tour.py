#!/usr/bin/python3
"""Visits every page of the blog, slow and mended, and asks pg_nplusone what it saw.

Run by scripts/demo, in the environment of a throw-away server (PGHOST, PGPORT,
PGUSER).  pg_nplusone runs with its default settings, but for one: that
connections come and go is told after SPAN seconds and not after a minute.
"""

import datetime
import os
import random
import sys
import time
from dataclasses import dataclass

import psycopg2

# One request each for these parts of the list, one after the other on one
# connection without a pause.  They are more than the threshold: a mended page
# could be taken for a loop over them.  The first part is not among them, as Django
# leaves OFFSET 0 away and so sends another statement.
PARTS = [3, 6, 1, 5, 2, 4]
REQUESTS = len(PARTS)

# Exit status where the tour went to its end and something was wrong
WRONG = 3

# So long connections have to come and go, and are made to
SPAN = 6
CONNECTING = SPAN * 1.5

# Between pages: longer than pg_nplusone.idle_gap, as between two users
PAUSE = 0.6


@dataclass
class Page:
    """A page, and how pg_nplusone should list it when it is slow."""
    name: str
    pattern: str
    link: str = None
    confidences: tuple = ('proven', 'likely')
    advice: str = ''            # what the mended page does, in the words of the advice
    view: str = 'pg_nplusone'   # where it is listed


PAGES = [
    Page('authors', 'forward_fk', 'blog_post.author_id -> blog_author.id',
         advice="select_related('author')"),
    Page('comments', 'reverse_fk', 'blog_post.id -> blog_comment.post_id',
         advice="prefetch_related("),
    Page('tags', 'many_to_many', 'blog_post.id -> blog_post_tags.post_id',
         advice="Prefetch('tags'"),
    Page('comment_counts', 'count', 'blog_post.id -> blog_comment.post_id',
         advice="annotate(comment_count=Count('comments'))"),
    Page('flagged', 'exists', 'blog_post.id -> blog_comment.post_id',
         advice="Exists(Comment.objects.filter(post=OuterRef('pk')"),
    Page('count_views', 'update',
         advice="bulk_update("),
    Page('notify', 'insert',
         advice="Notice.objects.bulk_create("),
    Page('dates', 'duplicate', confidences=('proven', 'likely', 'suspected'),
         advice="cache"),
    Page('bodies', 'deferred_column', 'blog_post.id -> blog_post.id',
         advice="defer()"),
    Page('latest', 'first_per_parent', 'blog_post.id -> blog_comment.post_id',
         advice="Subquery("),
    Page('clear_notices', 'delete',
         advice=".delete()"),
    Page('totals', 'aggregate', 'blog_author.id -> blog_post.author_id',
         advice="Sum('posts__views')"),
    Page('discussion', 'forward_fk', 'blog_comment.author_id -> blog_author.id',
         advice="prefetch_related('comments__author')"),
    Page('archive', 'wide_columns', 'body', view='pg_nplusone_heavy_reads',
         advice="Post.objects.defer('body')"),
    Page('reading_time', 'unbounded', view='pg_nplusone_heavy_reads',
         advice="Visit.objects....iterator(chunk_size="),
    Page('old_visits', 'deep_offset', view='pg_nplusone_heavy_reads',
         advice="Visit.objects.filter(id__lt=last.id).order_by('-id')"),
    Page('front', 'connections', view='pg_nplusone_connections',
         advice="CONN_MAX_AGE"),
]


@dataclass
class Listed:
    """A row of one of the views."""
    pattern: str
    confidence: str
    link: str
    loops: int
    calls: int
    advice: str
    view: str

    def matches(self, page):
        return (self.view == page.view and self.pattern == page.pattern
                and (self.view != 'pg_nplusone' or self.confidence in page.confidences)
                and page.link in (None, self.link) and page.advice in (self.advice or ''))


class Observer:
    """A connection of the administrator's, beside the application's."""

    def __init__(self):
        admin = self._connect('postgres')
        with admin.cursor() as cursor:
            cursor.execute('CREATE ROLE blog LOGIN')
            cursor.execute('CREATE DATABASE blog OWNER blog')
        admin.close()
        self.connection = self._connect('blog')
        self.ask('CREATE EXTENSION pg_nplusone')

    @staticmethod
    def _connect(database):
        connection = psycopg2.connect(dbname=database)
        connection.autocommit = True
        return connection

    def ask(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def reset(self):
        self.ask('SELECT pg_nplusone_reset()')

    def listed(self):
        return [Listed(*row) for row in self.ask("""
            SELECT pattern, confidence, link, loops, calls, advice, view
            FROM (SELECT userid, dbid, pattern, confidence, link, loops, calls, advice, 'pg_nplusone' AS view
                  FROM pg_nplusone
                  UNION ALL
                  SELECT userid, dbid, finding, '', columns[1], NULL, calls, advice, 'pg_nplusone_heavy_reads'
                  FROM pg_nplusone_heavy_reads
                  UNION ALL
                  SELECT userid, dbid, 'connections', '', NULL, NULL, sessions, advice, 'pg_nplusone_connections'
                  FROM pg_nplusone_connections WHERE advice IS NOT NULL) AS listed
            WHERE userid = 'blog'::regrole
              AND dbid = (SELECT oid FROM pg_database WHERE datname = 'blog')
            ORDER BY calls DESC, pattern""")]

    def watch_connections(self):
        self.ask(f"ALTER SYSTEM SET pg_nplusone.connection_span = '{SPAN}s'")
        self.ask('SELECT pg_reload_conf()')


def fill():
    """Posts whose authors repeat and come in no order, as in life."""
    from blog.models import Author, Comment, Notice, Post, SiteSetting, Subscriber, Tag, Visit

    dice = random.Random(1)
    authors = Author.objects.bulk_create(Author(name=f'Author {i}') for i in range(1, 151))
    tags = Tag.objects.bulk_create(Tag(name=f'tag{i}') for i in range(1, 16))
    day = datetime.date(2024, 1, 1)
    posts = Post.objects.bulk_create(
        Post(author=dice.choice(authors[:40]), title=f'Post {i}', body=f'What there is to say about {i}. ' * 60,
             published=day + datetime.timedelta(days=i))
        for i in range(300))
    Post.tags.through.objects.bulk_create(
        Post.tags.through(post=post, tag=tag) for post in posts for tag in dice.sample(tags, 3))
    Comment.objects.bulk_create(
        Comment(post=post, author=dice.choice(authors), text='So true', flagged=dice.random() < 0.2)
        for post in posts for _ in range(dice.randint(1, 4)))
    Visit.objects.bulk_create(
        (Visit(post=dice.choice(posts), seconds=dice.randint(1, 600)) for _ in range(12000)), batch_size=4000)
    subscribers = Subscriber.objects.bulk_create(Subscriber(email=f's{i}@example.org') for i in range(200))
    Notice.objects.bulk_create(Notice(subscriber=subscriber, text='Welcome') for subscriber in subscribers * 3)
    SiteSetting.objects.bulk_create(
        SiteSetting(name=name, value=value) for name, value in [('date_format', '%d %B %Y'), ('title', 'Blog')])


def connect_and_visit(client, path, keep):
    """Request a page again and again, on connections that are kept or not, as Django does it between requests."""
    from django.db import close_old_connections, connection

    # the setting is looked at when a connection is made
    connection.close()
    connection.settings_dict['CONN_MAX_AGE'] = None if keep else 0
    output = []
    until = time.monotonic() + CONNECTING
    while time.monotonic() < until:
        output.append(client.get(path).content)
        close_old_connections()
    connection.settings_dict['CONN_MAX_AGE'] = None
    return 1, output[:REQUESTS]


def visit(client, path):
    """Request every part of a page; the statements of one request, and the output of all."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    output = []
    with CaptureQueriesContext(connection) as queries:
        for part in PARTS:
            response = client.get(path, {'page': part})
            output.append(response.content)
            if response.status_code not in (200, 204):
                raise SystemExit(f'{path} answered {response.status_code}')
    statements = sum(1 for query in queries.captured_queries
                     if query['sql'].upper() not in ('BEGIN', 'COMMIT'))
    return round(statements / REQUESTS), output


def judge(page, form, listed):
    """What is wrong with this listing; nothing if it is as it should be."""
    if form == 'slow':
        if not any(row.matches(page) for row in listed):
            surely = f' ({" or ".join(page.confidences)})' if page.view == 'pg_nplusone' else ''
            return f'expected {page.pattern}{surely}' + (f', {page.link}' if page.link else '') + f', advising {page.advice}'
    elif any(row.confidence in ('proven', 'likely') or row.view != 'pg_nplusone' for row in listed):
        return 'expected nothing proven or likely, nor anything heavy'
    return None


LINE = '{:<15} {:<7} {:>10}  {:<17} {:<11} {:>6} {:>6}  {}'


def report(page, form, statements, listed, fault):
    heading = (page.name if form == 'slow' else '', form, statements)
    rows = [(row.pattern, row.confidence, row.loops or '', row.calls, row.link or '') for row in listed]
    for row in rows or [('nothing listed', '', '', '', '')]:
        print(LINE.format(*heading, *row).rstrip())
        heading = ('', '', '')
    for row in listed:
        if row.advice and form == 'slow':
            print(f'{"":<24}{row.advice}')
    if fault:
        print(f'{"":<24}WRONG: {fault}')
    sys.stdout.flush()


def main():
    observer = Observer()

    os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'
    import django
    from django.core.management import call_command
    from django.test import Client
    django.setup()
    call_command('migrate', run_syncdb=True, verbosity=0)
    fill()
    observer.ask('ANALYZE')
    observer.watch_connections()

    print(f'Django {django.get_version()}; {REQUESTS} requests for each page, on one connection\n')
    print(LINE.format('page', 'form', 'statements', 'pattern', 'confidence', 'loops', 'calls', 'link'))
    print(LINE.format('', '', '/request', '', '', '', '', '').rstrip())
    client = Client()
    wrong = {'slow': 0, 'mended': 0}
    for page in PAGES:
        outputs = {}
        for form in wrong:
            time.sleep(PAUSE)
            observer.reset()
            path = f'/{form}/{page.name}/'
            if page.view == 'pg_nplusone_connections':
                statements, outputs[form] = connect_and_visit(client, path, form == 'mended')
            else:
                statements, outputs[form] = visit(client, path)
            listed = observer.listed()
            fault = judge(page, form, listed)
            wrong[form] += bool(fault)
            report(page, form, statements, listed, fault)
        if outputs['slow'] != outputs['mended']:
            raise SystemExit(f'{page.name}: the mended page differs from the slow one')

    print("\nsuspected: repetition that nothing ties together.  That is all there is to six requests, each of\n"
          "which reads the same row once, and a mended page may show it; actions take likely and proven.")

    pages = len(PAGES)
    verdict = 'failed' if any(wrong.values()) else 'passed'
    print(f'\ndemo {verdict}: {pages - wrong["slow"]} of {pages} slow pages found, '
          f'{wrong["mended"]} of {pages} mended pages listed')
    return WRONG if any(wrong.values()) else 0


if __name__ == '__main__':
    sys.exit(main())
