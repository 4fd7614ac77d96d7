"""The command line: the verbs of `pilito`, their arguments and their help.

Each verb does its work in a file of this folder, `up` in `deployments/runtime`. Those
files are imported when their verb runs: `pilito --help` waits for none of them.
"""

import asyncio
import sys
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from config.settings import PASSWORD_VARIABLE, SettingsError, load_settings
from persistence.errors import PersistenceError
from persistence.users import Role
from retrieval.errors import RetrievalError
from retrieval.evaluation.report import Pipeline

app = typer.Typer(
    help="Pilito answers, hands over and never loses a customer's message.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

USAGE_ERROR = 2

Password = Annotated[
    str, typer.Option(help="Asked for when left out.", envvar=PASSWORD_VARIABLE)
]
AnyRole = Annotated[
    Role, typer.Option(help="Owners also handle channels, people and settings.")
]


def main() -> None:
    """Run the command line; a wrong setting is one clear line and exit 2."""
    try:
        app()
    except SettingsError as error:
        sys.exit(_complain(str(error), USAGE_ERROR))
    except (PersistenceError, RetrievalError) as error:
        sys.exit(_complain(str(error), 1))


@app.command()
def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Add a Persian clothing shop to try it on.")
    ] = False,
) -> None:
    """Run everything in the foreground, until Ctrl-C."""
    from deployments import runtime
    from deployments.answers.embedders import check_embedding_model

    settings = load_settings()
    check_embedding_model(settings.embedding_model)
    raise typer.Exit(runtime.up(settings, demo=demo))


@app.command()
def createuser(
    username: str,
    tenant: Annotated[
        str, typer.Option(help="The business; made if there is none of that name.")
    ],
    role: AnyRole = Role.OWNER,
    password: Password = "",
) -> None:
    """Create a person who signs in for a business."""
    from deployments.commands.accounts import create

    create(username, tenant, password, role=role, is_superuser=False, say=typer.echo)


@app.command()
def createsuperuser(
    username: str,
    tenant: Annotated[str, typer.Option(help="The business they belong to.")],
    role: AnyRole = Role.OWNER,
    password: Password = "",
) -> None:
    """Create a person who may also administer the runtime."""
    from deployments.commands.accounts import create

    create(username, tenant, password, role=role, is_superuser=True, say=typer.echo)


@app.command()
def passwd(username: str, password: Password = "") -> None:
    """Give a person another password, and end all their sign-ins."""
    from deployments.commands.accounts import change_password

    change_password(username, password, typer.echo)


@app.command()
def disable(username: str) -> None:
    """Shut a person out at once: sign-ins, API keys and open windows end."""
    from deployments.commands.accounts import set_active

    set_active(username, typer.echo, is_active=False)


@app.command()
def enable(username: str) -> None:
    """Let a person who was disabled sign in again."""
    from deployments.commands.accounts import set_active

    set_active(username, typer.echo, is_active=True)


@app.command("logout-everywhere")
def logout_everywhere(username: str) -> None:
    """End all sign-ins of a person, who may sign in again."""
    from deployments.commands.accounts import log_out_everywhere

    log_out_everywhere(username, typer.echo)


@app.command("erase-customer")
def erase_customer(
    customer_id: UUID,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Forget a customer: card, messages, history and everything made of them.

    This can't be undone. The id stands in the address of the customer's card.
    """
    from deployments.commands.database import running_database
    from deployments.commands.erasing import erase_customer as run
    from deployments.runtime.data_dir import with_kept_key
    from deployments.wiring import get_keyed_hash
    from persistence.ids import CustomerId

    if not yes:
        typer.confirm(f"Erase customer {customer_id} for ever?", abort=True)
    settings = load_settings()
    with running_database(settings) as dsn:
        keyed_hash = get_keyed_hash(with_kept_key(settings))
        asyncio.run(run(dsn, keyed_hash, CustomerId(customer_id), typer.echo))


@app.command("delete-tenant")
def delete_tenant(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Delete a business with its people, channels, customers and knowledge.

    This can't be undone. Unless --yes is given, the name has to be typed again.
    """
    from deployments.commands.database import running_database
    from deployments.commands.erasing import delete_tenant as run
    from deployments.runtime.data_dir import with_kept_key
    from deployments.wiring import get_keyed_hash

    if not yes and typer.prompt("Type its name again") != name:
        raise typer.Exit(_complain("the names differ; nothing was deleted", 1))
    settings = load_settings()
    with running_database(settings) as dsn:
        keyed_hash = get_keyed_hash(with_kept_key(settings))
        asyncio.run(run(dsn, keyed_hash, name, typer.echo))


@app.command()
def db() -> None:
    """Open psql on the runtime's database."""
    from deployments.commands.database import open_psql

    raise typer.Exit(open_psql(load_settings()))


@app.command()
def replay(conversation_id: UUID) -> None:
    """Rebuild a conversation from its events and compare it with what is stored.

    Ends with 0 when they are the same, 1 when not, 2 when there is nothing to compare.
    It reads and never writes: run it beside a runtime that is at work.
    """
    from actors.conversation.rules.policy import Policy
    from deployments.commands.database import find_database
    from deployments.commands.replay import replay as run
    from persistence.ids import ConversationId

    settings = load_settings()
    policy = Policy(
        reply_debounce=settings.reply_debounce, share_timeout=settings.share_timeout
    )
    verdict = asyncio.run(
        run(
            find_database(settings),
            ConversationId(conversation_id),
            policy,
            typer.echo,
        )
    )
    raise typer.Exit(verdict)


@app.command("seed-services")
def seed_services(
    file: Annotated[
        Path | None, typer.Option(help="PILITO_SERVICES_JSON when left out.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="The business; may be left out if there is only one.")
    ] = "",
    update: Annotated[
        bool, typer.Option("--update", help="Also change services that differ.")
    ] = False,
) -> None:
    """Have the services of a file watched."""
    from deployments.commands.database import load_cipher, running_database
    from deployments.commands.seed_services import load_services, seed_file

    settings = load_settings()
    wanted = load_services(file or settings.services_json)
    with running_database(settings) as dsn:
        # The database's start has made the data directory, where the key is kept.
        cipher = load_cipher(settings)
        asyncio.run(
            seed_file(dsn, cipher, wanted, tenant, update=update, say=typer.echo)
        )


@app.command("rotate-keys")
def rotate_keys(
    old_key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with a former key that is in no list, of any length."
        ),
    ] = None,
) -> None:
    """Encrypt all stored secrets by the first key of PILITO_SECRET_KEY.

    First restart the runtime with the new key before the old one in the list, so that
    it reads both. May be interrupted and run again. Ends with 1 when a value can't be
    read by any key; such values are left as they are.
    """
    from deployments.commands.database import load_cipher, running_database
    from deployments.commands.rotate_keys import load_old_key
    from deployments.commands.rotate_keys import rotate_keys as run

    settings = load_settings()
    older = load_old_key(old_key_file)
    with running_database(settings) as dsn:
        status = asyncio.run(run(dsn, load_cipher(settings, older), typer.echo))
    raise typer.Exit(status)


