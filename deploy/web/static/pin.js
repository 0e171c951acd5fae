// The focus goes to what a page wants to be read first, such as the faults of a form.
function focusFirst() {
  const first = document.querySelector("[data-focus]");
  if (first) first.focus();
}
document.addEventListener("DOMContentLoaded", focusFirst);
document.addEventListener("htmx:afterSettle", focusFirst);
// A page that waits gets its answer with whatever status it has.
document.addEventListener("htmx:beforeSwap", (event) => {
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});
