import pytest

from blog.bylines import bylines
from blog.models import Author, Post


@pytest.fixture
def ten_posts(db):
    for n in range(10):
        Post.objects.create(title=f"post {n}", author=Author.objects.create(name=f"author {n}"))


def test_bylines(ten_posts, no_loops):
    assert len(bylines()) == 10
