from blog import bylines


def test_bylines(session):
    assert len(bylines(session)) == 10
