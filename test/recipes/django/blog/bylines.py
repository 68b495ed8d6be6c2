"""What is tested: the line under the title of each post."""
import os

from .models import Post


def bylines():
    posts = Post.objects.order_by("id")
    if os.environ.get("MENDED"):
        posts = posts.select_related("author")
    return [f"{post.title} by {post.author.name}" for post in posts]
