"""`hooklane schemas check` and `register`: schema files to the registry, never past a rule.

`check` reads files, then asks the registry, and changes nothing. `register` does the same and then
registers what is new, in order. Promises: nothing is registered while anything is wrong with any
type, and a version's number in the registry is its file's number.
"""

from pathlib import Path

import click

from hooklane.adapters import kafka
from hooklane.adapters.codec import schemas_dir
from hooklane.adapters.registry import FULL_TRANSITIVE, HttpRegistry
from hooklane.adapters.schema_registry import SchemaRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.cli import addresses
from hooklane.cli.schema_files import EventType, event_types, faults
from hooklane.domain.avro_schema import namespace_of
from hooklane.domain.errors import Conflict, Invalid, NotFound, Unavailable
from hooklane.domain.topics import TopicSpec

PARTITIONS = 6
TOPIC_SETTINGS = {"message.timestamp.type": "LogAppendTime"}

schemas_option = click.option(
    "--schemas",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of <type>/vN.avsc.  [default: schemas/events, else the package's]",
)
registry_option = click.option(
    "--registry", "url", help="The registry's URL.  [default: that of the running stack]"
)


@click.group()
def schemas() -> None:
    """Check the schemas of events, and register them."""


@schemas.command()
@schemas_option
@registry_option
@addresses.dir_option
@click.option("--offline", is_flag=True, help="Do not ask the registry.")
def check(*, folder: Path | None, url: str | None, directory: Path | None, offline: bool) -> None:
    """Check names, docs and the compatibility of every pair of versions; then ask the registry."""
    types = checked(folder)
    count = sum(len(event_type.versions) for event_type in types)
    click.echo(f"{len(types)} event types, {count} versions: nothing wrong in the files")
    if offline:
        return
    registry = HttpRegistry(registry_at(url, directory))
    try:
        new = [row for event_type in types for row in unregistered(registry, event_type)]
    except Unavailable as error:
        raise Unavailable(
            f"{error.detail} (the files are good; --offline asks no registry)"
        ) from None
    for name, version in new:
        click.echo(f"{name} v{version} is not registered yet; the registry has nothing against it")
    click.echo("the registry agrees")


@schemas.command()
@schemas_option
@registry_option
@addresses.dir_option
@click.option(
    "--partitions", type=click.IntRange(1, 1000), default=PARTITIONS, show_default=True,
    help="Of an events topic that is created.",
)  # fmt: skip
def register(
    *, folder: Path | None, url: str | None, directory: Path | None, partitions: int
) -> None:
    """Register every version that is new, and create the topics of their events."""
    types = checked(folder)
    registry = HttpRegistry(registry_at(url, directory))
    # Everything is asked before anything is changed.
    new = {event_type.name: unregistered(registry, event_type) for event_type in types}
    create_topics(addresses.kafka_settings(directory), types, partitions=partitions)
    for event_type in types:
        for _, version in new[event_type.name]:
            register_version(registry, event_type, version=version)
        known = len(event_type.versions) - len(new[event_type.name])
        click.echo(f"{event_type.name}: {len(new[event_type.name])} registered, {known} known")


def checked(folder: Path | None) -> list[EventType]:
    """Read the files and refuse them if anything is wrong.

    Raises:
        Invalid: all that is wrong, a line each.
    """
    types = event_types(folder or default_folder())
    found = [fault for event_type in types for fault in faults(event_type)]
    if found:
        raise Invalid("\n".join(("", *found)))
    return types


def default_folder() -> Path:
    """Give the checkout's folder where we stand in one, else the package's."""
    here = Path("schemas") / "events"
    return here if here.is_dir() else schemas_dir() / "events"


def registry_at(url: str | None, directory: Path | None) -> RegistrySettings:
    """Give the registry's settings, the named URL first."""
    settings = addresses.registry_settings(directory)
    return settings if url is None else settings.model_copy(update={"url": url})


def unregistered(registry: SchemaRegistry, event_type: EventType) -> list[tuple[str, int]]:
    """Give the versions a registry does not have yet.

    Raises:
        Conflict: what it has is not what the files say, would get another number, or it objects.
    """
    name, known = event_type.name, registry.versions(event_type.name)
    for version in known:
        ours = event_type.versions.get(version)
        if ours is None:
            raise Conflict(
                f"the registry has {name} version {version}; there is no v{version}.avsc"
            )
        if registry.version(name, version).schema != ours:
            raise Conflict(
                f"the registry's {name} version {version} is not what v{version}.avsc says"
            )
    new = [version for version in event_type.versions if version not in known]
    following = max(known, default=0) + 1
    if new and new[0] != following:
        raise Conflict(f"the registry would call {name} v{new[0]}.avsc version {following}")
    for version in new if known else ():
        said = registry.objections(name, event_type.versions[version])
        if said:
            raise Conflict(f"the registry objects to {name} v{version}: {'; '.join(said)}")
    return [(name, version) for version in new]


def register_version(registry: SchemaRegistry, event_type: EventType, *, version: int) -> None:
    """Register one version and see that it got its file's number."""
    name = event_type.name
    if version > 1:
        registry.set_compatibility(name, FULL_TRANSITIVE)
    registry.register(name, event_type.versions[version])
    if version == 1:
        registry.set_compatibility(name, FULL_TRANSITIVE)
    try:
        got = registry.version(name, version)
    except NotFound:
        got = registry.version(name)
    if got.version != version or got.schema != event_type.versions[version]:
        raise Conflict(f"the registry calls {name} v{version}.avsc version {got.version}")


def create_topics(settings: KafkaSettings, types: list[EventType], *, partitions: int) -> None:
    """Create the events topics that are missing; those that exist stay as they are."""
    admin = kafka.admin(settings)
    wanted = {f"events.{namespace_of(event_type.name)}" for event_type in types}
    missing = sorted(wanted.difference(admin.topics()))
    specs = [
        TopicSpec(name=topic, partitions=partitions, settings=TOPIC_SETTINGS) for topic in missing
    ]
    admin.ensure(specs, replication=settings.replication)
    admin.close()
    for topic in missing:
        click.echo(f"topic {topic} created")
