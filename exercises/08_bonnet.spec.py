"""The specifications of 08_bonnet.md, released from solutions/08_bonnet.md: edit them there."""

import jax
import jax.numpy as jnp
import numpy as np

from olympus_kit.checks import CostLimit, Mistake, Question, linear_in, test_array

CHAPTER = "book/08_bonnet.md"
NUMPY = {
    "add": np.add,
    "mul": np.multiply,
    "neg": np.negative,
    "sin": np.sin,
    "exp": np.exp,
}
SINE_OF_PRODUCT = [("mul", (0, 1)), ("sin", (2,)), ("add", (3, 0))]
ONE_UNREAD = [("exp", (0,)), ("mul", (3, 2)), ("sin", (4,))]
DIAMOND = [("exp", (0,)), ("mul", (3, 1)), ("neg", (3,)), ("mul", (4, 5)), ("add", (6, 2))]
SQUARES = [("mul", (0, 0)), ("mul", (2, 2)), ("sin", (3,)), ("mul", (4, 2)), ("add", (5, 1))]
# what minus was taken of is read again
NEG_KEPT = [("neg", (0,)), ("mul", (0, 1)), ("add", (2, 3))]
HALF_DEAD = [
    ("sin", (0,)),
    ("exp", (1,)),
    ("mul", (0, 1)),
    ("neg", (3,)),
    ("add", (4, 2)),
    ("mul", (2, 2)),
]


def run_all(steps, x):
    """Every value of a little program, in plain NumPy."""
    values = [np.float64(entry) for entry in np.asarray(x)]
    for name, operands in steps:
        values.append(NUMPY[name](*(values[i] for i in operands)))
    return values


def chained(steps, x):
    """What comes when a step that needs an older value takes the newest."""
    result, inputs = x[0], len(x)
    for name, operands in steps:
        result = NUMPY[name](*(x[i] if i < inputs else result for i in operands))
    return result


def stacked(steps, x):
    values = list(np.asarray(x))
    for name, operands in steps:
        values.append(NUMPY[name](*(values[-1 - place] for place in range(len(operands)))))
    return values[-1]


def values_in_front(steps, x):
    values = list(np.asarray(x))
    for name, operands in steps:
        values.insert(0, NUMPY[name](*(values[i] for i in operands)))
    return values[0]


def with_rules(**rules):
    """The result where some steps do something else."""

    def result(steps, x):
        values = list(np.asarray(x))
        for name, operands in steps:
            values.append((NUMPY | rules)[name](*(values[i] for i in operands)))
        return values[-1]

    return result


PROGRAM_POINTS = (
    {"steps": SINE_OF_PRODUCT, "x": np.array([0.5, 1.25])},
    {"steps": DIAMOND, "x": np.array([0.75, -1.5, 2.0])},
    {"steps": SQUARES, "x": np.array([3.0, 40.0])},
)
PROGRAM_LABELS = ("sin(x y) + x", "a value that is used twice", "powers of 3, plus 40")

