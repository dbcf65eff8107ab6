"""Steps that do next to nothing, so that what is measured is everything else; and the pipelines of them."""

from pipelines.contract import Port
from pipelines.registry import step


@step("plus_one", inputs=[Port("x")], outputs=[Port("a")], batched=True)
def plus_one(inputs, parameters, contexts):
    """Add one."""
    return [{"a": each["x"] + 1} for each in inputs]


@step("twice", inputs=[Port("a")], outputs=[Port("b")], batched=True)
def twice(inputs, parameters, contexts):
    """Double."""
    return [{"b": each["a"] * 2} for each in inputs]


@step("minus_three", inputs=[Port("b")], outputs=[Port("c")], batched=True)
def minus_three(inputs, parameters, contexts):
    """Subtract three."""
    return [{"c": each["b"] - 3} for each in inputs]


@step("times", inputs=[Port("x"), Port("factors", many=True)], outputs=[Port("y")], batched=True)
def times(inputs, parameters, contexts):
    """Multiply by all that is collected."""
    made = []
    for each in inputs:
        y = each["x"]
        for factor in each["factors"]:
            y *= factor
        made.append({"y": y})
    return made


def chained(step, taken, given):
    return {"name": step, "step": step, "inputs": {taken: taken}, "outputs": {given: given}}


CHAIN = {
    "steps": [chained("plus_one", "x", "a"), chained("twice", "a", "b"), chained("minus_three", "b", "c")]
}
SCALED = {
    "steps": [
        {
            "name": "times",
            "step": "times",
            "inputs": {"x": "x", "factors": "parent.factor"},
            "outputs": {"y": "y"},
        }
    ]
}
