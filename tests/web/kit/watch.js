() => {
  window.stops = [];
  document.addEventListener("focusin", event => {
    const e = event.target, style = getComputedStyle(e);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const seen = e.getBoundingClientRect();
    window.stops.push({
      id: window.all.indexOf(e),
      shows: ring || style.boxShadow !== "none",
      size: seen.width * seen.height,
      text: e.outerHTML.slice(0, 120),
    });
  });
  const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled;
  const group = new Set();
  window.all = [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls], [tabindex='0']"
  )].filter(e => shown(e) && e.getAttribute("tabindex") !== "-1");
  // The arrows lead from one radio button to the next: Tab reaches one of each group.
  window.wanted = window.all.filter(e => {
    if (e.type !== "radio") return true;
    const name = `${e.form && e.form.action} ${e.name}`;
    if (group.has(name)) return false;
    group.add(name);
    return true;
  }).map(e => ({id: window.all.indexOf(e), radio: e.type === "radio" ? e.name : "", text: e.outerHTML.slice(0, 120)}));
  document.activeElement && document.activeElement.blur();
  // A date and a player have stops of their own within.
  const within = { date: 3, audio: 10 };
  return window.wanted.length + window.all.reduce((sum, e) => sum + (within[e.type || e.localName] || 0), 0)
    + 3 * document.querySelectorAll("iframe").length;
}
