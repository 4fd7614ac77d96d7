"""Workflows on a real runtime: every platform, a crash in the middle, and people."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import uuid4

import httpx
import orjson
import pytest

from actors.workflow import definition as d
from actors.workflow.definition import Duration, Unit
from actors.workflow.documents import write_definition
from persistence.database import Pool
from tests.cluster.conftest import ACCOUNT, BOT_TOKEN, TIMEOUT_S, Shop
from tests.cluster.test_crash import LATE, VICTIMS
from tests.cluster.test_message_path import post_webhook, sends_to
from tests.support.servers.http_server import ANSWER_S
from tests.support.servers.telegram_server import update
from tests.support.waiting import wait_for_count
from tests.support.webhooks import text_webhook
from tests.support.workflow.run import action, define

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

WORD = "می‌خواهم عضو شوم"
PROMPT = "برای عضویت، ایمیل خود را بنویسید."
EMAIL = "sara@colleague.example"
IS_OURS = d.AttributeClause("email", d.Operator.END_WITH, "@colleague.example")
TAG = "عضو"
#: A message asks for the e-mail; colleagues are handed over, others go to the AI.
WELCOME = define(
    d.Waiting("ask", PROMPT, "email", d.AnswerKind.EMAIL),
    d.Condition("ours", (IS_OURS,)),
    action("support", d.RedirectConversation(d.RedirectTo.SUPPORT)),
    action("ai", d.RedirectConversation(d.RedirectTo.AI)),
    action("tag", d.TagCustomer(TAG)),
    edges="start>ask ask>ours ours>support ours!failure>ai support>tag ai>tag",
)
DELAY = timedelta(seconds=3)
REMINDED = "یادآوری: سبد خرید شما منتظر است."
SOON = "بعداً یادم بنداز"
REMINDER = define(
    action("delay", d.Delay(Duration(3, Unit.SECONDS))),
    action("remind", d.SendMessage(REMINDED)),
)
#: Of the customer whose platform id begins so.
MINE = """ FROM messages m JOIN conversations c ON c.id = m.conversation_id
    JOIN customers k ON k.id = c.customer_id WHERE k.platform_id = $1"""
SAID = f"SELECT count(*) {MINE} AND m.content = $2 AND m.type = 'AI'"
RUNS = """SELECT count(*) FROM workflow_runs r JOIN customers k
    ON k.id = r.customer_id WHERE k.platform_id = $1 AND r.status = $2"""


def activate(shop: Shop, definition: d.Definition, word: str) -> str:
    """Make a workflow that begins with a word, and activate it; return its address."""
    begin = d.When("start", d.ReceiveMessage(keywords=(word,)))
    begun = d.Definition((begin, *definition.nodes[1:]), definition.connections)
    document = orjson.loads(write_definition(begun))
    made = shop.api.post("/api/workflow/workflows/", json={"name": word, **document})
    assert made.status_code == httpx.codes.CREATED, made.text
    path = f"/api/workflow/workflows/{made.json()['id']}/"
    assert shop.api.post(f"{path}activate/").is_success
    return path


@pytest.fixture(scope="module")
def workflows(shop: Shop) -> Iterator[None]:
    """Both workflows, active while these tests last."""
    paths = [activate(shop, WELCOME, WORD), activate(shop, REMINDER, SOON)]
    yield
    for path in paths:
        shop.api.post(f"{path}pause/").raise_for_status()


class Visitor:
    """A customer on the website."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._visitor = shop.make_visitor()
        self.customer = self._visitor["visitor_id"]

    def write(self, text: str) -> None:
        """Write to the shop."""
        key = self._shop.website["channel_key"]
        httpx.post(
            f"{self._shop.runtime.url}/webhooks/website/{key}/messages/",
            json={**self._visitor, "content": text},
            timeout=ANSWER_S,
        ).raise_for_status()

    def heard(self, text: str) -> int:
        """How often the platform was handed a text; here storing is the delivery."""
        del text
        return 1


class InstagramCustomer:
    """A customer on Instagram."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self.customer = uuid4().hex

    def write(self, text: str) -> None:
        """Write to the shop."""
        body = text_webhook(ACCOUNT, self.customer, f"m_{uuid4().hex}", text)
        assert post_webhook(self._shop, body).status_code == httpx.codes.OK

    def heard(self, text: str) -> int:
        """How often the customer got a text."""
        return sum(send.text == text for send in sends_to(self._shop, self.customer))


class TelegramCustomer:
    """A customer on Telegram."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._chat = uuid4().int % 10**9
        self.customer = str(self._chat)
        channels = shop.api.get("/api/channels/").json()["results"]
        bots = [one for one in channels if one["name"] == "bot of the workflows"]
        if not bots:
            made = shop.api.post(
                "/api/channels/",
                json={
                    "kind": "telegram",
                    "name": "bot of the workflows",
                    "bot_token": BOT_TOKEN,
                },
            )
            assert made.status_code == httpx.codes.CREATED, made.text
            bots = [made.json()]
        self._path, self._secret = bots[0]["webhook_path"], bots[0]["webhook_secret"]

    def write(self, text: str) -> None:
        """Write to the shop's bot."""
        answer = httpx.post(
            f"{self._shop.runtime.url}{self._path}",
            json=update(uuid4().int % 10**9, self._chat, text=text),
            headers={"X-Telegram-Bot-Api-Secret-Token": self._secret},
            timeout=ANSWER_S,
        )
        assert answer.status_code == httpx.codes.OK, answer.text

    def heard(self, text: str) -> int:
        """How often the customer got a text."""
        return sum(
            call.is_done
            and call.text == text
            and str(call.payload["chat_id"]) == self.customer
            for call in self._shop.telegram.sends
        )


