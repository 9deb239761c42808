"""The files and folders of one agent: its own below its state folder, and the rules it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sampler.agent.settings import AgentSettings
from sampler.runtime import places


@dataclass(frozen=True, slots=True)
class AgentPlaces:
    """Where an agent keeps things."""

    state: Path
    socket: Path

    @classmethod
    def of(cls, settings: AgentSettings, environment: Mapping[str, str]) -> AgentPlaces:
        """The configured places, or the default ones."""
        state = Path(settings.state) if settings.state else places.state_folder(environment, "agent")
        socket = Path(settings.socket) if settings.socket else places.agent_socket(environment)
        return cls(state.absolute(), socket.absolute())

    @property
    def certificate(self) -> Path:
        """This host's certificate, PEM."""
        return self.state / "identity" / "host.pem"

    @property
    def key(self) -> Path:
        """This host's private key, PEM, 0600."""
        return self.state / "identity" / "host.key"

    @property
    def ca(self) -> Path:
        """The queue's CA certificate, PEM."""
        return self.state / "identity" / "ca.pem"

    @property
    def consent(self) -> Path:
        """The accepted statement and the consent."""
        return self.state / "consent"

    @property
    def journal(self) -> Path:
        """What left, as it left; every user of the machine can read it."""
        return self.state / "journal"

    @property
    def compiled_rules(self) -> Path:
        """What rules compiled to; can be deleted at any time."""
        return self.state / "compiled-rules"

    @property
    def seal_key(self) -> Path:
        """The one key that snapshots were encrypted with before there was a folder of keys."""
        return self.state / "identity" / "seal.key"

    @property
    def keys(self) -> Path:
        """The keys that contents and snapshots at rest are encrypted with; without them those are lost, and gone."""
        return self.state / "keys"

    @property
    def receipt_key(self) -> Path:
        """The key that receipts and confirmations of this host's queue are believed by."""
        return self.state / "identity" / "receipt.pub"

    @property
    def receipts(self) -> Path:
        """How far the queue's receipts were followed; every user of the machine can read it."""
        return self.state / "receipts" / "standing.json"

    @property
    def retained(self) -> Path:
        """Encrypted snapshots, in case the queue asks for more of an object; can be deleted at any time."""
        return self.state / "retained"

    @property
    def held(self) -> Path:
        """Encrypted snapshots of objects whose contents wait for a person's approval."""
        return self.state / "held"

    @property
    def known(self) -> Path:
        """Verdicts by hash; can be deleted at any time."""
        return self.state / "verdicts" / "known.sqlite"

    @property
    def known_good(self) -> Path:
        """The queue's list of known good files; can be deleted at any time, and is fetched anew."""
        return self.state / "verdicts" / "known-good.list"

    @property
    def calls(self) -> Path:
        """Which runs of the administrator's command about verdicts are owed, and which were made."""
        return self.state / "verdicts" / "calls.sqlite"

    @property
    def spool(self) -> Path:
        """What waits for delivery."""
        return self.state / "spool"


def rule_folders(settings: AgentSettings) -> tuple[Path, ...]:
    """The rule folders in force: those that ship with Sampler, and the configured ones."""
    configured = tuple(Path(folder).absolute() for folder in settings.examine.rules)
    return (places.shipped("rules"), *configured) if settings.examine.shipped_rules else configured
