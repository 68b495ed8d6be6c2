"""The pages of slow.py, each with as many statements as it needs."""

from django.db.models import Count, Exists, OuterRef, Subquery, Sum
from django.http import HttpResponse
from django.shortcuts import render

from .models import Author, Comment, Notice, Post, SiteSetting, Subscriber, Visit
from .slow import ARCHIVE_SIZE, FAR_BACK, PAGE_SIZE, front, newest_posts, page_of  # noqa: F401


def authors(request):
    posts = page_of(Post.objects.select_related('author').order_by('-id'), request)
    return render(request, 'blog/authors.html', {'posts': posts})


def comments(request):
    posts = page_of(Post.objects.prefetch_related('comments').order_by('-id'), request)
    return render(request, 'blog/comments.html', {'posts': posts})


def tags(request):
    posts = page_of(Post.objects.prefetch_related('tags').order_by('-id'), request)
    return render(request, 'blog/tags.html', {'posts': posts})


def comment_counts(request):
    posts = page_of(Post.objects.annotate(number=Count('comments')).order_by('-id'), request)
    return render(request, 'blog/lines.html', {'lines': [(post.title, post.number) for post in posts]})


def flagged(request):
    some = Comment.objects.filter(post=OuterRef('pk'), flagged=True)
    posts = page_of(Post.objects.annotate(is_flagged=Exists(some)).order_by('-id'), request)
    return render(request, 'blog/lines.html', {'lines': [(post.title, post.is_flagged) for post in posts]})


def count_views(request):
    posts = list(newest_posts(request))
    for post in posts:
        post.views += 1
    Post.objects.bulk_update(posts, ['views'])
    return HttpResponse(status=204)


def notify(request):
    Notice.objects.bulk_create(Notice(subscriber=subscriber, text='There is a new post')
                               for subscriber in page_of(Subscriber.objects.order_by('id'), request))
    return HttpResponse(status=204)


def dates(request):
    date_format = SiteSetting.objects.get(name='date_format').value
    lines = [(post.title, post.published.strftime(date_format)) for post in newest_posts(request)]
    return render(request, 'blog/lines.html', {'lines': lines})


def bodies(request):
    posts = page_of(Post.objects.only('title', 'body').order_by('-id'), request)
    return render(request, 'blog/bodies.html', {'posts': posts})


def latest(request):
    newest = Comment.objects.filter(post=OuterRef('pk')).order_by('-id')
    posts = page_of(Post.objects.annotate(newest=Subquery(newest.values('text')[:1])).order_by('-id'), request)
    return render(request, 'blog/lines.html', {'lines': [(post.title, post.newest) for post in posts]})


def clear_notices(request):
    oldest = list(Notice.objects.order_by('id').values_list('id', flat=True)[:PAGE_SIZE])
    Notice.objects.filter(id__in=oldest).delete()
    return HttpResponse(status=204)


def totals(request):
    authors = page_of(Author.objects.annotate(total=Sum('posts__views')).order_by('name'), request)
    return render(request, 'blog/lines.html', {'lines': [(author.name, author.total) for author in authors]})


def discussion(request):
    posts = page_of(Post.objects.prefetch_related('comments__author').order_by('-id'), request)
    return render(request, 'blog/discussion.html', {'posts': posts})


def archive(request):
    start = int(request.GET.get('page', 0))
    posts = Post.objects.defer('body').order_by('-id')[start:start + ARCHIVE_SIZE]
    return render(request, 'blog/titles.html', {'posts': posts})


def reading_time(request):
    # sum() in the database would do; this is for work that needs every row
    seconds = sum(visit.seconds for visit in Visit.objects.iterator(chunk_size=2000))
    return render(request, 'blog/lines.html', {'lines': [('Seconds', seconds)]})


def old_visits(request):
    # the link to the page says behind which visit it begins: here it is computed
    start = FAR_BACK + int(request.GET.get('page', 0)) * PAGE_SIZE
    last = Visit.objects.latest('id').id - start + 1
    visits = Visit.objects.filter(id__lt=last).order_by('-id')[:PAGE_SIZE]
    return render(request, 'blog/lines.html', {'lines': [(visit.id, visit.seconds) for visit in visits]})
