"""The `hooklane` command: one subcommand a module, loaded only when it is asked for.

A new command is one line in COMMANDS. Promises: `hooklane --help` imports no subcommand; an error
of ours is one sentence on standard error and exit code 2 where the caller can mend it, else 1;
Ctrl-C is 130.
"""

import importlib
from collections.abc import Mapping
from typing import Any

import click

from hooklane.domain.errors import BrokenContract, HooklaneError, Misconfigured, Refused

# name: ("module:attribute", what `--help` says of it)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("hooklane.cli.up:up", "Start the embedded stack and every service, and stay up."),
    "demo": ("hooklane.cli.demo:demo", "Run the whole path once, show it, and stop."),
    "publish": ("hooklane.cli.publish:publish", "Publish events, checked against their schema."),
    "schemas": ("hooklane.cli.schemas:schemas", "Check the schemas of events, register them."),
    "sandbox": ("hooklane.cli.sandbox:sandbox", "Receive webhooks: verify, show, fail on purpose."),
    "tenant": ("hooklane.cli.tenant:tenant", "Create and list tenants."),
    "endpoint": ("hooklane.cli.endpoint:endpoint", "Create, change, pause, delete endpoints."),
    "key": ("hooklane.cli.key:key", "Create and revoke API keys, make portal tokens."),
    "events": ("hooklane.cli.events:events", "List and show events."),
    "deliveries": ("hooklane.cli.deliveries:deliveries", "List and show deliveries."),
    "attempts": ("hooklane.cli.attempts:attempts", "List attempts, show one."),
    "tail": ("hooklane.cli.tail:tail", "Show attempts as they are recorded."),
    "explain": ("hooklane.cli.explain:explain", "Say why an endpoint got an event, or did not."),
    "send-now": ("hooklane.cli.send_now:send_now", "Send an endpoint's waiting retries now."),
    "probe": ("hooklane.cli.probe:probe", "Send an endpoint an example, past its queue."),
    "dead-letters": ("hooklane.cli.dead_letters:dead_letters", "List and show dead letters."),
    "redrive": ("hooklane.cli.redrive:redrive", "Put dead letters back in their lane."),
    "resend": ("hooklane.cli.replay:resend", "Send a past event to an endpoint again."),
    "replay": ("hooklane.cli.replay:replay", "Replay a part of the event log to an endpoint."),
    "rejected": ("hooklane.cli.rejected:rejected", "List rejected events, match them again."),
    "settings": ("hooklane.cli.settings:settings", "List every setting and what it means."),
    "status": ("hooklane.cli.status:status", "Show lanes, tiers, dead letters and clocks."),
}


EXIT_CODES = """\b
Exit codes:
  0    done
  1    it could not be done now: something it needs is away, or did not come in time
  2    refused: what was asked for can't be, and standard error says why
  130  ended by Ctrl-C
"""
INTERRUPTED = 130


class Mendable(click.ClickException):
    """An error whose cause is what the caller gave."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group that imports a subcommand when it runs, and shows the table's words before that."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the table's order."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the subcommand."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), f"{cmd_name} is no click command"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the table, without importing what it names."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; turn an error of ours into its sentence and exit code."""
        try:
            return super().invoke(ctx)
        except HooklaneError as error:
            mendable = isinstance(error, Refused | Misconfigured | BrokenContract)
            failure = Mendable if mendable else click.ClickException
            raise failure(str(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES
)
@click.version_option(package_name="hooklane")
def main() -> None:
    """Deliver webhooks from Kafka, and lose nothing."""
