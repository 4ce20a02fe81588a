"""Ask the questions of a quiz in a terminal: the same record as on a page, one after the other."""

from collections.abc import Callable

from ..views import Quiz, quiz


def questions(name: str) -> Quiz:
    """Return a quiz; the views are imported here, since other commands need none."""
    return quiz(name)


def ask(
    view: Quiz, read: Callable[[], str | None], tell: Callable[[str], None]
) -> int:
    """Ask every question until it is answered rightly or skipped; return how many were right.

    Args:
        view: the quiz.
        read: returns a line that was typed, None where there are no more.
        tell: prints a text.
    """
    right = 0
    tell(f"{view.title}\n")
    for number, question in enumerate(view.questions, start=1):
        tell("\n".join(view.question_lines(number)))
        line = read()
        tries = 0
        while line:
            tries += 1
            told, is_right = view.verdict(question, line)
            tell(told)
            if is_right:
                right += tries == 1
                break
            line = read()
        if line is None:
            break
        tell("")
    tell(f"{right} of {len(view.questions)} right at once.")
    return right
