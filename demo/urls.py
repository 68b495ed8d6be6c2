"""Every page twice: /slow/PAGE/ and /mended/PAGE/."""

from django.urls import path

from blog import mended, slow

PAGES = ['authors', 'comments', 'tags', 'comment_counts', 'flagged', 'count_views', 'notify', 'dates',
         'bodies', 'latest', 'clear_notices', 'totals', 'discussion', 'archive', 'reading_time', 'old_visits', 'front']

urlpatterns = [path(f'{form.__name__.split(".")[1]}/{page}/', getattr(form, page))
               for form in (slow, mended) for page in PAGES]
