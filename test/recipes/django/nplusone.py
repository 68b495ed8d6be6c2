"""Fail the test that holds a loop."""
from contextlib import contextmanager

from django.db import connections

LOOPS = """
    SELECT pattern, calls, coalesce(link, query), coalesce(advice, '')
      FROM pg_nplusone_session
     WHERE confidence <> 'suspected' AND NOT muted
"""


def reset(using="default"):
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_nplusone_session_reset()")


def loops(using="default"):
    """The loops since the reset, a line each."""
    with connections[using].cursor() as cursor:
        cursor.execute(LOOPS)
        return ["%s, %s executions: %s %s" % row for row in cursor.fetchall()]


class NoLoopsMixin:
    """For a TestCase: with self.assertNoLoops(): ..."""

    @contextmanager
    def assertNoLoops(self, using="default"):
        reset(using)
        yield
        found = loops(using)
        if found:
            self.fail("the test holds a loop\n" + "\n".join(found))