CUSTOMERS: dict[str, Callable[[Shop], Visitor | InstagramCustomer | TelegramCustomer]]
CUSTOMERS = {
    "website": Visitor,
    "instagram": InstagramCustomer,
    "telegram": TelegramCustomer,
}


@pytest.mark.parametrize("platform", CUSTOMERS)
@pytest.mark.usefixtures("workflows")
async def test_a_welcome_goes_on_after_a_crash_in_the_middle(
    shop: Shop, rows: Pool, platform: str
) -> None:
    person = CUSTOMERS[platform](shop)
    wait = partial(wait_for_count, rows, timeout_s=TIMEOUT_S)
    person.write(WORD)
    delivered = f"{SAID} AND m.delivery = 'sent'"
    await wait(delivered, 1, person.customer, PROMPT)
    for process in VICTIMS["shards"](shop):
        process.kill()
    shop.wait_until_parts("ok", "shards")
    person.write(f"ایمیلم {EMAIL} هست")
    await wait(RUNS, 1, person.customer, "completed")
    row = await rows.fetchrow(
        """SELECT k.tags, k.attributes, c.status, c.state ->> 'runs' AS runs
        FROM conversations c JOIN customers k ON k.id = c.customer_id
        WHERE k.platform_id = $1""",
        person.customer,
    )
    assert row is not None
    assert (row["tags"], row["attributes"]) == ([TAG], {"email": EMAIL})
    assert (row["status"], row["runs"]) == ("support_active", "[]")
    assert await rows.fetchval(SAID, person.customer, PROMPT) == 1
    assert person.heard(PROMPT) == 1
    # Neither message was answered by the AI as well.
    everything = f"SELECT count(*) {MINE} AND m.type = 'AI'"
    assert await rows.fetchval(everything, person.customer) == 1


@pytest.mark.usefixtures("workflows")
async def test_a_delay_armed_before_a_kill_fires_once_and_on_time(
    shop: Shop, rows: Pool
) -> None:
    person = Visitor(shop)
    person.write(SOON)
    due = """SELECT t.due_at FROM timers t JOIN conversations c
        ON c.id = t.conversation_id JOIN customers k ON k.id = c.customer_id
        WHERE k.platform_id = $1 AND t.kind = 'workflow'"""
    delayed = """SELECT count(*) FROM workflow_runs r JOIN customers k
        ON k.id = r.customer_id WHERE k.platform_id = $1 AND r.waiting_for = 'delay'"""
    await wait_for_count(rows, delayed, 1, person.customer, timeout_s=TIMEOUT_S)
    due_at = await rows.fetchval(due, person.customer)
    for process in VICTIMS["shards"](shop):
        process.kill()
    shop.wait_until_parts("ok", "shards")
    back = await rows.fetchval("SELECT now()")
    await wait_for_count(rows, SAID, 1, person.customer, REMINDED, timeout_s=TIMEOUT_S)
    said_at = await rows.fetchval(
        f"SELECT m.created_at {MINE} AND m.content = $2", person.customer, REMINDED
    )
    assert due_at <= said_at < max(due_at, back) + LATE
    await wait_for_count(rows, RUNS, 1, person.customer, "completed")
    assert await rows.fetchval(SAID, person.customer, REMINDED) == 1


@pytest.mark.usefixtures("workflows")
async def test_a_person_who_answers_during_a_wait_ends_it(
    shop: Shop, rows: Pool
) -> None:
    person = Visitor(shop)
    person.write(WORD)
    await wait_for_count(rows, SAID, 1, person.customer, PROMPT, timeout_s=TIMEOUT_S)
    found = shop.api.get("/api/conversations/", params={"q": person.customer}).json()
    (conversation,) = found["results"]
    assert conversation["reply_right"]["holder"] == "workflow"
    path = f"/api/conversations/{conversation['id']}/"
    answered = shop.api.post(f"{path}messages/", json={"content": "سلام، من هستم."})
    assert answered.is_success, answered.text
    await wait_for_count(rows, RUNS, 1, person.customer, "cancelled")
    assert shop.api.get(path).json()["reply_right"]["holder"] == "person"
    person.write(EMAIL)
    waiting = f"SELECT count(*) {MINE} AND m.content = $2"
    await wait_for_count(rows, waiting, 1, person.customer, EMAIL)
    card = await rows.fetchval(
        "SELECT attributes FROM customers WHERE platform_id = $1", person.customer
    )
    assert card == {}
