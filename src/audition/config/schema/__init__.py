"""What a config may say, read from constructors' source: no class is imported to check its node."""

from audition.config.schema.check import check_node
from audition.config.schema.digest import source_digest, source_files
from audition.config.schema.signature import REQUIRED, Setting, Signature, read_constant, signature

__all__ = [
    "REQUIRED",
    "Setting",
    "Signature",
    "check_node",
    "read_constant",
    "signature",
    "source_digest",
    "source_files",
]
