/** Says something in the corner of the page, to eyes and to screen readers; what is no success stays until it is closed. */
export function toast(text, tone = "success") {
  const box = document.createElement("div");
  box.className = `message ${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.className = "quiet small push";
  close.textContent = "Close";
  close.addEventListener("click", () => box.remove());
  box.append(words, close);
  document.getElementById("toasts").append(box);
  if (tone === "success") setTimeout(() => box.remove(), 6000);
  return box;
}
