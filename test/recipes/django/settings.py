"""Settings of the recipe: a database named by the environment, one application."""
import os

SECRET_KEY = "recipe"
INSTALLED_APPS = ["blog"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True

# The test database is copied from a template that has the extension, so that
# the role that runs the tests need not be allowed to create it.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["RECIPE_DATABASE"],
        "TEST": {"TEMPLATE": os.environ["RECIPE_TEMPLATE"]},
    }
}
