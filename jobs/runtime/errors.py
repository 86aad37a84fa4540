"""What can go wrong with a run, each in one line that says what to do."""

from __future__ import annotations


class MoodlakeError(Exception):
    """A failure whose message is for the person at the terminal; the command line prints it without a traceback."""


class UsageError(MoodlakeError):
    """The call was wrong: exit code 2."""


class JavaError(MoodlakeError):
    """Java is missing or too old."""


class JarsError(MoodlakeError):
    """Delta's JARs are missing or not what they should be."""


class DiskSpaceError(MoodlakeError):
    """There is too little room to write."""


class LakeMissingError(MoodlakeError):
    """There is no lake where one is to be read."""


class LakeVersionError(MoodlakeError):
    """The lake was written by a newer Moodlake."""


class LakeBusyError(MoodlakeError):
    """Another process writes this lake."""


class TooLittleDataError(MoodlakeError):
    """What is known of a listener is not enough to say what was asked for."""


class ContractError(MoodlakeError):
    """Rows or a stored table do not have the shape that the contract declares."""


class ModelError(MoodlakeError):
    """A fitted model is missing or damaged, or cannot be fitted."""


class AuditError(MoodlakeError):
    """A check that may not fail has failed; nothing of its publish group was published."""