_Corpus = Annotated[Path | None, typer.Option(help="Passages, JSONL: id, title, text.")]
_Queries = Annotated[
    Path | None, typer.Option(help="Questions, JSONL: text, relevant.")
]
_Pipeline = Annotated[Pipeline, typer.Option(help="What is to be measured.")]
_Dialogues = Annotated[
    Path | None,
    typer.Option(help="Shops, a folder each: documents.jsonl, dialogues.jsonl."),
]
_Failures = Annotated[
    bool, typer.Option("--failures", help="Print every turn that failed.")
]
_LlmUrl = Annotated[
    str, typer.Option(help="Have this OpenAI-compatible endpoint answer.")
]
_LlmModel = Annotated[
    str, typer.Option(help="Its model; PILITO_LLM_MODEL when left out.")
]
_LlmKey = Annotated[
    str, typer.Option(help="Its key; PILITO_LLM_API_KEY when left out.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def evaluate(
    corpus: _Corpus = None,
    queries: _Queries = None,
    pipeline: _Pipeline = Pipeline.PRODUCTION_RAG,
    dialogues: _Dialogues = None,
    shop: Annotated[str, typer.Option(help="Play this shop only.")] = "",
    failures: _Failures = False,
    llm_url: _LlmUrl = "",
    llm_model: _LlmModel = "",
    llm_key: _LlmKey = "",
    as_json: _Json = False,
) -> None:
    """Measure how well a labelled set is found, or how well dialogues are answered.

    Either --corpus and --queries, or --dialogues. By the embedding model and the weight
    of the settings, as the runtime searches.
    """
    from deployments.answers.errors import AnswersError
    from deployments.commands.evaluate import evaluate as search
    from deployments.commands.evaluate_dialogues import (
        evaluate_dialogues,
        name_endpoint,
    )
    from retrieval.evaluation.labelled import LabelledSetError

    settings = load_settings()
    try:
        if dialogues is not None and corpus is None and queries is None:
            evaluate_dialogues(
                dialogues,
                shop=shop,
                model=settings.embedding_model,
                llm=name_endpoint(settings, llm_url, llm_model, llm_key),
                as_json=as_json,
                shows_failures=failures,
            )
        elif dialogues is None and corpus is not None and queries is not None:
            search(
                corpus,
                queries,
                pipeline,
                model=settings.embedding_model,
                dense_weight=settings.dense_weight,
                as_json=as_json,
            )
        else:
            message = "give --corpus and --queries, or --dialogues"
            raise typer.Exit(_complain(message, USAGE_ERROR))
    except LabelledSetError as error:
        raise typer.Exit(_complain(str(error), USAGE_ERROR)) from error
    except AnswersError as error:
        raise typer.Exit(_complain(str(error), 1)) from error


@app.command("fetch-model")
def fetch_model(
    name: Annotated[
        str, typer.Argument(help="PILITO_EMBEDDING_MODEL when left out.")
    ] = "",
) -> None:
    """Download an embedding model of the Hugging Face hub onto this machine."""
    from deployments.commands.fetch_model import fetch_model as run

    run(name or load_settings().embedding_model, typer.echo)


@app.command("analyze-logs")
def analyze_logs(
    hours: Annotated[
        int, typer.Option(min=1, max=744, help="How far back to look.")
    ] = 24,
    tenant: Annotated[
        str | None, typer.Option(help="One business; all of them when left out.")
    ] = None,
) -> None:
    """Find anomalies in the checks of services, and write digests."""
    from deployments.commands.analyze_logs import analyze_logs as run
    from deployments.commands.database import find_database
    from deployments.monitoring.errors import AnalysisBusyError

    settings = load_settings()
    try:
        status = asyncio.run(
            run(find_database(settings), settings, tenant, hours, typer.echo)
        )
    except AnalysisBusyError as error:
        raise typer.Exit(_complain(str(error), 1)) from error
    raise typer.Exit(status)


def _complain(message: str, code: int) -> int:
    typer.echo(f"pilito: {message}", err=True)
    return code
