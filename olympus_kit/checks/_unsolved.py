"""The mark of an answer that nobody has written yet."""


class Unsolved(Exception):
    """Stands where an answer is missing: raised by a function, held by a value.

    It is not NotImplementedError, because JAX raises that itself.

    ```python
    def hvp(f, x, v):
        raise Unsolved("hvp")


    shapes = Unsolved("shapes")
    ```
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{self.name} has no answer yet: replace this line, then run the check below."
