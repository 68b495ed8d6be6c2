"""What is tested: the line under the title of each post."""
import os

from sqlalchemy import Column, ForeignKey, Integer, Text
from sqlalchemy.orm import declarative_base, relationship, selectinload

Base = declarative_base()


class Author(Base):
    __tablename__ = "author"
    id = Column(Integer, primary_key=True)
    name = Column(Text)


class Post(Base):
    __tablename__ = "post"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("author.id"))
    title = Column(Text)
    author = relationship(Author)


def bylines(session):
    posts = session.query(Post).order_by(Post.id)
    if os.environ.get("MENDED"):
        posts = posts.options(selectinload(Post.author))
    return [f"{post.title} by {post.author.name}" for post in posts.all()]