run_program = Question(
    name="run_program",
    returns="result",
    points=(*PROGRAM_POINTS, {"steps": NEG_KEPT, "x": np.array([0.75, -2.5])}),
    labels=(*PROGRAM_LABELS, "a value that is read again after its minus"),
    large_points=(2,),
    reference=lambda steps, x: run_all(steps, x)[-1],
    predictions={
        "newest-in-front": Mistake(result=values_in_front),
        "always-one-input": Mistake(result=lambda steps, x: run_all(steps, x)[len(steps)]),
        "numbers-for-values": Mistake(
            result=lambda steps, x: NUMPY[steps[-1][0]](*(float(i) for i in steps[-1][1]))
        ),
        "products-added": Mistake(result=with_rules(mul=np.add)),
        "minus-left-out": Mistake(result=with_rules(neg=np.positive)),
        "square-left-out": Mistake(result=with_rules(mul=lambda a, b: a if a is b else a * b)),
        "first-value": Mistake(result=lambda steps, x: np.asarray(x)[0]),
        "values-added": Mistake(result=lambda steps, x: sum(run_all(steps, x))),
        "first-step-alone": Mistake(result=lambda steps, x: run_all(steps[:1], x)[-1]),
        "operands-are-inputs": Mistake(result=chained),
        "every-value-returned": Mistake(result=lambda steps, x: np.array(run_all(steps, x))),
        "newest-first": Mistake(result=stacked),
        "last-step-missing": Mistake(result=lambda steps, x: run_all(steps, x)[-2]),
        "sum-for-add-of-all": Mistake(result=with_rules(sin=np.cos)),
    },
    mistakes=(
        Mistake(
            "newest-in-front",
            "the values have lost their numbers",
            "You put each new value in front, so that all others get a new number. A value keeps its "
            "number: the inputs first, then one value for each step, at the end.",
        ),
        Mistake(
            "always-one-input",
            "the inputs were not counted",
            "Your result is value number len(steps): that is the last one only where there is a single "
            "input. The last value has the number len(x) + len(steps) − 1.",
        ),
        Mistake(
            "appended-to-array",
            "an array does not grow",
            "`x` is an array, and an array has no `append`. Begin a list of the values with the "
            "inputs, `list(x)`.",
            raised=("AttributeError: object has no attribute 'append'",),
            example="",
        ),
        Mistake(
            "operands-in-one-list",
            "the operands one by one",
            "You give the list of operands to a rule as its first argument. A rule takes them one "
            "by one: a star in front of the list takes it apart.",
            raised=("TypeError: missing 1 required positional argument: 'b'",),
            example="",
        ),
        Mistake(
            "names-of-jnp",
            "not a name of jnp",
            "The names of the steps are not all functions of jnp: `mul` and `neg` are not among "
            "them. Write a rule for each name, in a dict for instance.",
            raised=(
                "AttributeError: module 'olympus.numpy' has no attribute",
                "AttributeError: module 'jax.numpy' has no attribute",
            ),
            example="",
        ),
        Mistake(
            "first-step-alone",
            "the first step alone",
            "You returned what the first step makes: the loop is left in its first iteration.",
        ),
        Mistake(
            "values-added",
            "all values added",
            "You added up the values. The result is the last of them.",
        ),
        Mistake(
            "first-value",
            "the first value",
            "You returned the first value, which is an input. The result is what the last step "
            "makes.",
        ),
        Mistake(
            "square-left-out",
            "a value times itself",
            "Where both operands of `mul` are the same value, yours is not squared.",
        ),
        Mistake(
            "minus-left-out",
            "a minus sign is missing",
            "Your program leaves a value as it is where it says `neg`.",
        ),
        Mistake(
            "products-added",
            "products added",
            "Your program adds where it says `mul`.",
        ),
        Mistake(
            "numbers-for-values",
            "the numbers of the operands",
            "Your rules get the *numbers* of the operands. Look up the values that have these "
            "numbers.",
        ),
        Mistake(
            "operands-are-inputs",
            "older values are lost",
            "You keep only the newest value, and use it for every operand that is no input. A step may "
            "read any value that was made before: keep them all.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "every-value-returned",
            "all the values",
            "You returned every value of the program. Its result is the last one.",
            "",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "newest-first",
            "the operands were not looked up",
            "You took the newest values as operands. A step says which ones it reads: look them up by "
            "their numbers.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "last-step-missing",
            "one step short",
            "Your result is what the step before the last makes.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "sum-for-add-of-all",
            "a cosine for a sine",
            "Your program runs a cosine where it says `sin`. The derivative comes later.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
    ),
    read=CHAPTER + "#bonnet-interpreter",
)

def dependents(steps, n, wanted):
    """Places of needed steps, by the powers of a matrix that says who reads whom."""
    size = n + len(steps)
    reads = np.eye(size, dtype=int)
    for place, (_, operands) in enumerate(steps):
        reads[n + place, list(operands)] = 1
    reached = np.linalg.matrix_power(reads, size)[wanted] > 0
    return np.flatnonzero(reached[n:])


def read_by_anybody(steps, n, wanted):
    """The places of the steps that any later step reads, and of the wanted one."""
    reads = {wanted} | {i for _, operands in steps for i in operands}
    return np.array(sorted(i - n for i in reads if i >= n))


def with_inputs(steps, n, wanted):
    places = dependents(steps, n, wanted)
    inputs = {i for place in places for i in steps[place][1] if i < n}
    return np.array([*(i - n for i in sorted(inputs)), *places])


def one_level(steps, n, wanted):
    near = [i - n for i in sorted(set(steps[wanted - n][1])) if i >= n]
    return np.array([*near, wanted - n])


def by_paths(steps, n, wanted):
    """The places of the steps, each as often as there are ways to it."""
    places = [wanted - n] if wanted >= n else []
    for operand in steps[wanted - n][1] if wanted >= n else ():
        places += by_paths(steps, n, operand)
    return sorted(places)


def last_steps_for_inputs(steps, n, wanted):
    """The places, where an input's number less n is taken for a place that counts from the end."""
    if wanted >= n:
        return dependents(steps, n, wanted)
    places = {wanted - n}
    for operand in steps[wanted - n][1]:
        places |= set(dependents(steps, n, operand).tolist())
    return np.array(sorted(places))


def readers(steps, n, wanted):
    """The places of the steps that depend on a value."""
    return np.array([p for p in range(len(steps)) if depends(steps, n, n + p, wanted)], dtype=int)


def depends(steps, n, value, wanted):
    """Whether a value is made with another one, in one step or several."""
    operands = steps[value - n][1] if value >= n else ()
    return any(o == wanted or depends(steps, n, o, wanted) for o in operands)


LONG = [*HALF_DEAD, ("exp", (3,)), ("sin", (8,)), ("neg", (7,)), ("mul", (9, 8)), ("add", (10, 6))]

needed_steps = Question(
    name="needed_steps",
    returns="places",
    points=(
        {"steps": DIAMOND, "n": 3, "wanted": 5},
        {"steps": HALF_DEAD, "n": 2, "wanted": 6},
        {"steps": LONG, "n": 2, "wanted": 12},
        {"steps": LONG, "n": 2, "wanted": 10},
        {"steps": DIAMOND, "n": 3, "wanted": 1},
    ),
    labels=(
        "value 5 of a diamond",
        "value 6 of a program with dead steps",
        "the last value of 11 steps",
        "value 10 of 11 steps",
        "an input",
    ),
    large_points=(2, 3),
    reference=dependents,
    predictions={
        "one-level-and-itself": Mistake(
            result=lambda steps, n, wanted: np.unique([
                value - n
                for value in (wanted, *(steps[wanted - n][1] if wanted >= n else ()))
                if value >= n
            ]).astype(int)
        ),
        "direct-operands-only": Mistake(result=one_level),
        "forward-order": Mistake(
            result=lambda steps, n, wanted: np.array([wanted - n] * (wanted >= n), dtype=int)
        ),
        "value-numbers": Mistake(result=lambda steps, n, wanted: dependents(steps, n, wanted) + n),
        "everything-before": Mistake(result=lambda steps, n, wanted: np.arange(wanted - n + 1)),
        "last-first": Mistake(result=lambda steps, n, wanted: dependents(steps, n, wanted)[::-1]),
        "first-operand-followed": Mistake(
            result=lambda steps, n, wanted: dependents(
                [(name, operands[:1]) for name, operands in steps], n, wanted
            )
        ),
        "last-value-wanted": Mistake(
            result=lambda steps, n, wanted: dependents(steps, n, n + len(steps) - 1)
        ),
        "flags": Mistake(
            result=lambda steps, n, wanted: np.isin(
                np.arange(len(steps)), dependents(steps, n, wanted)
            )
        ),
        "read-by-anybody": Mistake(result=read_by_anybody),
        "inputs-too": Mistake(result=with_inputs),
        "count-returned": Mistake(
            result=lambda steps, n, wanted: len(dependents(steps, n, wanted))
        ),
        "itself-left-out": Mistake(
            result=lambda steps, n, wanted: np.setdiff1d(dependents(steps, n, wanted), [wanted - n])
        ),
        "the-others": Mistake(
            result=lambda steps, n, wanted: np.setdiff1d(
                np.arange(len(steps)), dependents(steps, n, wanted)
            )
        ),
        "names-returned": Mistake(
            result=lambda steps, n, wanted: [steps[i][0] for i in dependents(steps, n, wanted)]
        ),
        "one-before": Mistake(result=lambda steps, n, wanted: dependents(steps, n, wanted - 1)),
        "counted-twice": Mistake(
            result=lambda steps, n, wanted: np.array(by_paths(steps, n, wanted), dtype=int)
        ),
        "its-readers": Mistake(result=readers),
        "input-wanted": Mistake(result=last_steps_for_inputs),
    },
    mistakes=(
        Mistake(
            "one-level-and-itself",
            "one level only",
            "You took the wanted step and those that it reads. What these read is needed, too, and so on "
            "down to the inputs.",
        ),
        Mistake(
            "one-before",
            "the value before",
            "Your places are those that the value before the wanted one needs.",
        ),
        Mistake(
            "itself-left-out",
            "the step itself",
            "Your places are those of the steps before. The step that makes the wanted value is "
            "needed, too.",
        ),
        Mistake(
            "the-others",
            "those that are not needed",
            "You have the places of the steps that are *not* needed.",
        ),
        Mistake(
            "names-returned",
            "names in place of places",
            "You returned the names of the steps. Asked for are their places, whole numbers "
            "counted from 0.",
        ),
        Mistake(
            "inputs-too",
            "the inputs, too",
            "Your numbers hold the inputs as well (the negative ones). Only steps have places.",
        ),
        Mistake(
            "read-by-anybody",
            "read by anybody",
            "Your steps are those that *any* step reads. What a step reads counts only if the "
            "step itself is needed.",
        ),
        Mistake(
            "flags",
            "a flag for each step",
            "You returned a flag for each step. Asked for are the places of the steps that are "
            "needed: `jnp.flatnonzero` finds them.",
        ),
        Mistake(
            "last-value-wanted",
            "the last value",
            "You returned what the last value needs. Asked for is what value number `wanted` "
            "needs.",
        ),
        Mistake(
            "first-operand-followed",
            "the first operand alone",
            "You follow only the first operand of each step. A step needs all that it reads.",
        ),
        Mistake(
            "forward-order",
            "from the first to the last",
            "Only the step that makes the wanted value is in your result. Either nothing is noted of what "
            "it reads, or you go from first to last, and learn too late that an earlier step is needed. "
            "Go from last to first, and note the operands of each needed step.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "direct-operands-only",
            "one level only",
            "You have the step and those that it reads. These read others, which are needed, too.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "value-numbers",
            "numbers of values for places of steps",
            "Your numbers are those of the values. The step at place p makes value n + p: take n away.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "everything-before",
            "every step before it",
            "You returned every step up to the wanted value. Some of them are for nothing.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "last-first",
            "the last step first",
            "Your places stand in descending order. They are asked for in ascending order.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "count-returned",
            "how many instead of which",
            "You returned how many steps are needed. Asked for are their places.",
            "",
            read=CHAPTER + "#bonnet-dead",
        ),
        Mistake(
            "counted-twice",
            "a step once for each reader",
            "Some places stand in your result more than once: a step that several others "
            "read is found once for each. Keep the places in a set.",
        ),
        Mistake(
            "its-readers",
            "the steps that read it",
            "Your places are those of the steps that *use* the wanted value. Asked for "
            "are those that it is made from: follow the operands, from the wanted value "
            "back.",
        ),
        Mistake(
            "input-wanted",
            "an input is taken for a step",
            "Where the wanted value is an input you return a number that is no place: `wanted "
            "- n` is negative then, and counts from the end. An input needs no step.",
        ),
    ),
    read=CHAPTER + "#bonnet-dead",
)

FACTORS = {
    "add": lambda a, b: (1.0, 1.0),
    "mul": lambda a, b: (b, a),
    "neg": lambda a: (-1.0,),
    "sin": lambda a: (np.cos(a),),
    "exp": lambda a: (np.exp(a),),
}


def lines_of(change=None, **rules):
    """The lines, with some rules replaced, and each line changed."""

    def lines(steps, x):
        values, table, rows = run_all(steps, x), FACTORS | rules, []
        for place, (name, operands) in enumerate(steps):
            to = len(x) + place
            factors = table[name](*(values[i] for i in operands))
            rows += [[to, i, factor] for i, factor in zip(operands, factors, strict=True)]
        result = np.array(rows)
        return result if change is None else change(result, x, values)

    return lines


def firsts(steps):
    """Where in the lines each step begins."""
    return np.cumsum([0] + [len(operands) for _, operands in steps[:-1]])


def merged_lines(rows):
    """The lines, those from one value to another added up."""
    merged = {}
    for to, operand, factor in rows:
        merged[to, operand] = merged.get((to, operand), 0.0) + factor
    return np.array([[*ends, factor] for ends, factor in merged.items()])


def turned(steps):
    """The places of the lines, those of each step in the opposite order."""
    starts = zip(firsts(steps), steps, strict=True)
    return [start + i for start, step in starts for i in reversed(range(len(step[1])))]


def columns_swapped(rows, x, values):
    return rows[:, [1, 0, 2]]


def places_counted(rows, x, values):
    return rows - np.array([len(x), 0, 0])


def results_as_factors(rows, x, values):
    return np.array([[to, start, values[int(to)]] for to, start, _ in rows])


linear_program = Question(
    name="linear_program",
    returns="lines",
    points=(
        {"steps": SINE_OF_PRODUCT, "x": np.array([0.5, 1.25])},
        {"steps": DIAMOND, "x": np.array([0.75, -1.5, 2.0])},
        {"steps": SQUARES, "x": np.array([3.0, 40.0])},
        {"steps": DIAMOND, "x": np.array([0.0, -1.5, 2.0])},
        {"steps": SINE_OF_PRODUCT, "x": np.array([1.5, 1.75])},
    ),
    labels=(*PROGRAM_LABELS, "a zero among the inputs", "a sine that falls"),
    large_points=(2,),
    reference=lines_of(),
    predictions={
        "lines-merged": Mistake(result=lambda steps, x: merged_lines(lines_of()(steps, x))),
        "factors-swapped": Mistake(result=lines_of(mul=lambda a, b: (a, b))),
        "derivative-at-the-value": Mistake(
            result=lines_of(sin=lambda a: (np.cos(np.sin(a)),), exp=lambda a: (np.exp(np.exp(a)),))
        ),
        "sine-at-the-value": Mistake(result=lines_of(sin=lambda a: (np.cos(np.sin(a)),))),
        "sine-for-cosine": Mistake(result=lines_of(sin=lambda a: (np.sin(a),))),
        "minus-cosine": Mistake(result=lines_of(sin=lambda a: (-np.cos(a),))),
        "operand-for-exp": Mistake(result=lines_of(exp=lambda a: (a,))),
        "sum-like-product": Mistake(result=lines_of(add=lambda a, b: (a, b))),
        "sum-like-swapped-product": Mistake(result=lines_of(add=lambda a, b: (b, a))),
        "one-too-large": Mistake(result=lines_of(lambda rows, x, values: rows + [1, 0, 0])),
        "one-line-a-step": Mistake(result=lambda steps, x: lines_of()(steps, x)[firsts(steps)]),
        "operands-turned": Mistake(result=lambda steps, x: lines_of()(steps, x)[turned(steps)]),
        "factors-alone": Mistake(result=lambda steps, x: lines_of()(steps, x)[:, 2]),
        "from-and-to-swapped": Mistake(result=lines_of(columns_swapped)),
        "counted-without-inputs": Mistake(result=lines_of(places_counted)),
        "values-for-factors": Mistake(result=lines_of(results_as_factors)),
        "minus-forgotten": Mistake(result=lines_of(neg=lambda a: (1.0,))),
    },
    mistakes=(
        Mistake(
            "lines-merged",
            "one line for two operands",
            "Where a step reads one value twice, you added both factors up in one line. Each operand has "
            "a line of its own, as it has an equation in the adjoint program.",
        ),
        Mistake(
            "factors-alone",
            "the factors alone",
            "You returned the factors alone. Each line is (to, from, factor).",
        ),
        Mistake(
            "operands-turned",
            "the operands in the opposite order",
            "The lines of each step stand in the opposite order: they are asked for in the "
            "order of its operands.",
        ),
        Mistake(
            "one-line-a-step",
            "one line for each step",
            "You have one line for each step. A step has a line for each of its operands.",
        ),
        Mistake(
            "one-too-large",
            "the value after it",
            "Your first column is one too large: a step makes the value whose number is that of "
            "the values *before* it, so count before you append.",
        ),
        Mistake(
            "sum-like-swapped-product",
            "the factors of a sum",
            "Your factors for `add` are its operands. The derivative of a + b with respect to "
            "either is 1.",
        ),
        Mistake(
            "sum-like-product",
            "the factors of a sum",
            "Your factors for `add` are its operands. The derivative of a + b with respect to "
            "either is 1.",
        ),
        Mistake(
            "operand-for-exp",
            "the operand in place of exp",
            "Your factor for `exp` is the operand. Its derivative is exp(a).",
        ),
        Mistake(
            "minus-cosine",
            "a minus too many",
            "Your factor for `sin` is −cos(a). The derivative of the sine is +cos(a); the minus "
            "belongs to that of the cosine.",
        ),
        Mistake(
            "sine-for-cosine",
            "the sine in place of its derivative",
            "Your factor for `sin` is the sine itself. Its derivative is the cosine of the "
            "operand.",
        ),
        Mistake(
            "sine-at-the-value",
            "the slope at the result",
            "Your factor for `sin` is the cosine of the *result*. The derivative belongs to the "
            "operand: cos(a).",
        ),
        Mistake(
            "factors-swapped",
            "the factors of a product are swapped",
            "For a product a · b your factor for a is a itself. The derivative with respect to a is the "
            "*other* factor, b.",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "derivative-at-the-value",
            "the derivative at the wrong place",
            "You took the derivatives of sin and exp at what the step made. They belong at what it read.",
            read=CHAPTER + "#bonnet-meaning",
        ),
        Mistake(
            "from-and-to-swapped",
            "from and to have changed places",
            "The first column of yours holds what is read, the second what is made. A line is (to, from, "
            "factor).",
            "",
            read=CHAPTER + "#bonnet-split",
        ),
        Mistake(
            "counted-without-inputs",
            "places for numbers",
            "In your first column stand the places of the steps. The step at place p makes value n + p.",
            "",
            read=CHAPTER + "#bonnet-split",
        ),
        Mistake(
            "values-for-factors",
            "values instead of local derivatives",
            "Your factors are what each step makes. They should be its derivative with respect to the "
            "operand.",
            read=CHAPTER + "#bonnet-meaning",
        ),
        Mistake(
            "minus-forgotten",
            "the sign of neg",
            "Your factor for `neg` is 1. Its derivative is −1.",
            read=CHAPTER + "#bonnet-meaning",
        ),
    ),
    read=CHAPTER + "#bonnet-split",
)

def by_columns(lines, n, u):
    """Push each input's unit tangent forward: one entry of the row at a time."""
    size = 1 + max(to for to, _, _ in lines)
    entries = []
    for i in range(n):
        dots = np.zeros(size)
        dots[i] = 1.0
        for to, start, factor in lines:
            dots[to] += factor * dots[start]
        entries.append(dots[-1] * u)
    return np.array(entries)


def backwards(lines, u, update, ordered=reversed, begin=0.0, at=-1):
    bars = [begin] * (1 + max(to for to, _, _ in lines))
    bars[at] = u
    for to, start, factor in ordered(lines):
        bars[start] = update(bars[start], bars[to], factor)
    return np.array(bars, dtype=float)


def pushed_ones(lines, n, u):
    return by_columns(lines, n, u).sum()


def rows_of(steps, x):
    return [(int(to), int(start), float(factor)) for to, start, factor in lines_of()(steps, x)]


seed = lambda value: lambda p: {"u": value}
accumulate = lambda bar, w_bar, factor: bar + factor * w_bar


def cleared(lines, n, u):
    """A cotangent is used up by the first line that reads it."""
    bars = np.zeros(1 + max(to for to, _, _ in lines))
    bars[-1] = u
    for to, start, factor in reversed(lines):
        bar, bars[to] = bars[to], 0.0
        bars[start] += factor * bar
    return bars[:n]


transpose_program = Question(
    name="transpose_program",
    returns="cotangents",
    points=(
        {"lines": rows_of(SINE_OF_PRODUCT, [0.5, 1.25]), "n": 2},
        {"lines": rows_of(DIAMOND, [0.75, -1.5, 2.0]), "n": 3},
        {"lines": rows_of(SQUARES, [3.0, 40.0]), "n": 2},
        {"lines": rows_of(ONE_UNREAD, [0.25, 7.0, -1.5]), "n": 3},
    ),
    labels=(*PROGRAM_LABELS, "an input that no line reads"),
    tangents=(seed(1.5), seed(-2.0)),
    large_points=(2,),
    reference=by_columns,
    requirements=(linear_in("u"),),
    predictions={
        "forward-order": Mistake(
            result=lambda lines, n, u: backwards(lines, u, accumulate, ordered=list)[:n]
        ),
        "overwritten-bar": Mistake(
            result=lambda lines, n, u: backwards(lines, u, lambda bar, w, c: c * w)[:n]
        ),
        "factors-left-out": Mistake(
            result=lambda lines, n, u: backwards(lines, u, lambda bar, w, c: bar + w)[:n]
        ),
        "last-values": Mistake(result=lambda lines, n, u: backwards(lines, u, accumulate)[-n:]),
        "all-begin-at-u": Mistake(
            result=lambda lines, n, u: backwards(lines, u, accumulate, begin=u)[:n]
        ),
        "all-begin-at-one": Mistake(
            result=lambda lines, n, u: backwards(lines, u, accumulate, begin=1.0)[:n]
        ),
        "seed-at-first-step": Mistake(
            result=lambda lines, n, u: backwards(lines, u, accumulate, at=n)[:n]
        ),
        "nothing-arrives": Mistake(result=lambda lines, n, u: np.zeros(n)),
        "last-line-left-out": Mistake(
            result=lambda lines, n, u: backwards(
                lines, u, accumulate, ordered=lambda rows: reversed(rows[:-1])
            )[:n]
        ),
        "divided-by-factor": Mistake(
            result=lambda lines, n, u: backwards(lines, u, lambda bar, w, c: bar + w / c)[:n]
        ),
        "all-cotangents": Mistake(result=lambda lines, n, u: backwards(lines, u, accumulate)),
        "pushed-forward": Mistake(result=pushed_ones),
        "seed-ignored": Mistake(result=lambda lines, n, u: by_columns(lines, n, 1.0)),
        "unread-left-out": Mistake(
            result=lambda lines, n, u: by_columns(lines, n, u)[
                [i for i in range(n) if i in {start for _, start, _ in lines}]
            ]
        ),
        "cleared-too-early": Mistake(result=cleared),
        "factors-squared": Mistake(
            result=lambda lines, n, u: by_columns([(t, s, c * c) for t, s, c in lines], n, u)
        ),
        "u-in-every-line": Mistake(
            result=lambda lines, n, u: np.array([
                u * sum(c for _, start, c in lines if start == i) for i in range(n)
            ])
        ),
    },
    mistakes=(
        Mistake(
            "cleared-too-early",
            "a cotangent that is used up",
            "You set the cotangent of `to` to 0 once a line has read it. Of a sum or a product "
            "there are two lines with the same `to`, and both need it.",
        ),
        Mistake(
            "factors-squared",
            "the factors twice",
            "Each factor counts twice in your result. A line multiplies by its factor once.",
        ),
        Mistake(
            "u-in-every-line",
            "u in every line",
            "Every line of yours multiplies its factor by u. Only the result has the cotangent u: "
            "a line takes that of its own `to`, which has come together before.",
        ),
        Mistake(
            "unread-left-out",
            "an input that is not read has a cotangent",
            "Where no line reads an input, you leave it out. It has a cotangent, too, and that is "
            "0: asked for are n numbers.",
        ),
        Mistake(
            "last-line-left-out",
            "the last line is left out",
            "Your last line is left out. Go through all of them.",
        ),
        Mistake(
            "nothing-arrives",
            "nothing arrives",
            "Your cotangents are all 0. Either u is given to a value that no line makes (the result "
            "is the value with the largest number), or nothing is passed on: backward, a line takes "
            "the cotangent of `to`, and adds to that of `from`.",
        ),
        Mistake(
            "seed-at-first-step",
            "u at another value",
            "You gave u to value number n, which the first step makes. It belongs to the "
            "result, the value with the largest number.",
        ),
        Mistake(
            "all-begin-at-one",
            "all begin at 1",
            "Your cotangents begin at 1. All but that of the result begin at 0, since nothing "
            "has arrived there yet.",
        ),
        Mistake(
            "all-begin-at-u",
            "all begin at u",
            "All your cotangents begin at u. Only that of the result does; the others begin at 0.",
        ),
        Mistake(
            "last-values",
            "the last values",
            "You returned the cotangents of the *last* n values. The inputs are the first n.",
        ),
        Mistake(
            "factors-left-out",
            "the factors are missing",
            "You sent the cotangents back without the factors. A line multiplies by its factor, "
            "backward as well.",
        ),
        Mistake(
            "forward-order",
            "the lines in forward order",
            "Only the last lines count in your result: either you went through the lines from first to "
            "last, where a cotangent is read before anything has arrived there, or the loop is left "
            "early. Go through all of them, from last to first.",
            "",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "overwritten-bar",
            "overwritten instead of added",
            "You replaced a cotangent where you should add to it. A value that is used twice gets a "
            "contribution from each use.",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "divided-by-factor",
            "the inverse instead of the transpose",
            "You divided by the factors. The transpose of a multiplication by c is a multiplication by c.",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "all-cotangents",
            "the cotangents of all values",
            "You returned the cotangent of every value. Asked for are those of the n inputs.",
            "",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "pushed-forward",
            "forward instead of backward",
            "You pushed a tangent of u through the program: one number comes out. Transposed, one cotangent "
            "goes in, and n come out.",
            "",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "seed-ignored",
            "the cotangent was ignored",
            "Your result is that of u = 1. The backward pass starts from u.",
            read=CHAPTER + "#bonnet-transpose",
        ),
    ),
    read=CHAPTER + "#bonnet-transpose",
)

lax = jax.lax
twice_sine = lambda x: lax.sin(lax.mul(lax.sin(x), x))
inner_call = jax.jit(lambda x: lax.mul(lax.sin(x), lax.sin(x)))
looped = lambda x: lax.scan(lambda c, _: (inner_call(lax.sin(c)), None), x, None, length=7)[0]


def nested(x):
    step = lambda c, _: (lax.add(looped(c), lax.sin(c)), None)
    return lax.mul(lax.sin(x), lax.scan(step, x, None, length=50)[0])


def called_then_looped(x):
    """A call outside of any loop, and names that are part of others."""
    step = lambda c, _: (lax.cosh(lax.cos(c)), None)
    return lax.scan(step, inner_call(inner_call(x)), None, length=3)[0]


@jax.jit
def outer_call(x):
    return inner_call(lax.sin(x))


calling = lambda x: lax.scan(lambda c, _: (outer_call(c), None), x, None, length=4)[0]


def table(*rows):
    """Counts by hand, by the label of the function and the primitive's name."""
    counts = {(f, name): count for f, name, count in rows}
    return lambda f, x, name: counts[f, name]


counted = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 7 * 3),
    (looped, "mul", 7),
    (nested, "sin", 50 * (7 * 3 + 1) + 1),
    (nested, "add", 50),
    (called_then_looped, "mul", 2),
    (called_then_looped, "cos", 3),
    (calling, "jit", 8),
    (calling, "scan", 1),
)
shallow = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 0),
    (looped, "mul", 0),
    (nested, "sin", 1),
    (nested, "add", 0),
    (called_then_looped, "mul", 0),
    (called_then_looped, "cos", 0),
    (calling, "jit", 0),
    (calling, "scan", 1),
)
unmultiplied = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 3),
    (looped, "mul", 1),
    (nested, "sin", 5),
    (nested, "add", 1),
    (called_then_looped, "mul", 2),
    (called_then_looped, "cos", 1),
    (calling, "jit", 2),
    (calling, "scan", 1),
)
one_level_counted = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 7),
    (looped, "mul", 0),
    (nested, "sin", 51),
    (nested, "add", 50),
    (called_then_looped, "mul", 2),
    (called_then_looped, "cos", 3),
    (calling, "jit", 4),
    (calling, "scan", 1),
)
without_calls = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 7),
    (looped, "mul", 0),
    (nested, "sin", 50 * (7 + 1) + 1),
    (nested, "add", 50),
    (called_then_looped, "mul", 0),
    (called_then_looped, "cos", 3),
    (calling, "jit", 4),
    (calling, "scan", 1),
)
inner_length_alone = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 7 + 1 + 1),
    (looped, "mul", 1),
    (nested, "sin", 50 + 7 + 1 + 1 + 1),
    (nested, "add", 50),
    (called_then_looped, "mul", 2),
    (called_then_looped, "cos", 3),
    (calling, "jit", 4 + 1),
    (calling, "scan", 1),
)
without_loops = table(
    (twice_sine, "sin", 2),
    (looped, "sin", 0),
    (looped, "mul", 0),
    (nested, "sin", 1),
    (nested, "add", 0),
    (called_then_looped, "mul", 2),
    (called_then_looped, "cos", 0),
    (calling, "jit", 0),
    (calling, "scan", 1),
)
all_of_them = table(
    (twice_sine, "sin", 3),
    (looped, "sin", 7 * 4),
    (looped, "mul", 7 * 4),
    (nested, "sin", 50 * (7 * 4 + 2) + 2),
    (nested, "add", 50 * (7 * 4 + 2) + 2),
    (called_then_looped, "mul", 2 * 3 + 3 * 2),
    (called_then_looped, "cos", 2 * 3 + 3 * 2),
    (calling, "jit", 4 * (1 + 3)),
    (calling, "scan", 4 * (1 + 3)),
)


