"""The TOML files that come with the program: recipes and prompts.

In: a folder of this package. Out: names, and what stands in a file. Imports nothing of that folder: a shell completes
these names.
"""

from importlib.resources import files


def shipped_names(folder: str) -> list[str]:
    """Names of the TOML files in a folder of this package.

    Parameters
    ----------
    folder : str
        Such as ``embed/prompts``.

    Returns
    -------
    list of str
        Without ``.toml``, in order.

    Examples
    --------
    >>> shipped_names("embed/prompts")
    ['meta', 'one-word']
    """
    entries = (entry.name for entry in files("llm4es").joinpath(folder).iterdir())
    return sorted(name.removesuffix(".toml") for name in entries if name.endswith(".toml"))


def shipped_text(folder: str, name: str) -> str:
    """What stands in one of them.

    Parameters
    ----------
    folder, name : str
        As of ``shipped_names``.

    Returns
    -------
    str
        TOML.

    Examples
    --------
    >>> shipped_text("recipes", "age")[:7]
    '# Age: '
    """
    return files("llm4es").joinpath(folder, f"{name}.toml").read_text(encoding="utf-8")
