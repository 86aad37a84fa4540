"""What a reader of exports raises: one clear line each, with a file's base name and never its content."""


class ExportError(Exception):
    """An export that cannot be read as asked; the message says what to do about it."""


class EmptyExportError(ExportError):
    """An empty file, or a zip or folder that holds nothing of the asked format."""


class WrongFormatError(ExportError):
    """Content of another format than the asked one, or of none that is known."""


class UnsafeArchiveError(ExportError):
    """A zip or folder that leads elsewhere, is encrypted or unpacks beyond the limits."""


class DamagedArchiveError(ExportError):
    """A zip that is cut short, corrupt or no zip at all."""


class BadEncodingError(ExportError):
    """An encoding that Python does not know, or that is none of text."""


class MissingColumnsError(ExportError):
    """A header without the columns that the format needs."""
