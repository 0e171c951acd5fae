() => {
  const wide = document.documentElement.clientWidth, faults = [];
  const said = e => `${e.tagName.toLowerCase()}.${e.className} "${(e.innerText || e.value || "").slice(0, 40)}"`;
  if (document.scrollingElement.scrollWidth > wide)
    faults.push(`the page is ${document.scrollingElement.scrollWidth} of ${wide} pixels wide`);
  const scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  for (const e of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (style.visibility === "hidden" || box.width <= 1 || box.height <= 1 || e.closest("svg") !== null) continue;
    if (e.closest("[class*=visually-hidden]") || e.closest("[hidden]")) continue;
    if ((box.right > wide + 1 || box.left < -1) && !scrolls(e.parentElement)) faults.push(`${said(e)} is outside`);
    const clips = style.overflowX !== "visible" && !["auto", "scroll"].includes(style.overflowX);
    const written = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (written && e.scrollWidth > e.clientWidth + 1 && clips) faults.push(`${said(e)} is cut`);
    if (written && style.overflowY === "hidden" && e.scrollHeight > e.clientHeight + 1) faults.push(`${said(e)} is cut below`);
    if (style.textOverflow === "ellipsis" && e.scrollWidth > e.clientWidth + 1) faults.push(`${said(e)} ends in dots`);
  }
  return faults;
}
