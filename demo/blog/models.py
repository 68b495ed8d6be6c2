"""A blog: posts by authors, with tags and comments, and the notices sent to subscribers."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)

    class Meta:
        ordering = ['name']


class Post(models.Model):
    author = models.ForeignKey(Author, models.CASCADE, related_name='posts')
    tags = models.ManyToManyField(Tag, related_name='posts')
    title = models.CharField(max_length=200)
    body = models.TextField()
    published = models.DateField()
    views = models.IntegerField(default=0)


class Comment(models.Model):
    post = models.ForeignKey(Post, models.CASCADE, related_name='comments')
    author = models.ForeignKey(Author, models.CASCADE, related_name='comments')
    text = models.TextField()
    flagged = models.BooleanField(default=False)

    class Meta:
        ordering = ['id']


class Visit(models.Model):
    post = models.ForeignKey(Post, models.CASCADE, related_name='visits')
    seconds = models.IntegerField()


class Subscriber(models.Model):
    email = models.EmailField(unique=True)


class Notice(models.Model):
    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name='notices')
    text = models.CharField(max_length=200)


class SiteSetting(models.Model):
    name = models.CharField(max_length=50, unique=True)
    value = models.CharField(max_length=200)
