// Timeline: the kernel's newest events, a lane for each thread; wheel, buttons and keys zoom. SPDX-License-Identifier: BSD-2-Clause
"use strict";
const Timeline = (() => {
  const LANE = 22, LEFT = 84, TOP = 24, IRQ = 2, KINDS = ["", "call", "interrupt", "fault", "timer", "boot"];
  let events = [], lanes = [], from = 0, to = 1, drag = null, canvas, told;

  const first = () => events[0].time, last = () => events[events.length - 1].time;
  const width = () => canvas.clientWidth - LEFT;
  const xOf = (time) => LEFT + (time - from) / (to - from) * width();
  const timeOf = (x) => from + (x - LEFT) / width() * (to - from);
  const microseconds = (ns) => ns >= 1e6 ? `${(ns / 1e6).toFixed(2)} ms` : `${(ns / 1e3).toFixed(2)} µs`;

  function take(list) {
    events = list.map(([sequence, time, kind, thread, next, call, error, argument]) =>
      ({ sequence, time, kind, thread, next, call, error, argument }));
    lanes = [...new Set(events.flatMap((e) => [e.thread, e.next]))].filter((t) => t !== 0).sort((a, b) => a - b);
    if (events.length > 1) all();
    told(events.filter((e) => e.kind === IRQ).length);
  }
  function all() {
    from = first();
    to = Math.max(last(), from + 1);
    draw();
  }
  // Around the place `x`; never beyond the events.
  function zoom(by, x = LEFT + width() / 2) {
    if (events.length < 2) return;
    const middle = timeOf(x), whole = last() - first(), span = Math.min(whole, Math.max(500, (to - from) * by));
    from = Math.min(Math.max(first(), middle - (middle - from) * span / (to - from)), last() - span);
    to = from + span;
    draw();
  }
  function move(ns) {
    if (events.length < 2) return;
    const span = to - from;
    from = Math.min(Math.max(first(), from + ns), last() - span);
    to = from + span;
    draw();
  }
  function draw() {
    if (!canvas) return;
    const style = getComputedStyle(document.documentElement), color = (name) => style.getPropertyValue(`--${name}`).trim();
    const scale = devicePixelRatio, height = TOP + Math.max(lanes.length, 3) * LANE + 4;
    canvas.style.height = `${height}px`;
    canvas.width = canvas.clientWidth * scale;
    canvas.height = height * scale;
    const c = canvas.getContext("2d");
    c.scale(scale, scale);
    c.font = "12px system-ui, sans-serif";
    c.textBaseline = "middle";
    axis(c, height, color);
    lanes.forEach((thread, i) => {
      c.fillStyle = color("dim");
      c.fillText(`thread ${i + 1}`, 0, TOP + i * LANE + LANE / 2);
    });
    c.save();
    c.beginPath();
    c.rect(LEFT, 0, width(), height);
    c.clip();
    events.forEach((e, i) => bar(c, e, events[i + 1], color));
    events.forEach((e) => mark(c, e, color));
    c.restore();
    const span = document.getElementById("trace-span");
    span.textContent = events.length > 1 ? `${events.length} events, ${microseconds(to - from)} shown` : "";
  }
  function axis(c, height, color) {
    c.strokeStyle = color("line");
    c.fillStyle = color("dim");
    if (events.length < 2) return;
    const parts = width() < 450 ? 2 : 6;
    for (let i = 0; i <= parts; i++) {
      const x = LEFT + width() * i / parts;
      c.beginPath();
      c.moveTo(x, TOP - 4);
      c.lineTo(x, height);
      c.stroke();
      c.textAlign = i === parts ? "right" : i === 0 ? "left" : "center";
      c.fillText(`+${microseconds((to - from) * i / parts + from - first())}`, x, 9);
    }
    c.textAlign = "left";
  }
  // From this event to the next the thread runs that the kernel has chosen.
  function bar(c, e, next, color) {
    if (!next || e.next === 0 || next.time < from || e.time > to) return;
    c.fillStyle = color("accent");
    c.globalAlpha = .35;
    c.fillRect(xOf(e.time), TOP + lanes.indexOf(e.next) * LANE + 4, Math.max(1, xOf(next.time) - xOf(e.time)), LANE - 8);
    c.globalAlpha = 1;
  }
  function mark(c, e, color) {
    if (e.time < from || e.time > to) return;
    const lane = lanes.indexOf(e.thread), x = xOf(e.time);
    c.fillStyle = color(e.error || e.kind === 3 ? "bad" : e.kind === IRQ ? "warn" : e.kind === 4 ? "other" : "accent");
    if (lane < 0) c.fillRect(x - .75, TOP, 1.5, lanes.length * LANE);
    else c.fillRect(x - .75, TOP + lane * LANE + 3, 1.5, LANE - 6);
  }
  function tell(x) {
    if (events.length === 0) return;
    const time = timeOf(x), e = events.reduce((a, b) => Math.abs(b.time - time) < Math.abs(a.time - time) ? b : a);
    const lane = lanes.indexOf(e.thread);
    document.getElementById("trace-event").textContent = `+${microseconds(e.time - first())}: ${KINDS[e.kind]} ${e.call}` +
      `${lane < 0 ? " while nobody ran" : ` by thread ${lane + 1}`}${e.error ? `, error ${e.error}` : ""}` +
      `${e.kind === IRQ ? `, number ${e.argument}` : ""}`;
  }
  function start(ask, onTrace) {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    const fetchAll = () => ask().then(take, () => told(0));
    canvas = document.getElementById("trace-picture");
    told = onTrace;
    on("trace-fetch", fetchAll);
    on("trace-in", () => zoom(.5));
    on("trace-out", () => zoom(2));
    on("trace-all", () => events.length > 1 && all());
    canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : .8, e.offsetX); }, { passive: false });
    canvas.addEventListener("pointerdown", (e) => { drag = e.offsetX; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointerup", () => { drag = null; });
    canvas.addEventListener("pointermove", (e) => {
      tell(e.offsetX);
      if (drag !== null) { move((drag - e.offsetX) / width() * (to - from)); drag = e.offsetX; }
    });
    canvas.addEventListener("keydown", (e) => {
      const act = { "+": () => zoom(.5), "-": () => zoom(2), ArrowLeft: () => move((from - to) / 4), ArrowRight: () => move((to - from) / 4) }[e.key];
      if (act) { e.preventDefault(); act(); }
    });
    window.addEventListener("resize", draw);
    draw();
    fetchAll();
  }
  return { start, draw };
})();
