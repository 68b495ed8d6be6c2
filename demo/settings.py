"""Settings of the blog: an ordinary application behind a pooled connection."""

import os

DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': 'blog',
        'USER': 'blog',
        'HOST': os.environ['PGHOST'],
        'PORT': os.environ['PGPORT'],
        # Requests share a connection, and each statement is its own
        # transaction: what Django does unless told otherwise
        'CONN_MAX_AGE': None,
        'ATOMIC_REQUESTS': False,
    }
}
INSTALLED_APPS = ['blog']
MIDDLEWARE = ['django.middleware.common.CommonMiddleware']
ROOT_URLCONF = 'urls'
TEMPLATES = [{'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True}]
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
ALLOWED_HOSTS = ['testserver']
SECRET_KEY = 'of no use: the server lives for a minute'
USE_TZ = True
