"""An observer that keeps what it is told."""

from llm4es.project.observer import Null


class Heard(Null):
    """``said`` are the lines since ``since()``."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.said.append(message)

    def since(self) -> str:
        """What was said since the last time, as one text."""
        lines, self.said = "\n".join(self.said), []
        return lines
