"""One life as a list of steps, each a sentence about behaviour. The first that fails ends the life:
what follows would only repeat it."""
import sys
import time
import traceback
from collections.abc import Callable


class Life:
    def __init__(self):
        self._steps: list[tuple[str, Callable]] = []

    def step(self, sentence: str):
        def note(function: Callable) -> Callable:
            self._steps.append((sentence, function))
            return function
        return note

    def live(self, *arguments) -> None:
        """Runs every step with these arguments. Raises what the failing one raised."""
        for number, (sentence, function) in enumerate(self._steps, 1):
            began = time.monotonic()
            try:
                function(*arguments)
            except BaseException:
                print(f"not ok {number}  {sentence}", flush=True)
                raise
            print(f"ok {number:2}  {time.monotonic() - began:5.1f} s  {sentence}", flush=True)


def finish(live: Callable[[], None]) -> int:
    """The exit code of a program that lives one life."""
    began = time.monotonic()
    try:
        live()
    except Exception:
        traceback.print_exc()
        print(f"FAILED after {time.monotonic() - began:.0f} s", file=sys.stderr)
        return 1
    print(f"all of it in {time.monotonic() - began:.0f} s")
    return 0


def expect(truth, what: str) -> None:
    if not truth:
        raise AssertionError(what)
