"""Hugging Face ids to folders on this machine.

In: a repository's id and a revision. Out: its snapshot folder and the commit that it is of. No pickled weights are ever
fetched. Knows nothing of what the files mean.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ..core.errors import ModelError
from ..core.phases import phase
from .folders import ADAPTER_SETTINGS, check_folder

REPOSITORY = r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?"
"""What a repository's id looks like: 'name' or 'owner/name'."""

WANTED = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "*.py"]
"""Files that are fetched: no pickles. Code is fetched, and run only where ``--trust-remote-code`` was typed."""

TIMEOUT = 10.0
"""Seconds to wait for the hub's first answer."""


@contextmanager
def _no_bars() -> Iterator[None]:
    """The client's own bars kept off the screen; they are process-wide, so they are put back."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def snapshot(
    identifier: str, revision: str | None, *, refresh: bool, what_else: str, fetch: bool = True
) -> tuple[Path, str | None]:
    """The folder of a repository's files and its commit; from this machine where it is there, unless ``refresh``.

    ``what_else`` ends the message where there is no such repository. Without ``fetch`` the hub is not asked.
    """
    from huggingface_hub import errors, snapshot_download

    download = partial(snapshot_download, identifier, revision=revision, allow_patterns=WANTED)
    if not refresh:
        try:
            with _no_bars():
                found = Path(download(local_files_only=True))
            check_folder(found)
            return found, found.name
        except (OSError, ValueError, errors.HFValidationError, ModelError):
            if not fetch:
                raise ModelError(f"{identifier} is not on this machine") from None
    try:
        with phase(f"fetching {identifier} from the hub"), _no_bars():
            found = Path(download(etag_timeout=TIMEOUT))
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{identifier} has no revision {revision}: look it up on huggingface.co/{identifier}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"no model {identifier!r} on the Hugging Face hub, or none for this token: {what_else}"
        ) from error
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError, ValueError) as error:
        # its text is a paragraph about caches and revisions, and of a file that is not there no reason
        reason = "" if isinstance(error, errors.LocalEntryNotFoundError) else f" ({type(error).__name__})"
        raise ModelError(
            f"no model {identifier!r} here, and the Hugging Face hub cannot be reached{reason}: {what_else}"
        ) from error
    try:
        check_folder(found)
    except ModelError as error:
        if (found / ADAPTER_SETTINGS).is_file():
            raise
        # without a network the client hands out what it has
        raise ModelError(f"{identifier} is not whole ({error}): fetch it where the hub can be reached") from error
    return found, found.name
