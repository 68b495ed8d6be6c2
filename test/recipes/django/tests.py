from django.test import TestCase

from blog.bylines import bylines
from blog.models import Author, Post
from nplusone import NoLoopsMixin


class BylinesTest(NoLoopsMixin, TestCase):
    @classmethod
    def setUpTestData(cls):
        for n in range(10):
            Post.objects.create(title=f"post {n}", author=Author.objects.create(name=f"author {n}"))

    def test_bylines(self):
        with self.assertNoLoops():
            self.assertEqual(len(bylines()), 10)
