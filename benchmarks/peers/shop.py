"""The usual way in its smallest honest form: a Django view, its ORM, Redis, Celery.

A webhook is verified and stored in one transaction, the conversation's state goes into
the cache, and a task is queued that begins the answer. Settings, models, view, task
and both entry points (`shop:wsgi`, `shop:queue`) are in this file.
"""

import hashlib
import hmac
import json
import os

import django
from celery import Celery
from django.conf import settings

REDIS = os.environ["PEER_REDIS"]
SECRET = os.environ["PEER_SECRET"].encode()

settings.configure(
    SECRET_KEY="signs nothing",  # noqa: S106 - nothing is signed with it
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PEER_PG_HOST"],
            "USER": os.environ["PEER_PG_USER"],
            "NAME": "peer",
            # A connection per request would be unfair.
            "CONN_MAX_AGE": None,
        }
    },
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"{REDIS}/1",
        }
    },
)
django.setup()

from django.core.cache import cache  # noqa: E402 - Django must be set up first
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

queue = Celery("shop", broker=f"{REDIS}/0")
queue.conf.task_ignore_result = True


class Customer(models.Model):
    """Who writes."""

    platform_id = models.TextField(unique=True)

    class Meta:
        app_label = "shop"


class Conversation(models.Model):
    """What they have with the shop."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE)
    status = models.TextField(default="active")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "shop"


class Message(models.Model):
    """What was said; `mid` makes a repeated webhook known."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE)
    mid = models.TextField(unique=True)
    content = models.TextField()
    processing_status = models.TextField(default="pending")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "shop"


@queue.task
def begin_answer(message_id: int) -> None:
    """Take the message on; writing the answer is measured on neither side."""
    Message.objects.filter(id=message_id).update(processing_status="processing")


def webhook(request: HttpRequest) -> HttpResponse:
    """Store what came, and have it answered."""
    expected = "sha256=" + hmac.new(SECRET, request.body, hashlib.sha256).hexdigest()
    signature = request.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(signature, expected):
        return HttpResponse(status=401)
    for entry in json.loads(request.body)["entry"]:
        for item in entry["messaging"]:
            store(item["sender"]["id"], item["message"])
    return HttpResponse("ok")


def store(sender: str, message: dict[str, str]) -> None:
    """Store one message once, and queue its answer after the commit."""
    with transaction.atomic():
        customer, _ = Customer.objects.get_or_create(platform_id=sender)
        conversation, _ = Conversation.objects.get_or_create(customer=customer)
        stored, is_new = Message.objects.get_or_create(
            mid=message["mid"],
            defaults={"conversation": conversation, "content": message["text"]},
        )
        if not is_new:
            return
        conversation.save(update_fields=["updated_at"])
    state = {"status": conversation.status, "last_message_id": stored.id}
    cache.set(f"conversation_state:{conversation.id}", state, timeout=3600)
    begin_answer.delay(stored.id)


urlpatterns = [path("webhooks/instagram/", webhook)]
wsgi = get_wsgi_application()


def make_tables() -> None:
    """Create the tables; there is no history to migrate."""
    with connection.schema_editor() as editor:
        for model in (Customer, Conversation, Message):
            editor.create_model(model)


if __name__ == "__main__":
    make_tables()
