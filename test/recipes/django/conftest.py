import nplusone
import pytest


@pytest.fixture
def no_loops(db):
    """Name it last, behind the fixtures that fill tables row by row."""
    nplusone.reset()
    yield
    found = nplusone.loops()
    if found:
        pytest.fail("the test holds a loop\n" + "\n".join(found), pytrace=False)
