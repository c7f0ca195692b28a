// Draws the page out of the data in it. All charts share one time axis; names only ever become text.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const MOST_LINES = 8;
  const HEIGHT = 210;
  const MARGIN = { left: 58, right: 10, top: 10, bottom: 22 };

  // --- building blocks ---------------------------------------------------------------------------------------------

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== undefined && value !== null) element.setAttribute(name, value);
    }
    for (const child of children) {
      if (child !== null && child !== undefined) element.append(typeof child === "string" ? plain(child) : child);
    }
    return element;
  }
  // Control characters, and those that turn around what follows, are shown and not obeyed.
  const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
  const plain = (text) => text.replace(HIDDEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
  const html = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
  const svg = (name, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

  // --- numbers in words --------------------------------------------------------------------------------------------

  const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  function digits(value) {
    const size = Math.abs(value);
    return value.toFixed(size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2);
  }
  function scaled(value, base, units) {
    let unit = 0;
    while (Math.abs(value) >= base && unit + 1 < units.length) {
      value /= base;
      unit += 1;
    }
    return digits(value) + units[unit];
  }
  function duration(ms) {
    if (ms < 1) return ms === 0 ? "0" : scaled(ms * 1e6, 1000, [" ns", " µs", " ms"]);
    if (ms < 1000) return digits(ms) + " ms";
    if (ms < 60e3) return digits(ms / 1000) + " s";
    const parts = [["d", 86400e3], ["h", 3600e3], ["min", 60e3], ["s", 1000]];
    const first = parts.findIndex(([, size]) => ms >= size);
    const [unit, size] = parts[first];
    const rest = parts[first + 1];
    const whole = Math.floor(ms / size);
    const more = rest ? Math.floor((ms - whole * size) / rest[1]) : 0;
    return `${whole} ${unit}` + (more ? ` ${more} ${rest[0]}` : "");
  }
  const UNITS = {
    count: { short: (v) => scaled(v, 1000, ["", " k", " M", " G", " T"]), long: (v) => grouped.format(v), step: 1 },
    bytes: {
      short: (v) => scaled(v, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]),
      long: (v) => scaled(v, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]),
      isBinary: true, step: 1,
    },
    ns: { short: (v) => duration(v / 1e6), long: (v) => duration(v / 1e6) },
    ms: { short: duration, long: duration },
    rate: { short: (v) => scaled(v, 1000, ["/s", " k/s", " M/s", " G/s"]), long: (v) => (v >= 1000 ? grouped.format(v) : digits(v)) + "/s" },
    percent: { short: (v) => +v.toPrecision(2) + "%", long: (v) => +v.toPrecision(2) + "%" },
  };

  const two = (number) => String(number).padStart(2, "0");
  function clock(ms, step) {
    const date = new Date(ms);
    const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
    if (step >= 86400e3) return day;
    const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
    if (step >= 60e3) return time;
    if (step >= 1000) return `${time}:${two(date.getUTCSeconds())}`;
    return `${time}:${two(date.getUTCSeconds())}.${String(date.getUTCMilliseconds()).padStart(3, "0")}`;
  }
  const date = (ms) => new Date(ms).toISOString().slice(0, 10);
  const moment = (ms) => `${date(ms)} ${clock(ms, 1000)}`;

  // --- the time that is shown --------------------------------------------------------------------------------------

  const all = {
    from: Math.min(...data.jvms.map((jvm) => jvm.from_ms)),
    to: Math.max(...data.jvms.map((jvm) => jvm.to_ms)),
  };
  if (all.to <= all.from) all.to = all.from + 1000;
  const view = { from: all.from, to: all.to };
  const charts = [];
  let cursor = null;
  let isDue = false;

  function redraw() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(drawAll);
  }
  function drawAll() {
    isDue = false;
    charts.forEach((chart) => chart.draw());
    drawToolbar();
  }
  function show(from, to) {
    const least = 100;
    const span = Math.min(Math.max(to - from, least), all.to - all.from);
    view.from = Math.max(all.from, Math.min(from, all.to - span));
    view.to = view.from + span;
    redraw();
  }
  function zoom(factor, around) {
    const middle = around ?? (view.from + view.to) / 2;
    show(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
  }
  function pan(part) {
    const by = (view.to - view.from) * part;
    show(view.from + by, view.to + by);
  }
  const showAll = () => show(all.from, all.to);
  function point(ms) {
    cursor = ms;
    redraw();
  }

  // --- series ------------------------------------------------------------------------------------------------------

  // As it is in the data: differences of times, and the lowest and highest only where several values are one point.
  function decode(series) {
    let time = 0;
    const t = series.t.map((difference) => (time += difference));
    return { t, last: series.last, min: series.min || series.last, max: series.max || series.last, isThinned: !!series.min };
  }

  // What a total grew by in a second. Where it goes back, it began again. Samples that follow each other closely, as
  // those after a collection do, are taken together: between them the quotient says little.
  function rate(series, factor) {
    const { t, last } = decode(series);
    const rates = { t: [], last: [], min: [], max: [], isThinned: false };
    const least = (t[t.length - 1] - t[0]) / 300;
    let from = 0;
    for (let i = 1; i < t.length; i++) {
      const grown = last[i] - last[from];
      const passed = t[i] - t[from];
      if (grown >= 0 && (passed < least || passed === 0)) continue;
      if (grown >= 0) {
        rates.t.push(t[i]);
        rates.last.push((grown * factor * 1000) / passed);
      }
      from = i;
    }
    rates.min = rates.max = rates.last;
    return rates;
  }

  function firstAtOrAfter(t, ms) {
    let low = 0;
    let high = t.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (t[middle] < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  function nearest(t, ms) {
    const after = firstAtOrAfter(t, ms);
    if (after === 0) return 0;
    if (after === t.length) return after - 1;
    return t[after] - ms < ms - t[after - 1] ? after : after - 1;
  }
  const isEmpty = (points) => points.t.length === 0;
  const highest = (points) => points.max.reduce((a, b) => Math.max(a, b), 0);
  const lowest = (points) => points.min.reduce((a, b) => Math.min(a, b), Infinity);

  // --- a chart -----------------------------------------------------------------------------------------------------

  // The first colour is for what is the sum of all; the others come again with another dash.
  const colour = (place) => `var(--c${place && 1 + ((place - 1) % 8)})`;
  const dash = (place) => [null, "5 3", "2 2"][Math.min(2, Math.floor(Math.max(0, place - 1) / 8))];

  function ticks(max, count, unit) {
    const binary = unit.isBinary && max > 1024;
    const rough = max / count || 1;
    let power = Math.pow(10, Math.floor(Math.log10(rough)));
    let steps = [1, 2, 2.5, 5, 10];
    if (binary) {
      power = Math.pow(1024, Math.floor(Math.log2(rough) / 10));
      steps = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
    }
    let step = power * steps.find((s) => s * power >= rough);
    if (unit.step) step = Math.max(Math.ceil(step), unit.step);
    const values = [];
    for (let value = 0; value <= max + step * 0.001; value += step) values.push(value);
    return values;
  }
  const TIME_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3,
    1800e3, 3600e3, 7200e3, 10800e3, 21600e3, 43200e3, 86400e3, 2 * 86400e3, 7 * 86400e3, 14 * 86400e3, 30 * 86400e3, 90 * 86400e3, 365 * 86400e3];
  function timeTicks(count) {
    const rough = (view.to - view.from) / count;
    const step = TIME_STEPS.find((s) => s >= rough) || TIME_STEPS[TIME_STEPS.length - 1];
    const times = [];
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) times.push(t);
    return { times, step };
  }

  class Chart {
    // `series`: [{name, points, place, bold, dash, isStem}]
    constructor(parent, id, title, unit, series, bands, options = {}) {
      this.id = id;
      this.title = title;
      this.unit = UNITS[unit];
      this.series = series.filter((s) => !isEmpty(s.points));
      this.bands = bands;
      this.hidden = new Set();
      if (this.series.length === 0) return;
      this.plot = html("div", { class: "plot", tabindex: 0, role: "application", "aria-roledescription": "chart" });
      this.legend = html("ul", { class: "legend" });
      this.figure = html("figure", { "data-chart": id, class: options.isWide ? "wide" : null },
        html("figcaption", {}, title, options.note ? html("small", {}, options.note) : null), this.plot, this.legend);
      this.plot.setAttribute("aria-label", `${title}. ${this.summary()} Arrow keys move, plus and minus zoom, Escape shows all.`);
      this.series.forEach((s) => this.addToLegend(s));
      parent.append(this.figure);
      this.listen();
      charts.push(this);
    }

    summary() {
      const words = (s) => `${s.name}: ${this.unit.long(s.points.last[s.points.last.length - 1])} at the end, at most ${this.unit.long(highest(s.points))}.`;
      return this.series.map(words).join(" ");
    }

    addToLegend(s) {
      s.value = html("span", { class: "value" });
      const sample = svg("svg", { viewBox: "0 0 18 8", "aria-hidden": "true" },
        svg("line", { x1: 0, x2: 18, y1: 4, y2: 4, stroke: colour(s.place), "stroke-width": s.bold ? 3 : 2, "stroke-dasharray": s.dash || dash(s.place) }));
      const button = html("button", { type: "button", "aria-pressed": "true", title: `${s.name}: show or hide` },
        sample, html("span", { class: "name" }, s.name), s.value);
      button.addEventListener("click", () => {
        const isShown = this.hidden.delete(s) || !this.hidden.add(s);
        button.setAttribute("aria-pressed", String(isShown));
        redraw();
      });
      const { last } = s.points;
      this.legend.append(html("li", {
        "data-series": s.name, "data-first": last[0], "data-last": last[last.length - 1],
        "data-min": lowest(s.points), "data-max": highest(s.points), "data-points": last.length,
      }, button));
    }

    shown() {
      return this.series.filter((s) => !this.hidden.has(s));
    }

    // The highest value between the times that are shown, the lines that come in from outside included.
    highestInView() {
      let max = 0;
      for (const { points } of this.shown()) {
        const from = Math.max(0, firstAtOrAfter(points.t, view.from) - 1);
        const to = Math.min(points.t.length, firstAtOrAfter(points.t, view.to) + 1);
        for (let i = from; i < to; i++) max = Math.max(max, points.max[i]);
      }
      return max || 1;
    }

    draw() {
      const width = Math.max(280, this.plot.clientWidth || 680);
      const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
      const max = this.highestInView() * 1.04;
      this.width = width;
      this.x = (ms) => MARGIN.left + ((ms - view.from) / (view.to - view.from)) * inner.width;
      this.y = (value) => MARGIN.top + inner.height * (1 - value / max);
      const clip = `clip-${this.id}`;
      const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-hidden": "true" },
        svg("clipPath", { id: clip }, svg("rect", { x: MARGIN.left, y: 0, width: inner.width, height: HEIGHT - MARGIN.bottom })));
      this.drawAxes(picture, width, max);
      const drawn = svg("g", { "clip-path": `url(#${clip})` });
      for (const band of this.bands) {
        const from = this.x(band.from_ms);
        const width = Math.max(2, this.x(band.to_ms) - from);
        drawn.append(svg("rect", { class: `band ${band.weight}`, x: from, y: 0, width, height: 4 }, svg("title", {}, band.text)));
      }
      this.shown().forEach((s) => (s.isStem ? this.drawStems(drawn, s) : this.drawLine(drawn, s)));
      if (cursor !== null && cursor >= view.from && cursor <= view.to) {
        drawn.append(svg("line", { class: "cursor", x1: this.x(cursor), x2: this.x(cursor), y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }));
      }
      if (this.selection) {
        const [from, to] = this.selection;
        drawn.append(svg("rect", { class: "selection", x: Math.min(from, to), width: Math.abs(to - from), y: MARGIN.top, height: inner.height }));
      }
      picture.append(drawn);
      this.plot.replaceChildren(picture);
      this.drawValues();
    }

    drawAxes(picture, width, max) {
      for (const value of ticks(max, 4, this.unit)) {
        const y = this.y(value);
        picture.append(svg("line", { class: value === 0 ? "axis" : "grid-line", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
          svg("text", { x: MARGIN.left - 6, y: y + 4, "text-anchor": "end" }, this.unit.short(value)));
      }
      const { times, step } = timeTicks(Math.max(2, Math.floor((width - MARGIN.left) / 90)));
      for (const time of times) {
        const x = this.x(time);
        const anchor = x > width - 34 ? "end" : x < MARGIN.left + 20 ? "start" : "middle";
        picture.append(svg("line", { class: "axis", x1: x, x2: x, y1: HEIGHT - MARGIN.bottom, y2: HEIGHT - MARGIN.bottom + 4 }),
          svg("text", { x, y: HEIGHT - 5, "text-anchor": anchor }, clock(time, step)));
      }
    }

    visible({ t }) {
      return [Math.max(0, firstAtOrAfter(t, view.from) - 1), Math.min(t.length, firstAtOrAfter(t, view.to) + 1)];
    }

    drawLine(parent, s) {
      const { points } = s;
      const [from, to] = this.visible(points);
      const at = (i, values) => `${this.x(points.t[i]).toFixed(1)},${this.y(values[i]).toFixed(1)}`;
      const list = (values) => Array.from({ length: to - from }, (_, i) => at(from + i, values));
      if (points.isThinned) {
        const outline = list(points.max).concat(list(points.min).reverse());
        parent.append(svg("path", { class: "range", d: `M${outline.join("L")}Z`, fill: colour(s.place) }));
      }
      parent.append(svg("path", { class: s.bold ? "series bold" : "series", d: `M${list(points.last).join("L")}`,
        stroke: colour(s.place), "stroke-dasharray": s.dash || dash(s.place) }));
      if (to - from === 1) parent.append(svg("circle", { cx: this.x(points.t[from]), cy: this.y(points.last[from]), r: 2.5, fill: colour(s.place) }));
    }

    drawStems(parent, s) {
      const [from, to] = this.visible(s.points);
      let d = "";
      for (let i = from; i < to; i++) {
        d += `M${this.x(s.points.t[i]).toFixed(1)},${this.y(0).toFixed(1)}V${Math.min(this.y(s.points.max[i]), this.y(0) - 1).toFixed(1)}`;
      }
      parent.append(svg("path", { class: "stem", d, fill: "none", stroke: colour(s.place) }));
    }

    // The values under the cursor, and without one the last that are shown.
    drawValues() {
      for (const s of this.series) {
        const at = nearest(s.points.t, cursor ?? view.to);
        const { min, max, last } = s.points;
        const long = this.unit.long;
        s.value.textContent = s.isStem ? (cursor === null ? `at most ${long(highest(s.points))}` : long(max[at]))
          : min[at] !== max[at] ? `${long(last[at])} (${long(min[at])} to ${long(max[at])})` : long(last[at]);
      }
    }

    listen() {
      const plot = this.plot;
      const timeAt = (event) => {
        const box = plot.getBoundingClientRect();
        const x = ((event.clientX - box.left) / box.width) * this.width;
        const part = (x - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right);
        return { x, ms: view.from + Math.min(1, Math.max(0, part)) * (view.to - view.from) };
      };
      let began = null;
      plot.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        began = timeAt(event);
        plot.setPointerCapture(event.pointerId);
      });
      plot.addEventListener("pointermove", (event) => {
        const now = timeAt(event);
        if (began) this.selection = [began.x, now.x];
        point(now.ms);
      });
      const end = (event) => {
        const now = timeAt(event);
        const isWide = began && this.selection && Math.abs(now.x - began.x) > 8;
        if (isWide) show(Math.min(began.ms, now.ms), Math.max(began.ms, now.ms));
        began = this.selection = null;
        redraw();
      };
      plot.addEventListener("pointerup", end);
      plot.addEventListener("pointercancel", () => {
        began = this.selection = null;
        redraw();
      });
      plot.addEventListener("pointerleave", () => point(null));
      plot.addEventListener("dblclick", showAll);
      plot.addEventListener("keydown", (event) => this.key(event));
      plot.addEventListener("blur", () => point(null));
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const keys = {
        ArrowLeft: () => (event.shiftKey ? pan(-0.25) : this.step(-1)),
        ArrowRight: () => (event.shiftKey ? pan(0.25) : this.step(1)),
        Home: () => this.stepTo(0),
        End: () => this.stepTo(Infinity),
        "+": () => zoom(0.5, cursor),
        "=": () => zoom(0.5, cursor),
        "-": () => zoom(2, cursor),
        0: showAll,
        Escape: showAll,
      };
      const action = keys[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    }

    step(by) {
      const { t } = this.series[0].points;
      this.stepTo(cursor === null ? (by > 0 ? firstAtOrAfter(t, view.from) : t.length - 1) : nearest(t, cursor) + by);
    }

    stepTo(place) {
      const { t } = this.series[0].points;
      const ms = t[Math.min(t.length - 1, Math.max(0, place))];
      if (ms < view.from || ms > view.to) show(ms - (view.to - view.from) / 2, ms + (view.to - view.from) / 2);
      point(ms);
      this.drawValues();
      const values = this.shown().map((s) => `${s.name} ${s.value.textContent}`);
      spoken.textContent = `${moment(ms)}: ${values.join(", ")}`;
    }
  }

  // --- what is drawn of a JVM --------------------------------------------------------------------------------------

  const plural = (number, one, many) => `${grouped.format(number)} ${number === 1 ? one : many}`;

  // Where the same name is in several loaders, the loader is told too.
  function nameClasses(classes) {
    const times = new Map();
    classes.forEach((c) => times.set(c.class, (times.get(c.class) || 0) + 1));
    return (c) => (times.get(c.class) > 1 && c.loader ? `${c.class} [${c.loader}]` : c.class);
  }

  function lines(entries) {
    return entries.map(([name, series], place) => ({ name, points: decode(series), place: place + 1 }));
  }

  // The classes with the highest values of that field, each in the colour that it has in every chart.

  function byClass(jvm, field, name) {
    return jvm.classes.shown
      .map((c, place) => ({ name: name(c), points: decode(c[field]), place: place + 1 }))
      .filter(({ points }) => !isEmpty(points) && (field === "registered" || highest(points) > 0))
      .sort((a, b) => highest(b.points) - highest(a.points))
      .slice(0, MOST_LINES);
  }

  function drawJvm(jvm, place) {
    const section = document.querySelector(`section[data-jvm="${place}"]`);
    const parent = section.querySelector(".charts");
    const name = nameClasses(jvm.classes.shown);
    const grid = html("div", { class: "grid" });
    const bands = jvm.notable.filter((n) => n.from_ms !== null && n.weight !== "info");
    const chart = (id, ...rest) => new Chart(grid, `${id}-${place}`, ...rest);
    const whole = (series, label) => ({ name: label, points: decode(series), place: 0, bold: true });
    const f = jvm.finalizer;
    const m = jvm.memory;

    parent.append(drawClasses(jvm, name), grid);
    chart("registered", "Registered objects", "count", [whole(f.registered, "all classes"), ...byClass(jvm, "registered", name)], bands,
      { isWide: true, note: "objects with a finalize() that has not run" });
    chart("pending", "Pending objects", "count",
      [whole(f.pending, "all classes"), ...byClass(jvm, "pending", name), { name: "the JVM's own number", points: decode(f.mxbean_pending), place: 8, dash: "2 3" }],
      bands, { isWide: true, note: "unreachable, and waiting for the finalizer thread" });
    chart("rates", "Registered and finalized per second", "rate",
      [{ name: "registered", points: rate(f.registered_total, 1), place: 1 }, { name: "finalized", points: rate(f.finalized_total, 1), place: 3 },
        ...(f.threw_total.last.some((threw) => threw > 0) ? [{ name: "threw", points: rate(f.threw_total, 1), place: 2 }] : [])], bands);
    if (f.running.last.some((running) => running > 0) || (f.running.max || []).some((running) => running > 0)) {
      chart("running", "finalize() running", "count", [{ name: "running", points: decode(f.running), place: 4 }], bands, { note: "at the moment of a sample" });
    }
    chart("durations", "Duration of finalize()", "ns", byClass(jvm, "p99_ns", name), bands, { note: "99th percentile since the beginning" });
    const limit = (series, max) => ({ t: series.t.length ? [decode(series).t[0], decode(series).t[series.t.length - 1]] : [], last: [max, max], min: [max, max], max: [max, max] });
    chart("heap", "Heap", "bytes", [
      { name: "in use", points: decode(m.heap_used), place: 1 },
      { name: "after collections", points: decode(m.heap_after_gc), place: 3, bold: true },
      { name: "committed", points: decode(m.heap_committed), place: 6, dash: "4 3" },
      ...(m.heap_max_bytes ? [{ name: "maximum", points: limit(m.heap_used, m.heap_max_bytes), place: 2, dash: "1 3" }] : []),
    ], bands);
    const pools = (kind, field) => Object.entries(m.pools).filter(([, pool]) => pool.kind === kind).map(([pool, series]) => [pool, series[field]]);
    chart("pools", "Heap pools", "bytes", lines(pools("heap", "used")), bands, { note: "in use" });
    chart("pools-after", "Heap pools after collections", "bytes", lines(pools("heap", "after_gc")), bands);
    chart("outside", "Outside the heap", "bytes",
      lines([...pools("non_heap", "used"), ...Object.entries(m.buffers).map(([buffers, series]) => [`${buffers} buffers`, series])]), bands, { note: "in use" });
    chart("pauses", "Pauses of the collectors", "ms",
      Object.entries(jvm.collections).map(([collector, c], i) => ({ name: `${collector} (${plural(c.count, "collection", "collections")})`, points: decode(c.pause_ms), place: i + 1, isStem: true })),
      bands, { note: "each collection's stop-the-world time, at its beginning" });
    chart("collections", "Duration of collections", "ms",
      Object.entries(jvm.collections).map(([collector, c], i) => ({ name: collector, points: decode(c.duration_ms), place: i + 1, isStem: true })),
      bands, { note: "of concurrent ones this is not a pause" });
    chart("cost", "What finwatch itself costs", "percent",
      [{ name: "its threads, of one processor", points: rate(jvm.agent.cpu_ms_total, 0.1), place: 4 }], []);
    drawIncidents(parent, jvm);
  }

  function drawClasses(jvm, name) {
    const head = ["class", "registered", "pending", "running", "finalized", "threw", "p50", "p99", "longest", "peak"];
    const row = (c) => {
      const d = c.finalize_ns;
      const time = (ns) => (d.count ? UNITS.ns.long(ns) : "–");
      const title = [c.loader && `loader ${c.loader}`, c.source].filter(Boolean).join(", ");
      const peak = Math.max(0, ...(c.registered.max || c.registered.last));
      return html("tr", { "data-class": c.class },
        html("td", { title }, name(c), c.unloaded ? html("small", {}, " unloaded") : null),
        ...[c.counts.registered, c.counts.pending, c.counts.running, c.counts.finalized_total, c.counts.threw_total].map((n) => html("td", {}, grouped.format(n))),
        ...[d.p50, d.p99, d.max].map((ns) => html("td", {}, time(ns))), html("td", {}, grouped.format(peak)));
    };
    const left = jvm.classes.left_out + (jvm.classes.rows_left_out ? 1 : 0);
    return html("div", {}, html("h3", {}, "Classes"),
      html("p", { class: "muted" }, "As they were last told. ",
        left > 0 ? `${plural(jvm.classes.left_out, "class", "classes")} with fewer objects left out.` : "", " Durations are those of finalize()."),
      html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Classes" },
        html("table", {}, html("thead", {}, html("tr", {}, ...head.map((text) => html("th", { scope: "col" }, text)))),
          html("tbody", {}, ...jvm.classes.shown.map(row)))));
  }

  function drawIncidents(parent, jvm) {
    const { alerts, stalls, ooms, finalizer_states: states, finalizer_thread: thread, holders, sites, unknown } = jvm.incidents;
    const part = (title, ...children) => parent.append(html("h3", {}, title), ...children);
    if (alerts.shown.length) {
      const end = { open: () => "", cleared: (ms) => ` to ${moment(ms)}`, unknown: (ms) => `, not known after ${moment(ms)}` };
      part("Alerts", html("ul", { "data-list": "alerts" }, ...alerts.shown.map(({ from_ms, to_ms, end: how, told }) => html("li", {},
        html("strong", {}, told.kind.replaceAll("_", " ")), ` from ${moment(from_ms)}${end[how](to_ms)}`, told.class ? html("span", {}, " ", html("code", {}, told.class)) : null,
        `. ${told.advice} `, html("small", { class: "muted" }, Object.entries(told.evidence).map(([k, v]) => `${k} ${v}`).join(", "))))));
    }
    if (ooms.length) {
      part("Ran out", html("ul", { "data-list": "ooms" }, ...ooms.map(({ time_ms, told }) => html("li", {},
        `${moment(time_ms)}: ${told.resource.replaceAll("_", " ")}, ${told.description}, ${plural(told.registered, "object", "objects")} registered, ${grouped.format(told.pending)} pending`))));
    }
    if (stalls.length) {
      part("Times the JVM stood still", html("ul", { "data-list": "stalls" }, ...stalls.map(({ time_ms, told }) => html("li", {},
        `until ${moment(time_ms)}: ${duration(told.duration_ms)}${told.in_gc_pause ? ", in a pause of the collector" : ""}`))));
    }
    if (states.length) {
      const last = thread && thread.told;
      part("The finalizer thread", html("ul", { class: "strip", "data-list": "finalizer-states" },
        ...states.map(({ time_ms, told }) => html("li", {}, html("strong", {}, told), ` ${moment(time_ms)}`))),
      last && last.stack.length ? html("details", {}, html("summary", {}, `Its stack at ${moment(thread.time_ms)}${last.class ? ", in finalize() of " + last.class : ""}`),
        html("pre", {}, last.stack.join("\n"))) : null,
      last && last.lock ? html("p", {}, `It waits for a lock, ${last.lock.class}`, last.lock.owner ? ` of the thread ${last.lock.owner.thread} (${last.lock.owner.state}):` : ".") : null,
      last && last.lock && last.lock.owner ? html("pre", {}, last.lock.owner.stack.join("\n")) : null);
    }
    const root = (r) => [r.kind.replaceAll("_", " "), r.thread && `'${r.thread}'`, r.method, r.class && r.field ? `${r.class}.${r.field}` : r.class].filter(Boolean).join(" ");
    for (const { time_ms, told } of Object.values(holders)) {
      part(`Who holds ${told.class}`, html("p", { class: "muted" }, `${moment(time_ms)}: ${plural(told.instances, "instance", "instances")}, ${grouped.format(told.held)} of them held${told.softly_held ? `, ${grouped.format(told.softly_held)} by soft references alone` : ""}. ${told.complete ? "" : told.incomplete_reason || "Not all could be looked at."}`),
        ...[...told.paths, ...(told.soft_paths || [])].map((path) => html("pre", { "data-list": "holders" },
          [`${plural(path.count, "instance", "instances")} from ${root(path.root)}`, ...path.chain.map((link) => `  ${link.class}${link.field ? "." + link.field : ""}`), `  ${told.class}`].join("\n"))));
    }
    const share = (all, { count, objects_estimate: objects }) => (all.objects_estimate ? objects / all.objects_estimate : count / Math.max(1, all.sampled));
    for (const { time_ms, told } of Object.values(sites)) {
      part(`Where ${told.class} is made`, html("p", { class: "muted" }, `${moment(time_ms)}: of ${plural(told.sampled, "stack", "stacks")} that were taken`),
        ...told.stacks.map((stack) => html("details", { "data-list": "sites" },
          html("summary", {}, `${(100 * share(told, stack)).toFixed(0)}% `, html("code", {}, stack.frames[0] || "no frames")), html("pre", {}, stack.frames.join("\n")))));
    }
    const kinds = Object.entries(unknown);
    if (kinds.length) {
      part("Not shown", html("p", {}, `Records of a newer finwatch: ${kinds.map(([kind, count]) => `${kind} (${grouped.format(count)})`).join(", ")}.`));
    }
  }

  // --- the page ----------------------------------------------------------------------------------------------------

  const spoken = html("div", { class: "unseen", "aria-live": "polite" });
  const range = html("span", { class: "range" });
  const button = (text, label, action) => {
    const made = html("button", { type: "button", "aria-label": label, title: label }, text);
    made.addEventListener("click", action);
    return made;
  };
  const buttons = {
    in: button("+", "Zoom in", () => zoom(0.5)),
    out: button("−", "Zoom out", () => zoom(2)),
    left: button("←", "Earlier", () => pan(-0.5)),
    right: button("→", "Later", () => pan(0.5)),
    all: button("All", "Show all of the time", showAll),
  };
  function drawToolbar() {
    const isDay = date(view.from) === date(view.to);
    range.textContent = `${moment(view.from)} to ${isDay ? clock(view.to, 1000) : moment(view.to)} UTC, ${duration(view.to - view.from)}`;
    const isAll = view.from <= all.from && view.to >= all.to;
    buttons.out.disabled = buttons.all.disabled = isAll;
    buttons.left.disabled = view.from <= all.from;
    buttons.right.disabled = view.to >= all.to;
  }

  const toolbar = html("div", { class: "toolbar", role: "toolbar", "aria-label": "Time that the charts show" },
    ...Object.values(buttons), range);
  if (data.jvms.length > 1) {
    const link = (jvm, place) => html("a", { href: `#jvm-${place}` }, document.getElementById(`jvm-${place}`).textContent);
    toolbar.append(html("nav", { "aria-label": "JVMs" }, ...data.jvms.map(link)));
  }
  document.querySelector("main").before(toolbar, spoken);
  data.jvms.forEach(drawJvm);
  drawAll();

  addEventListener("resize", redraw);
  addEventListener("beforeprint", () => { cursor = null; drawAll(); });
  addEventListener("afterprint", redraw);
  window.finwatch = { data, charts, view, show };
})();