def but(f, name, count):
    """The right counts, but for one of them."""
    return lambda g, x, n: count if (g, n) == (f, name) else counted(g, x, n)


with_calls = table(
    (twice_sine, "sin", 3),
    (looped, "sin", 7 * 5 + 1),
    (looped, "mul", 7 * 5 + 1),
    (nested, "sin", 50 * (7 * 5 + 1 + 2) + 3),
    (nested, "add", 50 * (7 * 5 + 1 + 2) + 3),
    (called_then_looped, "mul", 2 * 4 + 1 + 3 * 2),
    (called_then_looped, "cos", 2 * 4 + 1 + 3 * 2),
    (calling, "jit", 4 * (2 + 1 + 3) + 1),
    (calling, "scan", 4 * (2 + 1 + 3) + 1),
)

count_primitives = Question(
    name="count_primitives",
    returns="count",
    points=(
        {"f": twice_sine, "x": test_array((3,)), "name": "sin"},
        {"f": looped, "x": test_array((4,), 1.0), "name": "sin"},
        {"f": looped, "x": test_array((2,), 2.0), "name": "mul"},
        {"f": called_then_looped, "x": test_array((3,), 5.0), "name": "mul"},
        {"f": called_then_looped, "x": test_array((3,), 6.0), "name": "cos"},
        {"f": calling, "x": test_array((2,), 7.0), "name": "jit"},
        {"f": calling, "x": test_array((2,), 8.0), "name": "scan"},
        {"f": nested, "x": test_array((5,), 3.0, 100.0), "name": "sin"},
        {"f": nested, "x": test_array((6,), 4.0, 100.0), "name": "add"},
    ),
    labels=(
        "sines, no loop",
        "sines, a call in a loop of 7",
        "products, a call in a loop of 7",
        "products, two calls before a loop",
        "cosines, beside a cosh",
        "calls, one in another, in a loop of 4",
        "loops, one of 4",
        "sines, a loop of 7 in a loop of 50",
        "sums, a loop of 7 in a loop of 50",
    ),
    large_points=(7, 8),
    reference=counted,
    predictions={
        "inner-length-alone": Mistake(result=inner_length_alone),
        "top-level-only": Mistake(result=shallow),
        "calls-left-out": Mistake(result=without_calls),
        "loops-left-out": Mistake(result=without_loops),
        "not-inside-a-match": Mistake(result=but(calling, "jit", 4)),
        "loop-itself-multiplied": Mistake(result=but(calling, "scan", 4)),
        "names-that-contain-it": Mistake(result=but(called_then_looped, "cos", 6)),
        "never-equal": Mistake(result=lambda f, x, name: 0),
        "whether-it-runs": Mistake(result=lambda f, x, name: float(counted(f, x, name) > 0)),
        "loop-counted-once": Mistake(result=unmultiplied),
        "one-level-deep": Mistake(result=one_level_counted),
        "every-primitive": Mistake(result=all_of_them),
        "every-equation": Mistake(result=with_calls),
        "entries-counted": Mistake(result=lambda f, x, name: counted(f, x, name) * np.size(x)),
    },
    mistakes=(
        Mistake(
            "inner-length-alone",
            "the lengths were not multiplied",
            "In a loop inside a loop you counted the length of the inner one alone. The body of the inner "
            "loop runs once for each of its steps, in *each* step of the outer one: multiply the lengths.",
        ),
        Mistake(
            "never-equal",
            "nothing is counted",
            "Your count is 0 everywhere. A primitive is an object, and its name is text: "
            "compare `eqn.primitive.name`.",
        ),
        Mistake(
            "names-that-contain-it",
            "names that contain the name",
            "You counted primitives whose name contains the one that is asked for, such as "
            "`cosh` for `cos`. Compare whole names.",
        ),
        Mistake(
            "loop-itself-multiplied",
            "the loop itself",
            "You counted the equation `scan` itself as often as its body runs. The loop runs "
            "once; its body `length` times.",
        ),
        Mistake(
            "not-inside-a-match",
            "an equation that is counted and goes on",
            "Where an equation is counted you do not look inside it. A call of `jit` may hold "
            "another: count it, *and* go in.",
        ),
        Mistake(
            "every-equation",
            "all equations together",
            "You counted all equations. Only those of the primitive `name` are asked for.",
        ),
        Mistake(
            "whether-it-runs",
            "whether, not how often",
            "You returned whether the primitive runs. Asked for is how often.",
        ),
        Mistake(
            "loops-left-out",
            "the programs of loops",
            "You looked into calls, and not into loops. An equation `scan` holds a program, "
            "which runs `length` times.",
        ),
        Mistake(
            "calls-left-out",
            "the programs of calls",
            "You looked into loops, and not into calls. An equation `jit` holds a program, too.",
        ),
        Mistake(
            "top-level-only",
            "the programs inside",
            "You counted the equations of the outer program alone. Calls and loops hold programs of their "
            "own, and what is in them runs, too.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "loop-counted-once",
            "a loop runs more than once",
            "You counted the body of a loop once. It runs `length` times.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "one-level-deep",
            "only one level deep",
            "You looked into the programs inside, and not into those inside them. Let your function call "
            "itself.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "every-primitive",
            "all primitives together",
            "You counted all equations. Only those of the primitive `name` are asked for.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
        Mistake(
            "entries-counted",
            "entries for runs",
            "You counted the entries of the results. A sine of an array is one run of `sin`.",
            read=CHAPTER + "#bonnet-interpreter",
        ),
    ),
    read=CHAPTER + "#bonnet-interpreter",
)

def overflow(x):
    """sin, exp, exp (inf), sub (inf - inf: NaN), mul"""
    large = lax.exp(lax.exp(x))
    return lax.mul(lax.sub(large, large), x)


def negative_root(x):
    """neg, sqrt (NaN where x > 0), add"""
    return lax.add(lax.sqrt(lax.neg(x)), x)


healthy = lambda x: lax.mul(lax.sin(x), lax.exp(x))
NOT_A_NUMBER = np.array([np.nan, 1.0])
from_outside = lambda x: lax.log(lax.mul(lax.add(x, NOT_A_NUMBER), x))


def inherited(x):
    """The constant holds a NaN: add and mul inherit it; then the logarithm of -1 makes another."""
    return lax.mul(lax.add(x, NOT_A_NUMBER), lax.log(lax.neg(lax.exp(x))))


def two_makers(x):
    """x - 5 (with a literal), sqrt (NaN), neg, log (another NaN), add"""
    return lax.add(lax.sqrt(x - 5.0), lax.log(lax.neg(x)))


def left_out(x):
    """log (NaN in the second entry), slice: the NaN does not reach the result"""
    return lax.slice(lax.log(x), [0], [1])


def nan_places(first, last, entire, infinite, inherits):
    """The places by hand, for each function."""
    functions = (
        overflow,
        negative_root,
        healthy,
        from_outside,
        inherited,
        two_makers,
        left_out,
    )
    columns = dict(
        zip(functions, zip(first, last, entire, infinite, inherits, strict=True), strict=True)
    )
    return lambda kind: lambda f, x: columns[f][kind]


place_of = nan_places(
    first=(2, 1, -1, -1, 3, 1, 0),
    last=(3, 2, -1, 2, 4, 4, 0),
    entire=(2, -1, -1, -1, 3, 1, -1),
    infinite=(1, 1, -1, 0, 0, 1, 0),
    inherits=(2, 1, -1, 0, 0, 1, 0),
)
count_of = {
    overflow: 4,
    negative_root: 3,
    healthy: 3,
    from_outside: 3,
    inherited: 5,
    two_makers: 5,
    left_out: 2,
}


def infinite_only(f, x):
    """What comes out when whatever is not finite counts, in results and in operands."""
    return 1 if f is overflow else place_of(0)(f, x)


def missing_as_length(f, x):
    inherited_place = place_of(4)(f, x)
    return inherited_place if inherited_place >= 0 else count_of[f]


def from_one(f, x):
    inherited_place = place_of(4)(f, x)
    return inherited_place + 1 if inherited_place >= 0 else -1


def finite_before(f, x):
    """The places, where an equation is excused by an infinite operand as well."""
    return -1 if f is overflow else place_of(0)(f, x)


first_nan = Question(
    name="first_nan",
    returns="place",
    points=(
        {"f": overflow, "x": np.array([10.0, 12.0])},
        {"f": negative_root, "x": np.array([2.0, -3.0])},
        {"f": healthy, "x": np.array([0.5, 1.5])},
        {"f": from_outside, "x": np.array([1.5, 2.5])},
        {"f": two_makers, "x": np.array([1.0, 2.0])},
        {"f": inherited, "x": np.array([1.0, 200.0])},
        {"f": left_out, "x": np.array([2.0, -3.0])},
    ),
    labels=(
        "a difference of two overflows",
        "a root, one entry negative",
        "no NaN at all",
        "a NaN that comes from a constant",
        "two equations that make a NaN each",
        "a NaN from a constant, and another",
        "a NaN that the result leaves out",
    ),
    large_points=(5,),
    reference=place_of(0),
    predictions={
        "any-nan": Mistake(result=place_of(1)),
        "last-maker": Mistake(result=lambda f, x: 3 if f is two_makers else place_of(0)(f, x)),
        "never-any": Mistake(result=lambda f, x: -1),
        "zero-when-none": Mistake(result=lambda f, x: max(place_of(0)(f, x), 0)),
        "one-too-large": Mistake(result=lambda f, x: place_of(0)(f, x) + (place_of(0)(f, x) >= 0)),
        "infinity-makes-it": Mistake(result=infinite_only),
        "count-when-none": Mistake(
            result=lambda f, x: count_of[f] if place_of(0)(f, x) < 0 else place_of(0)(f, x)
        ),
        "whole-result-nan": Mistake(result=place_of(2)),
        "inf-counts-as-nan": Mistake(result=place_of(3)),
        "inherited-nan": Mistake(result=place_of(4)),
        "length-when-none": Mistake(result=missing_as_length),
        "counted-from-one": Mistake(result=from_one),
        "finite-operands": Mistake(result=finite_before),
    },
    mistakes=(
        Mistake(
            "count-when-none",
            "the length where there is none",
            "Where nothing makes a NaN you return the number of equations. Return −1.",
        ),
        Mistake(
            "infinity-makes-it",
            "infinity is not a NaN",
            "You stopped at an infinite result. An overflow is not a NaN yet: `jnp.isnan` tells "
            "them apart.",
        ),
        Mistake(
            "one-too-large",
            "counted from 1",
            "Your places are counted from 1. The first equation has place 0.",
        ),
        Mistake(
            "zero-when-none",
            "0 where there is none",
            "Where nothing makes a NaN you return 0, which is the place of the first equation. "
            "Return −1.",
        ),
        Mistake(
            "never-any",
            "never found",
            "Your answer is −1 everywhere: no equation was ever found to make a NaN. Is the "
            "loop left in its first iteration, or is NaN looked for with `==`? NaN equals "
            "nothing, not even itself: `jnp.isnan` finds it.",
        ),
        Mistake(
            "last-maker",
            "the last one",
            "You returned the last equation that makes a NaN. Asked for is the first: return as "
            "soon as it is found.",
        ),
        Mistake(
            "any-nan",
            "the last instead of the first",
            "You returned the last equation whose result holds a NaN. Everything that reads a NaN makes "
            "one: look for the first that reads none.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "whole-result-nan",
            "one NaN is enough",
            "You asked whether *all* entries of a result are NaN. One is enough: `.any()`.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "inf-counts-as-nan",
            "inf is not NaN",
            "You stopped at the first result that is not finite. An overflow to inf may be harmless; asked "
            "for is the first NaN.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "inherited-nan",
            "a NaN that was inherited",
            "You returned the first equation whose result holds a NaN. Where an operand held one already, "
            "the equation is not to blame.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "length-when-none",
            "where there is none",
            "Where no equation is to blame, you returned the number of equations, and you did not look at "
            "the operands. Asked for is -1 there; an equation that only inherits a NaN does not count.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "counted-from-one",
            "counted from one",
            "You count the equations from 1, and do not look at the operands. The first equation has place "
            "0; one that only inherits a NaN does not count.",
            read=CHAPTER + "#bonnet-read",
        ),
        Mistake(
            "finite-operands",
            "an infinity is blamed, too",
            "You ask for operands that are *finite*. inf − inf makes a NaN of operands "
            "that hold none: only a NaN in an operand excuses an equation.",
        ),
    ),
    read=CHAPTER + "#bonnet-read",
)

def halving(x):
    """Halve until it is short, in Python."""
    while jnp.sum(x**2) > 1:
        x = x / 2
    return jnp.sin(x) * x[0]


def picky(x):
    """Raises, and catches, depending on a value."""
    try:
        if x[0] >= 3:
            raise ValueError("too large")
        return 2 * x**3
    except ValueError:
        return jnp.outer(x, x)[0] * jnp.pi


def sorted_branch(x):
    return jnp.tanh(x) if jnp.max(x) > 0 else jnp.exp(x) * jnp.roll(x, 1)


def grown(x):
    """A matrix of another size than x."""
    return jnp.outer(x, jnp.sin(x[:2])) if x[0] > 0 else jnp.zeros((3, 2))


def dense_rows(f, x, U):
    """With the forward mode, one column after the other: it runs Python at values, too."""
    units = np.eye(np.size(x)).reshape(-1, *np.shape(x))
    columns = [jax.jvp(f, (x,), (unit,))[1] for unit in units]
    rows = [jnp.stack([jnp.vdot(u, column) for column in columns]) for u in U]
    return jnp.stack(rows).reshape(-1, *np.shape(x))


def pushed_rows(f, x, U):
    return jnp.stack([jax.jvp(f, (x,), (u,))[1] for u in U])


dynamic_rows = Question(
    name="dynamic_rows",
    returns="rows",
    points=(
        {"f": halving, "x": np.array([3.0, 1.5, -2.0]), "U": test_array((4, 3))},
        {"f": picky, "x": np.array([1.0, 2.0]), "U": test_array((3, 2), 1.0)},
        {"f": grown, "x": np.array([1.0, 0.5, -2.0]), "U": test_array((2, 3, 2), 4.0)},
        {"f": sorted_branch, "x": np.array([-1.0, -0.5, -2.0]), "U": test_array((2, 3), 2.0)},
        {"f": picky, "x": np.array([40.0, 2.0]), "U": test_array((4, 2), 3.0)},
        {"f": halving, "x": test_array((2, 3), 1.0), "U": test_array((2, 2, 3), 5.0)},
    ),
    labels=(
        "a Python loop",
        "the usual branch",
        "a matrix comes out",
        "an if",
        "the branch that raises",
        "x is a matrix",
    ),
    large_points=(4,),
    reference=dense_rows,
    predictions={
        "cotangents-summed": Mistake(result=lambda f, x, U: dense_rows(f, x, U).sum(axis=0)),
        "cotangent-ones": Mistake(result=lambda f, x, U: dense_rows(f, x, np.ones_like(U))),
    },
    mistakes=(
        Mistake(
            "cotangents-summed",
            "the cotangents were added up",
            "You added the cotangents and pulled back their sum. Each row of U should give a row.",
            "",
            read="book/05_vmap.md#vmap-mjp",
        ),
        Mistake(
            "cotangent-ones",
            "the cotangents were ignored",
            "Your rows are all the same: what ones would give. Pull back the rows of U.",
            read="book/05_vmap.md#vmap-mjp",
        ),
        Mistake(
            "python-branch",
            "f was traced",
            "You compiled something that calls f. There x is a stand-in without a value, and f asks for "
            "one. Call `vjp(f, x)` outside of `jit`, and compile the pullback.",
            "",
            read=CHAPTER + "#bonnet-dynamic",
            raised=("TracerBoolConversionError: ", "ConcretizationTypeError: "),
        ),
    ),
    cost_limits=(
        CostLimit(
            "too-many-calls",
            lambda: {"f": picky, "x": np.array([1.0, 2.0]), "U": test_array((4, 2))},
            calls={"f": 1},
        ),
    ),
    read=CHAPTER + "#bonnet-dynamic",
)

def twice_used(x):
    s = lax.sin(x)
    return lax.mul(s, lax.sub(lax.exp(s), lax.cos(x)))


def with_literals(x):
    return lax.sub(lax.mul(x, lax.cos(lax.mul(x, x))), lax.neg(lax.add(x, lax.exp(lax.sin(x)))))


def with_numbers(x):
    return lax.sub(lax.sin(lax.mul(2.0, x)), lax.mul(x, lax.add(x, 1.5)))


def dead_inside(x):
    unused = lax.exp(lax.cos(x))
    doubled = lax.add(x, x)
    lax.mul(unused, doubled)
    return lax.sin(lax.mul(doubled, lax.mul(x, x)))


def dead_at_the_end(x):
    s = lax.mul(lax.sin(x), x)
    lax.exp(lax.mul(s, s))
    return s


def held(v, values, literal=None):
    """What a table holds of an operand; of a literal its own value, or what is given for it."""
    if hasattr(v, "val"):
        return v.val if literal is None else literal
    return values[v]


def slope_of(f, x):
    """The derivative of an entrywise function, in forward mode."""
    return jax.jvp(f, (jnp.asarray(x),), (jnp.ones(np.shape(x)),))[1]


def literals_skipped(f, x, u):
    """The pullback where nothing passes through an equation with a literal."""
    return u * forward_slopes(f, x, {}, literals=False)


def rules_changed(change):
    """The pullback of a function whose rules for some primitives are wrong."""
    return lambda f, x, u: u * forward_slopes(f, x, change)


def forward_slopes(f, x, change, literals=True, equal=True):
    """The slope of an entrywise function, by the factors of its steps, some of them changed."""
    program = jax.make_jaxpr(f)(x).jaxpr
    values = {program.invars[0]: np.asarray(x)}
    slopes = {program.invars[0]: np.ones(np.shape(x))}
    factors = {
        "add": lambda a, b: (1.0, 1.0),
        "sub": lambda a, b: (1.0, -1.0),
        "mul": lambda a, b: (b, a),
        "neg": lambda a: (-1.0,),
        "sin": lambda a: (np.cos(a),),
        "cos": lambda a: (-np.sin(a),),
        "exp": lambda a: (np.exp(a),),
    } | change
    for step in program.eqns:
        operands = [held(v, values) for v in step.invars]
        pairs = list(zip(step.invars, factors[step.primitive.name](*operands), strict=True))
        if not equal and len(pairs) == 2 and pairs[0][0] is pairs[1][0]:
            pairs = pairs[1:]
        slopes[step.outvars[0]] = sum(factor * held(v, slopes, 0.0) for v, factor in pairs)
        if not literals and any(hasattr(v, "val") for v in step.invars):
            slopes[step.outvars[0]] = np.zeros(np.shape(x))
        values[step.outvars[0]] = np.asarray(step.primitive.bind(*operands, **step.params))
    return slopes[program.outvars[0]]


def last_of_equal_operands(f, x, u):
    """The pullback where an equation gives one contribution to each variable, the last."""
    return u * forward_slopes(f, x, {}, equal=False)


def last_contribution(f, x, u, dead=True):
    """The pullback where a later contribution replaces the earlier ones."""
    program = jax.make_jaxpr(f)(x).jaxpr
    values = {program.invars[0]: jnp.asarray(x)}
    for step in program.eqns:
        operands = [held(v, values) for v in step.invars]
        values[step.outvars[0]] = step.primitive.bind(*operands, **step.params)
    bars = {program.outvars[0]: u}
    for step in reversed(program.eqns):
        operands = [held(v, values) for v in step.invars]
        w_bar = bars.get(step.outvars[0], 0 * u)
        if not dead and step.outvars[0] not in bars:
            continue
        apply = lambda *a, step=step: step.primitive.bind(*a, **step.params)
        backs = jax.vjp(apply, *operands)[1](jnp.asarray(w_bar))
        for v, back in zip(step.invars, backs, strict=True):
            if not hasattr(v, "val"):
                bars[v] = back
    return bars[program.invars[0]]


u_like_x = lambda phase: lambda p: {"u": test_array(np.shape(p["x"]), phase)}

jaxpr_vjp = Question(
    name="jaxpr_vjp",
    returns="x_bar",
    points=(
        {"f": twice_used, "x": test_array((3,))},
        {"f": with_literals, "x": test_array((2,), 1.0)},
        {"f": with_numbers, "x": test_array((3,), 3.0)},
        {"f": dead_at_the_end, "x": test_array((2,), 4.0)},
        {"f": dead_inside, "x": test_array((2,), 2.0, 9.0)},
        {"f": lambda x: x, "x": test_array((3,), 5.0)},
        {"f": lambda x: lax.sub(1.0, lax.sin(x)), "x": test_array((3,), 6.0)},
    ),
    labels=(
        "a value used twice",
        "all seven primitives",
        "with literals",
        "dead steps at the end",
        "dead steps",
        "f(x) = x",
        "1 - sin x",
    ),
    tangents=(u_like_x(0.5), u_like_x(2.5)),
    shape_of={"x_bar": "x"},
    large_points=(4,),
    reference=lambda f, x, u: u * slope_of(f, x),
    requirements=(linear_in("u"),),
    predictions={
        "overwritten-bar": Mistake(result=last_contribution),
        "overwritten": Mistake(result=lambda f, x, u: last_contribution(f, x, u, dead=False)),
        "nothing-arrives": Mistake(result=lambda f, x, u: 0 * u),
        "own-factors": Mistake(result=rules_changed({"mul": lambda a, b: (a, b)})),
        "minus-of-neg-forgotten": Mistake(result=rules_changed({"neg": lambda a: (1.0,)})),
        "operand-for-exp": Mistake(result=rules_changed({"exp": lambda a: (a,)})),
        "sine-at-the-value": Mistake(result=rules_changed({"sin": lambda a: (np.cos(np.sin(a)),)})),
        "minus-of-sub-forgotten": Mistake(result=rules_changed({"sub": lambda a, b: (1.0, 1.0)})),
        "cosine-without-minus": Mistake(result=rules_changed({"cos": lambda a: (np.sin(a),)})),
        "literal-skipped": Mistake(result=literals_skipped),
        "slope-at-result": Mistake(
            result=rules_changed({
                "sin": lambda a: (np.cos(np.sin(a)),),
                "cos": lambda a: (-np.sin(np.cos(a)),),
            })
        ),
        "one-share-for-both": Mistake(result=last_of_equal_operands),
    },
    mistakes=(
        Mistake(
            "sine-at-the-value",
            "the slope at the result",
            "Your rule for `sin` takes the cosine of the *result*. The derivative belongs to "
            "the operand: cos(a).",
        ),
        Mistake(
            "operand-for-exp",
            "the operand in place of exp",
            "Your rule for `exp` multiplies with the operand. The derivative is exp(a).",
        ),
        Mistake(
            "minus-of-neg-forgotten",
            "the minus of neg",
            "Your rule for `neg` passes the cotangent on as it is. It gets a minus.",
        ),
        Mistake(
            "own-factors",
            "each operand times itself",
            "Your rule for `mul` multiplies with the operand itself. The cotangent of a is that "
            "of a · b, times the *other* operand b.",
        ),
        Mistake(
            "nothing-arrives",
            "nothing arrives",
            "Your result is 0: no cotangent arrives at the input. Go through the equations from "
            "last to first, and through all of them.",
        ),
        Mistake(
            "overwritten",
            "an overwritten cotangent",
            "You replaced a cotangent where you should add to it. A value that is used twice "
            "gets a contribution from each use.",
        ),
        Mistake(
            "overwritten-bar",
            "overwritten instead of added",
            "You replaced a cotangent where you should add to it. A variable that is read twice gets a "
            "contribution from each.",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "minus-of-sub-forgotten",
            "the sign of sub",
            "Your rule for `sub` sends the same cotangent to both operands. The second gets a minus.",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "cosine-without-minus",
            "the sign of cos",
            "Your rule for `cos` lacks the minus: the derivative of cos is −sin.",
            read=CHAPTER + "#bonnet-meaning",
        ),
        Mistake(
            "jax-differentiates",
            "JAX did it",
            "The numbers are right, but JAX differentiated for you ({mode} mode). Here the point is to do it "
            "yourself: run the equations, then go back through them with rules of your own.",
            "",
            read=CHAPTER + "#bonnet-transpose",
        ),
        Mistake(
            "literal-skipped",
            "equations with a literal are skipped",
            "Your backward pass does nothing where an operand is a literal. The literal "
            "gets no cotangent; the other operand does.",
        ),
        Mistake(
            "slope-at-result",
            "slopes at the result",
            "Your rules for sin and cos take their slope at the *result* of the "
            "equation. Only for exp is the result what is needed; the others need the "
            "operand.",
        ),
        Mistake(
            "nobody-reads",
            "no cotangent where nobody reads",
            "A result that no later equation reads has no cotangent in your dict. Its "
            "cotangent is zero: `bars.get(v, 0.0)`, or leave such an equation out.",
            raised=("KeyError: Var",),
            code=r"\[\s*\w+\.outvars",
        ),
        Mistake(
            "one-share-for-both",
            "one contribution for two operands",
            "Where both operands of an equation are the same variable (x · x, x + x), "
            "only one contribution arrives: a dict keeps the last. Add them one after "
            "the other.",
        ),
    ),
    cost_limits=(
        CostLimit(
            "jax-differentiates",
            lambda: {"f": twice_used, "x": test_array((3,)), "u": test_array((3,), 1.0)},
            mode="no mode of JAX",
        ),
    ),
    read=CHAPTER + "#bonnet-transpose",
)
