// The page: asks /api, listens to /api/events, shows what comes. SPDX-License-Identifier: BSD-2-Clause
"use strict";
const at = (id) => document.getElementById(id);
const STATES = ["stopped", "running", "awaited"], LEVELS = ["error", "warning", "info", "debug"];
const SOCKETS = ["", "open", "connecting", "connected", "listening", "ended"];
let servers = [], lines = [], before = null, load = [];

// An element; children are elements or text, never markup.
function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) element[key] = value;
  element.append(...children);
  return element;
}
const cell = (text, className = "") => make("td", { className }, String(text));
const put = (id, ...children) => at(id).replaceChildren(...children);
const nameOf = (number) => number === 0 ? "root" : servers.find((s) => s.number === number)?.name ?? `program ${number}`;
const runs = (server) => server.state === 1;

function size(bytes) {
  for (const unit of ["B", "KiB", "MiB"]) {
    if (bytes < 1024) return `${bytes < 10 && unit !== "B" ? bytes.toFixed(1) : Math.round(bytes)} ${unit}`;
    bytes /= 1024;
  }
  return `${bytes.toFixed(1)} GiB`;
}
function duration(ns) {
  const s = Math.floor(ns / 1e9), pad = (n) => String(n).padStart(2, "0");
  return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
}
function meter(value, max) {
  return make("meter", { min: 0, max: max || 1, value });
}
async function ask(what) {
  const answer = await fetch(`/api/${what}`);
  if (!answer.ok) throw new Error(`${what}: ${answer.status}`);
  return answer.json();
}

function showServers(now) {
  const time = performance.now(), old = new Map(servers.map((s) => [s.number, s]));
  const span = before === null ? 0 : (time - before) * 1e6;
  before = time;
  servers = now;
  let busy = 0;
  const rows = now.filter((s) => runs(s) || at("all-servers").checked).map((s) => {
    const last = old.get(s.number), same = last && last.starts === s.starts && span > 0;
    const part = same ? Math.max(0, Math.min(1, (s.cpu_ns - last.cpu_ns) / span)) : 0;
    busy += part;
    const fill = make("b");
    fill.style.width = `${part * 100}%`;
    const bar = make("div", { className: "bar" }, make("i", {}, fill), make("span", {}, `${(part * 100).toFixed(1)} %`));
    const row = make("tr", { className: !runs(s) ? "gone" : last && last.starts !== s.starts ? "fresh" : "" },
      cell(s.name), cell(runs(s) ? s.thread : STATES[s.state]), cell(s.priority, "n"), make("td", {}, bar),
      cell(`${(s.cpu_ns / 1e6).toFixed(1)} ms`, "n"), cell(size(s.memory), "n"), cell(s.starts, "n"));
    row.dataset.name = s.name;
    return row;
  });
  put("server-rows", ...rows);
  at("running").textContent = `${now.filter(runs).length} running`;
  const again = now.reduce((sum, s) => sum + Math.max(0, s.starts - 1) * runs(s), 0);
  at("restarts").textContent = again === 0 ? "none was restarted" : `${again} restart${again === 1 ? "" : "s"}`;
  if (span > 0) showLoad(busy);
  if (old.size === 0 || now.some((s) => old.get(s.number)?.starts !== s.starts || old.get(s.number)?.state !== s.state)) {
    showPrograms();
    showGraph();
  }
}
function showLoad(part) {
  load = [...load.slice(-59), Math.min(1, part)];
  at("cpu").textContent = `${(part * 100).toFixed(1)} %`;
  const points = load.map((v, i) => `${(i * 120 / 59).toFixed(1)} ${(27 - v * 26).toFixed(1)}`);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M" + points.join("L"));
  put("cpu-line", line);
}
function showMachine(m) {
  at("uptime").textContent = duration(m.uptime_ns);
  at("clock").textContent = m.tsc_hz ? `${(m.tsc_hz / 1e9).toFixed(2)} GHz` : "";
  if (m.ram) {
    at("memory").textContent = `${Math.round(m.programs / 2 ** 20)} of ${Math.round(m.ram / 2 ** 20)} MiB`;
    at("memory-bar").max = m.ram;
    at("memory-bar").value = m.programs;
  }
}
function showPrograms() {
  const chosen = at("log-program").value;
  put("log-program", make("option", { value: "" }, "all programs"),
    ...servers.filter(runs).map((s) => make("option", { value: String(s.number), selected: String(s.number) === chosen }, s.name)));
  showLog();
}
function addLog(more) {
  const known = lines.length ? lines[lines.length - 1].sequence : -1;
  lines = [...lines, ...more.filter((l) => l.sequence > known)].slice(-1000);
  showLog();
}
function showLog() {
  const level = Number(at("log-level").value), program = at("log-program").value, text = at("log-text").value.toLowerCase();
  const wanted = lines.filter((l) => l.level <= level && (program === "" || l.program === Number(program)) &&
    (text === "" || l.text.toLowerCase().includes(text)));
  const list = at("log-lines"), bottom = list.scrollTop + list.clientHeight + 20 >= list.scrollHeight;
  put("log-lines", ...wanted.map((l) => make("li", { className: `level${l.level}` },
    make("time", {}, (l.time_ns / 1e9).toFixed(6)), make("span", {}, nameOf(l.program)), make("i", {}, LEVELS[l.level]),
    make("p", {}, l.text))));
  if (bottom) list.scrollTop = list.scrollHeight;
}
function use(name, note, value, max) {
  return make("div", { className: "use" }, make("span", {}, name), make("small", {}, note), meter(value, max));
}
function showDisks(volumes) {
  put("disks", ...volumes.filter((v) => v.mounted && !v.error).map((v) =>
    use(`${v.path} ${v.disk ? `on ${v.disk}` : `by ${v.server}`}`, `${size(v.bytes)} of ${size(v.bytes_max)}`, v.bytes, v.bytes_max)));
}
function showInterrupts(list) {
  put("interrupts", ...list.map((i) => make("tr", {}, cell(i.message ? "message" : i.line), cell(nameOf(i.program)), cell(i.name))));
}
function showNetwork(n) {
  const facts = n.card ? [["Card", n.card], ["Link", n.up ? "up" : "down"], ["Address", n.address], ["Router", n.router],
    ["MAC", n.mac], ["In", `${n.frames_in} frames, ${size(n.bytes_in)}`], ["Out", `${n.frames_out} frames, ${size(n.bytes_out)}`],
    ["Lost", n.lost]] : [["Card", "none"]];
  put("card", ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));
  put("sockets", ...n.sockets.map((s) => make("tr", {}, cell(nameOf(s.program)), cell(SOCKETS[s.state]), cell(s.local),
    cell(s.state === 3 ? s.remote : "–"))));
  put("pools", ...n.pools.filter((p) => p.most > 0).map((p) => use(p.name, `${p.used} of ${p.all}, most ${p.most}`, p.used, p.all)));
}

