// The focus goes to what a page wants to be read first, such as the faults of a form.
function focusFirst(part) {
  const first = part.querySelector("[data-focus]");
  if (first) first.focus();
}
document.addEventListener("DOMContentLoaded", () => focusFirst(document));
// Only in what has come: whoever types while places are looked up keeps the focus.
document.addEventListener("htmx:afterSettle", (event) => focusFirst(event.target));
// A page that waits gets its answer with whatever status it has; a part of a page only a good one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== document.body) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});
