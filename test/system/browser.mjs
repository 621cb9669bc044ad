// What a person sees in a browser: driven step by step by test_web.py over standard input, which answers on standard output.
// SPDX-License-Identifier: BSD-2-Clause
// usage: node browser.mjs PLAYWRIGHT-FOLDER URL FOLDER-FOR-PICTURES
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import assert from "node:assert/strict";

const [playwright, url, pictures] = process.argv.slice(2);
const { chromium } = createRequire(import.meta.url)(playwright);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: ["--no-sandbox", "--disable-gpu",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"] });
const WIDE = { width: 1280, height: 900 }, PHONE = { width: 390, height: 844 };
const wrong = [];

async function open(path, viewport, colorScheme) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.setDefaultTimeout(20000);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(url) && !request.url().startsWith("data:")) wrong.push(request.url()); });
  await page.goto(url + path);
  if (path === "") {
    await page.locator("#live.on").waitFor();
    await page.locator("tr[data-name=httpd]").waitFor();
    await page.locator("#graph-picture path").first().waitFor({ state: "attached" });
    await page.locator("#card dt").first().waitFor();
    await page.waitForFunction(() => document.getElementById("cpu").textContent.includes("%"));
    await page.waitForFunction(() => document.getElementById("trace-span").textContent.includes("events"));
  }
  return page;
}
async function picture(page, name) {
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}
const starts = (page, name) => page.locator(`tr[data-name=${name}] td:last-child`).textContent();
const names = async (page, selector) => (await page.locator(selector).allTextContents()).sort();

let wide;
const steps = {
  async load() {
    wide = await open("", WIDE, "light");
    const shown = await names(wide, "#server-rows td:first-child");
    const told = (await (await fetch(`${url}api/servers`)).json()).filter((s) => s.state === 1).map((s) => s.name).sort();
    assert.deepEqual(shown, told);
    await picture(wide, "light");
  },
  async killed() { // One server was ended meanwhile: the page shows its next life by itself.
    await wide.waitForFunction(() => document.querySelector("tr[data-name=random] td:last-child").textContent === "2");
    await wide.waitForFunction(() => document.getElementById("restarts").textContent === "1 restart");
    assert.equal(await starts(wide, "log"), "1");
  },
  async graph() {
    const node = (name) => wide.locator(`#graph-picture g[data-name=${name}]`);
    const heading = wide.locator("#graph-node h3");
    const below = (kind) => `#graph-node h4.${kind} ~ button`;
    await node("httpd").click();
    assert.equal(await heading.textContent(), "httpd");
    assert.deepEqual(await names(wide, below("out")), ["log", "net", "pci", "root", "vfs"]);
    await picture(wide, "graph");
    await wide.locator("#graph-node button", { hasText: /^net$/ }).click();
    assert.equal(await heading.textContent(), "net");
    const callers = await names(wide, below("in"));
    assert.ok(callers.includes("httpd") && callers.includes("netwatch"), String(callers));
    await node("netwatch").focus();
    await wide.keyboard.press("Enter");
    assert.equal(await heading.textContent(), "netwatch");
    assert.deepEqual(await names(wide, below("out")), ["e1000", "net", "virtio-net"]);
  },
  async trace() {
    const span = () => wide.locator("#trace-span").textContent();
    const before = await span();
    assert.match(before, /^\d+ events, .* shown$/);
    await wide.locator("#trace-in").click();
    assert.notEqual(await span(), before);
    await wide.locator("#trace-picture").hover();
    assert.match(await wide.locator("#trace-event").textContent(), /^\+.*: (call|interrupt|timer|fault|boot)/);
    await wide.locator("#trace-all").click();
    assert.equal(await span(), before);
  },
  async log() {
    const lines = wide.locator("#log-lines li");
    await wide.locator("#log-text").fill("no disk");
    assert.ok(await lines.count() >= 1);
    for (const text of await lines.locator("p").allTextContents()) assert.match(text, /no disk/);
    await wide.locator("#log-level").selectOption("0");
    assert.equal(await lines.count(), 0);
    await wide.locator("#log-text").fill("");
    await wide.locator("#log-level").selectOption("3");
    await wide.locator("#log-program").selectOption({ label: "virtio-net" });
    assert.ok(await lines.count() >= 1);
    for (const text of await lines.locator("span").allTextContents()) assert.equal(text, "virtio-net");
  },
  async dark() {
    await wide.locator("#theme").click();
    assert.equal(await wide.evaluate(() => document.documentElement.dataset.theme), "dark");
    await wide.close();
    wide = await open("", WIDE, "dark");
    await picture(wide, "dark");
    await wide.close();
  },
  async phone() {
    for (const [path, scheme, name] of [["", "light", "phone"], ["", "dark", "phone-dark"], ["api", "light", "phone-api"]]) {
      const page = await open(path, PHONE, scheme);
      if (path === "") await page.locator("#graph-picture g[data-name=net]").click();
      assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth), PHONE.width);
      await picture(page, name);
      await page.close();
    }
    const page = await open("api", WIDE, "light");
    await picture(page, "api");
    await page.close();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  try {
    await steps[line]();
    assert.deepEqual(wrong, []);
    console.log(`good ${line}`);
  } catch (error) {
    console.log(`bad ${line}: ${String(error.stack).replaceAll("\n", " | ")}`);
  }
}
await browser.close();
