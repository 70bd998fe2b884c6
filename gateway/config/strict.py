"""What every section of the configuration is made of."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Frozen, and no key that we don't know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
