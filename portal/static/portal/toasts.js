/** Says something in the corner of the page, to eyes and to screen readers; errors stay until they are closed. */
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
  if (tone !== "error") setTimeout(() => box.remove(), 6000);
  return box;
}
