"""Small steps for tests of the engine, and a worktable of them: total = (x + y) * factor, then label."""

from archive.catalogues import catalogue_table
from pipelines.contract import Field, Parameter, Port, StepFailed
from pipelines.registry import step

ran = []


@step(
    "toy_add",
    inputs=[Port("x", "float"), Port("y", "float", required=False)],
    outputs=[Port("total", "float")],
    parameters=[Parameter("factor", "float", 1.0, minimum=-100, maximum=100)],
)
def toy_add(inputs, parameters, context):
    """Add two numbers; 13 is unlucky."""
    if inputs["x"] == 13:
        raise StepFailed("13 is unlucky; choose another number")
    ran.append(("add", inputs["x"]))
    context.log(f"adding to {inputs['x']}")
    return {"total": (inputs["x"] + (inputs["y"] or 0.0)) * parameters["factor"]}


@step("toy_sign", inputs=[Port("total", "float")], outputs=[Port("sign", "text")])
def toy_sign(inputs, parameters, context):
    """Say which sign a number has."""
    ran.append(("sign", inputs["total"]))
    return {"sign": "negative" if inputs["total"] < 0 else "positive"}


FIELDS = (
    Field("number", "int"),
    Field("position", "position", "deg", "pos.eq;meta.main"),
    Field("flux", "float", "Jy"),
)


@step(
    "toy_list",
    inputs=[Port("total", "float")],
    outputs=[Port("items", "catalogue", schema=FIELDS)],
)
def toy_list(inputs, parameters, context):
    """List as many items as the total says, at 1° steps of right ascension."""
    n = int(abs(inputs["total"]))
    ran.append(("list", n))
    table = catalogue_table(
        FIELDS,
        {
            "number": list(range(n)),
            "position": [(10.0 * k, 5.0) for k in range(n)],
            "flux": [float(k + 1) for k in range(n)],
        },
    )
    return {"items": context.keep_catalogue(table, "items.fits")}


@step(
    "toy_sum",
    inputs=[Port("least", "float", "Jy"), Port("fluxes", "float", "Jy", many=True)],
    outputs=[Port("n", "int"), Port("total", "float", "Jy")],
)
def toy_sum(inputs, parameters, context):
    """Sum the fluxes that are not below a limit."""
    kept = [flux for flux in inputs["fluxes"] if flux is not None and flux >= inputs["least"]]
    ran.append(("sum", len(kept)))
    return {"n": len(kept), "total": float(sum(kept))}


FIELD = {
    "steps": [
        {
            "name": "add",
            "step": "toy_add",
            "inputs": {"x": "x", "y": "y"},
            "parameters": {"factor": "factor"},
            "outputs": {"total": "total"},
        },
        {"name": "sign", "step": "toy_sign", "inputs": {"total": "total"}, "outputs": {"sign": "sign"}},
    ]
}
LIST = {
    "steps": [
        FIELD["steps"][0],
        {"name": "list", "step": "toy_list", "inputs": {"total": "total"}, "outputs": {"items": "items"}},
    ]
}
SUM = {
    "steps": [
        {
            "name": "sum",
            "step": "toy_sum",
            "inputs": {"least": "least", "fluxes": "members.flux"},
            "outputs": {"n": "n", "total": "total"},
        }
    ]
}
