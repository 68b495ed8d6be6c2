"""Fail the test that holds a loop."""
import os

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

LOOPS = text("""
    SELECT pattern, calls, coalesce(link, query), coalesce(advice, '')
      FROM pg_nplusone_session
     WHERE confidence <> 'suspected' AND NOT muted
""")


@pytest.fixture(scope="session")
def engine():
    return create_engine(f"postgresql+psycopg2:///{os.environ['RECIPE_DATABASE']}")


@pytest.fixture
def session(engine):
    """A transaction that is rolled back, and what was found in it."""
    with Session(engine) as session:
        session.execute(text("SELECT pg_nplusone_session_reset()"))
        yield session
        found = ["%s, %s executions: %s %s" % tuple(row) for row in session.execute(LOOPS)]
        session.rollback()
    if found:
        pytest.fail("the test holds a loop\n" + "\n".join(found), pytrace=False)
