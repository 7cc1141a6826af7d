// Shows a span of the time of a chart: by its buttons, by dragging over it, and by wheel and keys where it has the focus.
// Times are in ms, lengths in units of the SVG. Whatever is drawn keeps its first place and is moved from there.
for (const svg of document.querySelectorAll("svg[data-zoom]")) {
  const { times, at, plot, least, row, what, drawn, panels } = JSON.parse(svg.dataset.zoom);
  const whole = times[1] - times[0], isDaily = times.every(time => time % DAY === 0);
  const unit = isDaily ? DAY : whole > DAY ? MINUTE : 1e-3;
  const figure = svg.closest("figure"), name = svg.querySelector("title").textContent;
  const all = selector => [...svg.querySelectorAll(selector)];
  const numbers = text => text.trim().split(/[\s,]+/).map(Number);
  const panelOf = element => panels[element.dataset.panel ?? element.dataset.curve];
  let span = times;

  const shapes = all("[data-curve] > *, [data-span] > *").map(shape => {
    const group = shape.parentNode, fine = group.dataset.curve ? 1000 : 1, flat = numbers(shape.getAttribute("points"));
    const points = flat.flatMap((x, idx) => idx % 2 ? [] : [[x / fine, flat[idx + 1] / fine]]);
    const ends = group.dataset.span && numbers(group.dataset.span);
    return { shape, fine, points, ends, panel: panelOf(group), fit: group.dataset.fit, text: shape.getAttribute("points") };
  });
  const marks = all("[data-point], .told").map(mark => {
    const [x, y] = mark.dataset.point ? numbers(mark.dataset.point) : [mark.cx, mark.cy].map(length => length.baseVal.value);
    return { mark, x, y, panel: panelOf(mark), text: mark.querySelector("text"), side: mark.querySelector("text")?.getAttribute("text-anchor") };
  });
  const ticks = all("[data-ticks]").map(group => ({ group, first: [...group.childNodes] }));

  // The time at a length along the axis, and where a length of the whole comes to lie.
  const timeAt = (x, [from, to] = span) => from + (x - at[0]) / (at[1] - at[0]) * (to - from);
  const placeOf = (time, [from, to] = span) => at[0] + (time - from) / (to - from) * (at[1] - at[0]);
  const along = x => placeOf(timeAt(x, times));
  const whence = x => placeOf(timeAt(x), times);

  // The value that stood at a height at first, and the other way.
  const scaled = ({ log, values }) => values.map(value => log ? Math.log(value) : value);
  const valueAt = (panel, y) => {
    const [low, high] = scaled(panel), value = low + (panel.y[1] - y) / (panel.y[1] - panel.y[0]) * (high - low);
    return panel.log ? Math.exp(value) : value;
  };
  const heightOf = (panel, value) => {
    const [low, high] = scaled(panel);
    return panel.y[1] - ((panel.log ? Math.log(value) : value) - low) / (high - low) * (panel.y[1] - panel.y[0]);
  };

  // The part of a line, or of an outline, between two x.
  function cut(points, from, to, isClosed) {
    const half = (points, edge, sign) => points.flatMap((point, idx) => {
      const before = idx || isClosed ? points.at(idx - 1) : point;
      const [is, was] = [point, before].map(([x]) => sign * (x - edge) >= 0);
      if (is === was) return is ? [point] : [];
      const y = before[1] + (edge - before[0]) / (point[0] - before[0]) * (point[1] - before[1]);
      return is ? [[edge, y], point] : [[edge, y]];
    });
    return half(half(points, from, 1), to, -1);
  }

  // The first heights that now are the top and the bottom of a panel.
  function fitted(panel, seen) {
    const [top, bottom] = panel.y;
    const heights = fit => seen.filter(shape => shape.panel === panel && shape.fit === fit).flatMap(shape => shape.cut.map(([, y]) => y));
    const extent = list => list.reduce(([low, high], y) => [Math.min(low, y), Math.max(high, y)], [Infinity, -Infinity]);
    let [low, high] = extent(heights("Whole"));
    if (low > high) return panel.y;
    const room = Math.max(high - low, 1e-3 * (bottom - top));
    [low, high] = extent([low, high, ...heights("Near").filter(y => y >= low - room && y <= high + room)]);
    if (panel.floor) {
      const lines = seen.filter(shape => shape.panel === panel && shape.ends && shape.cut.length).map(shape => shape.points[0][1]);
      return [Math.max(top, Math.min(bottom - 1e-3 * (bottom - top), extent([low, ...lines])[0] - 0.06 * (bottom - low))), bottom];
    }
    const pad = Math.max(0.04 * (high - low), 5e-4 * (bottom - top));
    return [Math.max(top, low - pad), Math.min(bottom, high + pad)];
  }

  function draw() {
    const isWhole = span[0] <= times[0] && span[1] >= times[1], [left, right] = plot.map(whence);
    svg.classList.toggle("closer", !isWhole);
    for (const shape of shapes) {
      shape.cut = shape.ends
        ? shape.ends[0] <= right && shape.ends[1] >= left ? shape.points : []
        : cut(shape.points, left, right, shape.shape.tagName === "polygon");
    }
    for (const panel of panels) {
      panel.now = isWhole ? panel.y : fitted(panel, shapes);
      panel.move = y => panel.y[0] + (y - panel.now[0]) / (panel.now[1] - panel.now[0]) * (panel.y[1] - panel.y[0]);
    }
    // An event reaches half a row beyond its rows, as far as that can be seen and is no more than a mark.
    const half = between(15, row / 2 / (span[1] - span[0]) * (at[1] - at[0]), 80);
    for (const { shape, fine, ends, panel, text, cut } of shapes) {
      const x = x => {
        if (!ends) return along(x);
        const isFirst = x < (ends[0] + ends[1]) / 2;
        return between(plot[0], along(ends[isFirst ? 0 : 1]) + (isFirst ? -half : half), plot[1]);
      };
      const moved = ([px, y]) => [x(px), panel ? panel.move(y) : y].map(length => Math.round(length * fine)).join();
      shape.setAttribute("points", isWhole ? text : cut.map(moved).join(" "));
    }
    for (const { mark, x, y, panel, text, side } of marks) {
      const to = along(x), down = (panel ? panel.move(y) : y) - y;
      const time = timeAt(x, times);
      mark.toggleAttribute("hidden", !isWhole && (time < span[0] - unit / 2 || time > span[1] + unit / 2));
      mark.setAttribute("transform", isWhole ? "" : `translate(${to - x} ${down})`);
      if (!text) continue;
      const now = isWhole ? side : to > (plot[0] + plot[1]) / 2 ? "end" : "start", beside = Math.abs(text.getAttribute("x") - x);
      text.setAttribute("text-anchor", now);
      text.setAttribute("x", now === "end" ? x - beside : x + beside);
    }
    for (const { group, first } of ticks) {
      group.replaceChildren(...first);
      if (isWhole) continue;
      const panel = panels[group.dataset.ticks];
      const pattern = first.slice(0, first.findIndex(node => node.tagName === "text") + 1);
      if (pattern.length === 0) continue;
      const list = panel
        ? valueTicks(...[1, 0].map(end => valueAt(panel, panel.now[end])), panel.log, panel.ticks).map(([value, words]) => [panel.move(heightOf(panel, value)), words])
        : timeTicks(...plot.map(x => timeAt(x)), Math.max(2, Math.floor((plot[1] - plot[0]) / 840))).map(([time, words]) => [placeOf(time), words]);
      group.replaceChildren();
      for (const [place, words] of list) for (const node of pattern) group.append(tick(node.cloneNode(true), panel ? 1 : 0, place, words));
      if (!panel) for (const text of group.querySelectorAll("text")) {
        const room = text.getComputedTextLength() / 2, x = Number(text.getAttribute("x"));
        text.setAttribute("x", between(room + 40, x, svg.viewBox.baseVal.width - 20 - room));
      }
    }
    tell(isWhole);
  }

  // A line or a text of a tick, brought to its place along an axis.
  function tick(node, axis, place, words) {
    if (node.tagName === "polyline") {
      const flat = numbers(node.getAttribute("points"));
      node.setAttribute("points", flat.map((length, idx) => idx % 2 === axis ? place : length).join(" "));
    } else if (node.tagName === "text") {
      node.setAttribute(axis ? "y" : "x", place);
      node.textContent = words;
    }
    return node;
  }

  // Shows that span, or the nearest there is: whole days where rows are days.
  function show(from, to) {
    const length = between(Math.min(least, whole), to - from, whole);
    const start = between(times[0], (from + to - length) / 2, times[1] - length);
    const round = time => Math.round(time / unit) * unit;
    span = length >= whole ? times : [Math.max(times[0], round(start)), Math.min(times[1], round(start + length))];
    draw();
  }
  const zoom = (factor, about = (span[0] + span[1]) / 2) => show(about - (about - span[0]) * factor, about + (span[1] - about) * factor);
  const pan = share => show(...span.map(time => time + share * (span[1] - span[0])));
  const reset = () => show(...times);

  const bar = document.createElement("div"), told = document.createElement("output");
  bar.className = "zoom";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `Span of ${name}`);
  const button = (sign, words, act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = words;
    button.innerHTML = `<b aria-hidden="true">${sign}</b> <span>${words}</span>`;
    button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || act());
    bar.append(button);
    return button;
  };
  const closer = button("+", "Zoom in", () => zoom(0.5)), farther = button("−", "Zoom out", () => zoom(2));
  const earlier = button("←", "Earlier", () => pan(-0.5)), later = button("→", "Later", () => pan(0.5));
  const full = button("↔", "Whole span", reset);
  told.setAttribute("aria-live", "polite");
  bar.append(told);
  if (!figure.closest(".grid")) bar.insertAdjacentHTML("beforeend", "<small>Drag over the chart to see a span of it.</small>");
  figure.after(bar);

  function tell(isWhole) {
    const n = marks.filter(({ mark }) => mark.matches(".told") && !mark.hasAttribute("hidden")).length / drawn;
    const date = time => new Date(time).toISOString().slice(0, isDaily ? 10 : 19).replace("T", " ");
    told.textContent = `${date(span[0])} … ${date(span[1])}, ${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
    const disable = (button, is) => button.setAttribute("aria-disabled", is);
    disable(closer, span[1] - span[0] <= least + unit);
    for (const button of [farther, full]) disable(button, isWhole);
    disable(earlier, span[0] <= times[0]);
    disable(later, span[1] >= times[1]);
  }

  // The keyboard and the wheel, where the chart has the focus.
  figure.tabIndex = 0;
  if (!figure.hasAttribute("aria-label")) figure.setAttribute("aria-label", name);
  figure.setAttribute("aria-description", "Plus and minus zoom, arrows move, Escape shows the whole span.");
  figure.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isCloser = svg.classList.contains("closer");
    const act = {
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2),
      ArrowLeft: isCloser && (() => pan(-0.25)), ArrowRight: isCloser && (() => pan(0.25)), Escape: reset,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const timeUnder = event => {
    const { left, width } = svg.getBoundingClientRect();
    return timeAt(between(plot[0], (event.clientX - left) / width * svg.viewBox.baseVal.width, plot[1]));
  };
  figure.addEventListener("wheel", event => {
    const isFarther = event.deltaY > 0;
    if (!event.deltaY || !figure.contains(document.activeElement) || isFarther && !svg.classList.contains("closer")) return;
    event.preventDefault();
    zoom(isFarther ? 1.25 : 0.8, timeUnder(event));
  }, { passive: false });

  // A finger scrolls; a pointer marks a span.
  const box = document.createElementNS(svg.namespaceURI, "rect");
  box.setAttribute("class", "marked");
  let begin;
  const end = () => { begin = undefined; box.remove(); };
  svg.addEventListener("pointerdown", event => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    figure.focus({ preventScroll: true });
    svg.setPointerCapture(event.pointerId);
    begin = { x: event.clientX, time: timeUnder(event) };
  });
  svg.addEventListener("pointermove", event => {
    if (!begin || Math.abs(event.clientX - begin.x) < 6) return;
    const [from, to] = [begin.time, timeUnder(event)].sort((a, b) => a - b).map(time => placeOf(time));
    const size = { x: from, y: 0, width: to - from, height: svg.viewBox.baseVal.height };
    for (const [name, length] of Object.entries(size)) box.setAttribute(name, length);
    svg.append(box);
  });
  svg.addEventListener("pointerup", event => {
    const times = box.parentNode && [begin.time, timeUnder(event)].sort((a, b) => a - b);
    end();
    if (times) show(...times);
  });
  svg.addEventListener("pointercancel", end);
  svg.addEventListener("dblclick", reset);

  // On paper everything is shown.
  let kept;
  addEventListener("beforeprint", () => { kept = span; reset(); });
  addEventListener("afterprint", () => kept && show(...kept));
  tell(true);
}
