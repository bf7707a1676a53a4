"""Settings, read from the environment once per process; docs/settings.md holds the same table."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any


class SettingsError(Exception):
    """A setting is missing or cannot be read."""


# What each address may begin with.
SCHEMES = {
    "database_url": ("postgresql", "postgres"),
    "broker_url": ("redis", "rediss", "amqp", "amqps"),
    "attachments_url": ("s3", "file"),
    "smtp_url": ("smtp", "smtp+starttls", "smtps"),
    "base_url": ("http", "https"),
}


def _setting(variable: str, default: Any, description: str) -> Any:
    metadata = {"variable": variable, "description": description}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    database_url: str | None = _setting(
        "DATABASE_URL",
        None,
        "PostgreSQL server; when absent an embedded one is started in the data directory",
    )
    broker_url: str | None = _setting(
        "BROKER_URL",
        None,
        "redis:// or amqp:// address of the job broker; when absent the database is the broker",
    )
    data_dir: Path = _setting(
        "DATA_DIR", Path(".data"), "Directory of the embedded database, attachments and keys"
    )
    dictionary: Path | None = _setting(
        "DICTIONARY",
        None,
        "File with technical terms of one's own field, one a line, that are kept whole as words",
    )
    host: str = _setting("HOST", "127.0.0.1", "Address the web server listens on")
    port: int = _setting("PORT", 8000, "Port the web server listens on")
    secret_key: str = _setting(
        "SECRET_KEY", "", "Signs form tokens; made and kept in the data directory when no DATABASE_URL is set"
    )
    sealing_key: str = _setting(
        "SEALING_KEY",
        "",
        "Wraps the keys of sealed bids; when absent SECRET_KEY does. Without it, sealed bids cannot be opened",
    )
    smtp_url: str | None = _setting(
        "SMTP_URL",
        None,
        "smtp://, smtp+starttls:// or smtps:// address for mail; when absent mail is only logged",
    )
    mail_from: str = _setting("MAIL_FROM", "jiebang@localhost", "Sender address of mail")
    base_url: str | None = _setting(
        "BASE_URL",
        None,
        "Address under which people reach the product; used in mail, feeds and for secure cookies",
    )
    trusted_proxies: str = _setting(
        "TRUSTED_PROXIES", "", "Comma-separated addresses or networks whose X-Forwarded-For is believed"
    )
    demo: bool = _setting(
        "DEMO", False, "Shows the mailbox and the demo accounts; never set it in production"
    )
    worker_threads: int = _setting("WORKER_THREADS", 4, "Threads of one worker process")
    max_upload_mb: int = _setting("MAX_UPLOAD_MB", 20, "Largest attachment, in MiB")
    attachments_url: str | None = _setting(
        "ATTACHMENTS_URL",
        None,
        "s3://bucket/prefix or file:///directory of attachments; when absent they are in the data directory",
    )
    clamav_address: str = _setting(
        "CLAMAV_ADDRESS",
        "",
        "host:port or /path/of/socket of ClamAV's daemon, which looks at every upload; when absent nothing does",
    )
    session_days: int = _setting("SESSION_DAYS", 14, "Days after which an unused login ends")
    login_attempts_per_account: int = _setting(
        "LOGIN_ATTEMPTS_PER_ACCOUNT",
        8,
        "Failed logins of one account within 15 minutes before it has to wait",
    )
    login_attempts_per_address: int = _setting(
        "LOGIN_ATTEMPTS_PER_ADDRESS",
        60,
        "Failed logins from one address within 15 minutes before it has to wait",
    )

    @cached_property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """TRUSTED_PROXIES as networks; raises SettingsError for what is none."""
        networks = []
        for item in filter(None, (part.strip() for part in self.trusted_proxies.split(","))):
            try:
                networks.append(ip_network(item, strict=False))
            except ValueError:
                raise SettingsError(f"TRUSTED_PROXIES: {item!r} is no address or network") from None
        return tuple(networks)

    @property
    def public_url(self) -> str:
        """Address people use, without a trailing slash."""
        return (self.base_url or self.local_url).rstrip("/")

    @property
    def local_url(self) -> str:
        """Address of the web server from this machine."""
        # Listening everywhere is no address to go to.
        host = "localhost" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def attachments_dir(self) -> Path:
        return self.data_dir / "attachments"

    @classmethod
    def from_environment(cls, environment: dict[str, str] | None = None) -> "Settings":
        """Read settings; raises SettingsError naming the variable that cannot be used."""
        environment = dict(os.environ) if environment is None else environment
        values: dict[str, Any] = {}
        for item in fields(cls):
            raw = environment.get(item.metadata["variable"], "").strip()
            if raw:
                values[item.name] = _parse(item.metadata["variable"], item.type, raw)
        values["data_dir"] = Path(values.get("data_dir", ".data")).expanduser().resolve()
        values["dictionary"] = dictionary_path(environment)
        if not values.get("secret_key"):
            if values.get("database_url"):
                raise SettingsError("SECRET_KEY must be set when DATABASE_URL names a server")
            values["secret_key"] = _kept_secret(values["data_dir"])
        for name, schemes in SCHEMES.items():
            address = values.get(name)
            if address and address.partition("://")[0].partition("+psycopg")[0] not in schemes:
                allowed = ", ".join(f"{scheme}://" for scheme in schemes)
                raise SettingsError(f"{name.upper()} must begin with one of {allowed}")
        settings = cls(**values)
        if not re.fullmatch(r"(/.+|.+:\d+)?", settings.clamav_address):
            raise SettingsError("CLAMAV_ADDRESS must be host:port or the path of a socket")
        # Read once here, so that a mistake is told at the start and not at every request.
        _ = settings.trusted_networks
        return settings


def dictionary_path(environment: Mapping[str, str]) -> Path | None:
    """DICTIONARY alone, which commands without a data directory follow too."""
    given = environment.get("DICTIONARY", "").strip()
    if not given:
        return None
    path = Path(given).expanduser().resolve()
    if not path.is_file():
        raise SettingsError(f"DICTIONARY: {path} is no file")
    return path


def _parse(variable: str, kind: Any, raw: str) -> Any:
    if kind is int:
        try:
            number = int(raw)
        except ValueError:
            raise SettingsError(f"{variable} must be a whole number, not {raw!r}") from None
        if number < 1:
            raise SettingsError(f"{variable} must be at least 1")
        return number
    if kind is bool:
        if raw.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise SettingsError(f"{variable} must be true or false, not {raw!r}")
        return raw.lower() in {"1", "true", "yes"}
    return raw


def _kept_secret(data_dir: Path) -> str:
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o755)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        secret = secrets.token_hex(32)
        file.write(secret)
    return secret
