"""What can be wrong with a template, and what can go wrong when it is rendered for one recipient."""


class TemplateError(Exception):
    """A template that cannot be compiled; the text is what a caller is told (templates.md, Errors)."""

    def __init__(self, part: str, detail: str, line: int, column: int) -> None:
        super().__init__(f"Invalid template syntax in {part}: {detail} (line {line}, column {column})")
        self.part = part
        self.detail = detail
        self.line = line
        self.column = column


class SyntaxFault(Exception):
    """A mistake at one place of a source, before anybody knows which part of a message the source is."""

    def __init__(self, detail: str, offset: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.offset = offset

    def of(self, part: str, source: str) -> TemplateError:
        """The same for a caller, who counts lines and columns from 1."""
        line = source.count("\n", 0, self.offset) + 1
        column = self.offset - source.rfind("\n", 0, self.offset)
        return TemplateError(part, self.detail, line, column)


class RenderError(Exception):
    """This recipient's message cannot be made; the text is the reason that is reported for it."""

    @property
    def reason(self) -> str:
        """What to report."""
        return str(self)
