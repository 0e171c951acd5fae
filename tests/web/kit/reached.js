() => {
  const reached = new Set(window.stops.map(stop => stop.id));
  const radios = new Set(window.all.filter((e, at) => e.type === "radio" && reached.has(at)).map(e => e.name));
  return {
    missed: window.wanted.filter(w => !reached.has(w.id) && !radios.has(w.radio)).map(w => w.text),
    hidden: window.stops.filter(stop => !stop.shows && stop.size > 1).map(stop => stop.text),
    order: window.stops.map(stop => stop.id),
    forced: [...document.querySelectorAll("[tabindex]")].filter(e => e.tabIndex > 0).map(e => e.outerHTML.slice(0, 120)),
  };
}
