"""The pages as they are often written: each asks once more for every row of a list,
or for more than it shows.

Where the mistake sits in a template, the view looks innocent.  mended.py has
the same pages with the same output.
"""

from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import render

from .models import Author, Notice, Post, SiteSetting, Subscriber, Visit

PAGE_SIZE = 20
ARCHIVE_SIZE = 150
FAR_BACK = 5000


def page_of(queryset, request):
    """The rows of the page that ?page= asks for."""
    start = int(request.GET.get('page', 0)) * PAGE_SIZE
    return queryset[start:start + PAGE_SIZE]


def newest_posts(request):
    return page_of(Post.objects.order_by('-id'), request)


def authors(request):
    return render(request, 'blog/authors.html', {'posts': newest_posts(request)})


def comments(request):
    return render(request, 'blog/comments.html', {'posts': newest_posts(request)})


def tags(request):
    return render(request, 'blog/tags.html', {'posts': newest_posts(request)})


def comment_counts(request):
    lines = [(post.title, post.comments.count()) for post in newest_posts(request)]
    return render(request, 'blog/lines.html', {'lines': lines})


def flagged(request):
    lines = [(post.title, post.comments.filter(flagged=True).exists()) for post in newest_posts(request)]
    return render(request, 'blog/lines.html', {'lines': lines})


def count_views(request):
    for post in newest_posts(request):
        post.views += 1
        post.save()
    return HttpResponse(status=204)


def notify(request):
    for subscriber in page_of(Subscriber.objects.order_by('id'), request):
        Notice.objects.create(subscriber=subscriber, text='There is a new post')
    return HttpResponse(status=204)


def dates(request):
    lines = []
    for post in newest_posts(request):
        date_format = SiteSetting.objects.get(name='date_format').value
        lines.append((post.title, post.published.strftime(date_format)))
    return render(request, 'blog/lines.html', {'lines': lines})


def bodies(request):
    posts = page_of(Post.objects.only('title').order_by('-id'), request)
    return render(request, 'blog/bodies.html', {'posts': posts})


def latest(request):
    lines = []
    for post in newest_posts(request):
        comment = post.comments.order_by('-id').first()
        lines.append((post.title, comment.text if comment else None))
    return render(request, 'blog/lines.html', {'lines': lines})


def clear_notices(request):
    for notice in Notice.objects.order_by('id')[:PAGE_SIZE]:
        notice.delete()
    return HttpResponse(status=204)


def totals(request):
    lines = [(author.name, author.posts.aggregate(total=Sum('views'))['total'])
             for author in page_of(Author.objects.order_by('name'), request)]
    return render(request, 'blog/lines.html', {'lines': lines})


def discussion(request):
    return render(request, 'blog/discussion.html', {'posts': newest_posts(request)})


def archive(request):
    start = int(request.GET.get('page', 0))
    return render(request, 'blog/titles.html', {'posts': Post.objects.order_by('-id')[start:start + ARCHIVE_SIZE]})


def reading_time(request):
    seconds = sum(visit.seconds for visit in Visit.objects.all())
    return render(request, 'blog/lines.html', {'lines': [('Seconds', seconds)]})


def old_visits(request):
    start = FAR_BACK + int(request.GET.get('page', 0)) * PAGE_SIZE
    visits = Visit.objects.order_by('-id')[start:start + PAGE_SIZE]
    return render(request, 'blog/lines.html', {'lines': [(visit.id, visit.seconds) for visit in visits]})


def front(request):
    return HttpResponse(Post.objects.get(pk=1).title)
