// Graph: who may call whom, found in the derivation tree; a click walks along it. SPDX-License-Identifier: BSD-2-Clause
"use strict";
const Graph = (() => {
  const RECEIVE = 1, WRITE = 2, SVG = "http://www.w3.org/2000/svg", WIDTH = 104, HEIGHT = 28, GAP = 14, ROOT = 0;
  let nodes = [], edges = [], chosen = null;

  // Capabilities of one endpoint stand below the same capability of root's. Where the way up leads through one that only root
  // holds, the answer is root: it is root that gave it, and of its own table nothing is told.
  function find(capabilities) {
    const held = new Map(), server = new Map(), found = new Map();
    for (const { endpoints } of capabilities) for (const e of endpoints) held.set(e.id, e);
    const top = (e) => {
      for (let steps = 0; steps <= held.size; steps++) {
        if (!e.sibling) return e.above;
        if (!held.has(e.above)) return null;
        e = held.get(e.above);
      }
      return null;
    };
    for (const { program, endpoints } of capabilities)
      for (const e of endpoints) if (e.rights & RECEIVE && top(e) !== null) server.set(top(e), program);
    for (const { program, endpoints } of capabilities) for (const e of endpoints) {
      if (!(e.rights & WRITE) || e.rights & RECEIVE) continue;
      const to = server.get(top(e)) ?? ROOT;
      if (to === program) continue;
      const key = `${program}-${to}`;
      if (!found.has(key)) found.set(key, { from: program, to, names: [] });
      found.get(key).names.push(e.name);
    }
    return [...found.values()];
  }

  // Rows by priority, the highest on top: calls lead upwards. Too long a row goes on in the next.
  function place(width) {
    const most = Math.max(2, Math.floor((width + GAP) / (WIDTH + GAP))), rows = [];
    for (const priority of [...new Set(nodes.map((n) => n.priority))].sort((a, b) => b - a)) {
      const same = nodes.filter((n) => n.priority === priority), last = rows[rows.length - 1];
      if (last && last.length + same.length <= Math.min(most, 6) && last[0].priority !== 255) last.push(...same);
      else for (let i = 0; i < same.length; i += most) rows.push(same.slice(i, i + most));
    }
    rows.forEach((row, y) => row.forEach((node, x) => {
      node.x = width * (x + .5) / row.length;
      node.y = y * 74 + HEIGHT / 2 + 4;
    }));
    return rows.length * 74 - 74 + HEIGHT + 8;
  }

  function element(name, attributes, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }
  function tie(number) {
    if (chosen === null) return "";
    if (number === chosen) return "self";
    if (edges.some((e) => e.from === chosen && e.to === number)) return "out";
    return edges.some((e) => e.to === chosen && e.from === number) ? "in" : "quiet";
  }
  function draw() {
    const picture = document.getElementById("graph-picture"), width = Math.max(230, picture.clientWidth), height = place(width);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const byNumber = new Map(nodes.map((n) => [n.number, n]));
    const lines = edges.filter((e) => byNumber.has(e.from) && byNumber.has(e.to)).map((e) => {
      const a = byNumber.get(e.from), b = byNumber.get(e.to), up = a.y > b.y, flat = a.y === b.y;
      const from = a.y + (up || flat ? -HEIGHT : HEIGHT) / 2, to = b.y + (up && !flat ? HEIGHT : -HEIGHT) / 2;
      const bend = flat ? -34 : (to - from) / 2;
      const kind = chosen === null ? "" : e.from === chosen ? "out" : e.to === chosen ? "in" : "quiet";
      return element("path", { class: kind,
        d: `M${a.x} ${from}C${a.x} ${from + bend} ${b.x} ${flat ? to + bend : to - bend} ${b.x} ${to}` });
    });
    lines.sort((a, b) => (a.getAttribute("class") === "quiet" ? 0 : 1) - (b.getAttribute("class") === "quiet" ? 0 : 1));
    const boxes = nodes.map((n) => {
      const box = element("g", { class: tie(n.number), tabindex: 0, role: "button", "data-name": n.name,
        transform: `translate(${n.x} ${n.y})` },
      element("rect", { x: -WIDTH / 2, y: -HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: 7 }), element("text", {}, n.name));
      box.addEventListener("click", () => choose(n.number === chosen ? null : n.number));
      box.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(n.number); } });
      return box;
    });
    picture.replaceChildren(...lines, ...boxes);
  }
  function list(title, className, ties, other) {
    const buttons = ties.map((e) => {
      const button = make("button", { type: "button", title: e.names.join(", ") }, nameOf(other(e)));
      button.addEventListener("click", () => choose(other(e)));
      return button;
    });
    return [make("h4", { className }, title), ...(buttons.length ? buttons : [make("p", { className: "hint" }, "nobody")])];
  }
  function choose(number) {
    chosen = number;
    draw();
    const box = document.getElementById("graph-node");
    if (number === null) {
      box.replaceChildren(make("p", { className: "hint" }, "Choose a server to see whom it may call, and who may call it."));
      return;
    }
    box.replaceChildren(make("h3", {}, nameOf(number)),
      ...list("may call", "out", edges.filter((e) => e.from === number), (e) => e.to),
      ...list("may be called by", "in", edges.filter((e) => e.to === number), (e) => e.from));
  }
  function show(servers, capabilities) {
    nodes = [{ number: ROOT, name: "root", priority: 255 }, ...servers.filter((s) => s.state === 1)
      .map(({ number, name, priority }) => ({ number, name, priority }))];
    edges = find(capabilities);
    choose(nodes.some((n) => n.number === chosen) ? chosen : null);
  }
  window.addEventListener("resize", draw);
  return { show };
})();
