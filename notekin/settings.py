"""What a person may set through the environment, with what holds where nothing is set."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from notekin.errors import UsageError

CLINICAL_LONGFORMER = "yikuan8/Clinical-Longformer"


class Settings(BaseSettings):
    """Read once, when a command or ``notekin.open`` begins; nothing is read at import."""

    model_config = SettingsConfigDict(env_prefix="NOTEKIN_", hide_input_in_errors=True)

    store: Path = Path("notekin-store")
    """NOTEKIN_STORE: the store where no --store is given."""
    catalog: SecretStr | None = None
    """NOTEKIN_CATALOG: the PostgreSQL URL of a store's catalog; it may hold the password."""
    model: str = CLINICAL_LONGFORMER
    """NOTEKIN_MODEL: the model of a new store where no --model is given."""
    cache: Path = Field(default_factory=lambda: user_cache_path("notekin"))
    """NOTEKIN_CACHE: where the built-in model is kept once it is made."""
    threads: int | None = Field(default=None, ge=1)
    """NOTEKIN_THREADS: processor threads for the model; torch's own choice where unset."""
    precision: str = "auto"
    """NOTEKIN_PRECISION: fp32, bf16, int8, or auto for the fastest that keeps neighbours."""
    device: str = "cpu"
    """NOTEKIN_DEVICE: where the model runs, as torch names it."""


def read_settings() -> Settings:
    """Return what the environment sets.

    Raises:
        UsageError: A variable has a value that it can't have.
    """
    try:
        return Settings()
    except ValidationError as error:
        names = ", ".join(f"NOTEKIN_{problem['loc'][0]}".upper() for problem in error.errors())
        raise UsageError(f"{names} in the environment has no value that fits.") from None
