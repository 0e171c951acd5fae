// The focus goes to what a page wants to be read first, such as the faults of a form.
function focusFirst(part) {
  const first = part.querySelector("[data-focus]");
  if (first) first.focus();
}
document.addEventListener("DOMContentLoaded", () => focusFirst(document));
// Only in what has come: whoever types while places are looked up keeps the focus.
document.addEventListener("htmx:afterSettle", (event) => focusFirst(event.target));
// A second click on a button sends nothing: the first is on its way. (Without scripts it has no second effect.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 3000); // a form that is downloaded may be wanted again
});
// Buttons that only a script can serve.
function showPrint() {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
}
document.addEventListener("DOMContentLoaded", showPrint);
document.addEventListener("htmx:afterSettle", showPrint);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
// A page that waits gets its answer with whatever status it has; a part of a page only a good one.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== document.body) return;
  event.detail.shouldSwap = true;
  event.detail.isError = false;
});
