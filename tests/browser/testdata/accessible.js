(() => {
  const faults = [];

  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, bottom) => ({
    r: top.r * top.a + bottom.r * (1 - top.a),
    g: top.g * top.a + bottom.g * (1 - top.a),
    b: top.b * top.a + bottom.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const luminance = (c) => {
    const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
  };
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
  };
  const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;

  for (const element of document.body.querySelectorAll("*")) {
    const text = [...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.data).join("").trim();
    if (!visible(element) || text === "") {
      continue;
    }
    const behind = ground(element);
    const ratio = contrast(over(rgba(getComputedStyle(element).color), behind), behind);
    if (ratio < 4.5) {
      faults.push(`"${text}" has a contrast of ${ratio.toFixed(2)}`);
    }
  }
  for (const control of document.querySelectorAll("input:not([type=hidden]), button, a")) {
    if (!visible(control)) {
      continue;
    }
    const named = control.labels?.length > 0 ? [...control.labels].map((l) => l.textContent).join(" ") : control.textContent;
    if (named.trim() === "") {
      faults.push(`${control.outerHTML} has no name`);
    }
    if (control.tabIndex < 0) {
      faults.push(`${control.outerHTML} cannot be reached with the keyboard`);
    }
    for (const id of (control.getAttribute("aria-describedby") || "").split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) {
        faults.push(`${control.outerHTML} is described by nothing`);
      }
    }
    if (control.tagName === "INPUT") {
      const edge = contrast(over(rgba(getComputedStyle(control).borderTopColor), ground(control)), ground(control.parentElement));
      if (edge < 3) {
        faults.push(`the edge of ${control.name || control.id} has a contrast of ${edge.toFixed(2)}`);
      }
      if (control.getBoundingClientRect().height < 24) {
        faults.push(`${control.name} is too small to be hit`);
      }
    }
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    if (!document.querySelector(link.getAttribute("href"))) {
      faults.push(`${link.outerHTML} leads nowhere`);
    }
  }
  for (const [selector, count] of [["main", 1], ["header", 1], ["h1", 1], ["html[lang]", 1], ["title", 1], ["img:not([alt])", 0]]) {
    const found = document.querySelectorAll(selector).length;
    if (found !== count) {
      faults.push(`${found} of ${selector}, not ${count}`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) {
    faults.push(`an id is there twice: ${ids}`);
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    faults.push(`the page is ${document.documentElement.scrollWidth} pixels wide`);
  }
  return faults;
})()
