"""django-pghistory over the table of the benchmark, as its own code sets it up: `pghistory_setup.py DATABASE_URL`.

Django makes the table itself, in the same shape as the other systems' (the benchmark compares them).
"""

import sys
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command


def configure(url):
    parts = urlsplit(url)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": parts.hostname,
                "PORT": parts.port,
                "USER": parts.username,
                "NAME": parts.path.lstrip("/"),
            }
        },
        INSTALLED_APPS=["pgtrigger", "pghistory", "shop"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        # The tables of this app are made without files of migrations; those of pghistory by its own.
        MIGRATION_MODULES={"shop": None},
        USE_TZ=True,
    )


if __name__ == "__main__":
    configure(sys.argv[1])
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("pgtrigger", "install")
