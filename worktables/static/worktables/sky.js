/** Lets a source on the picture and its line in the list light up together. */
export function lightTogether(root) {
  const light = (number, on) => {
    for (const one of root.querySelectorAll(`[data-item="${number}"]`)) one.toggleAttribute("data-lit", on);
  };
  for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    root.addEventListener(enter, (event) => {
      const item = event.target.closest("[data-item]");
      if (item) light(item.dataset.item, true);
    });
    root.addEventListener(leave, (event) => {
      const item = event.target.closest("[data-item]");
      if (item) light(item.dataset.item, false);
    });
  }
}
