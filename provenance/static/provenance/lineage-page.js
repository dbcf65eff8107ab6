/** Shows the cell that was asked about: in a large graph it lies half way down. */

const graph = document.querySelector("figure.graph");
const start = graph?.querySelector("[aria-current]");
if (start) {
  const inside = start.getBoundingClientRect();
  const around = graph.getBoundingClientRect();
  graph.scrollTop += inside.top + inside.height / 2 - around.top - around.height / 2;
}