async function look() {
  const [disks, interrupts, devices, network] = await Promise.all(["disks", "interrupts", "devices", "network"].map(ask));
  showDisks(disks);
  showInterrupts(interrupts);
  put("pci", ...devices.map((d) => make("li", {}, d.name, " ", make("small", {}, d.program ? nameOf(d.program) : ""))));
  showNetwork(network);
}
async function showGraph() {
  try {
    Graph.show(servers, await ask("capabilities"));
  } catch { /* The next change brings it. */ }
}
function listen() {
  const events = new EventSource("/api/events"), state = at("live");
  const on = (name, show) => events.addEventListener(name, (event) => show(JSON.parse(event.data)));
  on("servers", showServers);
  on("machine", showMachine);
  on("log", addLog);
  events.onopen = () => { state.textContent = "live"; state.classList.add("on"); };
  events.onerror = () => { state.textContent = "waiting for the server"; state.classList.remove("on"); };
}
function turnTheme() {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme ?? (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  Timeline.draw();
}
async function again() {
  try {
    if (servers.length > 0) await look(); // Before, nobody has a name.
  } catch { /* httpd or net is being restarted: the next look shows it. */ }
  setTimeout(again, servers.length > 0 ? 5000 : 200);
}

for (const id of ["log-level", "log-program", "log-text"]) at(id).addEventListener("input", showLog);
at("theme").addEventListener("click", turnTheme);
at("all-servers").addEventListener("change", () => showServers(servers));
Timeline.start(() => ask("trace"), (count) => { at("interrupts-seen").textContent = `${count} in the newest trace`; });
listen();
again();
